//! Faults that tests ask for. A process that finds `TREEYARD_FAULT=ACTION@POINT:N@MARK` in its environment does so when
//! it comes to that point for the `N`th time, and makes the file `MARK`; where that is there already nothing happens, so
//! that one fault happens once however many processes come by. `ACTION` is `kill`: the process ends as by `SIGKILL`.
//! Builds without debug assertions know no faults.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Signal, getpid, kill_process};

/// Where a fault is described.
pub const VARIABLE: &str = "TREEYARD_FAULT";

macro_rules! points {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// A point at which a fault may happen.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Point { $($(#[$doc])* $variant,)* }

        impl Point {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

points! {
    /// That a model is called is on record, and it was not called yet.
    CallBegun = "call-begun";
    /// A model answered, and nothing of that is on record.
    CallAnswered = "call-answered";
    /// That a tool runs is on record, and it does not run yet.
    ToolBegun = "tool-begun";
    /// A tool has run, and nothing of that is on record.
    ToolRan = "tool-ran";
    /// What a tool came to is on record.
    ToolRecorded = "tool-recorded";
    /// The files of a checkpoint are kept, and it is not on record.
    CheckpointKept = "checkpoint-kept";
    /// A model has stopped, and nothing of that is on record.
    Stopping = "stopping";
    /// Why a model stopped is on record, and its process still lives.
    Stopped = "stopped";
}

/// A fault that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    point: Point,
    /// From 1.
    turn: u32,
    mark: PathBuf,
}

/// Lets the fault happen that was asked for here, if one was.
pub fn at(point: Point) {
    if !cfg!(debug_assertions) {
        return;
    }
    static ASKED: OnceLock<Option<Fault>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| parse(&std::env::var(VARIABLE).ok()?));
    let Some(fault) = asked.as_ref().filter(|fault| fault.point == point) else {
        return;
    };
    static SEEN: OnceLock<Mutex<HashMap<Point, u32>>> = OnceLock::new();
    let mut seen = SEEN
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    let turn = seen.entry(point).or_default();
    *turn += 1;
    let first = || {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&fault.mark)
    };
    if *turn == fault.turn && first().is_ok() {
        let died = kill_process(getpid(), Signal::KILL);
        tracing::error!(?died, "a fault that was asked for did not happen");
    }
}

fn parse(text: &str) -> Option<Fault> {
    let (what, mark) = text.strip_prefix("kill@")?.split_once('@')?;
    let (name, turn) = what.split_once(':')?;
    Some(Fault {
        point: *Point::ALL.iter().find(|point| point.name() == name)?,
        turn: turn.parse().ok()?,
        mark: PathBuf::from(mark),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_whole_or_not_at_all() {
        let fault = Fault {
            point: Point::ToolRan,
            turn: 2,
            mark: PathBuf::from("/somewhere/mark"),
        };
        assert_eq!(parse("kill@tool-ran:2@/somewhere/mark"), Some(fault));
        for wrong in [
            "",
            "kill",
            "kill@tool-ran",
            "kill@tool-ran:x@/m",
            "kill@nowhere:1@/m",
            "stop@tool-ran:1@/m",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
