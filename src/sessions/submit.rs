//! Tasks become sessions with queued jobs.

use std::collections::HashMap;

use super::consent::{Agreement, agree_beforehand};
use super::control::ControlError;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, PlanId, SessionId};
use crate::model::job::JobKind;
use crate::model::task::{Command, TaskName, TaskSpec};
use crate::model::thread::MessageRecord;
use crate::model::work::{Choice, Work};
use crate::store::{SessionRow, Store, StoreError, Tx};

/// What a submission has besides its tasks.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The branch that the work lands on, without `refs/heads/`.
    pub target: String,
    /// Whether finished tasks land by themselves.
    pub auto_land: bool,
    /// How often `run` is executed, one job each; usually once.
    pub repeat: u32,
    /// Sessions of earlier submissions that must have completed before any of these.
    pub after: Vec<SessionId>,
    /// What the models of tasks are asked first.
    pub prompts: HashMap<TaskName, MessageRecord>,
    /// What a person agreed that models of tasks send.
    pub agreements: HashMap<TaskName, Agreement>,
    /// The models that were chosen for tasks that name none.
    pub chosen: HashMap<TaskName, Choice>,
}

/// Records every task and queues its jobs, in one transaction: all of a plan, or nothing.
/// The sessions come back in the order of the tasks.
///
/// `tasks` is a checked plan: names are unique and `after` has no cycle and no unknown name.
pub fn submit(
    store: &mut Store,
    tasks: &[TaskSpec],
    submission: &Submission,
) -> Result<(PlanId, Vec<SessionId>), StoreError> {
    let plan_id = PlanId::new();
    let ids: HashMap<&TaskName, SessionId> = tasks
        .iter()
        .map(|task| (&task.name, SessionId::new()))
        .collect();
    store.write(|tx| {
        for task in tasks {
            let session = ids[&task.name];
            let named = task.after.iter().filter_map(|name| ids.get(name).copied());
            let after = named.chain(submission.after.iter().copied()).collect();
            begin(tx, (plan_id, session), task, after, submission)?;
            give_work(tx, session, task, submission)?;
        }
        let wanted: Vec<_> = tasks
            .iter()
            .filter_map(|task| Some((ids[&task.name], submission.agreements.get(&task.name)?)))
            .collect();
        agree_beforehand(tx, &wanted)?;
        Ok((plan_id, tasks.iter().map(|task| ids[&task.name]).collect()))
    })
}

/// Records that there is a session with this task.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    (plan_id, session): (PlanId, SessionId),
    task: &TaskSpec,
    after: Vec<SessionId>,
    submission: &Submission,
) -> Result<(), StoreError> {
    let created = Event::SessionCreated {
        plan_id,
        spec: Box::new(task.clone()),
        after,
        branch: format!("refs/heads/ty/{}-{}", task.name, session.short()),
        target: submission.target.clone(),
        auto_land: submission.auto_land,
    };
    tx.append(Actor::Human, Some(session), created)?;
    if let Some(reason) = task.unconfined.clone() {
        let event = Event::SandboxBypassed { reason };
        tx.append(Actor::Human, Some(session), event)?;
    }
    if let Some(choice) = submission.chosen.get(&task.name).cloned() {
        let event = Event::ModelChosen { choice };
        tx.append(Actor::System, Some(session), event)?;
    }
    Ok(())
}

/// Says what its model is asked, and queues its jobs.
pub(super) fn give_work(
    tx: &mut Tx<'_>,
    session: SessionId,
    task: &TaskSpec,
    submission: &Submission,
) -> Result<(), StoreError> {
    if let Some(prompt) = submission.prompts.get(&task.name) {
        let message = Box::new(prompt.clone());
        let event = Event::SessionMessage { message };
        tx.append(Actor::Human, Some(session), event)?;
    }
    for (position, (kind, command)) in jobs_of(task, submission.repeat).enumerate() {
        let event = Event::JobQueued {
            job_id: JobId::new(),
            kind,
            position: position as u32,
            attempt: 1,
            command,
            not_before_ms: 0,
        };
        tx.append(Actor::Human, Some(session), event)?;
    }
    Ok(())
}

/// Queues one more command at the end of a session that is still at work.
///
/// # Errors
/// [`ControlError::State`] when its work is over or its worktree was given back: ended work stays
/// ended, and only `retry` opens a session again.
pub fn add(
    store: &mut Store,
    session: &SessionRow,
    command: Command,
) -> Result<JobId, ControlError> {
    let job_id = JobId::new();
    store.write(|tx| {
        let Some(position) = tx.further_position(session.id)? else {
            return Err(ControlError::State {
                name: session.name.clone(),
                state: session.state,
                wanted: "only a session that is still at work takes more commands",
            });
        };
        let event = Event::JobQueued {
            job_id,
            kind: JobKind::Command,
            position,
            attempt: 1,
            command: command.into(),
            not_before_ms: 0,
        };
        tx.append(Actor::Human, Some(session.id), event)?;
        Ok(job_id)
    })
}

fn jobs_of(task: &TaskSpec, repeat: u32) -> impl Iterator<Item = (JobKind, Work)> + '_ {
    let setup = task
        .setup
        .iter()
        .map(|command| (JobKind::Setup, command.clone().into()));
    let kind = match &task.run {
        Work::Command(_) => JobKind::Command,
        Work::Model(_) => JobKind::ModelRun,
    };
    let run = (0..repeat.max(1)).map(move |_| (kind, task.run.clone()));
    setup.chain(run)
}
