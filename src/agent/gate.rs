//! The only way to a tool.

use serde_json::json;

use super::tool::{Done, How, Prepared};
use super::world::World;
use crate::model::code::Code;
use crate::model::guardrail::bundled;
use crate::model::tool::{
    Because, Decision, ErrorKind, Evidence, Grounds, Hit, Missing, Pattern, Policy, Question,
    ToolError, decide,
};

/// What stands between a call and its tool.
pub struct Gate<'a> {
    /// What was granted and said.
    pub policy: Policy<'a>,
    /// What the guardrails find in a call.
    pub guardrails: &'a dyn Fn(&Prepared) -> Vec<Hit>,
}

/// That one call may run. Only the gate makes it; running takes it away, and the call is inside, so that
/// what runs is what was judged.
#[derive(Debug)]
pub struct Permit {
    call: Prepared,
    grounds: Grounds,
    closed: Vec<Pattern>,
}

/// What becomes of a call at the gate.
#[derive(Debug)]
pub enum Admission {
    /// It may run.
    Permit(Permit),
    /// It may not.
    Denied {
        /// For the record.
        evidence: Evidence,
        /// For the caller.
        error: ToolError,
    },
    /// A person decides. When they allow it, the call comes to the gate again.
    Ask {
        /// The call.
        call: Prepared,
        /// Why they are asked.
        because: Because,
        /// What it would do.
        preview: Option<Preview>,
    },
}

/// What a call would do, as a dry run found out; or why it could not.
pub type Preview = Result<Done, ToolError>;

impl Gate<'_> {
    /// Decides about a call. Nothing runs but, where a person is to be asked, its dry run.
    pub fn admit(&self, call: Prepared, world: &World) -> Admission {
        let question = Question {
            card: &call.card,
            call: &call.fingerprint,
            subjects: &call.subjects,
            dry_run: call.dry_run,
        };
        let closed = || self.policy.rules.closed_to(&call.card.tool_id);
        match decide(&question, &self.policy, &(self.guardrails)(&call)) {
            Decision::Allow(grounds) => Admission::Permit(Permit {
                closed: closed(),
                call,
                grounds,
            }),
            Decision::Deny(evidence) => Admission::Denied {
                error: told(&call, &evidence),
                evidence,
            },
            Decision::Ask { because, preview } => {
                let how = How {
                    dry_run: true,
                    closed: &closed(),
                };
                let preview = preview.then(|| call.act(world, how));
                Admission::Ask {
                    call,
                    because,
                    preview,
                }
            }
        }
    }
}

impl Permit {
    /// Why it was given. A rule that holds once is to be spent before the call runs.
    pub fn grounds(&self) -> &Grounds {
        &self.grounds
    }

    /// The call.
    pub fn call(&self) -> &Prepared {
        &self.call
    }

    /// Runs the tool.
    ///
    /// # Errors
    /// What the tool says.
    pub fn run(self, world: &World) -> Result<Done, ToolError> {
        let how = How {
            dry_run: self.call.dry_run,
            closed: &self.closed,
        };
        self.call.act(world, how)
    }
}

/// A denial in words that a model can act on.
fn told(call: &Prepared, evidence: &Evidence) -> ToolError {
    let tool = &call.card.tool_id;
    let (kind, why) = match evidence {
        Evidence::Unavailable(why) => (ErrorKind::Tool, format!("cannot be called here: {why}")),
        Evidence::Capabilities(missing) => {
            let names: Vec<_> = missing.iter().map(Missing::to_string).collect();
            let why = format!("needs what this session may not do: {}", names.join("; "));
            (ErrorKind::Capability, why)
        }
        Evidence::Guardrail { id, .. } => {
            let entry = bundled().ok().and_then(|registry| registry.get(id));
            let title = entry.map(|entry| format!(" ({})", entry.title));
            let why = format!("is forbidden by {id}{}", title.unwrap_or_default());
            (ErrorKind::Policy, why)
        }
        Evidence::Rule(_) => (ErrorKind::Policy, "was denied by a person".to_owned()),
    };
    let message = format!("{tool} {why}. Do without it, or say what you would need it for.");
    ToolError::new(Code::ToolDenied, kind, message).with_details(json!({ "evidence": evidence }))
}
