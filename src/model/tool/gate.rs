//! Whether a call may run. A pure decision over what was granted, what people said and what the
//! guardrails found; whatever is not granted is denied.

use std::fmt;

use serde::Serialize;

use super::capability::{Capabilities, Capability};
use super::card::{Availability, Card, RiskLevel, SideEffect};
use super::pattern::Subject;
use super::rule::{Fingerprint, Rule, Rules};

/// What a session was granted, and what those above it leave of that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// To the session itself.
    pub session: Capabilities,
    /// What the operator lets any session do.
    pub operator: Capabilities,
    /// Of the session that started it; none when a person did.
    pub parent: Option<Capabilities>,
}

/// Who has to grant something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The session's own grants.
    Session,
    /// The operator's policy.
    Operator,
    /// The grants of the session that started it.
    Parent,
}

/// A capability that a call needs and does not have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which.
    pub capability: Capability,
    /// Who did not grant it; at least one.
    pub not_granted_by: Vec<Party>,
}

impl Grants {
    /// What is left: only what all of them grant.
    pub fn effective(&self) -> Capabilities {
        let common = self.session.common(&self.operator);
        match &self.parent {
            Some(parent) => common.common(parent),
            None => common,
        }
    }

    fn missing(&self, needed: &Capabilities) -> Vec<Missing> {
        let parties = [
            (Party::Session, Some(&self.session)),
            (Party::Operator, Some(&self.operator)),
            (Party::Parent, self.parent.as_ref()),
        ];
        let missing = needed.iter().map(|capability| {
            let lacks = parties
                .iter()
                .filter(|(_, grants)| grants.is_some_and(|grants| !grants.has(capability)));
            Missing {
                capability,
                not_granted_by: lacks.map(|(party, _)| *party).collect(),
            }
        });
        let is_missing = |one: &Missing| !one.not_granted_by.is_empty();
        missing.filter(is_missing).collect()
    }
}

/// All that decides about calls besides the call itself.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// What may be done.
    pub grants: &'a Grants,
    /// From which risk on a person is asked; nobody is asked without.
    pub ask_from: Option<RiskLevel>,
    /// What people said.
    pub rules: &'a Rules,
}

/// A call that wants to run.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The tool.
    pub card: &'a Card,
    /// What it is called with.
    pub call: &'a Fingerprint,
    /// What it touches.
    pub subjects: &'a [Subject],
    /// Whether it only says what it would do.
    pub dry_run: bool,
}

/// A guardrail that found something in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its id, such as `AP-002`.
    pub guardrail: String,
    /// What follows.
    pub outcome: Outcome,
}

/// What follows from a guardrail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The call does not run.
    Deny,
    /// The call needs no more than these.
    Downgrade(Capabilities),
    /// A person has to see this very call.
    RequireConsent,
    /// The call does not run, and the session ends.
    ForceStop,
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It runs.
    Allow(Grounds),
    /// It does not.
    Deny(Evidence),
    /// A person decides.
    Ask {
        /// Why.
        because: Because,
        /// Whether they are to be shown what it would do.
        preview: bool,
    },
}

/// Why a call runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grounds {
    /// Its capabilities are granted, and nobody has to be asked.
    Granted,
    /// A person allowed it. The rule is to be spent when the call runs.
    Rule(Rule),
}

/// Why a call does not run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It is not there.
    Unavailable(String),
    /// These are not granted.
    Capabilities(Vec<Missing>),
    /// A guardrail forbids it.
    Guardrail {
        /// Which.
        id: String,
        /// Whether the session ends as well.
        stops_session: bool,
    },
    /// A person forbade it.
    Rule(Rule),
}

/// Why a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The tool does harm when it is called wrongly.
    Risk(RiskLevel),
    /// A guardrail wants it.
    Guardrail(String),
}

/// Whether a call may run, given what the guardrails found in it. The order of the tests is the
/// order in which reasons are told; of two that deny, the outcome is the same.
pub fn decide(question: &Question<'_>, policy: &Policy<'_>, hits: &[Hit]) -> Decision {
    match denial(question, policy, hits) {
        Some(evidence) => Decision::Deny(evidence),
        None => approval(question, policy, hits),
    }
}

fn denial(question: &Question<'_>, policy: &Policy<'_>, hits: &[Hit]) -> Option<Evidence> {
    let Question { card, call, .. } = question;
    if let Availability::Unavailable { why } = &card.availability {
        return Some(Evidence::Unavailable(why.clone()));
    }
    let missing = policy.grants.missing(&card.required_capabilities);
    if !missing.is_empty() {
        return Some(Evidence::Capabilities(missing));
    }
    let forbids = |hit: &&Hit| match &hit.outcome {
        Outcome::Deny | Outcome::ForceStop => true,
        Outcome::Downgrade(left) => !card.required_capabilities.is_within(left),
        Outcome::RequireConsent => false,
    };
    // The one that stops the session is told before all others.
    let stops = |hit: &&Hit| hit.outcome == Outcome::ForceStop;
    let forbidding = hits.iter().filter(forbids);
    if let Some(hit) = forbidding.max_by_key(stops) {
        return Some(Evidence::Guardrail {
            id: hit.guardrail.clone(),
            stops_session: stops(&hit),
        });
    }
    let tool = &card.tool_id;
    let rule = policy.rules.denying(tool, call, question.subjects);
    rule.cloned().map(Evidence::Rule)
}

/// Of a call that nothing denies. One that only reads is not risky, and neither is saying what would
/// be done; a guardrail that wants a person to look wants it of them as well.
fn approval(question: &Question<'_>, policy: &Policy<'_>, hits: &[Hit]) -> Decision {
    let Question { card, call, .. } = question;
    let consent = hits
        .iter()
        .find(|hit| hit.outcome == Outcome::RequireConsent);
    let acts = card.side_effect != SideEffect::Read && !question.dry_run;
    let risk = Some(card.risk_level).filter(|risk| {
        let asks = policy.ask_from.is_some_and(|from| *risk >= from);
        asks && acts
    });
    let because = match (consent, risk) {
        (Some(hit), _) => Because::Guardrail(hit.guardrail.clone()),
        (None, Some(risk)) => Because::Risk(risk),
        (None, None) => return Decision::Allow(Grounds::Granted),
    };
    let exactly = consent.is_some();
    let (tool, subjects) = (&card.tool_id, question.subjects);
    match policy.rules.allowing(tool, call, subjects, exactly) {
        Some(rule) => Decision::Allow(Grounds::Rule(rule.clone())),
        None => Decision::Ask {
            because,
            preview: acts,
        },
    }
}

/// Such as `git.commit (not granted by operator)`.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parties = self.not_granted_by.iter().map(|party| match party {
            Party::Session => "session",
            Party::Operator => "operator",
            Party::Parent => "parent",
        });
        let parties: Vec<_> = parties.collect();
        write!(
            f,
            "{} (not granted by {})",
            self.capability,
            parties.join(", ")
        )
    }
}
