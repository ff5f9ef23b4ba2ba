//! A checkpoint's files on top of what the target is now, so that what landed there meanwhile is in them.

use gix::ObjectId;

use super::failure::Failure;
use super::project::Project;
use crate::git::GitError;
use crate::merge::{Merged, merge_files, preview_files};
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::model::redact::Redactor;
use crate::model::thread::MessageRecord;
use crate::sessions::said_by_person;
use crate::store::SessionRow;
use crate::workspace::keep_onto;

/// How many of the files a model is told.
const MOST_NAMED: usize = 40;
const WITHOUT: &str = "go on without --rebase, and settle it there";

/// The target as it was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onto {
    /// Its last commit.
    pub tip: CommitId,
    /// The paths that changed on it since, sorted.
    pub changed: Vec<String>,
    /// The checkpoint's commit.
    commit: CommitId,
    /// The last one that both have.
    shared: CommitId,
    /// What the files of both come to.
    tree: ObjectId,
}

/// The files of a checkpoint together with what its target has since; nothing when that has nothing new.
///
/// # Errors
/// [`Code::MergeConflict`] when both changed the same, or the work came after some that has not landed; or what git refuses.
pub(super) fn onto_target(
    project: &Project,
    origin: &SessionRow,
    commit: &CommitId,
) -> Result<Option<Onto>, Failure> {
    let (repo, target) = (&project.repo, &origin.target);
    let tip = repo.branch_tip(target)?;
    let tip = tip.ok_or_else(|| GitError::Unborn(target.clone()))?;
    let Some(shared) = repo.merge_base(commit, &tip)? else {
        let message = format!("{} and {target} have no common history", origin.name);
        return Err(Failure::new(Code::MergeConflict, message).hint(WITHOUT));
    };
    if shared == tip {
        return Ok(None);
    }
    refuse_unlanded(project, origin, &tip)?;
    let tree = match merge_files(&repo.gix(), &tip, commit)? {
        Merged::Clean(tree) => tree,
        Merged::Conflict(paths) => {
            let paths = paths.into_iter().map(|path| path.path);
            return Err(conflict(origin, paths.collect()));
        }
    };
    let changed = repo.changed_paths(&shared, &tip)?.into_iter();
    let mut changed: Vec<_> = changed.map(|changed| changed.path.to_string()).collect();
    changed.sort();
    Ok(Some(Onto {
        tip,
        changed,
        commit: commit.clone(),
        shared,
        tree,
    }))
}

impl Onto {
    /// Keeps the files as the first ones of a session that goes on from `origin`. The commit that has them, and their tree.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn keep(
        &self,
        project: &Project,
        origin: &SessionRow,
        session: &SessionId,
    ) -> Result<(CommitId, CommitId), Failure> {
        let what = format!("treeyard: files of {} on {}", origin.name, origin.target);
        let files = (&self.commit, self.tree);
        let onto = (&self.shared, &self.tip);
        let commit = keep_onto(&project.repo, session, files, onto, &what)?;
        let tree = self.tree.to_string().parse();
        Ok((commit, tree.map_err(GitError::library("name a tree"))?))
    }

    /// What a model is told of it, as data: what it has read before may be out of date.
    ///
    /// # Errors
    /// When the artifact store cannot take it.
    pub(super) fn told(&self, project: &Project, target: &str) -> Result<MessageRecord, Failure> {
        let mut text = format!(
            "The files of the worktree are on top of {target} as it is now, at {}. What you changed is kept. These changed \
             on {target} since you looked:",
            self.tip.short()
        );
        for path in self.changed.iter().take(MOST_NAMED) {
            text += &format!("\n  {path}");
        }
        let more = self.changed.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            text += &format!("\n  and {more} more");
        }
        let record = said_by_person(&project.cas, &text, Vec::new(), &Redactor::patterns())?;
        Ok(MessageRecord {
            source: Some(format!("the branch {target}")),
            ..record
        })
    }
}

/// What it came after would count as its own change.
fn refuse_unlanded(project: &Project, origin: &SessionRow, tip: &CommitId) -> Result<(), Failure> {
    let repo = &project.repo;
    let Some(base) = project.store.base_of(origin.id)? else {
        return Ok(());
    };
    if repo.is_in_history(tip, &base)? {
        return Ok(());
    }
    // It may have landed as other commits.
    let landed = Merged::Clean(repo.tree_of(tip)?);
    if preview_files(&repo.gix(), tip, &base)? == landed {
        return Ok(());
    }
    let (name, target) = (&origin.name, &origin.target);
    let message = format!("{name} began with work that is not on {target} as it was then");
    Err(Failure::new(Code::MergeConflict, message)
        .hint("land that first, if it has not landed")
        .hint(WITHOUT))
}

fn conflict(origin: &SessionRow, paths: Vec<String>) -> Failure {
    let named = match paths.as_slice() {
        [first, _, _, _, ..] => format!("{first} and {} more", paths.len() - 1),
        few => few.join(", "),
    };
    let (name, target) = (&origin.name, &origin.target);
    let message = format!("what {name} changed conflicts with {target} in {named}");
    Failure::new(Code::MergeConflict, message)
        .hint(WITHOUT)
        .with_details(serde_json::json!({ "paths": paths }))
}
