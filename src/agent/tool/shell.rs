//! `shell.exec`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, executing};
use crate::agent::artifacts::PLAIN;
use crate::agent::command::MOST_PRINTED;
use crate::agent::path::RelPath;
use crate::agent::place::{Kind, Place};
use crate::agent::registry::Entry;
use crate::agent::text::{ANSWER, unsuitable};
use crate::agent::world::World;
use crate::model::denylist::quoted;
use crate::model::job::Outcome;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("shell.exec");
const SECONDS: u32 = 120;
const MOST_SECONDS: u32 = 3600;
const TOLD: u32 = 16 * 1024;
const LEAST_TOLD: u32 = 256;
/// The longest command, in bytes: a system takes 128 KiB in one word.
const LONGEST: usize = 64 * 1024;
const MOST_WORDS: usize = 2000;
/// Goes to a folder, and becomes the program.
const FROM_FOLDER: &str = "CDPATH= cd -P -- \"$0\" && exec \"$@\"";

/// What to run, where, and how much of it to tell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// A line for `sh -c`. Give this or `argv`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    command: Option<String>,
    /// A program and its arguments, which no shell reads. Give this or `command`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2000))]
    argv: Option<Vec<String>>,
    /// The folder to run it in; the root of the worktree unless said otherwise.
    #[serde(default)]
    cwd: RelPath,
    /// After how many seconds it is ended, 1 to 3600; 120 unless said otherwise.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3600))]
    timeout_seconds: Option<u32>,
    /// How many bytes of what it prints are told, 256 to 24576; 16384 unless said otherwise.
    #[serde(default)]
    #[schemars(range(min = 256, max = 24576))]
    max_output_bytes: Option<u32>,
}

/// What became of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// How it ended.
    ended: End,
    /// Its exit code, when it ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    /// The signal that ended it.
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<i32>,
    /// Why it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// How long it ran, in milliseconds.
    duration_ms: u64,
    /// What it printed, on both of its outputs: all of it, or the beginning.
    output: String,
    /// How many bytes are left out behind that.
    omitted_bytes: u64,
    /// The end of what it printed, behind what is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<String>,
    /// The hash of all that it printed, which `artifact.get` reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<String>,
    /// Of a dry run: what would be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    would_run: Option<String>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum End {
    /// By itself.
    Exited,
    /// By a signal.
    Signalled,
    /// Its time was over.
    TimedOut,
    /// It used or printed more than it may.
    OverLimit,
    /// It was a dry run.
    NotRun,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Shell {
    /// As a person would type it.
    line: String,
    argv: Vec<String>,
    cwd: RelPath,
    seconds: u32,
    told: u32,
}

impl Tool for Shell {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        executing(card(
            ID,
            "Runs a command in the worktree and tells how it ended and what it printed, of long output the \
             beginning and the end. Nobody can answer it, and what it leaves in the background is ended \
             with it. It reaches what the session reaches; to look at files or change them, the tools for \
             files are quicker and safer.",
            &[Capability::CommandRun],
        ))
    }

    fn example() -> Value {
        json!({ "command": "cargo test 2>&1 | tail -n 40", "timeout_seconds": 600 })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        let seconds = args.timeout_seconds.unwrap_or(SECONDS);
        if !(1..=MOST_SECONDS).contains(&seconds) {
            return Err(entry.refuse("timeout_seconds", "a number from 1 to 3600 is wanted"));
        }
        let told = args.max_output_bytes.unwrap_or(TOLD);
        if !(LEAST_TOLD..=ANSWER as u32).contains(&told) {
            return Err(entry.refuse("max_output_bytes", "a number from 256 to 24576 is wanted"));
        }
        let cwd = place.settle(&args.cwd)?;
        let is_folder = |kind| kind == Kind::Folder;
        if !place.look(&cwd)?.is_some_and(|(kind, _)| is_folder(kind)) {
            return Err(unsuitable(format!(
                "{cwd} is no folder; `file.list` tells what is there"
            )));
        }
        let (line, argv) = match (args.command, args.argv) {
            (Some(line), None) => {
                let argv = ["sh", "-c", &line].map(str::to_owned).to_vec();
                (line, argv)
            }
            (None, Some(argv)) => (quoted(&argv), argv),
            _ => return Err(entry.refuse("command", "one of `command` and `argv` is wanted")),
        };
        let call = Self {
            line,
            argv,
            cwd,
            seconds,
            told,
        };
        call.check(entry).map(|()| call)
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![Subject::Command(self.line.clone())]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let (commands, artifacts) = (world.commands()?, world.artifacts()?);
        if how.dry_run {
            return Ok(Answer::of(self.preview(), Vec::new()));
        }
        let ran = commands.run(self.placed(), u64::from(self.seconds) * 1000, world)?;
        let kept = artifacts.keep(ran.told()?, "command_output", PLAIN, world)?;
        let excerpt = artifacts.excerpt(&kept, self.told.into())?;
        let (ended, why) = match &ran.outcome {
            _ if ran.has_flooded => {
                let why = format!("it printed more than {} MiB", MOST_PRINTED >> 20);
                (End::OverLimit, Some(why))
            }
            Outcome::Exited { .. } => (End::Exited, None),
            Outcome::TimedOut => {
                let why = format!("it ran for more than {} seconds", self.seconds);
                (End::TimedOut, Some(why))
            }
            outcome @ Outcome::OverLimit { .. } => (End::OverLimit, Some(outcome.describe())),
            outcome => (End::Signalled, Some(outcome.describe())),
        };
        let output = Output {
            ended,
            exit_code: match &ran.outcome {
                Outcome::Exited { code } => Some(*code),
                _ => None,
            },
            signal: match &ran.outcome {
                Outcome::Signalled { signal } => Some(*signal),
                _ => None,
            },
            why,
            duration_ms: ran.duration_ms,
            output: excerpt.head,
            omitted_bytes: excerpt.omitted,
            tail: excerpt.tail,
            artifact: Some(kept.hash.to_string()),
            would_run: None,
        };
        Ok(Answer::of(output, Vec::new()).with_artifacts(vec![kept]))
    }
}

impl Shell {
    /// What no system takes is found before anybody is asked about it.
    fn check(&self, entry: &Entry) -> Result<(), ToolError> {
        let field = match self.argv.as_slice() {
            [sh, flag, line] if sh == "sh" && flag == "-c" && *line == self.line => "command",
            _ => "argv",
        };
        let why = if self.argv.first().is_none_or(String::is_empty) || self.line.trim().is_empty() {
            "it is empty"
        } else if self.argv.iter().any(|word| word.contains('\0')) {
            "it has a NUL byte in it"
        } else if self.line.len() > LONGEST || self.argv.len() > MOST_WORDS {
            "it is longer than 64 KiB or 2000 words; write a script and run that"
        } else {
            return Ok(());
        };
        Err(entry.refuse(field, why))
    }

    /// With the way to its folder. It is gone inside of what holds the program back, so that a link which
    /// is put there meanwhile leads nowhere that the program could not go by itself.
    fn placed(&self) -> Vec<String> {
        if self.cwd.is_root() {
            return self.argv.clone();
        }
        let folder = format!("./{}", self.cwd);
        let first = ["sh", "-c", FROM_FOLDER, &folder].map(str::to_owned);
        first.into_iter().chain(self.argv.iter().cloned()).collect()
    }

    fn preview(&self) -> Output {
        let place = match self.cwd.is_root() {
            true => String::new(),
            false => format!(" (in {})", self.cwd),
        };
        Output {
            ended: End::NotRun,
            exit_code: None,
            signal: None,
            why: None,
            duration_ms: 0,
            output: String::new(),
            omitted_bytes: 0,
            tail: None,
            artifact: None,
            would_run: Some(format!("{}{place}", self.line)),
        }
    }
}
