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
