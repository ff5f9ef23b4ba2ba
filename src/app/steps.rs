//! A session's ledger, read for a person: its steps, and what a replay can go on from.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::agent::{Registry, read_message};
use crate::git::GitError;
use crate::model::event::Event;
use crate::model::ids::{CommitId, MessageId};
use crate::model::job::JobState;
use crate::model::run::{Step, StepKind, StepStatus, Steps};
use crate::model::task::{OnCrash, TaskSpec};
use crate::model::thread::{MessageRole, Spoken};
use crate::model::tool::{Idempotency, OnFiles};
use crate::model::work::OnAmbiguous;
use crate::store::{EventFilter, MessageRow, SessionRow};

/// A step of a session.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// What is on record.
    #[serde(flatten)]
    pub step: Step,
    /// Whether it is done, or done again, when its session goes on, without a word about it.
    pub recoverable: bool,
    /// Whether it is in the thread no more: the session was put back to a point before it.
    pub taken_back: bool,
    /// The number by which `replay --live --from` goes on after it.
    pub replay_from: Option<u32>,
    /// Whether it has begun, and nothing of its session runs that could end it.
    #[serde(skip)]
    pub is_cut_short: bool,
}

/// The steps of a session, in the order in which they became known.
///
/// # Errors
/// When it is asked from inside of a session, or the store cannot be read.
pub fn steps(project: &Project, session: &SessionRow) -> Result<Vec<Told>, Failure> {
    inside::refuse_session("a session does not read ledgers, neither its own nor another's")?;
    let rows = project.store.all_messages(session.id)?;
    let taken_back = rows.iter().filter(|row| row.taken_back);
    let taken_back: HashSet<MessageId> = taken_back.map(|row| row.record.message_id).collect();
    // Calls are in answers. What cannot be read keeps nothing else back.
    let is_answer = |row: &&MessageRow| row.record.role == MessageRole::Assistant;
    let said = rows.iter().filter(is_answer).filter_map(|row| {
        let spoken = read_message(&project.cas, row).ok()?;
        Some((row.record.message_id, spoken))
    });
    let said: HashMap<MessageId, Spoken> = said.collect();
    let mut steps = Steps::new(session.id, base_tree(project, session)?);
    let filter = EventFilter {
        session: Some(session.id),
        ..EventFilter::default()
    };
    for record in project.store.events(&filter)? {
        let said = match &record.event {
            Event::SessionMessage { message } => said.get(&message.message_id),
            _ => None,
        };
        steps.take_in(&record.event, said);
    }
    let jobs = project.store.jobs_of(session.id)?;
    let runs = jobs.iter().any(|job| job.state == JobState::Running);
    Ok(told(steps.into_vec(), &session.spec()?, &taken_back, runs))
}

fn base_tree(project: &Project, session: &SessionRow) -> Result<Option<CommitId>, Failure> {
    let Some(base) = &session.base else {
        return Ok(None);
    };
    let tree = project.repo.tree_of(base)?.to_string().parse();
    Ok(Some(tree.map_err(GitError::library("name a tree"))?))
}

fn told(
    steps: Vec<Step>,
    spec: &TaskSpec,
    taken_back: &HashSet<MessageId>,
    runs: bool,
) -> Vec<Told> {
    let registry = Registry::standard();
    let mut calls = 0;
    let told = steps.into_iter().map(|step| {
        let is_gone = step.message.is_some_and(|id| taken_back.contains(&id));
        let is_call = step.kind == StepKind::ToolCall && step.is_over() && !is_gone;
        calls += u32::from(is_call);
        Told {
            recoverable: is_recoverable(&step, spec, &registry),
            taken_back: is_gone,
            replay_from: is_call.then_some(calls),
            is_cut_short: !runs && step.status == StepStatus::InProgress,
            step,
        }
    });
    told.collect()
}

/// By the same properties of tools by which a call that was cut short is settled.
fn is_recoverable(step: &Step, spec: &TaskSpec, registry: &Registry) -> bool {
    if step.is_over() {
        return false;
    }
    match step.kind {
        StepKind::ModelCall => true,
        StepKind::Command => step.status == StepStatus::Pending || spec.on_crash == OnCrash::Resume,
        StepKind::ToolCall => {
            let policy = spec.run.model().map(|work| work.on_ambiguous);
            let harmless = registry.get(&step.what).is_ok_and(|entry| {
                entry.card.idempotency == Idempotency::Idempotent
                    || entry.card.on_files() == OnFiles::Named
            });
            step.status == StepStatus::Pending || harmless || policy == Some(OnAmbiguous::Rerun)
        }
    }
}
