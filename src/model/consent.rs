//! What is sent to others, and a person's agreement to it.

use serde::{Deserialize, Serialize};

use super::ids::{ContentHash, SessionId};
use super::price::MicroDollars;

/// For how much an agreement holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsentScope {
    /// One call with exactly this content.
    #[default]
    SingleCall,
    /// Every call of one session.
    SessionScoped,
    /// Every call of the sessions that were submitted together.
    WpScoped,
    /// Every call of these sessions. One more session needs an agreement of its own.
    BroadcastScoped,
}

impl ConsentScope {
    /// The word in settings and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleCall => "single",
            Self::SessionScoped => "session",
            Self::WpScoped => "plan",
            Self::BroadcastScoped => "broadcast",
        }
    }

    /// Whether it holds for one call only.
    pub fn is_single(self) -> bool {
        self == Self::SingleCall
    }
}

/// What is to be sent where: what a person agrees to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionPlan {
    /// For how much the agreement is wanted.
    pub scope: ConsentScope,
    /// The provider, as settings name it.
    pub provider: String,
    /// Where it is.
    pub endpoint: String,
    /// The model of each session.
    pub sessions: Vec<SessionModel>,
    /// The hash of all that the next call sends; where the agreement is for more than one call, of its first one.
    pub content_hash: Option<ContentHash>,
    /// How long that is, in bytes.
    pub size: u64,
    /// How many pictures are in it.
    pub attachments: u32,
    /// Tokens of the next call, sent and answered, by estimate.
    pub estimated_tokens: u64,
    /// What they cost.
    pub estimated_cost: MicroDollars,
}

/// A session and the model that it sends to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionModel {
    /// The session.
    pub session_id: SessionId,
    /// The model, as its provider names it.
    pub model_id: String,
}

/// That a person agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentReceipt {
    /// The hash of the plan that they saw.
    pub plan_hash: ContentHash,
    /// The plan.
    pub plan: ProjectionPlan,
    /// From when on it holds, in milliseconds since the epoch.
    pub from_ms: i64,
    /// Until when, in milliseconds since the epoch.
    pub until_ms: i64,
}

/// A call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    /// The session.
    pub session: SessionId,
    /// The provider, as settings name it.
    pub provider: &'a str,
    /// Where it is.
    pub endpoint: &'a str,
    /// The model, as its provider names it.
    pub model: &'a str,
    /// The hash of all that is sent.
    pub content: &'a ContentHash,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

impl ProjectionPlan {
    /// What an agreement is bound to: anything else in the plan is another plan.
    ///
    /// # Errors
    /// When it has no form as JSON.
    pub fn hash(&self) -> Result<ContentHash, serde_json::Error> {
        serde_json::to_vec(self).map(|bytes| ContentHash::of(&bytes))
    }
}

impl ConsentReceipt {
    /// To a plan, from a time on (milliseconds since the epoch), for so many milliseconds.
    ///
    /// # Errors
    /// When the plan has no form as JSON.
    pub fn of(plan: ProjectionPlan, from_ms: i64, for_ms: u64) -> Result<Self, serde_json::Error> {
        Ok(Self {
            plan_hash: plan.hash()?,
            plan,
            from_ms,
            until_ms: from_ms.saturating_add_unsigned(for_ms),
        })
    }

    /// Whether it is an agreement to this call.
    pub fn covers(&self, sending: &Sending<'_>) -> bool {
        let plan = &self.plan;
        let of_session = plan
            .sessions
            .iter()
            .find(|one| one.session_id == sending.session);
        let same_content = plan.content_hash.as_ref() == Some(sending.content);
        plan.hash().is_ok_and(|hash| hash == self.plan_hash)
            && (self.from_ms..self.until_ms).contains(&sending.now_ms)
            && plan.provider == sending.provider
            && plan.endpoint == sending.endpoint
            && of_session.is_some_and(|one| one.model_id == sending.model)
            && (!plan.scope.is_single() || same_content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(scope: ConsentScope, session: SessionId) -> ConsentReceipt {
        let plan = ProjectionPlan {
            scope,
            provider: "anthropic".to_owned(),
            endpoint: "https://api.anthropic.com".to_owned(),
            sessions: vec![SessionModel {
                session_id: session,
                model_id: "claude".to_owned(),
            }],
            content_hash: Some(ContentHash::of(b"first")),
            size: 5,
            attachments: 0,
            estimated_tokens: 2,
            estimated_cost: MicroDollars(1),
        };
        ConsentReceipt {
            plan_hash: plan.hash().unwrap(),
            plan,
            from_ms: 1000,
            until_ms: 2000,
        }
    }

    #[test]
    fn only_what_was_agreed_to_is_covered() {
        let (session, other) = (SessionId::new(), SessionId::new());
        let (first, second) = (ContentHash::of(b"first"), ContentHash::of(b"second"));
        let call = Sending {
            session,
            provider: "anthropic",
            endpoint: "https://api.anthropic.com",
            model: "claude",
            content: &first,
            now_ms: 1500,
        };
        let single = receipt(ConsentScope::SingleCall, session);
        let wide = receipt(ConsentScope::SessionScoped, session);
        assert!(single.covers(&call) && wide.covers(&call));
        let later = Sending {
            content: &second,
            ..call
        };
        assert!(!single.covers(&later) && wide.covers(&later));
        for not in [
            Sending {
                session: other,
                ..call
            },
            Sending {
                provider: "openai",
                ..call
            },
            Sending {
                endpoint: "https://elsewhere",
                ..call
            },
            Sending {
                model: "larger",
                ..call
            },
            Sending {
                now_ms: 999,
                ..call
            },
            Sending {
                now_ms: 2000,
                ..call
            },
        ] {
            assert!(!wide.covers(&not), "{not:?}");
        }
    }

    #[test]
    fn a_changed_plan_is_no_agreement() {
        let session = SessionId::new();
        let mut changed = receipt(ConsentScope::SessionScoped, session);
        changed.plan.sessions.push(SessionModel {
            session_id: SessionId::new(),
            model_id: "claude".to_owned(),
        });
        let content = ContentHash::of(b"first");
        assert!(!changed.covers(&Sending {
            session,
            provider: "anthropic",
            endpoint: "https://api.anthropic.com",
            model: "claude",
            content: &content,
            now_ms: 1500,
        }));
    }
}
