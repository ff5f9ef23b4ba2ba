//! Faults that tests ask for. A process that finds `TREEYARD_FAULT=ACTION@POINT:N@MARK` in its environment does so when
//! it comes to that point for the `N`th time, and makes the file `MARK`; where that is there already nothing happens, so
//! that one fault happens once however many processes come by. With `*` for `N` it happens each time, and the file gets
//! a line for each. Builds without debug assertions know no faults.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// Where a fault is described.
pub const VARIABLE: &str = "TREEYARD_FAULT";

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The process ends as by `SIGKILL`.
    Kill,
    /// The step fails as if the system had refused it.
    Error,
    /// The step takes so much longer.
    Delay(Duration),
    /// The step is done again, as if what came of it had not been recorded.
    Repeat,
}

impl Action {
    /// How each is written, and what it does.
    pub const ALL: &[(&str, &str)] = &[
        ("kill", "the process ends as by SIGKILL"),
        ("error", "the step fails as if the system had refused it"),
        ("delay=MS", "the step takes so many milliseconds longer"),
        (
            "repeat",
            "the step is done again, as if what came of it had not been recorded",
        ),
    ];

    fn read(text: &str) -> Option<Self> {
        Some(match text {
            "kill" => Self::Kill,
            "error" => Self::Error,
            "repeat" => Self::Repeat,
            _ => {
                let ms = text.strip_prefix("delay=")?.parse().ok()?;
                Self::Delay(Duration::from_millis(ms))
            }
        })
    }
}

macro_rules! points {
    ($(#[doc = $doc:literal] $variant:ident = $name:literal, $repeats:literal;)*) => {
        /// A point at which a fault may happen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Point { $(#[doc = $doc] $variant,)* }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// How things stand there.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $doc.trim_ascii()),* }
            }

            /// Whether the step there can be done again.
            pub fn repeats(self) -> bool {
                match self { $(Self::$variant => $repeats),* }
            }
        }
    };
}

points! {
    /// That a model is called is on record, and it was not called yet.
    CallBegun = "call-begun", false;
    /// What has arrived of an answer is kept, and more is to come.
    AnswerArriving = "answer-arriving", false;
    /// A model answered, and nothing of that is on record.
    CallAnswered = "call-answered", false;
    /// That a tool runs is on record, and it does not run yet.
    ToolBegun = "tool-begun", false;
    /// A tool has run, and nothing of that is on record.
    ToolRan = "tool-ran", true;
    /// What a tool came to is on record.
    ToolRecorded = "tool-recorded", false;
    /// The files of a checkpoint are kept, and it is not on record.
    CheckpointKept = "checkpoint-kept", true;
    /// A model has stopped, and nothing of that is on record.
    Stopping = "stopping", false;
    /// Why a model stopped is on record, and its process still lives.
    Stopped = "stopped", false;
    /// That a job starts is on record, and its supervisor was not started yet.
    JobDispatched = "job-dispatched", false;
    /// A job has ended, and nothing of that is on record.
    JobEnded = "job-ended", true;
    /// That a target moves is on record, and it did not move yet.
    LandingBegun = "landing-begun", false;
    /// A target has moved, and nothing of that is on record.
    LandingMoved = "landing-moved", true;
    /// That work landed is on record, and no checkout follows yet.
    LandingRecorded = "landing-recorded", false;
    /// All of a transaction is written, and it is not committed.
    Committing = "committing", false;
}

/// A fault that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub action: Action,
    /// Where.
    pub point: Point,
    /// When, from 1; `None` for each time.
    pub turn: Option<u32>,
    /// The file that tells that it happened.
    pub mark: PathBuf,
}

/// A description that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is to be ACTION@POINT:N@MARK: {0}")]
pub struct Unreadable(String);

impl std::str::FromStr for Fault {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let wrong = |what: &str| Unreadable(what.to_owned());
        let (action, rest) = text
            .split_once('@')
            .ok_or_else(|| wrong("it has no POINT"))?;
        let (place, mark) = rest
            .split_once('@')
            .ok_or_else(|| wrong("it has no MARK"))?;
        let (name, turn) = place.split_once(':').ok_or_else(|| wrong("it has no N"))?;
        let named = Action::read(action);
        let action = named.ok_or_else(|| wrong(&format!("there is no action {action}")))?;
        let mut points = Point::ALL.iter().copied();
        let point = points.find(|point| point.name() == name);
        let point = point.ok_or_else(|| wrong(&format!("there is no point {name}")))?;
        let turn = match turn {
            "*" => None,
            number => Some(number.parse().map_err(|_| wrong("N is a number or *"))?),
        };
        if turn == Some(0) {
            return Err(wrong("N is counted from 1"));
        }
        if mark.is_empty() {
            return Err(wrong("it has no MARK"));
        }
        if action == Action::Repeat && !point.repeats() {
            return Err(wrong(&format!("{name} cannot be repeated")));
        }
        if turn.is_none() && matches!(action, Action::Kill | Action::Error) {
            return Err(wrong("nothing would ever get past it"));
        }
        let mark = PathBuf::from(mark);
        Ok(Self {
            action,
            point,
            turn,
            mark,
        })
    }
}

/// Lets the fault happen that was asked for here, if one was.
///
/// # Errors
/// When that is what was asked for.
pub fn at(point: Point) -> io::Result<()> {
    again(point).map(drop)
}

/// The same where a step can be done again. Whether it is to be.
///
/// # Errors
/// When that is what was asked for.
pub fn again(point: Point) -> io::Result<bool> {
    let Some(action) = due(point) else {
        return Ok(false);
    };
    match action {
        Action::Kill => {
            let died = kill_process(getpid(), Signal::KILL);
            tracing::error!(?died, "a fault that was asked for did not happen");
            Ok(false)
        }
        Action::Error => Err(io::Error::other("a fault that was asked for")),
        Action::Delay(time) => {
            std::thread::sleep(time);
            Ok(false)
        }
        Action::Repeat => Ok(true),
    }
}

fn due(point: Point) -> Option<Action> {
    if !cfg!(debug_assertions) {
        return None;
    }
    static ASKED: OnceLock<Option<Fault>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| std::env::var(VARIABLE).ok()?.parse().ok());
    let fault = asked.as_ref().filter(|fault| fault.point == point)?;
    static SEEN: OnceLock<Mutex<HashMap<Point, u32>>> = OnceLock::new();
    let mut seen = SEEN
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let turn = seen.entry(point).or_default();
    *turn += 1;
    let mut options = OpenOptions::new();
    let made = match fault.turn {
        Some(asked) => {
            let is_it = *turn == asked;
            is_it
                && options
                    .write(true)
                    .create_new(true)
                    .open(&fault.mark)
                    .is_ok()
        }
        // What is done again comes by once more, and goes on then.
        None if fault.action == Action::Repeat && turn.is_multiple_of(2) => false,
        None => {
            let file = options.append(true).create(true).open(&fault.mark);
            file.is_ok_and(|mut file| writeln!(file, "{}", point.name()).is_ok())
        }
    };
    made.then_some(fault.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_whole_or_not_at_all() {
        let fault = Fault {
            action: Action::Kill,
            point: Point::ToolRan,
            turn: Some(2),
            mark: PathBuf::from("/somewhere/mark"),
        };
        assert_eq!("kill@tool-ran:2@/somewhere/mark".parse(), Ok(fault.clone()));
        let slow = Action::Delay(Duration::from_millis(50));
        for (text, action, turn) in [
            ("repeat@tool-ran:*@/m", Action::Repeat, None),
            ("delay=50@tool-ran:*@/m", slow, None),
            ("error@tool-ran:1@/m", Action::Error, Some(1)),
        ] {
            let read: Fault = text.parse().unwrap();
            assert_eq!((read.action, read.turn), (action, turn), "{text}");
        }
        for wrong in [
            "",
            "kill",
            "kill@tool-ran",
            "kill@tool-ran:1",
            "kill@tool-ran:x@/m",
            "kill@nowhere:1@/m",
            "stop@tool-ran:1@/m",
            "delay=@tool-ran:1@/m",
            "kill@tool-ran:*@/m",
            "repeat@tool-begun:1@/m",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
