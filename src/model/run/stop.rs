//! Why a model stopped.

use serde::{Deserialize, Serialize};

use crate::model::tool::CallId;

/// Why a model stopped working in its session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case", deny_unknown_fields)]
pub enum Stop {
    /// It said all that it had to say.
    Finished,
    /// A person has to allow a call of a tool.
    AwaitsApproval {
        /// Which call.
        tool_call_id: CallId,
    },
    /// A person has to agree that something is sent.
    AwaitsConsent,
    /// It cannot be called as things are: no key, no such provider, no model that is ready.
    Unready {
        /// The stable code.
        code: String,
        /// Why.
        message: String,
    },
    /// A budget is used up.
    Budget {
        /// Which, for a person.
        detail: String,
        /// Whether the session is over, instead of being paused.
        ends: bool,
    },
    /// It was called as often as it may be in one job.
    StepLimit {
        /// How often.
        steps: u32,
    },
    /// Its answer was longer than it may be.
    OutputLimit,
    /// The conversation is longer than what the model takes.
    ContextFull,
    /// The provider withheld the answer.
    ContentFilter,
    /// Its answers did not follow the schema that was asked for.
    Unstructured {
        /// What is wrong with the last one.
        detail: String,
    },
    /// A guardrail ended the session.
    Guardrail {
        /// Which.
        id: String,
    },
    /// The provider gave no answer.
    Provider {
        /// The kind of error, a stable word.
        kind: String,
        /// What it said.
        message: String,
    },
    /// It could not do the work, and a larger model can.
    HandedOver {
        /// Which, as settings name it.
        to: String,
        /// Why, for a person.
        because: String,
        /// Whether a person decides that first.
        asks: bool,
    },
    /// A person paused its session.
    Held,
    /// Somebody called it off.
    Cancelled,
}

impl Stop {
    /// In words, for a person.
    pub fn describe(&self) -> String {
        match self {
            Self::Finished => "answered".to_owned(),
            Self::AwaitsApproval { .. } => "waits for a person to allow a call".to_owned(),
            Self::AwaitsConsent => "waits for a person to agree to what is sent".to_owned(),
            Self::Unready { code, message } => format!("cannot be called ({code}): {message}"),
            Self::Budget { detail, .. } => format!("was stopped: {detail}"),
            Self::StepLimit { steps } => format!("was called {steps} times, as often as it may be"),
            Self::OutputLimit => "gave an answer longer than it may be".to_owned(),
            Self::ContextFull => "has a conversation longer than it takes".to_owned(),
            Self::ContentFilter => "was silenced by its provider's filter".to_owned(),
            Self::Unstructured { detail } => format!("did not follow the schema: {detail}"),
            Self::Guardrail { id } => format!("was stopped by {id}"),
            Self::Provider { kind, message } => {
                // What providers say of it begins with the kind in words.
                let words = kind.replace('_', " ");
                let rest = message.strip_prefix(&words);
                let rest = rest.and_then(|rest| rest.strip_prefix(": "));
                format!("got no answer ({kind}): {}", rest.unwrap_or(message))
            }
            Self::HandedOver { to, because, asks } => match asks {
                false => format!("{because}; {to} takes over"),
                true => {
                    format!("{because}; `treeyard swap --model {to}` lets a larger one take over")
                }
            },
            Self::Held => "was held by a person".to_owned(),
            Self::Cancelled => "was cancelled".to_owned(),
        }
    }

    /// What somebody else said of it, where it tells that.
    pub fn words(&mut self) -> Option<&mut String> {
        match self {
            Self::Unready { message, .. } | Self::Provider { message, .. } => Some(message),
            Self::Budget { detail, .. } | Self::Unstructured { detail } => Some(detail),
            Self::HandedOver { because, .. } => Some(because),
            _ => None,
        }
    }

    /// Whether another attempt may end otherwise.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Provider { kind, .. } => matches!(
                kind.as_str(),
                "rate" | "overloaded" | "network" | "timeout" | "protocol" | "server"
            ),
            Self::Unstructured { .. } | Self::OutputLimit => true,
            _ => false,
        }
    }

    /// Whether a larger model may do what this one could not.
    pub fn is_incapable(&self) -> bool {
        matches!(
            self,
            Self::OutputLimit
                | Self::ContextFull
                | Self::Unstructured { .. }
                | Self::StepLimit { .. }
        )
    }

    /// What becomes of its session.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Finished => Verdict::Done,
            Self::AwaitsApproval { .. } | Self::AwaitsConsent | Self::Unready { .. } => {
                Verdict::Block
            }
            Self::Budget { ends: false, .. } | Self::StepLimit { .. } | Self::Held => {
                Verdict::Pause
            }
            Self::HandedOver { asks: false, .. } => Verdict::GoOn,
            Self::HandedOver { asks: true, .. } => Verdict::Pause,
            Self::Cancelled => Verdict::Cancel,
            _ => Verdict::Fail,
        }
    }
}

/// What becomes of a session whose model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its job succeeded.
    Done,
    /// Its next job goes on.
    GoOn,
    /// A person has to say something, and then it goes on.
    Block,
    /// A person may let it go on.
    Pause,
    /// Its job failed.
    Fail,
    /// Its job was ended.
    Cancel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_end_of_a_sentence() {
        let got = |kind: &str, message: &str| {
            let (kind, message) = (kind.to_owned(), message.to_owned());
            Stop::Provider { kind, message }.describe()
        };
        assert_eq!(
            got("not_supported", "not supported: it takes no pictures"),
            "got no answer (not_supported): it takes no pictures"
        );
        assert_eq!(
            got("auth", "not authorised: no"),
            "got no answer (auth): not authorised: no"
        );
        let stop = Stop::Budget {
            detail: "the session's budget of 10 tokens does not do".to_owned(),
            ends: true,
        };
        assert!(stop.describe().starts_with("was stopped: the session's"));
    }
}
