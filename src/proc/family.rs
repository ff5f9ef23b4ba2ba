//! All processes of a job: the program and everything that stands below its supervisor.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use rustix::io::Errno;
use rustix::process::{Signal, WaitOptions, kill_process_group, setpriority_process, wait};

use super::budget::{Budget, Cgroup, Overrun, Place};
use super::capture::Capture;
use super::door::Doorkeeper;
use super::kill;
use super::signals::Signals;
use super::table::{self, Entry};
use crate::model::job::Outcome;

/// A family that grows faster than it is stopped is not looked at for ever.
const MOST_LOOKS: u32 = 100;
const KILLED: i32 = Signal::KILL.as_raw();
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
/// Ahead of all others, where that may be had.
const FIRST_IN_LINE: i32 = -20;

/// Does something with every descendant, once with each. What they had begun to start is there at the next
/// look. Whoever answers at the door is left out: stopped in the middle of writing, it would keep everybody
/// from the store.
fn with_all(door: Option<&Doorkeeper>, mut act: impl FnMut(&[Entry])) {
    let answers = |entry: &Entry| door.is_some_and(|door| door.has_sent(entry.pid));
    let mut known: HashSet<(u32, u64)> = HashSet::new();
    for _ in 0..MOST_LOOKS {
        let mut new = table::descendants_but(&[std::process::id()], answers);
        new.retain(|entry| known.insert((entry.pid, entry.start_time)));
        if new.is_empty() {
            return;
        }
        act(&new);
    }
}

/// Stops every descendant. Whether all stood still before: one that was about to start another stops when it has, and that
/// one is not there yet.
fn hold(door: Option<&Doorkeeper>) -> bool {
    let mut still = true;
    with_all(door, |new| {
        let moving: Vec<Entry> = new.iter().filter(|entry| !entry.stopped).copied().collect();
        still &= moving.is_empty();
        kill::send(&moving, Signal::STOP);
    });
    still
}

/// Among thousands that want to run, the turn of this process would come too rarely. Not everybody may
/// ask for more; for the others there is that the job is in another session, between which the system
/// shares time first.
fn go_first() {
    let _ = setpriority_process(None, FIRST_IN_LINE);
    let _ = fs::write("/proc/self/autogroup", FIRST_IN_LINE.to_string());
}

/// The program and everything that stands below this process.
pub(super) struct Family {
    main: Pid,
    ended: Option<Outcome>,
    door: Option<Doorkeeper>,
    output: Capture,
    group: Group,
}

/// The control group that they are in.
enum Group {
    NotYet,
    Own(Cgroup),
    /// None can be had.
    Nowhere,
}

impl Family {
    /// Those of a program that leads its own session, and was just started.
    pub(super) fn of(main: Pid, output: Capture, door: Option<Doorkeeper>) -> Self {
        go_first();
        Self {
            main,
            ended: None,
            door,
            output,
            group: Group::NotYet,
        }
    }

    /// Takes all into a control group of their own, if there can be one.
    pub(super) fn gather(&mut self, budget: &Budget) {
        if matches!(self.group, Group::NotYet) {
            let own = Place::find()
                .ok()
                .and_then(|place| self.gathered(&place, budget));
            self.group = own.map_or(Group::Nowhere, Group::Own);
        }
    }

    fn gathered(&self, place: &Place, budget: &Budget) -> Option<Cgroup> {
        let group = Cgroup::make(place, budget).ok()?;
        let mut is_refused = false;
        with_all(self.door.as_ref(), |new| {
            for entry in new {
                is_refused |= group.take_in(entry.pid).is_err();
            }
        });
        (!is_refused).then_some(group)
    }

    /// How the program ended, if the kernel ended it because of a limit.
    pub(super) fn explained(&self, outcome: Outcome, budget: &Budget) -> Outcome {
        let is_killed = matches!(outcome, Outcome::Signalled { signal: KILLED });
        let group = self.group().filter(|_| is_killed);
        let overrun = group.and_then(|group| group.refused(budget));
        overrun.map_or(outcome, Overrun::outcome)
    }

    /// Their control group.
    pub(super) fn group(&self) -> Option<&Cgroup> {
        match &self.group {
            Group::Own(group) => Some(group),
            Group::NotYet | Group::Nowhere => None,
        }
    }

    /// What is asked from now on is asked by processes that end.
    pub(super) fn close_door(&mut self) {
        self.door = None;
    }

    /// Stops every descendant where it is. As long as not all stood still before, it is to be done once more.
    pub(super) fn hold(&self) -> bool {
        hold(self.door.as_ref())
    }

    /// Lets every descendant go on.
    pub(super) fn go_on(&self) {
        let family = table::descendants(&[std::process::id()]);
        kill::send(&family, Signal::CONT);
        if let Some(group) = self.group() {
            group.freeze(false);
        }
    }

    /// Waits until something happens, or until `limit`. Whoever asks at the door meanwhile is answered, and
    /// what is printed is kept.
    pub(super) fn wait(&mut self, signals: &Signals, limit: Option<Instant>) {
        let door = self.door.as_ref();
        let rest = door.and_then(Doorkeeper::rests_until);
        let files = [door.and_then(Doorkeeper::as_fd), self.output.as_fd()];
        let limit = limit.into_iter().chain(rest).min();
        let [knocked, printed] = signals.wait_or(limit, files);
        if printed {
            self.output.take();
        }
        if let Some(door) = self.door.as_mut().filter(|_| knocked) {
            door.let_in();
        }
    }

    /// What became of the output, when nobody is left who could print.
    pub(super) fn finish_output(self) -> io::Result<()> {
        self.output.finish()
    }

    /// How the program ended, told once.
    pub(super) fn take_end(&mut self) -> Option<Outcome> {
        self.ended.take()
    }

    /// Takes note of every child that ended. Whether any are left: as orphans come to this
    /// process, without children it has no descendants at all.
    pub(super) fn reap(&mut self) -> bool {
        loop {
            let (pid, status) = match wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Ok(None) => return true,
                Err(Errno::INTR) => continue,
                Err(_) => return false,
            };
            if let Some(door) = &mut self.door {
                door.has_ended(pid.as_raw_nonzero().get().unsigned_abs());
            }
            if pid.as_raw_nonzero().get() == self.main.as_raw() {
                let exited = status.exit_status().map(|code| Outcome::Exited { code });
                let signalled = || {
                    let signal = status.terminating_signal()?;
                    Some(Outcome::Signalled { signal })
                };
                self.ended = exited.or_else(signalled);
            }
        }
    }

    /// Ends every descendant: politely, then after `grace` by force until none is left.
    pub(super) fn end(&mut self, grace: Duration, signals: &Signals) {
        if !self.reap() {
            return;
        }
        let family = table::descendants(&[std::process::id()]);
        kill::send(&family, Signal::TERM);
        // A stopped process takes note of nothing else.
        kill::send(&family, Signal::CONT);
        if !self.gone_within(grace, signals) {
            self.kill(|| {}, signals);
        }
    }

    /// Ends every descendant by force, also those that start new ones all the time: all are stopped
    /// first, because each that is killed makes room for another one. The program must not be reaped yet.
    pub(super) fn end_at_once(&mut self, signals: &Signals) {
        self.stop();
        self.kill(
            || {
                hold(None);
            },
            signals,
        );
    }

    /// Stops every descendant, most of them at once: all, where they have a control group, else those that
    /// stayed in the program's. It is the job's as long as its leader is not reaped.
    pub(super) fn stop(&self) {
        if let Some(group) = self.group() {
            group.freeze(true);
            return;
        }
        if let Some(group) = rustix::process::Pid::from_raw(self.main.as_raw()) {
            let _ = kill_process_group(group, Signal::STOP);
        }
        self.hold();
    }

    fn kill(&mut self, before: fn(), signals: &Signals) {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(group) = self.group() {
                group.kill();
            }
            before();
            kill::send(&table::descendants(&[std::process::id()]), Signal::KILL);
            if self.gone_within(pause, signals) {
                return;
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn gone_within(&mut self, time: Duration, signals: &Signals) -> bool {
        let limit = Instant::now().checked_add(time);
        loop {
            signals.drain();
            if !self.reap() {
                return true;
            }
            if limit.is_some_and(|limit| Instant::now() >= limit) {
                return false;
            }
            self.wait(signals, limit);
        }
    }
}
