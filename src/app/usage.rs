//! What models used up, and what is left to them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::awaits::{awaits, word_for};
use super::failure::Failure;
use super::project::Project;
use crate::model::budget::{BudgetLimits, Span, Spent};
use crate::model::ids::SessionId;
use crate::model::price::MicroDollars;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::store::{ModelCallRow, SessionRow, Spending};

/// By what calls are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Their session.
    Session,
    /// What their session was submitted with.
    Plan,
    /// The model, as its provider names it.
    Model,
    /// The provider, as settings name it.
    Provider,
    /// The day, where this machine is.
    Day,
}

/// What the calls of one kind took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// Which kind: an id, a name or a day.
    pub key: String,
    /// How many calls.
    pub calls: u64,
    /// Those without an answer.
    pub failed: u64,
    /// Sent and answered; what was held back for calls that are under way counts.
    pub tokens: u64,
    /// Answered.
    pub output_tokens: u64,
    /// What they cost.
    pub cost: MicroDollars,
    /// How long they were waited for, in milliseconds.
    pub waited_ms: u64,
}

/// A session's model: who it is, what it used, and what it waits for.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// As settings name it.
    pub model: String,
    /// What it may do.
    pub profile: String,
    /// Whom it stands for.
    pub role: Option<String>,
    /// Whether it waits for messages.
    pub persistent: bool,
    /// What its calls took.
    pub used: Spent,
    /// What is left of each budget, for a person.
    pub left: Vec<String>,
    /// Why it stopped, while it waits.
    pub stop: Option<Stop>,
    /// What lets it go on.
    pub word: Option<String>,
}

/// What calls took: a session's, or all. In the order of their kinds.
///
/// # Errors
/// The store cannot be read.
pub fn usage(project: &Project, only: Option<SessionId>, by: By) -> Result<Vec<Used>, Failure> {
    let calls = match only {
        Some(session) => project.store.model_calls(session)?,
        None => project.store.model_calls_since(0)?,
    };
    let mut names = BTreeMap::new();
    let mut all: BTreeMap<String, Used> = BTreeMap::new();
    for call in &calls {
        let key = match by {
            By::Model => call.model_id.clone(),
            By::Provider => call.provider.clone(),
            By::Day => day(call.started_ms),
            By::Session | By::Plan => {
                let known = names.get(&call.session_id).cloned();
                let name = match known {
                    Some(name) => name,
                    None => name_of(project, call.session_id, by)?,
                };
                names.insert(call.session_id, name.clone());
                name
            }
        };
        add(all.entry(key).or_default(), call);
    }
    let named = all.into_iter().map(|(key, used)| Used { key, ..used });
    Ok(named.collect())
}

fn name_of(project: &Project, session: SessionId, by: By) -> Result<String, Failure> {
    let row = project.store.session(session)?;
    Ok(match (row, by) {
        (Some(row), By::Plan) => row.plan_id.short(),
        (Some(row), _) => format!("{} {}", session.short(), row.name),
        (None, _) => session.short(),
    })
}

fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| String::new(),
        |time| {
            time.to_zoned(jiff::tz::TimeZone::system())
                .date()
                .to_string()
        },
    )
}

fn add(used: &mut Used, call: &ModelCallRow) {
    used.calls += 1;
    let (held_tokens, held_cost) = call.reserved;
    let (tokens, cost) = call
        .end
        .map_or((held_tokens, held_cost), |end| (end.tokens, end.cost));
    used.tokens = used.tokens.saturating_add(tokens);
    used.cost = used.cost + cost;
    if let Some(end) = call.end {
        used.failed += u64::from(end.failed);
        used.output_tokens = used.output_tokens.saturating_add(end.output_tokens);
        used.waited_ms = used.waited_ms.saturating_add(end.latency_ms);
    }
}

/// How the model of a session stands; `None` where it has none.
///
/// # Errors
/// The store cannot be read.
pub fn standing_of(project: &Project, session: &SessionRow) -> Result<Option<Standing>, Failure> {
    let spec = session.spec()?;
    let Some(work) = spec.run.model() else {
        return Ok(None);
    };
    let stop = awaits(&project.store, session)?;
    let mut left = Vec::new();
    let settings = &project.settings;
    for (span, allowance) in [
        (Span::Session, settings.budget_session()),
        (Span::Task, settings.budget_task()),
        (Span::Plan, settings.budget_plan()),
        (Span::Day, settings.budget_day()),
    ] {
        if !allowance.is_open() {
            let spent = spent(project, session, span)?;
            left.push(format!(
                "of the {}'s: {}",
                span.name(),
                rest(allowance, spent)
            ));
        }
    }
    Ok(Some(Standing {
        model: work.model.clone(),
        profile: work.profile.clone(),
        role: work.role.clone(),
        persistent: work.persistent,
        used: spent(project, session, Span::Session)?,
        left,
        word: word(session, stop.as_ref()),
        stop,
    }))
}

/// One that was held before its model began goes on like one that was paused.
fn word(session: &SessionRow, stop: Option<&Stop>) -> Option<String> {
    let is_held = session.state == SessionState::Blocked && session.landing_code.is_none();
    match stop {
        Some(stop) => Some(word_for(session, stop)),
        None => is_held.then(|| format!("treeyard resume {}", session.id.short())),
    }
}

fn spent(project: &Project, session: &SessionRow, span: Span) -> Result<Spent, Failure> {
    let now = jiff::Zoned::now();
    let day = now
        .start_of_day()
        .map(|day| day.timestamp().as_millisecond());
    Ok(project.store.spent(&Spending {
        span,
        session: session.id,
        plan: session.plan_id,
        day_ms: day.unwrap_or(0),
    })?)
}

fn rest(allowance: BudgetLimits, spent: Spent) -> String {
    let tokens = allowance
        .tokens
        .map(|all| format!("{} of {all} tokens", all.saturating_sub(spent.tokens)));
    let money = allowance.usd.map(|all| {
        let left = MicroDollars(all.0.saturating_sub(spent.cost.0));
        format!("{left} of {all}")
    });
    let time = allowance
        .seconds
        .map(|all| format!("{} of {all} s", all.saturating_sub(spent.millis / 1000)));
    let calls = allowance
        .steps
        .map(|all| format!("{} of {all} calls", all.saturating_sub(spent.steps)));
    let all: Vec<_> = [tokens, money, time, calls].into_iter().flatten().collect();
    all.join(", ")
}
