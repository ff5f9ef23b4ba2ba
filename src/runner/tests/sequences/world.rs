//! The real thing: a store, and what the runner, people and landings do to it, in the transactions that they do it in.
//! Processes, worktrees and branches are told by the sequence.

use std::cell::Cell;
use std::collections::HashMap;

use super::model::{Doing, EVERYTHING, How, Time};
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, JobId, SessionId};
use crate::model::job::{JobState, Outcome};
use crate::model::limit::Claim;
use crate::model::lock::{Lease, LockTable, LockToken, Moment, Party};
use crate::model::recovery::{Action, Standing, settle as settle_job};
use crate::model::scope::{Fold, Scope};
use crate::model::task::{Backoff, OnCrash, Retries, TaskSpec};
use crate::runner::admission::{Admission, Verdicts};
use crate::runner::begin::{dispatch, go_into, take_lock, to_work};
use crate::runner::collect::{Collected, complete};
use crate::runner::dispatch::{Decision, Lanes, Limits, Scene, Slot, decide};
use crate::runner::groups::Buckets;
use crate::runner::recover::record_left;
use crate::runner::settle::{Ending, Followed, fail};
use crate::sessions::locks::{Answer, Request, release_token, request, settle_leases};
use crate::sessions::{self, Submission};
use crate::store::{JobRow, SessionRow, Store, StoreError};
use crate::workspace::Released;

/// What a task asks for, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    pub area: u8,
    pub jobs: u32,
    pub on_crash: OnCrash,
    pub retries: u32,
    pub auto_land: bool,
    /// Among the tasks that there are.
    pub after: Option<u8>,
}

pub struct World {
    _folder: tempfile::TempDir,
    pub store: Store,
    table: LockTable,
    verdicts: Verdicts,
    lanes: Lanes,
    pub now: Moment,
    pub ids: Vec<SessionId>,
    pub claims: [Option<LockToken>; 2],
    /// Whether the target has what the last landing was to move it to.
    pub moved: bool,
    /// What the runner knows of what is under way, which a crash takes away.
    pub doing: HashMap<SessionId, Doing>,
}

const SLOTS: usize = 2;

thread_local! {
    static CLOCK: Cell<i64> = const { Cell::new(0) };
}

/// The machine's clock goes wrong by so much, from now on.
pub fn set_clock(by_ms: i64) {
    CLOCK.set(CLOCK.get().saturating_add(by_ms));
}

fn clock() -> i64 {
    let real = jiff::Timestamp::now().as_millisecond();
    real.saturating_add(CLOCK.get())
}

pub fn commit(digit: char) -> CommitId {
    digit.to_string().repeat(40).parse().unwrap()
}

pub fn scope_of(area: u8) -> Scope {
    let pattern = match area {
        EVERYTHING => "**".to_owned(),
        area => format!("area{area}/**"),
    };
    Scope::new(vec![pattern]).unwrap()
}

impl World {
    /// With a copy of an empty store, which is a lot faster than a new one.
    pub fn new(empty: &std::path::Path) -> Self {
        let memory = std::path::Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        std::fs::copy(empty, folder.path().join(crate::store::DATABASE)).unwrap();
        CLOCK.set(0);
        let mut store = Store::open(folder.path()).unwrap();
        store.set_clock(clock);
        Self {
            store,
            _folder: folder,
            table: LockTable::new(Fold::default()),
            verdicts: Verdicts::default(),
            lanes: Lanes::default(),
            now: Moment {
                boot_id: "boot0".to_owned(),
                since_boot_ms: 1_000,
            },
            ids: Vec::new(),
            claims: [None; 2],
            moved: false,
            doing: HashMap::new(),
        }
    }

    pub fn row(&self, n: usize) -> SessionRow {
        self.store.session(self.ids[n]).unwrap().unwrap()
    }

    pub fn jobs(&self, n: usize) -> Vec<JobRow> {
        self.store.jobs_of(self.ids[n]).unwrap()
    }

    pub fn submit(&mut self, ask: Ask, after: Option<usize>) {
        let task = TaskSpec {
            scope: scope_of(ask.area),
            on_crash: ask.on_crash,
            retries: Retries {
                max: ask.retries,
                backoff: Backoff::Fixed,
                base_ms: 0,
            },
            ..TaskSpec::sample(&format!("task{}", self.ids.len()), "true")
        };
        let submission = Submission {
            target: "main".into(),
            auto_land: ask.auto_land,
            repeat: ask.jobs,
            after: after.map(|before| self.ids[before]).into_iter().collect(),
            prompts: HashMap::new(),
            agreements: HashMap::new(),
            chosen: HashMap::new(),
        };
        let (_, ids) = sessions::submit(&mut self.store, &[task], &submission).unwrap();
        self.ids.extend(ids);
    }

    /// A person asks for an area. Whether they have it.
    pub fn claim(&mut self, place: usize, area: u8, for_ms: Option<u64>) -> bool {
        let asked = Request {
            party: Party::Place {
                path: format!("/place{place}"),
                person: "ann".to_owned(),
            },
            name: "ann".to_owned(),
            scope: scope_of(area),
            lease: for_ms.map(|ms| Lease::new(&self.now, Some(ms), None)),
            goes_on_from: None,
            replaces: None,
        };
        let (mut table, now) = (LockTable::new(Fold::default()), &self.now);
        let asked = self
            .store
            .write(|tx| request(tx, &mut table, now, Actor::Human, &asked));
        match asked.unwrap() {
            Answer::Granted(token) => {
                self.claims[place] = Some(token);
                true
            }
            Answer::Refused(_) => false,
        }
    }

    /// What was over by itself is gone already.
    pub fn give_back(&mut self, place: usize) {
        let is_held = |token: &LockToken| {
            self.store
                .locks()
                .unwrap()
                .iter()
                .any(|lock| lock.token == *token)
        };
        if let Some(token) = self.claims[place].take().filter(is_held) {
            let given = self
                .store
                .write(|tx| release_token(tx, Actor::Human, None, token, "done"));
            given.unwrap();
        }
    }

    /// What the runner would do at a look.
    pub fn decide(&mut self) -> Option<Decision> {
        if self.doing.len() >= SLOTS {
            return None;
        }
        let queue = self.store.queue().unwrap();
        let (table, now) = (&mut self.table, &self.now);
        let settled = self.store.write(|tx| settle_leases(tx, table, now));
        settled.unwrap();
        self.store.read_locks(&mut self.table).unwrap();
        let slots = self.doing.iter().map(|(session, doing)| Slot {
            session: *session,
            claim: Claim::default(),
            starting: *doing == Doing::MakesTree,
        });
        let store = &self.store;
        let holders = || store.holders();
        let mut admission = Admission::new(&self.table, &holders, &mut self.verdicts);
        let scene = Scene {
            queue: &queue,
            slots: &slots.collect::<Vec<_>>(),
            shortage: None,
            now_ms: clock(),
        };
        let limits = Limits {
            sessions: SLOTS,
            ..Limits::default()
        };
        Some(decide(
            scene,
            &limits,
            Buckets::new(),
            &mut self.lanes,
            &mut admission,
        ))
    }

    pub fn cancel_doomed(&mut self, doomed: Vec<(SessionId, String)>) {
        sessions::cancel_doomed(&mut self.store, doomed).unwrap();
    }

    /// Whether it has its files now, and something begins.
    pub fn begin(&mut self, n: usize, job: JobId) -> bool {
        let (session, row) = (self.ids[n], self.row(n));
        let before = self.store.predecessor_sessions(session).unwrap();
        let before = before.first().map(|row| row.id);
        let (table, now) = (&mut self.table, &self.now);
        if row.has_worktree() {
            let begun = self.store.write(|tx| {
                take_lock(tx, table, now, (session, before), |tx, _| {
                    dispatch(tx, session, job)
                })
            });
            let begun = begun.unwrap();
            if begun.as_ref().is_some_and(Option::is_some) {
                self.doing.insert(session, Doing::Runs);
            }
            return begun.is_some();
        }
        let begun = self.store.write(|tx| {
            take_lock(tx, table, now, (session, before), |tx, _| {
                to_work(tx, session)
            })
        });
        let begun = begun.unwrap().is_some();
        if begun {
            self.doing.insert(session, Doing::MakesTree);
        }
        begun
    }

    pub fn made(&mut self, n: usize, well: bool) {
        let session = self.ids[n];
        self.doing.remove(&session);
        if !well {
            let failed = self.store.write(|tx| match tx.session(session)? {
                Some(row) if !row.state.is_terminal() => fail(tx, &row, "no worktree"),
                _ => Ok::<_, StoreError>(()),
            });
            return failed.unwrap();
        }
        let ready = Event::WorkspaceReady {
            path: format!("/trees/{n}"),
            git_dir: format!("/git/{n}"),
            base: commit('a'),
            method: "copy".to_owned(),
            took_ms: 1,
        };
        if self
            .store
            .write(|tx| go_into(tx, session, ready))
            .unwrap()
            .is_some()
        {
            self.doing.insert(session, Doing::Runs);
        }
    }

    fn ending(job: JobRow, how: How) -> Ending {
        let outcome = match how {
            How::Succeeds => Outcome::Exited { code: 0 },
            How::Fails => Outcome::Exited { code: 1 },
            How::IsCancelled => Outcome::Cancelled,
            How::IsLost => Outcome::LOST,
        };
        Ending {
            job,
            outcome,
            duration_ms: 0,
            stop: None,
            output: None,
            kept: true,
            with_secrets: None,
            dir: "/none".into(),
        }
    }

    fn follow(&mut self, n: usize, followed: &Followed) {
        let session = self.ids[n];
        match followed {
            Followed::GoesOn { .. } => self.doing.insert(session, Doing::Runs),
            Followed::HasEnded(_) => self.doing.insert(session, Doing::TakesIn),
            Followed::Waits => self.doing.remove(&session),
        };
    }

    pub fn end(&mut self, n: usize, how: How) {
        let is_running = |job: &JobRow| job.state == JobState::Running;
        let Some(job) = self.jobs(n).into_iter().find(is_running) else {
            return;
        };
        let ending = Self::ending(job, how);
        let followed = self.store.write(|tx| ending.record(tx, true)).unwrap();
        self.follow(n, &followed);
    }

    /// Those whose work is to be taken in, as the runner finds them.
    pub fn finished(&mut self) -> Vec<SessionId> {
        let rows = self.store.finished_but_active().unwrap();
        let free = |id: &SessionId| !self.doing.contains_key(id);
        let found: Vec<SessionId> = rows.iter().map(|row| row.id).filter(free).collect();
        self.doing
            .extend(found.iter().map(|id| (*id, Doing::TakesIn)));
        found
    }

    pub fn take_in(&mut self, n: usize, idle: bool) {
        let session = self.ids[n];
        self.doing.remove(&session);
        let collected = Collected {
            tip: commit('b'),
            moved: !idle,
            beyond: None,
            changed: None,
            released: idle.then_some(Released {
                salvaged: None,
                pooled: false,
            }),
        };
        self.store
            .write(|tx| complete(tx, session, &collected))
            .unwrap();
    }

    /// The machine was started anew.
    pub fn reboot(&mut self, (boot, since_boot_ms): Time) {
        self.now = Moment {
            boot_id: format!("boot{boot}"),
            since_boot_ms,
        };
    }

    /// The runner is gone, and all that it knew.
    pub fn crash(&mut self) {
        self.doing.clear();
        self.table.distrust();
    }

    /// What a runner finds of running jobs before it takes new work. `standing` tells how each job stands, and how it
    /// ended where that is on record.
    pub fn recover(&mut self, same_boot: bool, standing: impl Fn(usize) -> (Standing, How)) {
        self.settle_landing();
        let (mut left, mut of) = (Vec::new(), Vec::new());
        for job in self.store.jobs_in(JobState::Running).unwrap() {
            let session = job.session_id;
            let n = self.ids.iter().position(|id| *id == session).unwrap();
            let before = self.store.predecessor_sessions(session).unwrap();
            let before = before.first().map(|row| row.id);
            let (table, now) = (&mut self.table, &self.now);
            let held = self
                .store
                .write(|tx| take_lock(tx, table, now, (session, before), |_, _| Ok(())));
            held.unwrap();
            let (standing, how) = standing(n);
            let how = if standing == Standing::Finished {
                how
            } else {
                How::IsLost
            };
            match settle_job(standing, same_boot) {
                Action::Reattached => {
                    self.doing.insert(session, Doing::Runs);
                    continue;
                }
                Action::Requeued => left.push((Action::Requeued, Err(job))),
                action => left.push((action, Ok(Self::ending(job, how)))),
            }
            of.push(n);
        }
        let followed = self.store.write(|tx| record_left(tx, &left)).unwrap();
        for (n, followed) in of.into_iter().zip(followed) {
            if let Some(followed) = followed {
                self.follow(n, &followed);
            }
        }
    }

    /// What has landed so far, and where.
    pub fn landed(&self) -> HashMap<SessionId, CommitId> {
        let rows = (0..self.ids.len()).map(|n| self.row(n));
        rows.filter_map(|row| Some((row.id, row.landed_commit?)))
            .collect()
    }

    /// Who may change what: holders and areas.
    pub fn held(&self) -> Vec<(Party, u8)> {
        let mut table = LockTable::new(Fold::default());
        self.store.read_locks(&mut table).unwrap();
        let area = |scope: &Scope| {
            (0..=EVERYTHING)
                .find(|area| scope_of(*area) == *scope)
                .unwrap()
        };
        table
            .locks()
            .map(|lock| (lock.holder.clone(), area(&lock.scope)))
            .collect()
    }

    /// Everything that the log and the tables say of each other holds.
    pub fn check_rebuilt(&self) {
        self.store.verify_chain().unwrap();
        let unlike = self.store.unlike_log().unwrap();
        assert!(unlike.is_empty(), "{unlike:?}");
    }
}
