//! What a session claimed, and whether its work stays within.

use std::sync::Arc;

use super::error::LandError;
use crate::git::Repo;
use crate::merge::{Beyond, Bounds, MergeError, check_commits};
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

/// The first change that the session did not claim, in the commits up to `tip`.
///
/// # Errors
/// When they cannot be read.
pub fn beyond_claim(
    repo: &Repo,
    session: &SessionRow,
    tip: &CommitId,
) -> Result<Option<MergeError>, LandError> {
    let Some(bounds) = bounds(repo, session, &session.scope()?, Beyond::Refuse)? else {
        return Ok(None);
    };
    match check_commits(&repo.gix(), &bounds, &bounds.base, tip) {
        Ok(()) => Ok(None),
        Err(error @ MergeError::OutOfScope { .. }) => Ok(Some(error)),
        Err(error) => Err(error.into()),
    }
}
