//! What a person said about calls, beforehand or when asked.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::ToolId;
use super::pattern::{Pattern, Subject};
use crate::model::ids::{ContentHash, InvalidId};

/// One thing that a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is to become of the calls.
    pub effect: Effect,
    /// Which calls.
    pub covers: Covers,
}

/// What is to become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It need not be asked for.
    Allow,
    /// It does not run.
    Deny,
}

/// Which calls a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// One call, exactly as the person saw it, and that once.
    Once(Fingerprint),
    /// Every call of a tool, as long as the session lasts.
    Session(ToolId),
    /// Every call that a pattern has.
    Matching(Pattern),
}

/// A tool and all that it is called with, by hash.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(ContentHash);

impl Fingerprint {
    /// Of a call. Ids of calls are left out: providers use them again.
    ///
    /// # Errors
    /// Never: the hash is made here.
    pub fn of(tool: &ToolId, args: &Value) -> Result<Self, InvalidId> {
        let mut hash = blake3::Hasher::new();
        hash.update(tool.as_str().as_bytes());
        hash.update(b"\0");
        hash.update(args.to_string().as_bytes());
        ContentHash::from_hex(&hash.finalize().to_hex()).map(Self)
    }

    /// Its 64 hex digits, by whose start a person names the call.
    pub fn hex(&self) -> &str {
        self.0.hex()
    }
}

impl Rule {
    fn is_about(&self, tool: &ToolId, call: &Fingerprint, subjects: &[Subject]) -> bool {
        match (&self.covers, self.effect) {
            (Covers::Once(one), _) => one == call,
            (Covers::Session(id), _) => id == tool,
            (Covers::Matching(pattern), Effect::Allow) => pattern.covers(tool, subjects),
            (Covers::Matching(pattern), Effect::Deny) => pattern.touches(tool, subjects),
        }
    }

    /// Whether it is used up by the call that it is about.
    pub fn is_once(&self) -> bool {
        matches!(self.covers, Covers::Once(_))
    }
}

/// All that was said. Their order does not matter: denying wins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// One more.
    pub fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    /// Takes back what held once, after a call that it allowed.
    pub fn spend(&mut self, rule: &Rule) {
        if rule.is_once() {
            let at = self.0.iter().position(|one| one == rule);
            at.map(|at| self.0.remove(at));
        }
    }

    /// The rule by which a call does not run.
    pub fn denying(
        &self,
        tool: &ToolId,
        call: &Fingerprint,
        subjects: &[Subject],
    ) -> Option<&Rule> {
        let mut denying = self.0.iter().filter(|rule| rule.effect == Effect::Deny);
        denying.find(|rule| rule.is_about(tool, call, subjects))
    }

    /// The rule by which a call need not be asked for; one that lasts, where there is one. Only
    /// those for exactly this call count when it is `exactly` that is wanted.
    pub fn allowing(
        &self,
        tool: &ToolId,
        call: &Fingerprint,
        subjects: &[Subject],
        exactly: bool,
    ) -> Option<&Rule> {
        let about = self.0.iter().filter(|rule| {
            rule.effect == Effect::Allow
                && (rule.is_once() || !exactly)
                && rule.is_about(tool, call, subjects)
        });
        about.min_by_key(|rule| rule.is_once())
    }

    /// The patterns by which some of a tool's subjects may be denied, for a tool that meets files
    /// on its way which its call does not name.
    pub fn closed_to(&self, tool: &ToolId) -> Vec<Pattern> {
        let denying = self.0.iter().filter(|rule| rule.effect == Effect::Deny);
        let patterns = denying.filter_map(|rule| match &rule.covers {
            Covers::Matching(pattern) => pattern.part_of(tool),
            _ => None,
        });
        patterns.collect()
    }
}

impl FromIterator<Rule> for Rules {
    fn from_iter<T: IntoIterator<Item = Rule>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}
