//! A checkpoint's files on top of what the target is now, so that what landed there meanwhile is in them.

use super::failure::Failure;
use super::project::Project;
use crate::git::GitError;
use crate::merge::{Merged, merge_files};
use crate::model::checkpoint::Checkpoint;
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::model::redact::Redactor;
use crate::model::thread::MessageRecord;
use crate::sessions::said_by_person;
use crate::store::SessionRow;
use crate::workspace::keep_onto;

/// How many of the files a model is told.
const MOST_NAMED: usize = 40;

/// Where such files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onto {
    /// The target's last commit.
    pub tip: CommitId,
    /// The paths that changed on the target since, sorted.
    pub changed: Vec<String>,
}

/// Keeps the files of a checkpoint as the first ones of `session`, together with what its target has since. The checkpoint
/// is then that of them. `None` when the target has nothing that it has not.
///
/// # Errors
/// [`Code::MergeConflict`] when both changed the same, or the work came after some that has not landed; or what git refuses.
pub(super) fn onto_target(
    project: &Project,
    origin: &SessionRow,
    checkpoint: &mut Checkpoint,
    session: &SessionId,
) -> Result<Option<Onto>, Failure> {
    let (repo, target) = (&project.repo, &origin.target);
    let tip = repo.branch_tip(target)?;
    let tip = tip.ok_or_else(|| GitError::Unborn(target.clone()))?;
    let what = format!("checkpoint {} of {}", checkpoint.number, origin.name);
    let Some(shared) = repo.merge_base(&checkpoint.commit, &tip)? else {
        let message = format!("{what} has no history in common with {target}");
        return Err(Failure::new(Code::MergeConflict, message).hint(WITHOUT));
    };
    if shared == tip {
        return Ok(None);
    }
    refuse_unlanded(project, origin, &tip)?;
    let tree = match merge_files(&repo.gix(), &tip, &checkpoint.commit)? {
        Merged::Clean(tree) => tree,
        Merged::Conflict(paths) => {
            let paths = paths.into_iter().map(|path| path.path);
            return Err(conflict(&what, target, paths.collect()));
        }
    };
    let kept_as = format!("treeyard: {what}, on {target}");
    let files = (&checkpoint.commit, tree);
    checkpoint.commit = keep_onto(repo, session, files, &tip, &kept_as)?;
    checkpoint.worktree_tree = tree
        .to_string()
        .parse()
        .map_err(GitError::library("name a tree"))?;
    let changed = repo.changed_paths(&shared, &tip)?.into_iter();
    let mut changed: Vec<_> = changed.map(|changed| changed.path.to_string()).collect();
    changed.sort();
    Ok(Some(Onto { tip, changed }))
}

const WITHOUT: &str = "go on without --rebase, and let the model settle it there";

/// What it came after would count as its own change.
fn refuse_unlanded(project: &Project, origin: &SessionRow, tip: &CommitId) -> Result<(), Failure> {
    let repo = &project.repo;
    let Some(base) = &origin.base else {
        return Ok(());
    };
    if repo.merge_base(base, tip)?.as_ref() == Some(base) {
        return Ok(());
    }
    // It may have landed as other commits.
    let landed = Merged::Clean(repo.tree_of(tip)?);
    if merge_files(&repo.gix(), tip, base)? == landed {
        return Ok(());
    }
    let (name, target) = (&origin.name, &origin.target);
    let message = format!("{name} began with work that is not on {target}");
    Err(Failure::new(Code::MergeConflict, message)
        .hint("land that first")
        .hint(WITHOUT))
}

fn conflict(what: &str, target: &str, paths: Vec<String>) -> Failure {
    let named = match paths.as_slice() {
        [first, _, _, _, ..] => format!("{first} and {} more", paths.len() - 1),
        few => few.join(", "),
    };
    let message = format!("{what} conflicts with {target} in {named}");
    Failure::new(Code::MergeConflict, message)
        .hint(WITHOUT)
        .with_details(serde_json::json!({ "paths": paths }))
}

/// What a model is told of it, as data: what it has read before may be out of date.
///
/// # Errors
/// When the artifact store cannot take it.
pub(super) fn told(project: &Project, target: &str, onto: &Onto) -> Result<MessageRecord, Failure> {
    let mut text = format!(
        "The files of the worktree are on top of {target} as it is now, at {}. What you changed is kept. These changed on \
         {target} since you looked:",
        onto.tip.short()
    );
    for path in onto.changed.iter().take(MOST_NAMED) {
        text += &format!("\n  {path}");
    }
    let more = onto.changed.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        text += &format!("\n  and {more} more");
    }
    let record = said_by_person(&project.cas, &text, Vec::new(), &Redactor::patterns())?;
    Ok(MessageRecord {
        source: Some(format!("the branch {target}")),
        ..record
    })
}
