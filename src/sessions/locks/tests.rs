use super::property_tests::never_two_holders;
use super::*;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::job::Outcome;
use crate::model::lock::{Lease, LockTable, LockToken, Moment, Party};
use crate::model::scope::{Fold, Scope};
use crate::model::session::SessionState;
use crate::model::task::TaskSpec;
use crate::sessions::{Submission, cancel, move_session, pause, resume, retry, submit};
use crate::store::{SessionRow, Store, StoreError, Tx};

pub(super) struct Yard {
    _folder: tempfile::TempDir,
    pub store: Store,
    pub now: Moment,
}

pub(super) fn scope(patterns: &[&str]) -> Scope {
    Scope::new(patterns.iter().map(|p| (*p).to_owned()).collect()).unwrap()
}

pub(super) fn task(name: &str, patterns: &[&str], after: &[&str]) -> TaskSpec {
    TaskSpec {
        scope: scope(patterns),
        after: after.iter().map(|name| name.parse().unwrap()).collect(),
        ..TaskSpec::sample(name, "true")
    }
}

impl Yard {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Store::open(folder.path()).unwrap(),
            _folder: folder,
            now: Moment {
                boot_id: crate::proc::boot_id().unwrap().to_owned(),
                since_boot_ms: 1_000,
            },
        }
    }

    pub fn submit(&mut self, tasks: &[TaskSpec]) -> Vec<SessionId> {
        let submission = Submission {
            target: "main".into(),
            auto_land: false,
            repeat: 1,
            after: vec![],
            prompts: std::collections::HashMap::new(),
            agreements: std::collections::HashMap::new(),
            chosen: std::collections::HashMap::new(),
        };
        submit(&mut self.store, tasks, &submission).unwrap().1
    }

    pub fn row(&self, id: SessionId) -> SessionRow {
        self.store.session(id).unwrap().unwrap()
    }

    pub fn hold(&mut self, id: SessionId, goes_on_from: Option<SessionId>) -> Answer {
        let (row, now) = (self.row(id), self.now.clone());
        let mut table = LockTable::new(Fold::default());
        let held = |tx: &mut Tx<'_>| hold(tx, &mut table, &now, &row, goes_on_from);
        self.store.write(held).unwrap()
    }

    /// Holds, and begins to work.
    fn begin(&mut self, id: SessionId) -> LockToken {
        let Answer::Granted(token) = self.hold(id, None) else {
            panic!("refused");
        };
        self.move_to(id, SessionState::Active);
        token
    }

    pub fn move_to(&mut self, id: SessionId, to: SessionState) {
        let from = self.row(id).state;
        let moved = self
            .store
            .write(|tx| move_session(tx, Actor::System, id, from, to, "test"));
        moved.unwrap();
    }

    pub fn release(&mut self, id: SessionId) {
        let released = |tx: &mut Tx<'_>| release_all(tx, Actor::Human, id, "test");
        self.store.write::<_, StoreError>(released).unwrap();
    }

    fn holder_of(&self, id: SessionId) -> Option<Party> {
        Some(self.store.lock_of(id).unwrap()?.holder)
    }
}

fn refused(answer: &Answer) -> (&str, Option<&str>) {
    match answer {
        Answer::Refused(conflict) => (&conflict.holder.name, conflict.witness.as_deref()),
        Answer::Granted(_) => panic!("granted"),
    }
}

#[test]
fn one_of_two_holds_until_it_ends() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["src/**"], &[]),
        task("two", &["*.rs", "!*.rs/"], &[]),
        task("three", &["docs/**", "!*.rs"], &[]),
    ]);
    let first = yard.begin(ids[0]);
    assert_eq!(refused(&yard.hold(ids[1], None)), ("one", Some("src/.rs")));
    let third = yard.begin(ids[2]);
    assert!(third > first);
    let row = yard.row(ids[0]);
    cancel(&mut yard.store, &row, Actor::Human, "test").unwrap();
    assert_eq!(yard.holder_of(ids[0]), None);
    assert!(yard.begin(ids[1]) > third);
    yard.move_to(ids[1], SessionState::Failed);
    assert_eq!(yard.holder_of(ids[1]), None);
    // Asking again while one holds changes nothing.
    assert_eq!(yard.hold(ids[2], None), Answer::Granted(third));
}

#[test]
fn work_that_is_gone_on_from_is_passed_on_and_back() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["src/**", "lib/**"], &[]),
        task("two", &["src/**"], &["one"]),
        task("other", &["lib/**"], &[]),
    ]);
    let one = yard.begin(ids[0]);
    // Not before its work is done.
    refused(&yard.hold(ids[1], Some(ids[0])));
    yard.move_to(ids[0], SessionState::Completed);
    assert!(matches!(
        yard.hold(ids[1], Some(ids[0])),
        Answer::Granted(_)
    ));
    assert_eq!(yard.holder_of(ids[0]), Some(Party::session(ids[1])));
    assert_eq!(refused(&yard.hold(ids[2], None)).0, "two");
    yard.move_to(ids[1], SessionState::Active);
    yard.move_to(ids[1], SessionState::Failed);
    assert_eq!(yard.holder_of(ids[0]), Some(Party::session(ids[0])));
    assert_eq!(yard.store.lock_of(ids[0]).unwrap().unwrap().token, one);
    yard.release(ids[0]);
    yard.begin(ids[2]);
}

#[test]
fn what_was_passed_on_twice_is_one_partys_and_goes_back_so() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["**"], &[]),
        task("two", &["src/**"], &["one"]),
        task("three", &["docs/**"], &["two"]),
    ]);
    let (one, two, three) = (ids[0], ids[1], ids[2]);
    yard.begin(one);
    yard.move_to(one, SessionState::Completed);
    yard.hold(two, Some(one));
    yard.move_to(two, SessionState::Active);
    yard.move_to(two, SessionState::Completed);
    yard.hold(three, Some(two));
    // The files of two are others, but those of one are not.
    for id in &ids {
        assert_eq!(yard.holder_of(*id), Some(Party::session(three)));
    }
    yard.move_to(three, SessionState::Active);
    yard.move_to(three, SessionState::Failed);
    for id in [one, two] {
        assert_eq!(yard.holder_of(id), Some(Party::session(two)));
    }
    yard.release(two);
    assert_eq!(yard.holder_of(one), Some(Party::session(one)));
    never_two_holders(&yard.store);
}

#[test]
fn a_grant_after_others_begins_anew_and_one_after_nobody_goes_on() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["src/**"], &[]),
        task("two", &["src/api/**"], &[]),
        task("far", &["docs/**"], &[]),
    ]);
    let since = |yard: &Yard| yard.store.lock_of(ids[0]).unwrap().unwrap().since;
    let first = yard.begin(ids[0]);
    let again = |yard: &mut Yard| {
        let row = yard.row(ids[0]);
        retry(&mut yard.store, &row).unwrap();
        yard.begin(ids[0])
    };
    yard.move_to(ids[0], SessionState::Failed);
    yard.begin(ids[2]);
    let second = again(&mut yard);
    assert!(second > first);
    assert_eq!(since(&yard), first, "the files of `far` are others");
    yard.move_to(ids[0], SessionState::Failed);
    yard.begin(ids[1]);
    yard.move_to(ids[1], SessionState::Failed);
    let third = again(&mut yard);
    assert_eq!(since(&yard), third, "`two` had some of the files");
}

#[test]
fn a_paused_session_keeps_its_files_for_a_time_that_no_clock_on_the_wall_shortens() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[task("one", &["**"], &[]), task("two", &["a"], &[])]);
    let token = yard.begin(ids[0]);
    let lease = Lease::new(&yard.now, Some(500), None);
    let row = yard.row(ids[0]);
    pause(&mut yard.store, &row, Some(lease.clone())).unwrap();
    let row = yard.row(ids[0]);
    resume(&mut yard.store, &row).unwrap();
    assert_eq!(yard.store.lock_of(ids[0]).unwrap().unwrap().lease, None);
    let row = yard.row(ids[0]);
    pause(&mut yard.store, &row, Some(lease)).unwrap();
    yard.now.since_boot_ms = 1_499;
    refused(&yard.hold(ids[1], None));
    // After a restart of the machine nobody knows how much is over: all of it is given again.
    yard.now.boot_id = "another".into();
    yard.now.since_boot_ms = 9_000;
    refused(&yard.hold(ids[1], None));
    yard.now.since_boot_ms = 9_499;
    refused(&yard.hold(ids[1], None));
    yard.now.since_boot_ms = 9_500;
    assert!(matches!(yard.hold(ids[1], None), Answer::Granted(new) if new > token));
    assert_eq!(yard.holder_of(ids[0]), None);
    // It asks again when it is resumed, and waits.
    let row = yard.row(ids[0]);
    resume(&mut yard.store, &row).unwrap();
    assert_eq!(refused(&yard.hold(ids[0], None)).0, "two");
}

/// A command that runs on in a paused session goes on changing its files.
#[test]
fn no_time_is_over_for_a_session_of_which_a_command_runs() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[task("one", &["**"], &[]), task("two", &["a"], &[])]);
    let token = yard.begin(ids[0]);
    let job_id = yard.store.jobs_of(ids[0]).unwrap()[0].id;
    let append = |yard: &mut Yard, event| {
        let append = |tx: &mut Tx<'_>| tx.append(Actor::System, Some(ids[0]), event).map(drop);
        yard.store.write::<_, StoreError>(append).unwrap();
    };
    append(&mut yard, Event::JobDispatched { job_id });
    let row = yard.row(ids[0]);
    let lease = Lease::new(&yard.now, Some(500), None);
    pause(&mut yard.store, &row, Some(lease)).unwrap();
    yard.now.since_boot_ms = 2_000;
    refused(&yard.hold(ids[1], None));
    assert_eq!(yard.store.lock_of(ids[0]).unwrap().unwrap().token, token);
    yard.now.since_boot_ms = 2_499;
    refused(&yard.hold(ids[1], None));
    let ended = Event::CommandExecuted {
        job_id,
        outcome: Outcome::Exited { code: 0 },
        duration_ms: 1,
        output: None,
    };
    append(&mut yard, ended);
    yard.now.since_boot_ms = 2_500;
    assert!(matches!(yard.hold(ids[1], None), Answer::Granted(_)));
}

/// A word that came after the caller had read the session: nobody would give the files back.
#[test]
fn one_that_was_cancelled_meanwhile_gets_nothing() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[task("one", &["a"], &[]), task("two", &["b"], &[])]);
    yard.begin(ids[1]);
    let old = yard.row(ids[0]);
    cancel(&mut yard.store, &old, Actor::Human, "test").unwrap();
    let (now, from) = (yard.now.clone(), yard.row(ids[1]));
    let mut table = LockTable::new(Fold::default());
    let held = |tx: &mut Tx<'_>| hold(tx, &mut table, &now, &old, None);
    assert!(matches!(yard.store.write(held), Err(LockError::Over(_))));
    let passed = |tx: &mut Tx<'_>| transfer(tx, &mut table, &now, &from, &old);
    assert!(matches!(yard.store.write(passed), Err(LockError::Over(_))));
    assert_eq!(yard.holder_of(ids[0]), None);
    assert_eq!(yard.holder_of(ids[1]), Some(Party::session(ids[1])));
}

#[test]
fn more_is_given_when_it_is_free_and_never_in_a_circle() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["a/**"], &[]),
        task("two", &["b/**", "!b/gen/**"], &[]),
    ]);
    let first = yard.begin(ids[0]);
    yard.begin(ids[1]);
    let mut table = LockTable::new(Fold::default());
    let mut more = |yard: &mut Yard, id, patterns: &[&str], queue: bool| {
        let (row, now, more) = (yard.row(id), yard.now.clone(), scope(patterns));
        yard.store.write(|tx| {
            let asked = widen(tx, &mut table, &now, &row, &more)?;
            if queue && matches!(asked, Answer::Refused(_)) {
                answer(tx, &row, &more, "queued")?;
            }
            Ok::<_, LockError>(asked)
        })
    };
    let granted = more(&mut yard, ids[0], &["c/**"], false).unwrap();
    let lock = yard.store.lock_of(ids[0]).unwrap().unwrap();
    assert_eq!(granted, Answer::Granted(lock.token));
    assert!(lock.token > first && lock.since == first);
    assert_eq!(lock.scope.patterns(), ["a/**", "c/**"]);
    assert_eq!(yard.row(ids[0]).scope().unwrap(), lock.scope);
    let waits = more(&mut yard, ids[0], &["b/x"], true).unwrap();
    assert_eq!(refused(&waits), ("two", Some("b/x")));
    let circle = more(&mut yard, ids[1], &["a/x"], false);
    assert!(matches!(circle, Err(LockError::Circle(_))), "{circle:?}");
    let both = more(&mut yard, ids[1], &["d", "!d/e"], false);
    assert!(matches!(both, Err(LockError::NotOneScope)), "{both:?}");
}

#[test]
fn less_is_held_and_what_is_given_up_is_free() {
    let mut yard = Yard::new();
    let ids = yard.submit(&[
        task("one", &["src/**"], &[]),
        task("two", &["src/api/**"], &[]),
    ]);
    yard.begin(ids[0]);
    let less = |yard: &mut Yard, id, patterns: &[&str]| {
        let (row, less) = (yard.row(id), scope(patterns));
        let table = LockTable::new(Fold::default());
        yard.store.write(|tx| narrow(tx, &table, &row, &less))
    };
    let more = less(&mut yard, ids[0], &["src/**", "docs/a"]);
    let Err(LockError::NotNarrower(_, path)) = more else {
        panic!("{more:?}");
    };
    assert_eq!(path, "docs/a");
    // One that waits asks for less when its turn comes.
    less(&mut yard, ids[1], &["src/api/v2/**"]).unwrap();
    refused(&yard.hold(ids[1], None));
    less(&mut yard, ids[0], &["src/**", "!src/api/v2/**"]).unwrap();
    yard.begin(ids[1]);
    let row = yard.row(ids[0]);
    let mut table = LockTable::new(Fold::default());
    let (now, to) = (yard.now.clone(), yard.row(ids[1]));
    let passed = |tx: &mut Tx<'_>| transfer(tx, &mut table, &now, &row, &to);
    yard.store.write(passed).unwrap();
    assert_eq!(yard.holder_of(ids[0]), None);
    let held = yard.store.lock_of(ids[1]).unwrap().unwrap().scope;
    assert_eq!(
        held.patterns(),
        ["src/**", "!src/api/v2/**", "src/api/v2/**"]
    );
}

/// A checkout is one party: what its person claims twice does not stand in its own way.
#[test]
fn claims_of_one_checkout_may_overlap_and_those_of_two_may_not() {
    let mut yard = Yard::new();
    let mut claim = |path: &str, pattern: &str| {
        let asked = Request {
            party: Party::Place {
                path: path.to_owned(),
                person: "Ada".to_owned(),
            },
            name: "Ada".to_owned(),
            scope: scope(&[pattern]),
            lease: None,
            goes_on_from: None,
            replaces: None,
        };
        let now = yard.now.clone();
        let mut table = LockTable::new(Fold::default());
        let asked = |tx: &mut Tx<'_>| request(tx, &mut table, &now, Actor::Human, &asked);
        yard.store.write::<_, LockError>(asked).unwrap()
    };
    assert!(matches!(claim("/a", "src/**"), Answer::Granted(_)));
    assert!(matches!(claim("/a", "src/x"), Answer::Granted(_)));
    assert_eq!(refused(&claim("/b", "src/y")).0, "Ada");
}
