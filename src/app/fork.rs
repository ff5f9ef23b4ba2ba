//! Another session that goes on from a checkpoint of one.

use std::collections::HashMap;

use super::checkpoints::find;
use super::failure::Failure;
use super::inside;
use super::models::find as find_model;
use super::probe::refuse_docs_only;
use super::project::Project;
use super::rebase::{Onto, onto_target};
use super::sandbox::can_hold;
use super::submit::refuse_unheard;
use super::thread::thread_of;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::code::Code;
use crate::model::ids::{CheckpointId, SessionId};
use crate::model::redact::Redactor;
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskName, TaskSpec};
use crate::model::thread::Next;
use crate::model::work::Work;
use crate::proc::Wake;
use crate::sessions::{self, Fork, Submission};
use crate::store::{ArtifactRow, CheckpointRow, MessageRow, Origin, SessionRow};
use crate::workspace::snapshot::reference;

/// What a kept answer is called where artifacts are listed.
const MESSAGE: &str = "message";
/// The longest name that a task may have.
const LONGEST: usize = 60;

/// What is to be otherwise than in the session that it goes on from.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// From which checkpoint; the last one without.
    pub number: Option<u64>,
    /// Its name.
    pub name: Option<String>,
    /// What its model is told.
    pub prompt: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// What is run instead.
    pub argv: Vec<String>,
    /// Whether it begins on top of what the target is now.
    pub rebase: bool,
}

/// What was queued.
#[derive(Debug, Clone)]
pub struct Forked {
    /// The new session.
    pub session: SessionRow,
    /// From which checkpoint it goes on.
    pub from: CheckpointRow,
    /// The target as it was taken in, where it has more than the checkpoint.
    pub onto: Option<Onto>,
    /// How many messages it has from there.
    pub messages: usize,
    /// Whether the other session holds the files that it will ask for.
    pub waits: bool,
}

/// Queues a session with the same task that begins with the files, and the thread, of a checkpoint.
///
/// # Errors
/// No such checkpoint, nothing to do for its model there, a wrong name or model; or when it is asked from inside of a
/// session.
pub fn fork(
    project: &mut Project,
    origin: &SessionRow,
    wanted: &Wanted,
) -> Result<Forked, Failure> {
    let from = find(project, origin, wanted.number)?;
    fork_from(project, origin, wanted, from)
}

/// The same from a point that need not be one of its checkpoints.
///
/// # Errors
/// As of [`fork`].
pub(super) fn fork_from(
    project: &mut Project,
    origin: &SessionRow,
    wanted: &Wanted,
    from: CheckpointRow,
) -> Result<Forked, Failure> {
    inside::refuse_session("a session does not start others")?;
    refuse_unheard(project)?;
    let task = task(project, origin, wanted)?;
    can_hold(std::slice::from_ref(&task), &project.settings)?;
    let thread = match task.run.model() {
        Some(_) => thread(project, origin, &from.checkpoint, wanted)?,
        None => Vec::new(),
    };
    let messages = thread.len();
    let onto = match wanted.rebase {
        true => onto_target(project, origin, &from.checkpoint.commit)?,
        false => None,
    };
    let mut fork = begin(project, origin, &from, (thread, onto.as_ref()))?;
    let submission = submission(project, origin, &task, wanted)?;
    let keep = reference(&fork.session, fork.start.number);
    // The files have to be there as long as it waits for its turn.
    match &onto {
        Some(onto) => {
            let (commit, tree) = onto.keep(project, origin, &fork.session)?;
            fork.origin.commit.clone_from(&commit);
            (fork.start.commit, fork.start.worktree_tree) = (commit, tree);
        }
        None => project.repo.create_ref_durably(&keep, &fork.start.commit)?,
    }
    sessions::fork(&mut project.store, &task, &submission, &fork)?;
    // Whoever removes refs that nobody has recorded may have been faster.
    if project.repo.ref_target(&keep)?.is_none() {
        project.repo.create_ref_durably(&keep, &fork.start.commit)?;
    }
    Wake::notify(&project.repo.state_dir());
    let held = project.store.lock_of(origin.id)?;
    Ok(Forked {
        session: project.session(&fork.session.to_string())?,
        from,
        onto,
        messages,
        waits: held.is_some() && !task.scope.patterns().is_empty(),
    })
}

/// The same task, but for what is told otherwise. What it came after is done.
fn task(project: &Project, origin: &SessionRow, wanted: &Wanted) -> Result<TaskSpec, Failure> {
    let mut task = origin.spec()?;
    task.name = name(project, origin, wanted.name.as_deref())?;
    task.after.clear();
    if !wanted.argv.is_empty() {
        task.run = Command::Argv(wanted.argv.clone()).into();
    }
    let Work::Model(work) = &mut task.run else {
        if wanted.prompt.is_some() || wanted.model.is_some() {
            let message = format!("{} has no model that could be told anything", origin.name);
            let hint = "`treeyard fork S -- COMMAND` runs another command there";
            return Err(Failure::new(Code::Usage, message).hint(hint));
        }
        return Ok(task);
    };
    refuse_docs_only(&project.settings)?;
    if let Some(model) = wanted.model.clone().or(project.store.model_of(origin)?) {
        work.model = model;
    }
    find_model(&project.settings, &work.model)?;
    Ok(task)
}

/// Without a name of its own, one that no session has yet.
fn name(project: &Project, origin: &SessionRow, wanted: Option<&str>) -> Result<TaskName, Failure> {
    let parsed = |text: &str| {
        let wrong = |error| Failure::new(Code::Usage, format!("--name: {error}"));
        text.parse::<TaskName>().map_err(wrong)
    };
    if let Some(name) = wanted {
        return parsed(name);
    }
    let mut number = 1;
    loop {
        let end = match number {
            1 => "-fork".to_owned(),
            number => format!("-fork{number}"),
        };
        let start: String = origin.name.chars().take(LONGEST - end.len()).collect();
        let name = format!("{}{end}", start.trim_end_matches('.'));
        let alike = project.store.sessions_matching(&name)?;
        if alike.iter().all(|row| row.name != name) {
            return parsed(&name);
        }
        number += 1;
    }
}

/// What its model has heard until then.
fn thread(
    project: &Project,
    origin: &SessionRow,
    from: &Checkpoint,
    wanted: &Wanted,
) -> Result<Vec<MessageRow>, Failure> {
    let rows = project
        .store
        .messages_to(origin.id, from.message_thread_tail_id)?;
    let rests = thread_of(project, rows.clone())?.next() == Next::Rest;
    if rests && wanted.prompt.is_none() {
        let (name, number) = (&origin.name, from.number);
        let message = format!("the model of {name} has nothing to do at checkpoint {number}");
        let hint = "say what it is to do there: --prompt TEXT; or choose an earlier one: --at N";
        return Err(Failure::new(Code::Usage, message).hint(hint));
    }
    Ok(rows)
}

fn begin(
    project: &Project,
    origin: &SessionRow,
    from: &CheckpointRow,
    (thread, onto): (Vec<MessageRow>, Option<&Onto>),
) -> Result<Fork, Failure> {
    let there = &from.checkpoint;
    let has_thread = !thread.is_empty();
    let mut thread: Vec<_> = thread.into_iter().map(|row| row.record).collect();
    if has_thread && let Some(onto) = onto {
        thread.push(onto.told(project, &origin.target)?);
    }
    let start = Checkpoint {
        checkpoint_id: CheckpointId::new(),
        number: 1,
        cause: Cause::Forked,
        session_state: SessionState::Created,
        message_thread_tail_id: thread.last().map(|message| message.message_id),
        pending_tool_calls: match has_thread {
            true => there.pending_tool_calls.clone(),
            false => Vec::new(),
        },
        worktree_tree: there.worktree_tree.clone(),
        commit: there.commit.clone(),
        head: None,
        job_id: None,
    };
    let mut artifacts = match has_thread {
        true => project.store.artifacts(Some(origin.id))?,
        false => Vec::new(),
    };
    // What its messages speak of. They themselves are told with the thread.
    let is_before = |row: &ArtifactRow| row.kind != MESSAGE && row.stored_ms <= from.at_ms;
    artifacts.retain(|row| is_before(row) && !row.quarantined);
    artifacts.reverse();
    Ok(Fork {
        session: SessionId::new(),
        origin: Origin {
            from: origin.id,
            number: there.number,
            commit: there.commit.clone(),
            onto: onto.map(|onto| onto.tip.clone()),
        },
        start,
        thread,
        artifacts,
    })
}

/// It lands when a person says so: there are two now that could.
fn submission(
    project: &Project,
    origin: &SessionRow,
    task: &TaskSpec,
    wanted: &Wanted,
) -> Result<Submission, Failure> {
    let mut prompts = HashMap::new();
    if let Some(text) = &wanted.prompt {
        let redactor = Redactor::patterns();
        let said = sessions::said_by_person(&project.cas, text, Vec::new(), &redactor)?;
        prompts.insert(task.name.clone(), said);
    }
    Ok(Submission {
        target: origin.target.clone(),
        auto_land: false,
        repeat: 1,
        after: Vec::new(),
        prompts,
        agreements: HashMap::new(),
        chosen: HashMap::new(),
    })
}
