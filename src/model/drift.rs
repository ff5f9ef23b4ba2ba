//! What a session at work changed where it should not have: outside its scope, or where another
//! session changed something too.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::ids::SessionId;
use super::scope::ScopeLanguage;

/// So many paths of either kind are on record.
const RECORDED: usize = 20;

/// What is on record of it; nothing when all is as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// Paths outside the scope, sorted, the first 20.
    pub outside: Vec<String>,
    /// How many more there are.
    pub more: u64,
    /// Paths that another session changed too, sorted, the first 20.
    pub shared: Vec<SharedPath>,
}

/// A path that two sessions changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedPath {
    /// The path.
    pub path: String,
    /// The other session.
    pub session: SessionId,
}

/// What a look means after what was said before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// How it is now.
    pub drift: Drift,
    /// Whether that is something else than what was said.
    pub is_news: bool,
    /// Whether more is outside the scope than what was said.
    pub went_further: bool,
}

/// Compares the paths that a session changed with its scope and with those that other sessions
/// changed, all of them sorted.
pub fn judge<P: AsRef<[u8]>>(
    scope: &ScopeLanguage,
    own: &[P],
    others: &[(SessionId, &[P])],
    said: &Drift,
) -> Verdict {
    let is_outside = |path: &&P| !scope.contains(path.as_ref().as_ref());
    let mut outside: Vec<String> = own.iter().filter(is_outside).map(text).collect();
    outside.sort_unstable();
    let went_further = has_more(&outside, said);
    let more = outside.len().saturating_sub(RECORDED) as u64;
    outside.truncate(RECORDED);
    let of = |(session, theirs): &(SessionId, &[P])| -> Vec<SharedPath> {
        let session = *session;
        let paths = in_both(own, theirs).map(|path| text(path));
        paths.map(|path| SharedPath { path, session }).collect()
    };
    let mut shared: Vec<SharedPath> = others.iter().flat_map(of).collect();
    shared.sort_unstable();
    shared.truncate(RECORDED);
    let drift = Drift {
        outside,
        more,
        shared,
    };
    Verdict {
        is_news: drift != *said,
        drift,
        went_further,
    }
}

/// The paths that both sorted lists have.
pub fn in_both<'l, P: AsRef<[u8]>>(one: &'l [P], other: &'l [P]) -> impl Iterator<Item = &'l P> {
    let mut rest = other.iter().peekable();
    one.iter().filter(move |path| {
        let path = path.as_ref();
        loop {
            let order = rest.peek().map(|next| next.as_ref().cmp(path));
            match order {
                Some(Ordering::Less) => drop(rest.next()),
                order => return order == Some(Ordering::Equal),
            }
        }
    })
}

/// Of those after the last one on record only the number is known.
fn has_more(outside: &[String], said: &Drift) -> bool {
    let named = match said.outside.last() {
        Some(last) if said.more > 0 => outside.partition_point(|path| path <= last),
        _ => outside.len(),
    };
    let (known, beyond) = outside.split_at(named);
    known.iter().any(|path| !said.outside.contains(path)) || beyond.len() as u64 > said.more
}

fn text<P: AsRef<[u8]>>(path: &P) -> String {
    String::from_utf8_lossy(path.as_ref()).into_owned()
}

impl Drift {
    /// What an event says of it, when it does.
    pub fn told_by(event: Event) -> Option<Self> {
        match event {
            Event::DriftFound {
                outside,
                more,
                shared,
            } => Some(Self {
                outside,
                more,
                shared,
            }),
            _ => None,
        }
    }

    /// The event that says it.
    pub fn event(&self) -> Event {
        let Self {
            outside,
            more,
            shared,
        } = self.clone();
        Event::DriftFound {
            outside,
            more,
            shared,
        }
    }

    /// Whether all is as it should be.
    pub fn is_none(&self) -> bool {
        self.outside.is_empty() && self.shared.is_empty()
    }

    /// How many paths are outside the scope.
    pub fn count(&self) -> u64 {
        self.outside.len() as u64 + self.more
    }

    /// In a few words; empty when all is as it should be.
    pub fn describe(&self) -> String {
        let outside = self.outside.first().map(|first| {
            let others = and_more(self.count());
            format!("outside its scope: {first}{others}")
        });
        let shared = self.shared.first().map(|first| {
            let others = and_more(self.shared.len() as u64);
            let (path, other) = (&first.path, first.session.short());
            format!("changed by session {other} too: {path}{others}")
        });
        let all: Vec<String> = outside.into_iter().chain(shared).collect();
        all.join("; ")
    }
}

fn and_more(count: u64) -> String {
    match count {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scope::{Fold, Scope};
    use super::*;

    fn src() -> ScopeLanguage {
        let scope = Scope::new(vec!["src/**".to_owned()]).unwrap();
        ScopeLanguage::new(&scope, Fold::default()).unwrap()
    }

    fn look(own: &[&str], said: &Drift) -> Verdict {
        judge(&src(), own, &[], said)
    }

    #[test]
    fn what_is_in_the_scope_is_nothing_to_say() {
        let verdict = look(&["src/a", "src/b/c"], &Drift::default());
        assert!(!verdict.is_news && !verdict.went_further && verdict.drift.is_none());
        assert_eq!(verdict.drift.describe(), "");
    }

    #[test]
    fn more_is_told_and_goes_further_and_less_is_only_told() {
        let answers = |own: &[&str], said: &Drift| {
            let verdict = look(own, said);
            (verdict.is_news, verdict.went_further, verdict.drift)
        };
        let (news, further, first) = answers(&["a", "src/x"], &Drift::default());
        assert_eq!(
            (news, further, first.outside.as_slice()),
            (true, true, &["a".to_owned()][..])
        );
        let (news, further, same) = answers(&["a", "src/x", "src/y"], &first);
        assert_eq!((news, further, &same), (false, false, &first));
        let (news, further, both) = answers(&["a", "b"], &first);
        assert_eq!((news, further, both.count()), (true, true, 2));
        let (news, further, less) = answers(&["b"], &both);
        assert_eq!((news, further, less.count()), (true, false, 1));
        // As many as before, and another one.
        let (news, further, _) = answers(&["c"], &less);
        assert_eq!((news, further), (true, true));
        let (news, further, none) = answers(&["src/x"], &less);
        assert_eq!((news, further, none), (true, false, Drift::default()));
    }

    #[test]
    fn beyond_those_on_record_the_number_decides() {
        let paths: Vec<String> = (0..30).map(|n| format!("d/{n:02}")).collect();
        let all: Vec<&str> = paths.iter().map(String::as_str).collect();
        let said = look(&all[..25], &Drift::default()).drift;
        assert_eq!((said.outside.len(), said.more, said.count()), (20, 5, 25));
        assert_eq!(said.describe(), "outside its scope: d/00 and 24 more");
        assert!(look(&all[..26], &said).went_further);
        assert!(!look(&all[..24], &said).went_further);
        // One that moves up into the list is none that is new.
        assert!(!look(&all[1..25], &said).went_further);
        let with_new: Vec<&str> = std::iter::once("c")
            .chain(all[1..25].iter().copied())
            .collect();
        assert!(look(&with_new, &said).went_further);
    }

    #[test]
    fn what_another_session_changed_too_is_named() {
        let (one, two) = (SessionId::new(), SessionId::new());
        let own = ["a", "src/b", "src/d"];
        let others: [(SessionId, &[&str]); 2] =
            [(one, &["src/a", "src/b", "src/c"]), (two, &["a", "z"])];
        let verdict = judge(&src(), &own, &others, &Drift::default());
        let shared = &verdict.drift.shared;
        let found: Vec<_> = shared
            .iter()
            .map(|s| (s.path.as_str(), s.session))
            .collect();
        assert_eq!(found, [("a", two), ("src/b", one)]);
        let told = verdict.drift.describe();
        let expected = format!(
            "outside its scope: a; changed by session {} too: a and 1 more",
            two.short()
        );
        assert_eq!(told, expected);
        // Where somebody else is in the way, the session itself went nowhere.
        let verdict = judge(&src(), &["src/b"], &others, &Drift::default());
        assert!(verdict.is_news && !verdict.went_further);
    }

    #[test]
    fn an_event_says_all_of_it() {
        let shared = vec![SharedPath {
            path: "x".to_owned(),
            session: SessionId::new(),
        }];
        let drift = Drift {
            outside: vec!["y".to_owned()],
            more: 3,
            shared,
        };
        assert_eq!(Drift::told_by(drift.event()), Some(drift));
        let other = Event::RunnerStopped {
            reason: String::new(),
        };
        assert_eq!(Drift::told_by(other), None);
    }
}
