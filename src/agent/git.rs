//! Git in the worktree. Settings, hooks and attributes there are the session's own, so git runs as the
//! session's commands do.

use std::io::Read;

use super::path::RelPath;
use super::world::World;
use crate::model::code::Code;
use crate::model::job::Outcome;
use crate::model::tool::{ErrorKind, ToolError};

/// For what only looks.
pub(super) const SOON: u64 = 120;
/// For what runs hooks, in seconds.
pub(super) const LATER: u64 = 900;
/// The most bytes that are read of what git prints.
const MOST_READ: u64 = 4 << 20;
/// The most bytes of a failure that are told.
const MOST_TOLD: usize = 4000;
/// Runs a program, and lets its complaints be seen only when it fails: they are no part of its answer.
const QUIETLY: &str = "{ said=$(\"$@\" 2>&1 >&3 3>&-); } 3>&1; code=$?; \
                       [ \"$code\" = 0 ] || printf '%s\\n' \"$said\"; exit \"$code\"";

/// How git ended, and what it printed.
#[derive(Debug)]
pub(super) struct Said {
    pub code: i32,
    /// The beginning of it, where it is very long.
    pub output: Vec<u8>,
    /// Whether that is all.
    pub is_whole: bool,
}

impl Said {
    /// The same, if git did what it was asked for.
    ///
    /// # Errors
    /// What git says of why not.
    pub fn done(self, doing: &str, world: &World) -> Result<Self, ToolError> {
        match self.code {
            0 => Ok(self),
            _ => Err(self.failure(doing, world)),
        }
    }

    /// What git says of why it did not.
    pub fn failure(&self, doing: &str, world: &World) -> ToolError {
        let text = String::from_utf8_lossy(&self.output);
        // The reason is at the end, after what hooks print.
        let from = text.len().saturating_sub(MOST_TOLD);
        let from = (from..text.len()).find(|at| text.is_char_boundary(*at));
        let told = text.get(from.unwrap_or(0)..).unwrap_or_default().trim();
        let told = world.redacted(told);
        let message = format!("{doing} failed with {}: {told}", self.code);
        ToolError::new(Code::GitFailed, ErrorKind::Tool, message)
    }
}

/// Runs git with these words, in the root of the worktree.
///
/// # Errors
/// When it does not end by itself. That it fails is none.
pub(super) fn git(words: &[&str], seconds: u64, world: &World) -> Result<Said, ToolError> {
    let quietly = ["sh", "-c", QUIETLY, "sh"].into_iter();
    let settings = ["git", "--no-pager", "--no-optional-locks"];
    let argv = quietly.chain(settings).chain(words.iter().copied());
    let argv = argv.map(str::to_owned).collect();
    let ran = world.commands()?.run(argv, seconds * 1000, world)?;
    let code = match ran.outcome {
        Outcome::Exited { code } if !ran.has_flooded => code,
        Outcome::TimedOut => {
            let message = format!("git did not end within {seconds} seconds");
            let error = ToolError::new(Code::JobTimeout, ErrorKind::Timeout, message);
            return Err(error.retryable());
        }
        outcome => {
            let message = format!("git {}", outcome.describe());
            return Err(ToolError::new(Code::GitFailed, ErrorKind::Tool, message));
        }
    };
    let mut output = Vec::new();
    let read = ran.output()?.take(MOST_READ + 1).read_to_end(&mut output);
    read.map_err(|error| ToolError::new(Code::Io, ErrorKind::Tool, error.to_string()))?;
    let is_whole = output.len() as u64 <= MOST_READ && ran.lost.is_none();
    output.truncate(MOST_READ as usize);
    Ok(Said {
        code,
        output,
        is_whole,
    })
}

/// A path for git, which would take some characters for patterns.
pub(super) fn literal(path: &RelPath) -> String {
    match path.is_root() {
        true => ":(top)".to_owned(),
        false => format!(":(top,literal){path}"),
    }
}

/// Everything but these paths, for git.
pub(super) fn without(path: &str) -> String {
    format!(":(top,exclude,literal){path}")
}

/// What stands between NUL bytes, as text; names need not be UTF-8.
pub(super) fn fields(output: &[u8]) -> impl Iterator<Item = String> {
    let output = output.strip_suffix(b"\0").unwrap_or(output);
    let fields = output.split(|byte| *byte == 0);
    fields
        .filter(|field| !field.is_empty())
        .map(|field| String::from_utf8_lossy(field).into_owned())
}
