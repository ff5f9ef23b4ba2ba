//! A sequence, step by step, in the model and in the store.

use super::Tally;
use super::landing::Landing;
use super::model::{Doing, How, Job, Lease, Model, Task, Tree};
use super::step::Step;
use super::world::{self, Ask, World};
use crate::model::recovery::Standing;
use crate::model::session::SessionState;

/// A task more is not submitted.
const TASKS: usize = 5;

/// Both sides.
pub struct Play {
    pub model: Model,
    pub world: World,
    runner: bool,
    /// The task whose landing was cut, and whether the target moved and whether that is on record.
    cut: Option<(usize, Landing)>,
    pub tally: Tally,
}

impl Play {
    pub fn new(empty: &std::path::Path) -> Self {
        Self {
            model: Model {
                now: (0, 1_000),
                ..Model::default()
            },
            world: World::new(empty),
            runner: true,
            cut: None,
            tally: Tally::default(),
        }
    }

    /// One of those that `fits`, or none.
    fn pick(&self, n: u8, fits: impl Fn(&Task) -> bool) -> Option<usize> {
        let fitting: Vec<usize> = (0..self.model.tasks.len())
            .filter(|at| fits(&self.model.tasks[*at]))
            .collect();
        (!fitting.is_empty()).then(|| fitting[n as usize % fitting.len()])
    }

    pub fn take(&mut self, step: Step) {
        match step {
            Step::Submit(ask) => self.submit(ask),
            Step::Claim {
                place,
                area,
                for_ms,
            } => self.claim(place, area, for_ms),
            Step::Pass(ms) => {
                self.world.now.since_boot_ms += ms;
                self.model.now.1 += ms;
            }
            Step::Jump(ms) => world::set_clock(ms),
            Step::GiveBack { place } => {
                self.world.give_back(place);
                self.model.claims[place] = None;
            }
            Step::Pause(n, _) | Step::Resume(n) | Step::Cancel(n) | Step::Retry(n) => {
                if let Some(n) = self.pick(n, |_| true) {
                    self.tell(step, n);
                }
            }
            Step::Land { n, how } => self.land(n, how),
            Step::Crash => {
                self.runner = false;
                self.world.crash();
                self.model.crash();
            }
            Step::Recover {
                same_boot,
                standings,
            } if !self.runner => {
                self.recover(same_boot, standings);
            }
            _ if self.runner => self.run(step),
            _ => {}
        }
    }

    fn submit(&mut self, ask: Ask) {
        let after = ask.after.and_then(|n| self.pick(n, |_| true));
        if self.model.tasks.len() == TASKS {
            return;
        }
        let queued = |position| Job {
            position,
            attempt: 1,
            state: crate::model::job::JobState::Queued,
            begun: false,
        };
        self.model.tasks.push(Task {
            state: SessionState::Created,
            jobs: (0..ask.jobs).map(queued).collect(),
            area: ask.area,
            on_crash: ask.on_crash,
            retries: ask.retries,
            auto_land: ask.auto_land,
            after,
            tree: Tree::None,
            lock: None,
            granted: 0,
            lease: None,
            landed: false,
            refused: false,
            doing: Doing::Nothing,
        });
        self.world.submit(ask, after);
    }

    fn claim(&mut self, place: usize, area: u8, for_ms: Option<u64>) {
        if self.model.claims[place].is_some() {
            return;
        }
        self.model.settle();
        let free = self.model.is_free(area);
        assert_eq!(
            self.world.claim(place, area, for_ms),
            free,
            "a claim of {area}"
        );
        if free {
            let now = self.model.now;
            self.model.claims[place] = Some((area, for_ms.map(|ms| Lease::new(now, ms))));
        }
    }

    /// A person's word about a session.
    fn tell(&mut self, step: Step, n: usize) {
        let row = self.world.row(n);
        let lease = |ms| crate::model::lock::Lease::new(&self.world.now, Some(ms), None);
        let keep = match step {
            Step::Pause(_, keep_ms) => keep_ms.map(lease),
            _ => None,
        };
        let store = &mut self.world.store;
        let (done, expected) = match step {
            Step::Pause(_, keep_ms) => (
                crate::sessions::pause(store, &row, keep),
                self.model.pause(n, keep_ms),
            ),
            Step::Resume(_) => (crate::sessions::resume(store, &row), self.model.resume(n)),
            Step::Retry(_) => (crate::sessions::retry(store, &row), self.model.retry(n)),
            _ => {
                let actor = crate::model::event::Actor::Human;
                (
                    crate::sessions::cancel(store, &row, actor, "no"),
                    self.model.cancel(n),
                )
            }
        };
        assert_eq!(done.is_ok(), expected, "{step:?} of {n}: {done:?}");
        self.tally.told += u64::from(expected);
    }

    /// What a runner does.
    fn run(&mut self, step: Step) {
        match step {
            Step::Look => self.look(),
            Step::Made { n, well } => {
                if let Some(n) = self.pick(n, |task| task.doing == Doing::MakesTree) {
                    self.world.made(n, well);
                    self.model.made(n, well);
                }
            }
            Step::End { n, how } => {
                if let Some(n) = self.pick(n, |task| task.doing == Doing::Runs) {
                    self.tally.ended += 1;
                    self.world.end(n, how);
                    self.model.ended(n, how, true);
                }
            }
            Step::TakeIn { n, idle } => {
                if let Some(n) = self.pick(n, |task| task.doing == Doing::TakesIn) {
                    self.world.take_in(n, idle);
                    self.model.taken_in(n, idle);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self) {
        while let Some(decision) = self.world.decide() {
            self.model.settle();
            let idle = self.world.doing.is_empty();
            let waits = (0..self.model.tasks.len()).any(|n| self.model.may_begin(n));
            assert!(
                !idle || !waits || !decision.start.is_empty(),
                "one that could start did not"
            );
            for (session, job) in decision.start {
                let n = self.world.ids.iter().position(|id| *id == session).unwrap();
                // Of two that go on from the same work, the one that comes first has what that held.
                let may = self.model.may_begin(n);
                assert_eq!(self.world.begin(n, job), may, "whether {n} got its files");
                if may {
                    self.model.begin(n);
                    self.tally.begun += 1;
                }
            }
            if decision.doomed.is_empty() {
                break;
            }
            self.world.cancel_doomed(decision.doomed);
            self.model.doom();
        }
        let finished = self.world.finished();
        let expected = (0..self.model.tasks.len()).filter(|n| self.model.is_finished(*n));
        let expected: Vec<usize> = expected.collect();
        let of = |n: &usize| self.world.ids[*n];
        assert_eq!(finished, expected.iter().map(of).collect::<Vec<_>>());
        for n in expected {
            self.model.tasks[n].doing = Doing::TakesIn;
        }
    }

    /// A landing that was cut short is on record before another one begins, if it moved its target.
    fn settle_cut(&mut self) {
        let Some((n, how)) = self.cut else { return };
        let may = matches!(
            self.model.tasks[n].state,
            SessionState::Completed | SessionState::Blocked
        );
        match how {
            Landing::CutAfter if may => self.model.landed(n),
            Landing::CutRecorded => {}
            _ => return,
        }
        self.cut = None;
        self.tally.cut += 1;
    }

    fn land(&mut self, n: u8, how: Landing) {
        // Mostly one that is there to be landed.
        let ready = |task: &Task| task.state == SessionState::Completed && !task.landed;
        let ready = self.pick(n, ready).filter(|_| !n.is_multiple_of(4));
        let Some(n) = ready.or_else(|| self.pick(n, |_| true)) else {
            return;
        };
        self.settle_cut();
        let lands = self.model.may_land(n) && self.hold_to_land(n);
        assert_eq!(self.world.land(n, how), lands, "{n} to land");
        if !lands {
            return;
        }
        let task = &mut self.model.tasks[n];
        match how {
            Landing::Lands => {
                self.tally.landed += 1;
                self.model.landed(n);
                self.model.tasks[n].tree = Tree::GivenBack;
                self.cut = None;
            }
            Landing::Conflicts => {
                task.refused = true;
                task.state = SessionState::Blocked;
            }
            Landing::IsRefused => self.refuse(n),
            Landing::CutRecorded => {
                self.model.landed(n);
                self.cut = Some((n, how));
            }
            Landing::CutBefore | Landing::CutAfter => self.cut = Some((n, how)),
        }
    }

    /// Whether it has its files. Of a refusal nothing is on record but the refusal, not even that the time of others is over.
    fn hold_to_land(&mut self, n: usize) -> bool {
        let before = self.model.clone();
        self.model.settle();
        let held = self.model.tasks[n].lock.is_some() || self.model.hold_to_land(n);
        if !held {
            self.model = before;
            self.refuse(n);
        }
        held
    }

    fn refuse(&mut self, n: usize) {
        let task = &mut self.model.tasks[n];
        task.refused = true;
        if task.auto_land && task.state == SessionState::Completed {
            task.state = SessionState::Blocked;
        }
    }

    fn recover(&mut self, same_boot: bool, standings: u32) {
        let standing = |n: usize| {
            let bits = standings >> (3 * n);
            let how = if bits & 4 == 0 {
                How::Succeeds
            } else {
                How::Fails
            };
            let standing = match bits & 3 {
                0 => Standing::Finished,
                1 => Standing::Lost,
                2 => Standing::NotStarted,
                // No process outlives its machine.
                _ if !same_boot => Standing::Lost,
                _ => Standing::Running,
            };
            (standing, how)
        };
        if !same_boot {
            self.model.now = (self.model.now.0 + 1, 1_000);
            self.world.reboot(self.model.now);
        }
        self.settle_cut();
        self.world.recover(same_boot, standing);
        let running = |model: &Model, n: usize| model.tasks[n].running().is_some();
        let left: Vec<usize> = (0..self.model.tasks.len())
            .filter(|n| running(&self.model, *n))
            .collect();
        for n in &left {
            if matches!(
                self.model.tasks[*n].state,
                SessionState::Created | SessionState::Active
            ) {
                self.model.hold(*n);
            }
        }
        self.tally.recovered += left.len() as u64;
        for n in left {
            match standing(n) {
                (Standing::Running, _) => self.model.tasks[n].doing = Doing::Runs,
                (Standing::Finished, how) => self.model.ended(n, how, false),
                (Standing::NotStarted, _) if same_boot => self.model.requeued(n),
                (Standing::NotStarted | Standing::Lost, _) => {
                    self.model.ended(n, How::IsLost, false)
                }
            }
        }
        self.runner = true;
    }
}
