//! A job: one attempt at one command. Its life is a pure function of its events.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::resource::Resource;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Prepares a new worktree.
    Setup,
    /// The task's own command.
    Command,
    /// The task's own model.
    ModelRun,
    /// A check on a merged tree.
    Gate,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Outcome {
    /// It ended by itself.
    Exited {
        /// Its exit code.
        code: i32,
    },
    /// A signal that treeyard did not send ended it.
    Signalled {
        /// The signal's number.
        signal: i32,
    },
    /// Its time limit was reached and its process tree killed.
    TimedOut,
    /// All of its processes together used more than they may, and were killed.
    OverLimit {
        /// Of what.
        what: Resource,
        /// How much it may use.
        limit: u64,
        /// How much it used when it was looked at.
        used: u64,
    },
    /// It was cancelled and its process tree killed.
    Cancelled,
    /// It could not be started.
    NotStarted {
        /// The system's reason.
        error: String,
    },
    /// Its supervisor vanished without an exit record (a killed machine).
    Lost {
        /// Why there is none, where that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
}

impl Outcome {
    /// Nobody knows how it ended, nor why.
    pub const LOST: Self = Self::Lost { why: None };

    /// Exit code zero.
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// The state in which a job with this outcome rests.
    pub fn job_state(&self) -> JobState {
        match self {
            Self::Exited { code: 0 } => JobState::Completed,
            Self::Cancelled => JobState::Cancelled,
            Self::Lost { .. } => JobState::Stalled,
            _ => JobState::Failed,
        }
    }

    /// In words, for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::Exited { code: 0 } => "succeeded".to_owned(),
            Self::Exited { code } => format!("exited with {code}"),
            Self::Signalled { signal } => format!("was ended by signal {signal}"),
            Self::TimedOut => "reached its time limit".to_owned(),
            Self::OverLimit { what, limit, used } => what.overrun(*limit, *used),
            Self::Cancelled => "was cancelled".to_owned(),
            Self::NotStarted { error } => format!("could not start: {error}"),
            Self::Lost { why } => format!("was lost: {}", vanished(why.as_deref())),
        }
    }
}

/// What is said of a job whose supervisor vanished.
pub fn vanished(why: Option<&str>) -> String {
    let because = why.map_or(String::new(), |why| format!(": {why}"));
    format!("its supervisor vanished{because}")
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a slot, a time or another task.
    Queued,
    /// A supervisor runs it.
    Running,
    /// Only recovery puts a job here.
    Stalled,
    /// Exit code zero.
    Completed,
    /// Any other end.
    Failed,
    /// Ended by a person or by policy.
    Cancelled,
}

impl JobState {
    /// The name in the database, in JSON and in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Stalled => "stalled",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Stalled,
            Self::Completed,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }

    /// The state after `event`, which must concern this job.
    pub fn next(self, event: &Event) -> Result<Self, IllegalJobStep> {
        let next = match (self, event) {
            (Self::Queued, Event::JobDispatched { .. }) => Self::Running,
            (Self::Queued | Self::Stalled, Event::JobCancelled { .. }) => Self::Cancelled,
            (Self::Running | Self::Stalled, Event::CommandExecuted { outcome, .. }) => {
                outcome.job_state()
            }
            _ => {
                return Err(IllegalJobStep {
                    from: self,
                    event: event.type_id(),
                });
            }
        };
        Ok(next)
    }
}

/// An event that cannot happen to a job in its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event} cannot happen to a {} job", from.name())]
pub struct IllegalJobStep {
    from: JobState,
    event: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_one_is_read_and_written_as_it_was_before_it_had_a_reason() {
        let before = r#"{"how":"lost"}"#;
        let outcome: Outcome = serde_json::from_str(before).unwrap();
        assert_eq!(outcome, Outcome::LOST);
        assert_eq!(serde_json::to_string(&outcome).unwrap(), before);
        let why = Some("the disk is full".to_owned());
        let outcome = Outcome::Lost { why };
        assert_eq!(
            outcome.describe(),
            "was lost: its supervisor vanished: the disk is full"
        );
        let text = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&text).unwrap(), outcome);
    }
}
