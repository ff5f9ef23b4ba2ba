//! The simple model: what tasks, their jobs and their locks come to, in plain data and without a store.

use crate::model::job::JobState;
use crate::model::session::SessionState;
use crate::model::task::OnCrash;

use JobState::{
    Cancelled as JobCancelled, Completed as JobDone, Failed as JobFailed, Queued, Running, Stalled,
};
use SessionState::{Active, Blocked, Cancelled, Completed, Created, Failed, Paused};

/// How a command ended, as far as it makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Succeeds,
    Fails,
    IsCancelled,
    IsLost,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub position: u32,
    pub attempt: u32,
    pub state: JobState,
    pub begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tree {
    None,
    There,
    GivenBack,
}

/// What the runner does for a session. A crash ends it, whatever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    Nothing,
    MakesTree,
    Runs,
    TakesIn,
}

#[derive(Debug, Clone)]
pub struct Task {
    pub state: SessionState,
    pub jobs: Vec<Job>,
    /// The files: areas are apart, but for the one of all.
    pub area: u8,
    pub on_crash: OnCrash,
    pub retries: u32,
    pub auto_land: bool,
    pub after: Option<usize>,
    pub tree: Tree,
    /// Who works under its lock, when it has one.
    pub lock: Option<usize>,
    /// Which grant it was.
    pub granted: u32,
    /// When its lock ends by itself.
    pub lease: Option<Lease>,
    pub landed: bool,
    /// Whether its landing was refused.
    pub refused: bool,
    pub doing: Doing,
}

/// A run of the machine, and how long it runs, in milliseconds: whatever clocks show.
pub type Time = (u32, u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    pub for_ms: u64,
    /// The whole of its time is given again when the machine was started anew.
    pub until: Time,
}

impl Lease {
    pub fn new((boot, now): Time, for_ms: u64) -> Self {
        Self {
            for_ms,
            until: (boot, now + for_ms),
        }
    }

    fn is_over(self, (boot, now): Time) -> bool {
        self.until.0 == boot && self.until.1 <= now
    }
}

pub const EVERYTHING: u8 = 3;

#[derive(Debug, Clone, Default)]
pub struct Model {
    pub tasks: Vec<Task>,
    /// What people have claimed.
    pub claims: [Option<(u8, Option<Lease>)>; 2],
    pub now: Time,
    pub grants: u32,
}

pub fn overlap(a: u8, b: u8) -> bool {
    a == b || a == EVERYTHING || b == EVERYTHING
}

impl Task {
    pub fn waits(&self) -> bool {
        self.jobs
            .iter()
            .any(|job| matches!(job.state, Queued | Stalled))
    }

    pub fn queued(&self) -> Option<usize> {
        let queued = (0..self.jobs.len()).filter(|at| self.jobs[*at].state == Queued);
        // Of one place the one that was queued first.
        queued.min_by_key(|at| (self.jobs[*at].position, *at))
    }

    pub fn running(&self) -> Option<usize> {
        self.jobs.iter().position(|job| job.state == Running)
    }

    fn take_out(&mut self) {
        for job in &mut self.jobs {
            if matches!(job.state, Queued | Stalled) {
                job.state = JobCancelled;
            }
        }
    }

    fn again(&mut self, at: usize, attempt: u32) {
        let position = self.jobs[at].position;
        self.jobs.push(Job {
            position,
            attempt,
            state: Queued,
            begun: false,
        });
    }

    /// What comes after it may begin.
    pub fn is_done(&self) -> bool {
        self.state == Completed && (!self.auto_land || self.landed)
    }
}

impl Model {
    /// Whether somebody else has some of the files that a task asks for. What the one before it has is passed on to it to be
    /// worked with, once that is complete.
    fn is_in_the_way(&self, n: usize, before: Option<usize>) -> bool {
        let passes = |holder| before == Some(holder) && self.tasks[holder].state == Completed;
        let is_other = |holder: &usize| *holder != n && !passes(*holder);
        self.is_claimed(self.tasks[n].area) || self.met_by(n).any(|holder| is_other(&holder))
    }

    /// Who has some of the files that a task asks for.
    fn met_by(&self, n: usize) -> impl Iterator<Item = usize> {
        let area = self.tasks[n].area;
        let met = self
            .tasks
            .iter()
            .filter(move |task| overlap(task.area, area));
        met.filter_map(|task| task.lock)
    }

    /// Whether a person may have an area.
    pub fn is_free(&self, area: u8) -> bool {
        let mut held = self.tasks.iter().filter(|task| task.lock.is_some());
        !self.is_claimed(area) && !held.any(|task| overlap(task.area, area))
    }

    fn is_claimed(&self, area: u8) -> bool {
        let mut claims = self.claims.iter().flatten();
        claims.any(|(claim, _)| overlap(*claim, area))
    }

    /// What ends by itself ends, but for what is at work, and what was begun before the machine was started anew.
    pub fn settle(&mut self) {
        let now = self.now;
        for claim in &mut self.claims {
            if let Some((_, Some(lease))) = claim {
                match lease.is_over(now) {
                    true => *claim = None,
                    false if lease.until.0 != now.0 => *lease = Lease::new(now, lease.for_ms),
                    false => {}
                }
            }
        }
        for n in 0..self.tasks.len() {
            let (Some(lease), Some(holder)) = (self.tasks[n].lease, self.tasks[n].lock) else {
                continue;
            };
            let is_at_work = self.tasks[holder].running().is_some();
            if lease.is_over(now) && !is_at_work {
                self.release(n);
            } else if lease.is_over(now) || lease.until.0 != now.0 {
                self.tasks[n].lease = Some(Lease::new(now, lease.for_ms));
            }
        }
    }

    /// It has its files to work with then, and all that the one before it has where that is some of them.
    pub fn hold(&mut self, n: usize) -> bool {
        self.take(n, self.tasks[n].after)
    }

    /// It has its files then, if nobody else has.
    pub fn hold_to_land(&mut self, n: usize) -> bool {
        self.take(n, None)
    }

    fn take(&mut self, n: usize, before: Option<usize>) -> bool {
        if self.tasks[n].lock == Some(n) {
            return true;
        }
        self.settle();
        if self.is_in_the_way(n, before) {
            return false;
        }
        if self.met_by(n).any(|holder| Some(holder) == before) {
            self.pass_all(before, n);
        }
        self.grants += 1;
        let task = &mut self.tasks[n];
        (task.lock, task.lease, task.granted) = (Some(n), None, self.grants);
        true
    }

    fn pass_all(&mut self, from: Option<usize>, to: usize) {
        let held = self.tasks.iter_mut().filter(|task| task.lock == from);
        held.for_each(|task| task.lock = Some(to));
    }

    /// Its own goes to nobody, what was passed to it goes back to the last one before that has a lock of its own.
    pub fn release(&mut self, n: usize) {
        (self.tasks[n].lock, self.tasks[n].lease) = (None, None);
        let passed = (0..self.tasks.len()).filter(|owner| self.tasks[*owner].lock == Some(n));
        if let Some(before) = passed.max_by_key(|owner| self.tasks[*owner].granted) {
            self.pass_all(Some(n), before);
        }
    }

    fn end(&mut self, n: usize, to: SessionState) {
        self.tasks[n].take_out();
        self.tasks[n].state = to;
        self.release(n);
    }

    pub fn pause(&mut self, n: usize, keep_ms: Option<u64>) -> bool {
        let now = self.now;
        let task = &mut self.tasks[n];
        let may = !task.state.is_terminal() && task.state != Paused;
        if may {
            task.state = Paused;
            let keep = task.lock.and(keep_ms);
            task.lease = keep.map(|for_ms| Lease::new(now, for_ms));
        }
        may
    }

    pub fn resume(&mut self, n: usize) -> bool {
        let task = &mut self.tasks[n];
        let waits_for_land = task.state == Blocked && task.refused && !task.waits();
        if !matches!(task.state, Paused | Blocked) || waits_for_land {
            return false;
        }
        let begun = task.jobs.iter().any(|job| job.begun);
        task.state = if begun { Active } else { Created };
        task.lease = None;
        for at in 0..task.jobs.len() {
            if task.jobs[at].state == Stalled {
                task.jobs[at].state = JobCancelled;
                task.again(at, task.jobs[at].attempt + 1);
            }
        }
        true
    }

    pub fn cancel(&mut self, n: usize) -> bool {
        let may = !self.tasks[n].state.is_terminal();
        if may {
            self.end(n, Cancelled);
        }
        may
    }

    pub fn retry(&mut self, n: usize) -> bool {
        let task = &mut self.tasks[n];
        let over = matches!(task.state, Failed | Cancelled);
        if !over || task.tree == Tree::GivenBack || task.running().is_some() {
            return false;
        }
        task.state = Created;
        let positions = task
            .jobs
            .iter()
            .map(|job| job.position)
            .max()
            .map_or(0, |last| last + 1);
        let last = |position| task.jobs.iter().rposition(|job| job.position == position);
        let last: Vec<usize> = (0..positions).filter_map(last).collect();
        for job in &mut task.jobs {
            if job.state == Stalled {
                job.state = JobCancelled;
            }
        }
        let mut none = true;
        for at in last {
            if task.jobs[at].state != JobDone {
                task.again(at, task.jobs[at].attempt + 1);
                none = false;
            }
        }
        if none && task.tree == Tree::There {
            task.state = Active;
        }
        true
    }

    /// Cancels what comes after work that did not succeed, and what comes after that.
    pub fn doom(&mut self) {
        while let Some(n) = (0..self.tasks.len()).find(|n| self.is_doomed(*n)) {
            self.end(n, Cancelled);
        }
    }

    fn is_doomed(&self, n: usize) -> bool {
        let task = &self.tasks[n];
        let before = task.after.map(|before| self.tasks[before].state);
        let startable = matches!(task.state, Created | Active) && task.queued().is_some();
        startable && matches!(before, Some(Failed | Cancelled))
    }

    /// Whether the runner may give it a slot now.
    pub fn may_begin(&self, n: usize) -> bool {
        let task = &self.tasks[n];
        let before_is_done = task.after.is_none_or(|before| self.tasks[before].is_done());
        matches!(task.state, Created | Active)
            && task.doing == Doing::Nothing
            && task.running().is_none()
            && task.queued().is_some()
            && before_is_done
            && (task.lock == Some(n) || !self.is_in_the_way(n, task.after))
    }

    pub fn begin(&mut self, n: usize) {
        self.hold(n);
        let task = &mut self.tasks[n];
        task.state = Active;
        if task.tree == Tree::There {
            self.dispatch(n);
        } else {
            task.doing = Doing::MakesTree;
        }
    }

    fn dispatch(&mut self, n: usize) {
        let task = &mut self.tasks[n];
        let queued = task.queued();
        task.doing = Doing::Nothing;
        if let Some(at) = queued.filter(|_| matches!(task.state, Created | Active)) {
            task.state = Active;
            task.jobs[at].state = Running;
            task.jobs[at].begun = true;
            task.doing = Doing::Runs;
        }
    }

    /// Its worktree was made, or could not be.
    pub fn made(&mut self, n: usize, well: bool) {
        self.tasks[n].doing = Doing::Nothing;
        if !well {
            if !self.tasks[n].state.is_terminal() {
                self.end(n, Failed);
            }
            return;
        }
        self.tasks[n].tree = Tree::There;
        if self.tasks[n].lock.is_some() {
            self.dispatch(n);
        }
    }

    /// Its command ended. `room`: whether it may go on at once.
    pub fn ended(&mut self, n: usize, how: How, room: bool) {
        let others_wait = (0..self.tasks.len()).any(|m| m != n && self.tasks[m].queued().is_some());
        let task = &mut self.tasks[n];
        let Some(at) = task.running() else {
            return;
        };
        task.doing = Doing::Nothing;
        task.jobs[at].state = match how {
            How::Succeeds => JobDone,
            How::Fails => JobFailed,
            How::IsCancelled => JobCancelled,
            How::IsLost => Stalled,
        };
        if task.state.is_terminal() {
            return;
        }
        let attempt = task.jobs[at].attempt;
        match (how, task.on_crash) {
            (How::Succeeds, _) if task.state != Active => {}
            (How::Succeeds, _) if task.queued().is_none() => task.doing = Doing::TakesIn,
            (How::Succeeds, _) if room && !others_wait && task.lock == Some(n) => self.dispatch(n),
            (How::Succeeds, _) => {}
            (How::IsLost, OnCrash::Ask) => task.state = Paused,
            (How::IsLost, OnCrash::Resume) => {
                task.jobs[at].state = JobCancelled;
                task.again(at, attempt + 1);
            }
            (How::Fails, _) if attempt <= task.retries => task.again(at, attempt + 1),
            _ => self.end(n, Failed),
        }
    }

    /// It had not begun, and is queued again as it was.
    pub fn requeued(&mut self, n: usize) {
        let task = &mut self.tasks[n];
        let Some(at) = task.running() else {
            return;
        };
        task.jobs[at].state = JobCancelled;
        if !task.state.is_terminal() {
            task.again(at, task.jobs[at].attempt);
        }
    }

    /// Nothing is left to run: what it did is to be taken in.
    pub fn is_finished(&self, n: usize) -> bool {
        let task = &self.tasks[n];
        let open = task.waits() || task.running().is_some();
        task.state == Active && task.tree == Tree::There && !open && task.doing == Doing::Nothing
    }

    /// Its work was taken in; `idle`: it has none, and its worktree was given back.
    pub fn taken_in(&mut self, n: usize, idle: bool) {
        let task = &mut self.tasks[n];
        task.doing = Doing::Nothing;
        if idle {
            task.tree = Tree::GivenBack;
        }
        let goes_on = !idle && task.queued().is_some();
        if (task.state == Active && !goes_on) || (task.state == Paused && idle) {
            task.state = Completed;
            if idle {
                self.release(n);
            }
        }
    }

    pub fn may_land(&self, n: usize) -> bool {
        let task = &self.tasks[n];
        let refused_before = task.state == Blocked && task.refused;
        !task.landed && (task.state == Completed || refused_before)
    }

    pub fn landed(&mut self, n: usize) {
        let task = &mut self.tasks[n];
        (task.landed, task.refused) = (true, false);
        if matches!(task.state, Blocked | Active) {
            task.state = Completed;
        }
        self.release(n);
    }

    pub fn crash(&mut self) {
        for task in &mut self.tasks {
            task.doing = Doing::Nothing;
        }
    }
}
