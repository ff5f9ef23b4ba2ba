//! What a model works with.

use std::sync::Arc;

use tokio::sync::watch;

use super::pace::Pace;
use crate::agent::{Registry, World};
use crate::model::backend::Backend;
use crate::model::budget::{BudgetLimits, Span};
use crate::model::chat::{Effort, ProviderCapabilities, Usage};
use crate::model::consent::ConsentScope;
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::JobId;
use crate::model::price::MicroDollars;
use crate::model::redact::Redactor;
use crate::model::tool::{Grants, RiskLevel};
use crate::model::work::ModelWork;
use crate::provider::Provider;
use crate::provider::retry::Schedule;
use crate::store::SessionRow;
use crate::workspace::Recording;

/// All that a model works with.
pub struct Setup {
    /// The session.
    pub session: SessionRow,
    /// The job.
    pub job: JobId,
    /// What the task says of the model.
    pub work: ModelWork,
    /// The model.
    pub caller: Caller,
    /// Who does all that comes of it.
    pub identity: RoleExecutionIdentity,
    /// What its tools reach.
    pub world: Arc<World>,
    /// Its tools.
    pub registry: Registry,
    /// What it may do.
    pub grants: Grants,
    /// From which risk on a person is asked; nobody is asked without.
    pub ask_from: Option<RiskLevel>,
    /// How much it may use.
    pub budgets: Budgets,
    /// For how much a person's agreement is asked.
    pub consent: ConsentScope,
    /// The model that takes over where this one cannot do the work.
    pub larger: Option<Larger>,
    /// How often it may be called in this job.
    pub max_steps: u32,
    /// From which share of its context on, in hundredths, the older part of the thread is shortened.
    pub compact_percent: u8,
    /// Names of files of the worktree that it is given before all else.
    pub instructions: Vec<String>,
    /// Whether points that the session can be put back to are recorded, and what of them.
    pub checkpoints: Recording,
    /// How long a session that waits keeps its files, in milliseconds.
    pub paused_keep_ms: Option<u64>,
    /// What takes secrets out of all that is said.
    pub redactor: Redactor,
}

/// A larger model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Larger {
    /// Which, as settings name it.
    pub model: String,
    /// Where it runs.
    pub backend: Backend,
    /// Whether a person decides first that it takes over.
    pub needs_person: bool,
}

/// A model behind its provider.
pub struct Caller {
    /// Whoever answers.
    pub provider: Provider,
    /// The provider, as settings name it.
    pub provider_name: String,
    /// The model, as its provider names it.
    pub model: String,
    /// Where it is, for people.
    pub endpoint: String,
    /// Whether what is sent leaves this machine.
    pub backend: Backend,
    /// What it can do.
    pub capabilities: ProviderCapabilities,
    /// The longest answer, in tokens.
    pub max_output_tokens: u32,
    /// How much chance there is in the answer.
    pub temperature: Option<f32>,
    /// How much it is to think.
    pub thinking: Option<Effort>,
    /// How much its provider is asked in a minute.
    pub pace: Pace,
    /// When a failed call is made again.
    pub schedule: Schedule,
    /// What tokens cost.
    pub price: Box<dyn Fn(Usage) -> MicroDollars + Send + Sync>,
}

/// How much models may use.
#[derive(Debug, Clone, Default)]
pub struct Budgets {
    /// For each whose.
    pub limits: Vec<(Span, BudgetLimits)>,
    /// From which share on, in hundredths, a person is told.
    pub warn_percent: u8,
    /// Whether a session without a budget is over, instead of being paused.
    pub ends: bool,
}

/// What happens while a model works, for whoever watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A part of its words.
    Text(&'a str),
    /// A part of its thoughts.
    Thinking(&'a str),
    /// It said something whole.
    Answered,
    /// A tool is about to run.
    Calling {
        /// Which, and with what, in one line.
        line: &'a str,
    },
    /// A tool has run, or was not let through.
    Called {
        /// What it came to, in one line.
        line: &'a str,
    },
    /// Something that a person should know.
    Note(&'a str),
}

/// By which a model is called off. Clones are called off together.
#[derive(Debug, Clone)]
pub struct Cancel(watch::Receiver<bool>);

impl Cancel {
    /// Called off when `true` is sent.
    pub fn new(told: watch::Receiver<bool>) -> Self {
        Self(told)
    }

    /// Whether it was.
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is. For ever when nobody can say so any more.
    pub async fn told(mut self) {
        if self.0.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
