//! What a runner asks before it takes new work.

use super::tests::store;
use super::*;

/// However long the threads are that it finds.
#[test]
fn what_recovery_asks_of_each_job_has_an_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path());
    for (query, wanted) in [
        (starts::BOOT, &["runners", "dispatches"]),
        (models::STOPPED, &["stops", "turning_back"]),
    ] {
        let explain = format!("EXPLAIN QUERY PLAN {query}");
        let mut statement = store.connection.prepare(&explain).unwrap();
        let rows = statement.query_map(["a", "b"], |row| row.get(3)).unwrap();
        let plan: Vec<String> = rows.map(Result::unwrap).collect();
        let events = plan.iter().filter(|step| step.contains("events"));
        let words = |step: &String| {
            step.split(' ')
                .find(|word| word.starts_with("events_of_"))
                .map(str::to_owned)
        };
        let indexes: Vec<_> = events.map(words).collect();
        assert_eq!(
            indexes,
            wanted.map(|name| Some(format!("events_of_{name}"))),
            "{plan:?}"
        );
    }
}

/// A runner writes while somebody else looks whether all is sound.
#[test]
fn what_is_written_meanwhile_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let looking = store(dir.path());
    let path = dir.path().to_owned();
    let writing = std::thread::spawn(move || {
        let mut store = store(&path);
        for number in 0..60 {
            super::tests::whole_life(&mut store, &format!("t{number}"));
        }
    });
    let mut looks = 0;
    while !writing.is_finished() || looks == 0 {
        looking.verify_chain().unwrap();
        looking.verify_tables().unwrap();
        looks += 1;
    }
    writing.join().unwrap();
    looking.verify_tables().unwrap();
}
