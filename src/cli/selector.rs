//! Which session a command is about.

use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::store::SessionRow;

/// One session; inside of a session's worktree it may be left out.
#[derive(Debug, clap::Args)]
pub struct Selector {
    /// A task's name or the start of an id; in a session's worktree, by default that session
    #[arg(value_name = "S")]
    pub session: Option<String>,
}

impl Selector {
    /// The session that is meant.
    ///
    /// # Errors
    /// None or several that match, or none given outside of a session's worktree.
    pub fn find(&self, project: &Project) -> Result<SessionRow, Failure> {
        match &self.session {
            Some(selector) => project.session(selector),
            None => project.session_here(),
        }
    }
}
