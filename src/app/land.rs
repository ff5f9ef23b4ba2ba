//! Landing one session by a person's word.

use super::failure::Failure;
use super::project::Project;
use super::setup::runner_config;
use crate::landing::{LandError, Landed, Landing};
use crate::merge::MergeMethod;
use crate::proc::{Launcher, Wake};
use crate::store::SessionRow;

/// Lands the session and tells the runner, whose waiting tasks may follow.
///
/// # Errors
/// See [`LandError`].
pub fn land(
    project: &mut Project,
    session: &SessionRow,
    method: Option<MergeMethod>,
) -> Result<Landed, Failure> {
    let mut config = runner_config(project, &project.settings)?;
    if let Some(method) = method {
        config.policy.method = method;
    }
    let launcher = Launcher::current()?;
    let mut landing = Landing {
        repo: &project.repo,
        store: &mut project.store,
        cas: &project.cas,
        launcher: &launcher,
        policy: &config.policy,
    };
    let result = landing.land(session);
    Wake::notify(&project.repo.state_dir());
    result.map_err(with_report)
}

fn with_report(error: LandError) -> Failure {
    let failure = match &error {
        LandError::Conflict { report, .. } => Some(format!(
            "the report: `treeyard artifacts cat {}`; merge the target in the session's worktree, then land again",
            &report.hex()[..12]
        )),
        LandError::Gate {
            output: Some(output),
            ..
        } => Some(format!(
            "what it printed: `treeyard artifacts cat {}`",
            &output.hex()[..12]
        )),
        _ => None,
    };
    match failure {
        Some(hint) => Failure::from(error).hint(hint),
        None => Failure::from(error),
    }
}
