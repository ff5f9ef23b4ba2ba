//! Building the commit that would land, without moving anything.

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};

use super::bounds::{Beyond, Bounds, check_commits, check_result, refuse_unsound, within};
use super::conflict::{ConflictPath, ConflictReport};
use super::durable::persist;
use super::entries::changes;
use super::error::{MergeError, git};
use super::files::{Merged, merged};
use super::message::{MergeMethod, compose, one_line};
use super::rebase;
use crate::git::{Standard, parents, unsound_tree};
use crate::model::ids::CommitId;
use crate::model::provenance::Provenance;

/// What to land, where and how.
#[derive(Debug, Clone)]
pub struct LandingPlan {
    pub target_tip: CommitId,
    pub session_tip: CommitId,
    pub method: MergeMethod,
    /// `None` when the whole repository is in scope.
    pub bounds: Option<Bounds>,
    /// The first line of the merge or squash commit.
    pub subject: String,
    pub provenance: Provenance,
    /// Name and e-mail address.
    pub committer: (String, String),
    /// Seconds since the epoch, and the offset from UTC in seconds.
    pub now: (i64, i32),
}

impl LandingPlan {
    /// The bounds that nothing may leave.
    fn refusing(&self) -> Option<&Bounds> {
        let bounds = self.bounds.as_ref();
        bounds.filter(|bounds| bounds.beyond == Beyond::Refuse)
    }

    /// When something is left out, what lands is looked at, and the rest of history stays out.
    fn standard(&self) -> Standard {
        match &self.bounds {
            Some(bounds) if bounds.beyond == Beyond::LeaveOut => Standard::Storable,
            _ => Standard::Landable,
        }
    }

    /// Half of a commit is another commit: what is left out cannot be in the history either.
    fn method(&self) -> MergeMethod {
        match &self.bounds {
            Some(bounds) if bounds.beyond == Beyond::LeaveOut => MergeMethod::Squash,
            _ => self.method,
        }
    }
}

/// A commit that is stored and can be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub commit: CommitId,
    /// The commit's tree, as hex.
    pub tree: String,
    /// The target tip it was built on.
    pub onto: CommitId,
    /// Paths that differ from `onto`, sorted.
    pub changed: Vec<String>,
}

/// The outcome of [`prepare`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// The target has everything already.
    UpToDate,
    Ready(Candidate),
    Conflict(ConflictReport),
}

/// What building came to: `None` when nothing is left to land.
pub(super) enum Built {
    Nothing,
    Commit(ObjectId),
    Conflict(Vec<ConflictPath>, Option<CommitId>),
}

/// Builds the candidate in memory and stores its objects only when it is clean.
///
/// # Errors
/// [`MergeError::Unsound`] when a commit of the session or the result brings an entry that must not
/// land; [`MergeError::Unrelated`], [`MergeError::MergeInRange`], [`MergeError::Git`].
pub fn prepare(repo: &gix::Repository, plan: &LandingPlan) -> Result<Prepared, MergeError> {
    let mut memory = repo.clone().with_object_memory();
    let target = oid(&plan.target_tip)?;
    let session = oid(&plan.session_tip)?;
    let base = match memory
        .merge_bases_many(target, &[session])
        .map_err(git)?
        .first()
    {
        Some(base) => base.detach(),
        None => {
            return Err(MergeError::Unrelated {
                target: plan.target_tip.clone(),
                session: plan.session_tip.clone(),
            });
        }
    };
    if base == session {
        return Ok(Prepared::UpToDate);
    }
    let range = range(&memory, &[target], session)?;
    // With a merge, every commit of the session enters the target's history.
    refuse_unsound(&memory, &range, plan.standard())?;
    if let Some(bounds) = plan.refusing() {
        check_commits(&memory, bounds, &plan.target_tip, &plan.session_tip)?;
    }
    let built = match plan.method() {
        MergeMethod::Rebase => rebase::build(&memory, plan, target, &range)?,
        MergeMethod::Merge | MergeMethod::Squash => merge(&memory, plan, target, session, &range)?,
    };
    let commit = match built {
        Built::Nothing => return Ok(Prepared::UpToDate),
        Built::Conflict(paths, commit) => {
            return Ok(Prepared::Conflict(ConflictReport {
                schema_version: 1,
                target_tip: plan.target_tip.clone(),
                session_tip: plan.session_tip.clone(),
                base: Some(commit_id(base)?),
                commit,
                paths,
            }));
        }
        Built::Commit(commit) => commit,
    };
    let tree = tree_of(&memory, commit)?;
    let before = tree_of(&memory, target)?;
    if let Some(bounds) = &plan.bounds {
        check_result(&memory, bounds, before, tree)?;
    }
    if let Some(unsound) =
        unsound_tree(&memory, tree, &[before], Standard::Landable).map_err(git)?
    {
        return Err(unsound.into());
    }
    let changed = changes(&memory, Some(before), Some(tree))?;
    persist(repo, &mut memory)?;
    Ok(Prepared::Ready(Candidate {
        commit: commit_id(commit)?,
        tree: tree.to_string(),
        onto: plan.target_tip.clone(),
        changed: changed.iter().map(|c| c.path.to_string()).collect(),
    }))
}

/// The commits that `to` has and `from` lacks, oldest first.
///
/// # Errors
/// [`MergeError::Git`] when a commit is missing or damaged.
pub fn commits_in(
    repo: &gix::Repository,
    from: &CommitId,
    to: &CommitId,
) -> Result<Vec<CommitId>, MergeError> {
    range(repo, &[oid(from)?], oid(to)?)?
        .into_iter()
        .map(commit_id)
        .collect()
}

/// The commits that `to` has and none of `from` has, oldest first, with their messages.
///
/// # Errors
/// [`MergeError::Git`] when a commit is missing or damaged.
pub fn new_messages(
    repo: &gix::Repository,
    from: &[CommitId],
    to: &CommitId,
) -> Result<Vec<(CommitId, String)>, MergeError> {
    let known: Vec<ObjectId> = from.iter().map(oid).collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for id in range(repo, &known, oid(to)?)? {
        let commit = repo.find_commit(id).map_err(git)?;
        let message = commit.message_raw().map_err(git)?.to_string();
        found.push((commit_id(id)?, message));
    }
    Ok(found)
}

/// The commits that `to` has and none of `from` has, oldest first. The library stops at commits that
/// a `shallow` file names, as at the end of a shallow clone; anybody could write one.
pub(super) fn range(
    repo: &gix::Repository,
    from: &[ObjectId],
    to: ObjectId,
) -> Result<Vec<ObjectId>, MergeError> {
    let mut ids = Vec::new();
    for info in repo
        .rev_walk([to])
        .with_hidden(from.iter().copied())
        .all()
        .map_err(git)?
    {
        ids.push(info.map_err(git)?.id);
    }
    refuse_cut_off(repo, &ids)?;
    ids.reverse();
    Ok(ids)
}

fn refuse_cut_off(repo: &gix::Repository, range: &[ObjectId]) -> Result<(), MergeError> {
    let Some(ends) = repo.shallow_commits().map_err(git)? else {
        return Ok(());
    };
    for id in range.iter().filter(|id| ends.contains(id)) {
        let parents = parents(repo, *id).map_err(git)?;
        if parents.iter().any(|parent| repo.has_object(parent)) {
            return Err(MergeError::CutOff(commit_id(*id)?));
        }
    }
    Ok(())
}

fn merge(
    repo: &gix::Repository,
    plan: &LandingPlan,
    target: ObjectId,
    session: ObjectId,
    range: &[ObjectId],
) -> Result<Built, MergeError> {
    let tree = match merged(repo, target, session)? {
        Merged::Clean(tree) => tree,
        Merged::Conflict(paths) => return Ok(Built::Conflict(paths, None)),
    };
    let before = tree_of(repo, target)?;
    let tree = match &plan.bounds {
        Some(bounds) if bounds.beyond == Beyond::LeaveOut => within(repo, bounds, before, tree)?,
        _ => tree,
    };
    let (parents, body) = match plan.method() {
        MergeMethod::Squash if tree == before => return Ok(Built::Nothing),
        MergeMethod::Squash => (vec![target], subjects(repo, range)?),
        _ => (vec![target, session], Vec::new()),
    };
    let me = committer(plan);
    let message = compose(&plan.subject, &body, &plan.provenance);
    write_commit(repo, tree, parents, me.clone(), me, message, None).map(Built::Commit)
}

fn subjects(repo: &gix::Repository, range: &[ObjectId]) -> Result<Vec<String>, MergeError> {
    range
        .iter()
        .map(|id| {
            let commit = repo.find_commit(*id).map_err(git)?;
            let message = commit.message_raw().map_err(git)?;
            let first = message.lines().next().unwrap_or_default();
            Ok(format!("* {}", one_line(&first.to_str_lossy())))
        })
        .collect()
}

pub(super) fn write_commit(
    repo: &gix::Repository,
    tree: ObjectId,
    parents: Vec<ObjectId>,
    author: gix::actor::Signature,
    committer: gix::actor::Signature,
    message: BString,
    encoding: Option<BString>,
) -> Result<ObjectId, MergeError> {
    let commit = gix::objs::Commit {
        tree,
        parents: parents.into_iter().collect(),
        author,
        committer,
        encoding,
        message,
        extra_headers: Vec::new(),
    };
    Ok(repo.write_object(&commit).map_err(git)?.detach())
}

pub(super) fn committer(plan: &LandingPlan) -> gix::actor::Signature {
    let clean = |text: &str| BString::from(one_line(&text.replace(['<', '>'], " ")));
    gix::actor::Signature {
        name: clean(&plan.committer.0),
        email: clean(&plan.committer.1),
        time: gix::date::Time {
            seconds: plan.now.0,
            offset: plan.now.1,
        },
    }
}

pub(super) fn tree_of(repo: &gix::Repository, commit: ObjectId) -> Result<ObjectId, MergeError> {
    let commit = repo.find_commit(commit).map_err(git)?;
    Ok(commit.tree_id().map_err(git)?.detach())
}

pub(super) fn oid(id: &CommitId) -> Result<ObjectId, MergeError> {
    ObjectId::from_hex(id.as_str().as_bytes()).map_err(git)
}

pub(super) fn commit_id(id: ObjectId) -> Result<CommitId, MergeError> {
    id.to_string().parse().map_err(git)
}
