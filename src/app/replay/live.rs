//! Going on with the real model from a point of a replay, as another session.

use super::walk::{Replayed, Report};
use super::{read, with_scratch};
use crate::app::failure::Failure;
use crate::app::fork::{Forked, Wanted, fork_from};
use crate::app::project::Project;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::code::Code;
use crate::model::ids::{CheckpointId, MessageId};
use crate::model::thread::Next;
use crate::store::{CheckpointRow, SessionRow};
use crate::workspace::{KeptFiles, keep_files};

/// Runs it once more up to the call `from` of a tool, or to its end, and queues a session that goes on from there with its
/// files and its thread. None is queued where the run is not what its record says. Of what is `wanted` no checkpoint and no
/// command counts.
///
/// # Errors
/// As of [`super::replay`] and [`crate::app::fork::fork`]; or there are not so many steps.
pub fn go_on(
    project: &mut Project,
    session: &SessionRow,
    from: Option<u32>,
    wanted: &Wanted,
) -> Result<(Report, Option<Forked>), Failure> {
    let record = read(project, session)?;
    let (report, reached) = with_scratch(project, session, &record, |replay, place| {
        let replayed = replay.run(from.unwrap_or(u32::MAX))?;
        let reached = match replayed.report.divergence {
            Some(_) => None,
            None => {
                refuse_nothing_to_do(session, (from, wanted), &replayed)?;
                // What the replay took over of ignored files is what its checkpoints had by choice.
                let ignored = record.ignored_at(project, replayed.number)?;
                let what = format!("treeyard: step {} of {}", replayed.steps, session.name);
                let files = keep_files(&project.repo, place, &ignored, &what)?;
                let tail = match replayed.heard.messages().len() == record.thread.messages().len() {
                    true => record.tail(),
                    false => replayed.heard.last(),
                };
                Some((point(&files, session, tail, &replayed), files))
            }
        };
        Ok((replayed.report, reached))
    })?;
    let Some((point, files)) = reached else {
        return Ok((report, None));
    };
    let forked = fork_from(project, session, wanted, point);
    files.let_go(&project.repo)?;
    Ok((report, Some(forked?)))
}

fn refuse_nothing_to_do(
    session: &SessionRow,
    (from, wanted): (Option<u32>, &Wanted),
    replayed: &Replayed,
) -> Result<(), Failure> {
    let (name, steps) = (&session.name, replayed.steps);
    if let Some(from) = from.filter(|from| *from > steps) {
        let message = format!("{name} made {steps} calls of tools, and no call {from}");
        let hint = format!(
            "`treeyard steps {}` has their numbers, under FROM",
            session.id.short()
        );
        return Err(Failure::new(Code::Usage, message).hint(hint));
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
    tail: Option<MessageId>,
    replayed: &Replayed,
) -> CheckpointRow {
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
