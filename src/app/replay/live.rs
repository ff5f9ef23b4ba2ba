//! Going on with the real model from a point of a replay, as another session.

use super::record::Record;
use super::walk::{Replayed, Report};
use super::{read, with_scratch};
use crate::app::failure::Failure;
use crate::app::fork::{self, Forked, fork_from};
use crate::app::project::Project;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::code::Code;
use crate::model::ids::CheckpointId;
use crate::model::thread::Next;
use crate::store::{CheckpointRow, SessionRow};
use crate::workspace::{KeptFiles, keep_files};

/// From where it goes on, and what is to be otherwise.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// After so many calls of tools; after all that are on record without.
    pub from: Option<u32>,
    /// The new session's name.
    pub name: Option<String>,
    /// What its model is told there.
    pub prompt: Option<String>,
    /// Its model.
    pub model: Option<String>,
}

/// Runs it once more up to that point, and queues a session that goes on from there with its files and its thread. None is
/// queued where the run is not what its record says.
///
/// # Errors
/// As of [`super::replay`] and [`fork::fork`]; or there are not so many steps.
pub fn go_on(
    project: &mut Project,
    session: &SessionRow,
    wanted: &Wanted,
) -> Result<(Report, Option<Forked>), Failure> {
    let record = read(project, session)?;
    let upto = wanted.from.unwrap_or(u32::MAX);
    let (report, from) = with_scratch(project, session, &record, |replay, place| {
        let replayed = replay.run(upto)?;
        let from = match replayed.report.divergence {
            Some(_) => None,
            None => {
                refuse_nothing_to_do(session, wanted, &replayed)?;
                let what = format!("treeyard: step {} of {}", replayed.steps, session.name);
                let files = keep_files(&project.repo, place, &what)?;
                Some((point(&files, session, (&record, &replayed)), files))
            }
        };
        Ok((replayed.report, from))
    })?;
    let Some((from, files)) = from else {
        return Ok((report, None));
    };
    let otherwise = fork::Wanted {
        name: wanted.name.clone(),
        prompt: wanted.prompt.clone(),
        model: wanted.model.clone(),
        ..fork::Wanted::default()
    };
    let forked = fork_from(project, session, &otherwise, from);
    files.let_go(&project.repo)?;
    Ok((report, Some(forked?)))
}

fn refuse_nothing_to_do(
    session: &SessionRow,
    wanted: &Wanted,
    replayed: &Replayed,
) -> Result<(), Failure> {
    let (name, steps) = (&session.name, replayed.steps);
    if let Some(from) = wanted.from.filter(|from| *from > steps) {
        let message = format!("{name} has {steps} steps, and no step {from}");
        return Err(Failure::new(Code::Usage, message).hint("a step is one call of a tool"));
    }
    if replayed.heard.next() == Next::Rest && wanted.prompt.is_none() {
        let message = format!("the model of {name} has nothing to do after step {steps}");
        let hint =
            "say what it is to do there: --prompt TEXT; or go on from an earlier step: --from N";
        return Err(Failure::new(Code::Usage, message).hint(hint));
    }
    Ok(())
}

/// The point that was reached, as a checkpoint.
fn point(
    files: &KeptFiles,
    session: &SessionRow,
    (record, replayed): (&Record, &Replayed),
) -> CheckpointRow {
    let is_all = record.thread.messages().len() == replayed.heard.messages().len();
    let tail = match is_all {
        true => record.tail(),
        false => replayed.heard.last(),
    };
    let pending = match replayed.heard.next() {
        Next::Act(pending) => vec![pending.id],
        Next::Ask | Next::Rest => Vec::new(),
    };
    CheckpointRow {
        at_ms: jiff::Timestamp::now().as_millisecond(),
        checkpoint: Checkpoint {
            checkpoint_id: CheckpointId::new(),
            number: replayed.number,
            cause: Cause::Forked,
            session_state: session.state,
            message_thread_tail_id: tail,
            pending_tool_calls: pending,
            worktree_tree: files.tree.clone(),
            commit: files.commit.clone(),
            head: None,
            job_id: None,
        },
    }
}
