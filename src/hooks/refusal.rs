//! What a hook says when it refuses: five lines.

use gix::bstr::{BString, ByteSlice};

use super::error::HookError;
use crate::model::code::Code;
use crate::model::guard::Guard;

/// `Ok(Err(…))` is a refusal, `Err(…)` means that it cannot be decided.
pub(super) type Decision = Result<Result<(), Refusal>, HookError>;

/// So many paths are named.
const NAMED: usize = 4;

/// Why a change is refused: what happened, which files, who holds them, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: Code,
    what: String,
    rows: Vec<(&'static str, String)>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "treeyard: refused: {} ({})", self.what, self.code.id())?;
        for (label, text) in &self.rows {
            writeln!(f, "  {label:<6} {text}")?;
        }
        Ok(())
    }
}

impl Refusal {
    /// With four rows of a label and a text.
    pub(super) fn new(code: Code, what: String, rows: [(&'static str, String); 4]) -> Self {
        let rows = rows.into();
        Self { code, what, rows }
    }

    /// Paths outside of a session's scope.
    pub(super) fn outside(guard: &Guard, what: &str, paths: &[BString], out: String) -> Self {
        let many = match paths.len() {
            1 => "a path".to_owned(),
            count => format!("{count} paths"),
        };
        let wider = "or, when the task needs them, run it again with a wider scope".to_owned();
        Self::new(
            Code::OutOfScope,
            format!("{what} {many} outside the scope of this session"),
            [
                ("files", named(paths)),
                ("scope", scope_of(guard)),
                ("do", out),
                ("", wider),
            ],
        )
    }

    /// What it held may be somebody else's now.
    pub(super) fn lost(guard: &Guard) -> Self {
        let task = &guard.task;
        Self::new(
            Code::LockLost,
            "this session does not hold its files any more".to_owned(),
            [
                ("files", "all of its scope".to_owned()),
                ("scope", scope_of(guard)),
                (
                    "do",
                    format!("`treeyard locks explain {task}` says who holds them"),
                ),
                (
                    "",
                    "it asks for them again when it is resumed, and when it lands".to_owned(),
                ),
            ],
        )
    }

    /// A session whose hooks cannot decide goes no further.
    pub(super) fn undecided(error: &HookError) -> Self {
        Self::new(
            Code::HookUndecided,
            "this change cannot be checked".to_owned(),
            [
                ("files", "not known".to_owned()),
                ("reason", error.to_string()),
                (
                    "do",
                    "`treeyard doctor` says what is wrong here, `treeyard doctor --fix` repairs it"
                        .to_owned(),
                ),
                ("", "your files are as they were".to_owned()),
            ],
        )
    }
}

pub(super) fn scope_of(guard: &Guard) -> String {
    let patterns = guard.scope.patterns();
    let more = match patterns.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first: Vec<&str> = patterns.iter().take(NAMED).map(String::as_str).collect();
    let first = match first.as_slice() {
        [] => "nothing".to_owned(),
        first => first.join(" "),
    };
    let (task, id) = (&guard.task, guard.session.short());
    format!("{first}{more}, of session {task} ({id})")
}

/// A few paths, and how many more there are.
pub fn named(paths: &[BString]) -> String {
    let first: Vec<String> = paths.iter().take(NAMED).map(shown).collect();
    match paths.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// A path that a terminal can be given.
pub(super) fn shown(path: &BString) -> String {
    let text = path.to_str_lossy();
    match text.chars().any(char::is_control) || text.contains(", ") {
        true => format!("{text:?}"),
        false => text.into_owned(),
    }
}

/// Paths as words for a shell, a few of them.
pub fn words(paths: &[BString]) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@".contains(c);
    let word = |path: &BString| match shown(path) {
        text if text.chars().all(plain) && !text.is_empty() => text,
        text => format!("'{}'", text.replace('\'', "'\\''")),
    };
    let more = if paths.len() > NAMED { " …" } else { "" };
    let first: Vec<String> = paths.iter().take(NAMED).map(word).collect();
    format!("{}{more}", first.join(" "))
}
