//! Allowing one commit of what a session holds.

use std::path::{Component, Path, PathBuf};

use super::failure::Failure;
use super::project::Project;
use crate::hooks::holders;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::scope::ScopeLanguage;

/// A reason is a sentence, not a document.
const LONGEST_REASON: usize = 500;

/// What was allowed.
#[derive(Debug, Clone)]
pub struct Allowed {
    /// Relative to the root.
    pub path: String,
    /// Who holds it; `None` when a person claimed it.
    pub session: Option<SessionId>,
    /// The holder's task, or the person.
    pub name: String,
}

/// Lets the next commit that changes these paths, as they are seen from `start`, through. All of them
/// are allowed, or none.
///
/// # Errors
/// No reason, a path outside of the repository, or one that nobody holds.
pub fn allow(
    project: &mut Project,
    start: &Path,
    paths: &[PathBuf],
    reason: &str,
) -> Result<Vec<Allowed>, Failure> {
    let reason = checked(reason)?;
    let fold = project.repo.fold();
    let mut held = Vec::new();
    for holder in holders(&project.store)? {
        let scope = ScopeLanguage::new(&holder.scope, fold)
            .map_err(|error| Failure::new(Code::ScopeInvalid, error.to_string()))?;
        held.push((holder, scope));
    }
    let mut allowed = Vec::new();
    for path in paths {
        let from_here = from_root(project, &start.join(path));
        // A hook names files from the root, wherever the commit was made.
        let root = project.repo.work_dir().unwrap_or(project.repo.main_root());
        let said = from_root(project, &root.join(path));
        let mut seen = from_here.iter().chain(&said);
        let held_by = |path: &String| {
            let mut all = held.iter();
            let (holder, _) = all.find(|(_, scope)| scope.contains(path.as_bytes()))?;
            Some((holder, path.clone()))
        };
        let Some((holder, path)) = seen.find_map(held_by) else {
            let nobody = format!("nobody holds {}", from_here?);
            return Err(Failure::new(Code::NotHeld, nobody));
        };
        allowed.push(Allowed {
            path,
            session: holder.party.session_id(),
            name: holder.name.clone(),
        });
    }
    project.store.write(|tx| {
        for one in &allowed {
            let event = Event::HookOverridden {
                path: one.path.clone(),
                reason: reason.to_owned(),
            };
            tx.append(Actor::Human, one.session, event)?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(allowed)
}

fn checked(reason: &str) -> Result<&str, Failure> {
    let reason = reason.trim();
    let wrong = |what: &str| Err(Failure::new(Code::Usage, what));
    if reason.is_empty() {
        return wrong("an override needs a reason");
    }
    if reason.chars().any(char::is_control) || reason.chars().count() > LONGEST_REASON {
        return wrong("a reason is one line of at most 500 characters");
    }
    Ok(reason)
}

/// The file need not exist: deleting it may be what is to be committed.
fn from_root(project: &Project, path: &Path) -> Result<String, Failure> {
    let root = project.repo.work_dir().unwrap_or(project.repo.main_root());
    let wrong = || {
        let text = format!("{} is not a file of this repository", path.display());
        Failure::new(Code::Usage, text)
    };
    let absolute = std::path::absolute(path).map_err(|error| Failure::io(path, &error))?;
    let folder = absolute.parent().unwrap_or(Path::new("/"));
    let name = absolute.file_name().ok_or_else(wrong)?;
    // A folder that is gone too is taken as it is written.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let full = folder.join(name);
    let inside = full.strip_prefix(root).map_err(|_| wrong())?;
    let plain = inside
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let text = inside.to_str().filter(|text| plain && !text.is_empty());
    text.map(str::to_owned).ok_or_else(wrong)
}
