//! What holds at every moment, whoever asks for what.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{Yard, scope, task};
use super::*;
use crate::model::event::Event;
use crate::model::ids::SessionId;
use crate::model::lock::{LockTable, LockToken, Party};
use crate::model::scope::{Fold, Overlap, Scope, ScopeLanguage, overlap};
use crate::model::session::SessionState;
use crate::model::task::TaskSpec;
use crate::store::{EventFilter, Store, Tx};

/// From the log alone.
pub(super) fn never_two_holders(store: &Store) -> usize {
    let mut held: BTreeMap<LockToken, (Party, ScopeLanguage)> = BTreeMap::new();
    let language = |scope: &Scope| ScopeLanguage::new(scope, Fold::default()).unwrap();
    let (mut last, mut grants) = (LockToken(0), 0);
    let events = store.events(&EventFilter::default()).unwrap();
    let mut events = events.into_iter().peekable();
    while let Some(record) = events.next() {
        match record.event {
            Event::LockGranted {
                token,
                owner,
                scope,
                replaces,
                ..
            } => {
                assert!(token > last, "tokens rise");
                last = token;
                grants += 1;
                if let Some(old) = replaces {
                    held.remove(&old).unwrap();
                }
                held.insert(token, (owner, language(&scope)));
            }
            Event::LockReleased { token, .. } => drop(held.remove(&token).unwrap()),
            Event::LockNarrowed { token, scope } => {
                held.get_mut(&token).unwrap().1 = language(&scope);
            }
            Event::LockPassed { token, to } => held.get_mut(&token).unwrap().0 = to,
            _ => continue,
        }
        // What one party holds is passed on one after another, in one transaction.
        let next = events.peek().map(|record| &record.event);
        if matches!(next, Some(Event::LockPassed { .. })) {
            continue;
        }
        let all: Vec<_> = held.values().collect();
        for (at, (one, its)) in all.iter().enumerate() {
            for (other, theirs) in &all[at + 1..] {
                let apart = one.is(other) || overlap(its, theirs) == Overlap::Disjoint;
                assert!(apart, "{one:?} and {other:?} after event {}", record.seq);
            }
        }
    }
    grants
}

const PATTERNS: [&str; 12] = [
    "**", "a/**", "b/**", "a/b/*", "*.md", "!a/b/**", "b/c.md", "./c", "?/x", "!*.md", "a",
    "c/**/d",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever is asked for, passed on, narrowed and given back, no two parties hold one path.
    #[test]
    fn no_two_hold_the_same(
        scopes in prop::collection::vec(prop::collection::vec(0..PATTERNS.len(), 1..4), 8),
        steps in prop::collection::vec((0..8usize, 0..6u8, 0..PATTERNS.len()), 1..60),
    ) {
        let mut yard = Yard::new();
        let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
        let tasks: Vec<TaskSpec> = scopes.iter().enumerate().map(|(n, picks)| {
            let patterns: Vec<&str> = std::iter::once("b/a").chain(picks.iter().map(|p| PATTERNS[*p])).collect();
            // Four of them go on from one another.
            let after: Vec<&str> = (n % 4 > 0).then(|| names[n - 1].as_str()).into_iter().collect();
            task(&names[n], &patterns, &after)
        }).collect();
        let ids = yard.submit(&tasks);
        for (who, what, pattern) in steps {
            let (id, row) = (ids[who], yard.row(ids[who]));
            let before = (who % 4 > 0).then(|| ids[who - 1]);
            let now = yard.now.clone();
            let mut table = LockTable::new(Fold::default());
            let pattern = scope(&[PATTERNS[pattern].trim_start_matches('!')]);
            match what {
                0 | 1 if !row.state.is_terminal() => drop(yard.hold(id, before)),
                2 if row.state == SessionState::Created => {
                    yard.move_to(id, SessionState::Active);
                    yard.move_to(id, SessionState::Completed);
                }
                3 => yard.release(id),
                4 => {
                    let less = |tx: &mut Tx<'_>| narrow(tx, &table, &row, &pattern);
                    let _too_much_or_over = yard.store.write(less);
                }
                _ => {
                    let more = |tx: &mut Tx<'_>| widen(tx, &mut table, &now, &row, &pattern);
                    let _not_free = yard.store.write(more);
                }
            }
        }
        never_two_holders(&yard.store);
    }
}

/// Sixteen ask for one path at the same time, each over a connection of its own.
#[test]
fn of_many_that_ask_at_once_one_has_it() {
    let mut yard = Yard::new();
    let names: Vec<String> = (0..16).map(|n| format!("t{n}")).collect();
    let tasks: Vec<TaskSpec> = names
        .iter()
        .map(|name| task(name, &["a/**"], &[]))
        .collect();
    let ids = yard.submit(&tasks);
    let path = yard.store.path().parent().unwrap().to_owned();
    let granted: usize = std::thread::scope(|scope| {
        let ask = |id: SessionId| {
            let (path, now) = (path.clone(), yard.now.clone());
            move || {
                let mut store = Store::open(&path).unwrap();
                let row = store.session(id).unwrap().unwrap();
                let mut table = LockTable::new(Fold::default());
                let answer = store.write(|tx| hold(tx, &mut table, &now, &row, None));
                usize::from(matches!(answer.unwrap(), Answer::Granted(_)))
            }
        };
        let all: Vec<_> = ids.iter().map(|id| scope.spawn(ask(*id))).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((granted, never_two_holders(&yard.store)), (1, 1));
}
