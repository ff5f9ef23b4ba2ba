//! What the scopes of tasks are compared with before anything starts: the files of the target.

use crate::config::{Settings, idle_patterns};
use crate::git::Repo;
use crate::model::scope::{Files, Scope};
use crate::model::task::TaskSpec;

/// The files of the branch that the tasks land on, when any of them says which it may change. None
/// where they cannot be listed: what is wrong there is told by what needs them.
pub fn files_of_target(repo: &Repo, target: &str, tasks: &[TaskSpec]) -> Option<Files> {
    let whole = Scope::whole_repository();
    if tasks.iter().all(|task| task.scope == whole) {
        return None;
    }
    let tip = repo.branch_tip(target).ok()??;
    let files = repo.files_of(&tip).ok()?;
    Some(Files::new(files, repo.fold()))
}

/// The branch that is landed on unless a person names another.
pub fn usual_target(repo: &Repo, settings: &Settings) -> Option<String> {
    let configured = settings.target().clone();
    configured.or_else(|| repo.current_branch().ok())
}

/// The patterns of one command that change nothing in the files of its target.
pub fn idle_of(task: &TaskSpec, files: Option<&Files>) -> Vec<String> {
    let found = files.map_or_else(Vec::new, |files| idle_patterns(&task.scope, files));
    found.into_iter().map(|(_, message)| message).collect()
}
