//! What a session claimed, and whether its work stays within.

use std::sync::Arc;

use super::error::LandError;
use crate::git::Repo;
use crate::merge::{Beyond, Bounds, MergeError, check_commits, check_sound};
use crate::model::ids::CommitId;
use crate::model::scope::{Scope, ScopeLanguage};
use crate::store::SessionRow;

/// The bounds of a session's work by the `scope` that it holds; `None` when that is the whole
/// repository.
///
/// # Errors
/// When its task on record cannot be read.
pub fn bounds(
    repo: &Repo,
    session: &SessionRow,
    scope: &Scope,
    beyond: Beyond,
) -> Result<Option<Bounds>, LandError> {
    let (false, Some(base)) = (*scope == Scope::whole_repository(), session.base.clone()) else {
        return Ok(None);
    };
    Ok(Some(Bounds {
        scope: Arc::new(ScopeLanguage::new(scope, repo.fold())?),
        base,
        beyond,
    }))
}

/// What keeps the commits up to `tip` from landing: the first change that the session did not claim,
/// or an entry that must not land from anybody. What the target has is not the session's.
///
/// # Errors
/// When they cannot be read.
pub fn beyond_claim(
    repo: &Repo,
    session: &SessionRow,
    tip: &CommitId,
) -> Result<Option<MergeError>, LandError> {
    let Some(base) = &session.base else {
        return Ok(None);
    };
    let target = repo.branch_tip(&session.target)?;
    let target = target.as_ref().unwrap_or(base);
    let bounds = bounds(repo, session, &session.scope()?, Beyond::Refuse)?;
    let git = repo.gix();
    let sound = check_sound(&git, &[base.clone(), target.clone()], tip);
    let proved = sound.and_then(|()| match &bounds {
        Some(bounds) => check_commits(&git, bounds, target, tip),
        None => Ok(()),
    });
    match proved {
        Ok(()) => Ok(None),
        Err(
            error
            @ (MergeError::OutOfScope { .. } | MergeError::Unsound(_) | MergeError::CutOff(_)),
        ) => Ok(Some(error)),
        Err(error) => Err(error.into()),
    }
}
