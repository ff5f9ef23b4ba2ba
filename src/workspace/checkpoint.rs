//! Recording a point in a session's life that it can be put back to.

use gix::bstr::BString;

use super::error::WorkspaceError;
use super::located::{Located, located};
use super::packs::roll_up;
use super::snapshot::{
    Keeping, Taken, ignored_of, keep, keep_again, list, take, worktree_difference,
};
use crate::fault;
use crate::git::{GitError, Repo, object_id, root_tree};
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::event::{Actor, Event};
use crate::model::ids::{CheckpointId, CommitId, JobId, SessionId};
use crate::model::scope::Scope;
use crate::model::tool::CallId;
use crate::store::{SessionRow, Store};

/// Whose commits keep the files.
const IDENTITY: (&str, &str) = ("treeyard", "treeyard@localhost");

/// What is recorded with the files.
#[derive(Debug, Clone)]
pub struct Point {
    /// Why.
    pub cause: Cause,
    /// The job that runs.
    pub job: Option<JobId>,
    /// Calls of its model's tools that have no result yet.
    pub pending: Vec<CallId>,
    /// Which of the files that are ignored are recorded too.
    pub ignored: Scope,
}

impl Point {
    /// For this reason, with these of the files that are ignored.
    pub fn new(cause: Cause, ignored: &Scope) -> Self {
        Self {
            cause,
            job: None,
            pending: Vec::new(),
            ignored: ignored.clone(),
        }
    }
}

/// What settings say of recording points that sessions can be put back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Whether they are, while sessions work and when they stop.
    pub is_on: bool,
    /// Which of the files that are ignored are recorded too.
    pub ignored: Scope,
    /// After how many messages one is recorded although no file changed; 0: never.
    pub messages: u32,
    /// After how many tokens of an answer what has arrived of it is kept; 0: never.
    pub stream_tokens: u32,
}

/// Keeps the files of a session as they are, and records it. `None` when they are those of its last checkpoint, or of its
/// base where it has none, unless a model begins, a person asks, or puts the session back and more was said since. The
/// files are on the disk before anything is recorded: when this is killed in between, they are kept
/// without being listed, and `gc` removes them.
///
/// # Errors
/// When it has no worktree, or something cannot be read or written.
pub fn checkpoint(
    repo: &Repo,
    store: &mut Store,
    session: &SessionRow,
    point: Point,
) -> Result<Option<Checkpoint>, WorkspaceError> {
    let gone = || WorkspaceError::Unusable(format!("{} has no worktree", session.name));
    let place = located(session).ok_or_else(gone)?;
    let taken = take(repo, &place, &point.ignored)?;
    // Its worktree may have been given back and be another session's by now.
    let now = store.session(session.id)?;
    if now.as_ref().and_then(located).as_ref() != Some(&place) {
        return Ok(None);
    }
    let tree = super::bench::parse(&taken.tree.to_string())?;
    let last = store.last_checkpoint(session.id)?;
    let last = last.map(|row| row.checkpoint);
    let is_same = match &last {
        // One that was taken by another choice of ignored files does not say the same of those.
        Some(last) if point.cause == Cause::Restoring => {
            last.worktree_tree == tree && ignored_of(repo, &last.commit)? == point.ignored
        }
        Some(last) => last.worktree_tree == tree,
        // The base is there anyway.
        None => root_tree(&repo.gix(), object_id(&place.base)?)? == taken.tree,
    };
    let tail = store.last_message(session.id)?;
    let is_needed = match point.cause {
        Cause::Began | Cause::Asked => true,
        Cause::Restoring | Cause::Said => {
            !is_same || last.as_ref().and_then(|last| last.message_thread_tail_id) != tail
        }
        _ => !is_same,
    };
    if !is_needed {
        return Ok(None);
    }
    let parents = [session.tip.clone().unwrap_or_else(|| place.base.clone())];
    let number = last.map_or(1, |last| last.number + 1);
    let what = format!(
        "treeyard: checkpoint of {} ({})",
        session.name,
        point.cause.name()
    );
    let keep = || {
        let keeping = Keeping {
            session: &session.id,
            number,
            parents: &parents,
            identity: IDENTITY,
            seconds: jiff::Timestamp::now().as_second(),
            message: &what,
        };
        keep_free(repo, &taken, keeping)
    };
    let mut kept = keep()?;
    let fault = fault::again(fault::Point::CheckpointKept);
    if fault.map_err(WorkspaceError::io(&place.path))? {
        kept = keep()?;
    }
    let checkpoint = Checkpoint {
        checkpoint_id: CheckpointId::new(),
        number: kept.number,
        cause: point.cause,
        session_state: session.state,
        message_thread_tail_id: tail,
        pending_tool_calls: point.pending,
        worktree_tree: tree,
        commit: kept.commit,
        head: head(repo, &place),
        job_id: point.job,
    };
    let event = Event::CheckpointTaken {
        checkpoint: Box::new(checkpoint.clone()),
    };
    store.write(|tx| tx.append(Actor::System, Some(session.id), event).map(drop))?;
    drop(taken);
    roll_up(repo)?;
    Ok(Some(checkpoint))
}

/// Files that are kept for a moment, until they have a ref of somebody's.
#[derive(Debug)]
pub struct KeptFiles {
    /// The commit that has them.
    pub commit: CommitId,
    /// Their tree.
    pub tree: CommitId,
    /// Nobody's: `gc` removes the ref when this process dies before it does.
    session: SessionId,
}

/// Keeps the files of a worktree that need not be a session's, with these of the ignored ones.
///
/// # Errors
/// When something cannot be read or written.
pub fn keep_files(
    repo: &Repo,
    place: &Located,
    ignored: &Scope,
    what: &str,
) -> Result<KeptFiles, WorkspaceError> {
    let taken = take(repo, place, ignored)?;
    let session = SessionId::new();
    Ok(KeptFiles {
        commit: keep(repo, &taken, &first(&session, &place.base, what))?.commit,
        tree: super::bench::parse(&taken.tree.to_string())?,
        session,
    })
}

impl KeptFiles {
    /// Removes the ref.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn let_go(self, repo: &Repo) -> Result<(), WorkspaceError> {
        let commit = self.commit;
        super::snapshot::drop(
            repo,
            &self.session,
            &super::snapshot::Checkpoint { number: 1, commit },
        )
    }
}

/// Keeps the files of a checkpoint for another session, as its first one, as they are in `tree` since all that `onto` has was
/// taken in; the commit `from` is the last one that both have.
///
/// # Errors
/// When the commit is no checkpoint, or something cannot be written.
pub fn keep_onto(
    repo: &Repo,
    session: &SessionId,
    (commit, tree): (&CommitId, gix::ObjectId),
    (from, onto): (&CommitId, &CommitId),
    what: &str,
) -> Result<CommitId, WorkspaceError> {
    Ok(keep_again(repo, commit, (from, tree), &first(session, onto, what))?.commit)
}

fn first<'a>(session: &'a SessionId, parent: &'a CommitId, message: &'a str) -> Keeping<'a> {
    Keeping {
        session,
        number: 1,
        parents: std::slice::from_ref(parent),
        identity: IDENTITY,
        seconds: jiff::Timestamp::now().as_second(),
        message,
    }
}

/// The paths at which a worktree differs from a checkpoint, sorted. Nothing is stored.
///
/// # Errors
/// When they cannot be read.
pub fn changed_since(
    repo: &Repo,
    place: &Located,
    checkpoint: &Checkpoint,
) -> Result<Vec<BString>, WorkspaceError> {
    let differences = worktree_difference(repo, place, &checkpoint.commit)?;
    Ok(differences.into_iter().map(|one| one.path).collect())
}

/// Where the session's own commits end, if its git directory can be read. The repository need not have that commit.
pub fn head(repo: &Repo, place: &Located) -> Option<CommitId> {
    super::bench::tips(repo, place).ok().map(|found| found.head)
}

/// Under the next number that no ref has: somebody may have been killed before they recorded theirs.
fn keep_free(
    repo: &Repo,
    taken: &Taken,
    keeping: Keeping<'_>,
) -> Result<super::snapshot::Checkpoint, WorkspaceError> {
    match keep(repo, taken, &keeping) {
        Err(WorkspaceError::Git(GitError::RefMoved { .. })) => {
            let all = list(repo, keeping.session)?;
            let highest = all.iter().map(|one| one.number).max().unwrap_or(0);
            let number = keeping.number.max(highest + 1);
            keep(repo, taken, &Keeping { number, ..keeping })
        }
        other => other,
    }
}
