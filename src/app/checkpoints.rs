//! A session's checkpoints: which there are, what each changed, and whether it is how the files are now.

use gix::ObjectId;
use serde::Serialize;

use super::failure::Failure;
use super::inside;
use super::project::Project;
use crate::git::Repo;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::model::scope::Scope;
use crate::sessions::{ControlError, Unfit};
use crate::store::{CheckpointRow, SessionRow, Store};
use crate::workspace::snapshot::{Difference, Kind, difference, ignored_of, take};
use crate::workspace::{Located, Point, checkpoint, located};

/// A checkpoint in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What is on record.
    pub row: CheckpointRow,
    /// What is otherwise than in the one before; than in the commit that the session started from, for the first.
    pub changed: Counts,
    /// Whether the files are so now.
    pub is_now: bool,
}

/// How many files differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub added: u64,
    /// Others with another content, mode or kind.
    pub changed: u64,
    /// Those that are gone.
    pub deleted: u64,
}

impl Counts {
    /// Of these.
    pub fn of(differences: &[Difference]) -> Self {
        let count =
            |kind: fn(Kind) -> bool| differences.iter().filter(|one| kind(one.kind)).count() as u64;
        Self {
            added: count(|kind| kind == Kind::Added),
            changed: count(|kind| !matches!(kind, Kind::Added | Kind::Deleted)),
            deleted: count(|kind| kind == Kind::Deleted),
        }
    }
}

/// What a session's checkpoints say of it, in short.
#[derive(Debug, Clone, Serialize)]
pub struct Past {
    /// From where it went on, if it is a fork.
    pub forked_from: Option<Branched>,
    /// Its last checkpoint.
    pub checkpoint: Option<Last>,
}

/// A checkpoint of another session.
#[derive(Debug, Clone, Serialize)]
pub struct Branched {
    /// That session.
    pub session_id: SessionId,
    /// Its name, as long as it is known.
    pub name: Option<String>,
    /// Which of its checkpoints.
    pub number: u64,
}

/// A checkpoint by its number and time.
#[derive(Debug, Clone, Serialize)]
pub struct Last {
    /// Which.
    pub number: u64,
    /// When it was recorded, in milliseconds since the epoch.
    pub at_ms: i64,
    /// Why.
    pub cause: Cause,
}

/// Where a session came from, and its last checkpoint.
///
/// # Errors
/// The store cannot be read.
pub fn past_of(store: &Store, session: SessionId) -> Result<Past, Failure> {
    let forked_from = match store.origin_of(session)? {
        Some(origin) => Some(Branched {
            session_id: origin.from,
            name: store.session(origin.from)?.map(|row| row.name),
            number: origin.number,
        }),
        None => None,
    };
    let last = store.last_checkpoint(session)?;
    Ok(Past {
        forked_from,
        checkpoint: last.map(|row| Last {
            number: row.checkpoint.number,
            at_ms: row.at_ms,
            cause: row.checkpoint.cause,
        }),
    })
}

/// A session's checkpoints, the oldest first.
///
/// # Errors
/// What they hold cannot be read.
pub fn listed(project: &Project, session: &SessionRow) -> Result<Vec<Listed>, Failure> {
    let rows = project.store.checkpoints(session.id)?;
    let mut now = Nows::of(project, session);
    let mut before = match &session.base {
        Some(base) => Some(tree_of(project, base)?),
        None => None,
    };
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let tree = object(&row.checkpoint.worktree_tree)?;
        let changed = match before {
            Some(before) => Counts::of(&difference(&project.repo, before, tree)?),
            None => Counts::default(),
        };
        before = Some(tree);
        listed.push(Listed {
            changed,
            is_now: now.like(&row.checkpoint)? == Some(tree),
            row,
        });
    }
    Ok(listed)
}

/// Records how a session's files are now.
///
/// # Errors
/// It has no worktree of treeyard's own; or when it is asked from inside of a session.
pub fn record(project: &mut Project, session: &SessionRow) -> Result<Checkpoint, Failure> {
    inside::refuse_session("a session does not record its own checkpoints")?;
    let unfit = match session {
        session if session.is_adopted() => Some(Unfit::Adopted),
        session if !session.has_worktree() => Some(Unfit::NoWorktree),
        _ => None,
    };
    if let Some(why) = unfit {
        return Err(no_place(session, why));
    }
    let point = Point::new(Cause::Asked, project.settings.ignored_in_checkpoints());
    let taken = checkpoint(&project.repo, &mut project.store, session, point)?;
    taken.ok_or_else(|| no_place(session, Unfit::NoWorktree))
}

fn no_place(session: &SessionRow, why: Unfit) -> Failure {
    let message = format!("no checkpoint of {}: {}", session.name, why.describe());
    let hint = "`treeyard ls` lists the sessions; one that treeyard made a worktree for has checkpoints as long as that is there";
    Failure::new(Code::RestoreRefused, message).hint(hint)
}

/// The checkpoint of this number, or the last one; not one with what there was before the session was put back, unless
/// it is asked for.
///
/// # Errors
/// There is none.
pub fn find(
    project: &Project,
    session: &SessionRow,
    number: Option<u64>,
) -> Result<CheckpointRow, Failure> {
    let rows = project.store.checkpoints(session.id)?;
    let name = &session.name;
    let Some(number) = number else {
        let is_saved = |row: &&CheckpointRow| row.checkpoint.cause == Cause::Restoring;
        let last = rows.iter().rfind(|row| !is_saved(row)).or(rows.last());
        let message = format!("{name} has no checkpoint");
        return last
            .cloned()
            .ok_or_else(|| Failure::new(Code::CheckpointUnknown, message));
    };
    let found = rows.iter().find(|row| row.checkpoint.number == number);
    found.cloned().ok_or_else(|| {
        let numbers: Vec<_> = rows.iter().map(|row| row.checkpoint.number).collect();
        let message = format!("{name} has no checkpoint {number}");
        let failure = Failure::new(Code::CheckpointUnknown, message);
        match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) => failure.hint(format!(
                "they are numbered {first} to {last}: treeyard checkpoints {}",
                session.id.short()
            )),
            _ => failure,
        }
    })
}

/// The tree of a session's files as they are now, with those of the ignored ones that a checkpoint has; `None` when it has
/// no worktree.
///
/// # Errors
/// When they cannot be read.
pub fn now(
    project: &Project,
    session: &SessionRow,
    like: &Checkpoint,
) -> Result<Option<ObjectId>, Failure> {
    Nows::of(project, session).like(like)
}

/// A session's files as they are now, looked at once for each choice of ignored ones.
struct Nows<'a> {
    repo: &'a Repo,
    place: Option<Located>,
    seen: Vec<(Scope, ObjectId)>,
}

impl<'a> Nows<'a> {
    fn of(project: &'a Project, session: &SessionRow) -> Self {
        Self {
            repo: &project.repo,
            place: located(session).filter(|place| place.path.exists()),
            seen: Vec::new(),
        }
    }

    fn like(&mut self, checkpoint: &Checkpoint) -> Result<Option<ObjectId>, Failure> {
        let Some(place) = &self.place else {
            return Ok(None);
        };
        let ignored = ignored_of(self.repo, &checkpoint.commit)?;
        if let Some((_, tree)) = self.seen.iter().find(|(known, _)| *known == ignored) {
            return Ok(Some(*tree));
        }
        let tree = take(self.repo, place, &ignored)?.tree;
        self.seen.push((ignored, tree));
        Ok(Some(tree))
    }
}

/// The tree that a checkpoint is, as the library has it.
///
/// # Errors
/// It is no id.
pub fn object(tree: &CommitId) -> Result<ObjectId, Failure> {
    Ok(crate::git::object_id(tree)?)
}

fn tree_of(project: &Project, commit: &CommitId) -> Result<ObjectId, Failure> {
    Ok(project.repo.tree_of(commit)?)
}

/// What to do about it.
pub(super) fn refusal(session: &SessionRow, why: Unfit) -> Failure {
    let (name, id) = (session.name.clone(), session.id.short());
    let failure = Failure::from(ControlError::Unfit { name, why });
    failure.hint(match why {
        Unfit::Adopted => "put its files back with git, in the worktree itself".to_owned(),
        Unfit::Landed | Unfit::NoWorktree => {
            format!("go on from a checkpoint in another session: treeyard fork {id} --at N")
        }
        Unfit::AtWork => format!("treeyard pause {id}"),
        Unfit::CommandRuns => {
            format!("wait for its end (treeyard logs -f {id}), or end it: treeyard cancel {id}")
        }
        Unfit::Landing => "wait for its end, then say it again".to_owned(),
    })
}
