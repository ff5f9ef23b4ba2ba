//! What was saved, and getting it back.

use super::failure::Failure;
use super::project::Project;
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};
use crate::workspace::{WorkspaceError, salvage_list, salvage_restore};

/// One saved piece of work.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Whose.
    pub session: SessionId,
    /// Its task's name, while the session is known.
    pub name: Option<String>,
    /// The ref that holds it.
    pub reference: String,
    /// What it points to.
    pub commit: CommitId,
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Restored {
    /// Whose work.
    pub session: SessionId,
    /// The new branch, without `refs/heads/`.
    pub branch: String,
    /// Where it is.
    pub commit: CommitId,
}

/// Everything that is saved.
///
/// # Errors
/// Refs or rows that cannot be read.
pub fn list(project: &Project) -> Result<Vec<Saved>, Failure> {
    let mut saved = Vec::new();
    for (session, found) in salvage_list(&project.repo)? {
        saved.push(Saved {
            session,
            name: project.store.session(session)?.map(|row| row.name),
            reference: found.reference,
            commit: found.commit,
        });
    }
    Ok(saved)
}

/// Makes a branch of what is saved for the session that `selector` means. The session itself may
/// be forgotten already; then its id is needed.
///
/// # Errors
/// Nothing saved for it, several that match, or a branch of that name.
pub fn restore(
    project: &Project,
    selector: &str,
    branch: Option<&str>,
) -> Result<Restored, Failure> {
    let (session, name) = find(project, selector)?;
    let branch = branch.map_or_else(
        || format!("salvage/{name}-{}", session.short()),
        |text| text.trim_start_matches("refs/heads/").to_owned(),
    );
    if project.repo.branch_tip(&branch)?.is_some() {
        return Err(
            Failure::new(Code::Usage, format!("there is a branch {branch:?} already"))
                .hint("choose another with --branch NAME"),
        );
    }
    let commit = salvage_restore(&project.repo, &session, &branch)?;
    Ok(Restored {
        session,
        branch,
        commit,
    })
}

fn find(project: &Project, selector: &str) -> Result<(SessionId, String), Failure> {
    let mut hits: Vec<Saved> = list(project)?;
    hits.retain(|s| {
        s.name.as_deref() == Some(selector)
            || s.session.to_string().starts_with(selector)
            || s.session.short().starts_with(selector)
    });
    hits.dedup_by_key(|s| s.session);
    match hits.as_slice() {
        [] => Err(WorkspaceError::SalvageUnknown(selector.to_owned()).into()),
        [only] => Ok((
            only.session,
            only.name.clone().unwrap_or_else(|| "session".to_owned()),
        )),
        _ => {
            let ids: Vec<String> = hits.iter().map(|s| s.session.short()).collect();
            Err(Failure::new(
                Code::SessionAmbiguous,
                format!("{} saved sessions match {selector:?}", hits.len()),
            )
            .hint(format!("give an id: {}", ids.join(", "))))
        }
    }
}
