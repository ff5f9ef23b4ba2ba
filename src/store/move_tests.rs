//! Targets that moved, and checkouts that follow.

use super::tests::{append, assert_rebuilt_the_same, store, whole_life};
use super::*;
use crate::model::event::Event;
use crate::model::ids::CommitId;

#[test]
fn the_last_move_is_found_by_its_index() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    assert!(store.moves(None).unwrap().is_empty());
    let commit: CommitId = "c".repeat(40).parse().unwrap();
    for name in ["a", "b", "c"] {
        let session = whole_life(&mut store, name);
        let moving = Event::TargetMoving {
            target: "main".into(),
            from: commit.clone(),
            to: commit.clone(),
        };
        append(&mut store, session, moving).unwrap();
        let last = store.moves(Some(1)).unwrap().pop().unwrap();
        assert_eq!(last.model_session_id, Some(session));
    }
    assert_eq!(store.moves(None).unwrap().len(), 3);
    let explain = format!("EXPLAIN QUERY PLAN {}", query::MOVES.replace("?1", "1"));
    let plan: String = store
        .connection
        .query_row(&explain, [], |row| row.get(3))
        .unwrap();
    assert_eq!(plan, "SCAN events USING INDEX events_of_moves");
    assert_rebuilt_the_same(&store);
}

/// What `doctor` does to an old session does not keep it longer.
#[test]
fn completing_a_checkout_makes_no_session_younger() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store(dir.path());
    let session = whole_life(&mut store, "a");
    let row = |store: &Store| format!("{:?}", store.session(session).unwrap());
    let before = row(&store);
    std::thread::sleep(std::time::Duration::from_millis(2));
    let updated = Event::CheckoutsUpdated {
        target: "main".into(),
        to: "c".repeat(40).parse().unwrap(),
    };
    append(&mut store, session, updated).unwrap();
    assert_eq!(row(&store), before);
    assert_rebuilt_the_same(&store);
}
