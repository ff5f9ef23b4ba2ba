//! A task as the runner needs it: every default filled in, every value checked.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::scope::Scope;
use super::secret::SecretName;
use super::work::Work;

/// A command: an argument vector, or a line for `sh -c`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Command {
    /// Run through `sh -c`.
    Shell(String),
    /// Run as it is, without a shell.
    Argv(Vec<String>),
}

impl Command {
    /// The vector that is executed.
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Shell(line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            Self::Argv(argv) => argv.clone(),
        }
    }

    /// Whether there is a program to run.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Shell(line) => line.trim().is_empty(),
            Self::Argv(argv) => argv.first().is_none_or(|program| program.is_empty()),
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => f.write_str(line),
            Self::Argv(argv) => f.write_str(&argv.join(" ")),
        }
    }
}

/// Which queue a task belongs to. Weighted, so that no lane starves another.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Lane {
    /// What a person waits for.
    #[default]
    Primary,
    /// Work that a session asked for.
    Subagent,
    /// Work nobody waits for.
    Background,
    /// Checks of other sessions' work.
    Validation,
}

impl Lane {
    /// Every lane, in the order of precedence at equal shares.
    pub const ALL: [Lane; 4] = [
        Lane::Primary,
        Lane::Validation,
        Lane::Subagent,
        Lane::Background,
    ];

    /// Shares of the slots when every lane has work.
    pub fn weight(self) -> u32 {
        match self {
            Lane::Primary => 8,
            Lane::Validation => 4,
            Lane::Subagent => 3,
            Lane::Background => 1,
        }
    }
}

/// How the wait between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Backoff {
    /// The same wait before every attempt.
    Fixed,
    /// Twice the wait before each further attempt, at most an hour.
    #[default]
    Exponential,
}

/// How often a failed job is tried again, and how long to wait before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retries {
    /// Further attempts after the first.
    pub max: u32,
    /// How the wait grows.
    pub backoff: Backoff,
    /// The first wait in milliseconds.
    pub base_ms: u64,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            max: 0,
            backoff: Backoff::Exponential,
            base_ms: 1000,
        }
    }
}

impl Retries {
    const LONGEST_MS: u64 = 3_600_000;

    /// The wait in milliseconds before attempt `attempt` (2 is the first repeat), or `None` when
    /// no further attempt is allowed.
    pub fn wait_before(&self, attempt: u32) -> Option<u64> {
        if attempt < 2 || attempt > self.max.saturating_add(1) {
            return None;
        }
        let wait = match self.backoff {
            Backoff::Fixed => self.base_ms,
            Backoff::Exponential => self
                .base_ms
                .saturating_mul(1u64.checked_shl(attempt - 2).unwrap_or(u64::MAX)),
        };
        Some(wait.min(Self::LONGEST_MS))
    }
}

/// What happens to a job whose supervisor vanished without an exit record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnCrash {
    /// The session is paused until a person resumes or cancels it.
    #[default]
    Ask,
    /// The job is run again in the same worktree.
    Resume,
    /// The session fails.
    Fail,
}

/// A task's name: part of a branch name and of file names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct TaskName(String);

/// Why a text cannot name a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a task: use 1 to 60 letters, digits, `.`, `_` or `-`, starting with a letter or digit, and without `..` or a `.lock` ending"
)]
pub struct InvalidTaskName(String);

impl TaskName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TaskName {
    type Err = InvalidTaskName;

    fn from_str(text: &str) -> Result<Self, InvalidTaskName> {
        let sound = (1..=60).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && !text.contains("..")
            && !text.ends_with('.')
            && !text.ends_with(".lock");
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTaskName(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for TaskName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// One task with every default filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// Its name, unique in its plan.
    pub name: TaskName,
    /// The files it may change.
    pub scope: Scope,
    /// What is run in the worktree.
    pub run: Work,
    /// What is run in its place once it has begun in this worktree: a program that goes on with what it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_again: Option<Command>,
    /// What its model is asked first. It goes into the artifact store, and not into the log.
    #[serde(skip)]
    pub prompt: Option<String>,
    /// Names of the tasks that must have completed before.
    pub after: Vec<TaskName>,
    /// Checks on the merged tree before the target moves.
    pub gate: Vec<Command>,
    /// Commands before `run`, once for each new worktree.
    pub setup: Vec<Command>,
    /// The longest one attempt may take, in milliseconds.
    pub timeout_ms: Option<u64>,
    /// Further attempts.
    pub retries: Retries,
    /// 0 is the most urgent, 50 the default.
    pub priority: u8,
    /// The queue it belongs to.
    pub lane: Lane,
    /// Added to the allow-listed environment.
    pub env: BTreeMap<String, String>,
    /// What to do when its supervisor vanished.
    pub on_crash: OnCrash,
    /// Tasks of the same group share a limit.
    pub group: Option<String>,
    /// Why it runs without the sandbox, when a person let it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfined: Option<String>,
    /// What its commands get in files; older versions did not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretName>,
}

#[cfg(test)]
impl TaskSpec {
    /// Runs a shell command in the whole repository, and asks for nothing else.
    pub(crate) fn sample(name: &str, run: &str) -> Self {
        Self {
            name: name.parse().unwrap(),
            scope: Scope::whole_repository(),
            run: Command::Shell(run.into()).into(),
            run_again: None,
            prompt: None,
            after: vec![],
            gate: vec![],
            setup: vec![],
            timeout_ms: None,
            retries: Retries::default(),
            priority: 50,
            lane: Lane::default(),
            env: BTreeMap::new(),
            on_crash: OnCrash::default(),
            group: None,
            unconfined: None,
            secrets: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_an_hour_and_end() {
        let retries = Retries {
            max: 40,
            backoff: Backoff::Exponential,
            base_ms: 1000,
        };
        assert_eq!(retries.wait_before(1), None);
        assert_eq!(retries.wait_before(2), Some(1000));
        assert_eq!(retries.wait_before(4), Some(4000));
        assert_eq!(retries.wait_before(41), Some(3_600_000));
        assert_eq!(retries.wait_before(42), None);
        assert_eq!(Retries::default().wait_before(2), None);
    }

    #[test]
    fn names_fit_into_a_branch() {
        for good in ["docs", "a.b-c_d", "0"] {
            assert!(good.parse::<TaskName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "a b",
            "a/b",
            "a..b",
            "x.lock",
            "x.",
            "ä",
            &"x".repeat(61),
        ] {
            assert!(bad.parse::<TaskName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_shell_line_goes_to_sh() {
        assert_eq!(Command::Shell("make".into()).argv(), ["sh", "-c", "make"]);
        assert!(Command::Argv(vec![]).is_empty());
    }
}
