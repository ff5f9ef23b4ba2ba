//! Who holds what. Today a session holds its declared scope from its first job until it lands.

use std::path::PathBuf;

use crate::model::code::Code;
use crate::model::ids::SessionId;
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::store::{SessionRow, StoreError};

/// A session that holds files.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The session.
    pub session: SessionId,
    /// Its task's name.
    pub name: String,
    /// Where it stands.
    pub state: SessionState,
    /// What it holds.
    pub scope: Scope,
    /// Where it works.
    pub worktree: Option<PathBuf>,
}

/// Those of the sessions that hold files, the first that was created first. This is the one place
/// that says so.
///
/// # Errors
/// When a row cannot be read.
pub fn holders(rows: &[SessionRow]) -> Result<Vec<Holder>, StoreError> {
    let holding = rows.iter().filter(|row| is_holding(row));
    let holder = |row: &SessionRow| {
        Ok(Holder {
            session: row.id,
            name: row.name.clone(),
            state: row.state,
            scope: row.spec()?.scope,
            worktree: row.worktree_path.clone().map(PathBuf::from),
        })
    };
    holding.map(holder).collect()
}

fn is_holding(row: &SessionRow) -> bool {
    let may_land = row.landed_commit.is_none()
        && row.landing_code.as_deref() != Some(Code::NothingToLand.id());
    match row.state {
        SessionState::Active | SessionState::Paused | SessionState::Blocked => row.has_worktree(),
        SessionState::Completed => row.has_worktree() && may_land,
        SessionState::Created | SessionState::Failed | SessionState::Cancelled => false,
    }
}
