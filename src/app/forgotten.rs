//! The part of `doctor` that looks at claims which somebody may have forgotten: they keep files from
//! everybody else, and the log from being pruned.

use std::path::Path;

use super::doctor::{Check, Status, check, failed};
use crate::model::lock::{Lock, Party};
use crate::store::Store;

const NAME: &str = "claims";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Claims without an end. What ends by itself, and what sessions hold, nobody has to remember.
pub(super) fn claims(store: &Store) -> Vec<Check> {
    let locks = match store.locks() {
        Ok(locks) => locks,
        Err(error) => return vec![failed(NAME, error)],
    };
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let claims = locks.iter().filter_map(|lock| match &lock.owner {
        Party::Place { path, person } => Some((lock, path.as_str(), person.as_str())),
        Party::Session { .. } => None,
    });
    let claims: Vec<_> = claims.collect();
    let mut found: Vec<Check> = claims
        .iter()
        .filter_map(|(lock, path, person)| {
            let why = forgotten(lock, Path::new(path).exists(), now_ms)?;
            let detail = format!("{person} holds {} in {path}, {why}", lock.scope);
            let advice = format!("`treeyard release {}` gives it back", lock.token);
            Some(check(Status::Warn, NAME, detail).advice(advice))
        })
        .collect();
    if found.is_empty() && !claims.is_empty() {
        let detail = format!("{}, none is forgotten", claims.len());
        found.push(check(Status::Ok, NAME, detail));
    }
    found
}

/// Why it may be.
fn forgotten(claim: &Lock, is_there: bool, now_ms: i64) -> Option<String> {
    let days = now_ms.saturating_sub(claim.granted_ms) / DAY_MS;
    match (&claim.lease, is_there, days) {
        (Some(_), _, _) | (None, true, ..=0) => None,
        (None, false, _) => Some("which is not there any more".to_owned()),
        (None, true, 1) => Some("for a day, and without an end".to_owned()),
        (None, true, days) => Some(format!("for {days} days, and without an end")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lock::{Lease, LockToken, Moment};
    use crate::model::scope::Scope;

    #[test]
    fn only_what_has_no_end_is_forgotten() {
        let owner = Party::Place {
            path: "/repo".to_owned(),
            person: "Ada".to_owned(),
        };
        let mut claim = Lock {
            token: LockToken(4),
            holder: owner.clone(),
            owner,
            scope: Scope::new(vec!["docs/**".to_owned()]).unwrap(),
            since: LockToken(4),
            lease: None,
            granted_ms: 1_000,
        };
        let day = |n: i64| 1_000 + n * DAY_MS;
        assert_eq!(forgotten(&claim, true, day(1) - 1), None);
        // A clock that was set back tells nothing.
        assert_eq!(forgotten(&claim, true, 0), None);
        for (days, said) in [(1, "for a day"), (3, "for 3 days")] {
            let why = forgotten(&claim, true, day(days)).unwrap();
            assert!(why.starts_with(said), "{why}");
        }
        assert!(forgotten(&claim, false, day(0)).is_some());
        let now = Moment {
            boot_id: "b".to_owned(),
            since_boot_ms: 0,
        };
        claim.lease = Some(Lease::new(&now, Some(1), None));
        assert_eq!(forgotten(&claim, false, day(9)), None);
    }
}
