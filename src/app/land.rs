//! Landing one session by a person's word.

use std::time::Duration;

use super::bundle::refuse_elsewhere;
use super::failure::Failure;
use super::follow::while_following;
use super::project::Project;
use super::setup::runner_config;
use crate::landing::{LandError, Landed, Landing};
use crate::merge::{Beyond, LandingLock, MergeError, MergeMethod};
use crate::model::event::Record;
use crate::model::ids::CommitId;
use crate::proc::{Launcher, Wake};
use crate::store::SessionRow;

/// Whether another landing goes on, for which a new one would wait.
pub fn is_busy(project: &Project) -> bool {
    let lock = LandingLock::acquire(&project.repo.state_dir(), Duration::ZERO);
    matches!(lock, Err(MergeError::LockTimeout { .. }))
}

/// Lands the session and tells the runner, whose waiting tasks may follow. Every event meanwhile
/// is handed to `report`.
///
/// # Errors
/// See [`LandError`].
pub fn land(
    project: &mut Project,
    session: &SessionRow,
    method: Option<MergeMethod>,
    beyond: Beyond,
    report: &mut (dyn FnMut(&Record) + Send),
) -> Result<Landed, Failure> {
    refuse_elsewhere(session)?;
    let mut config = runner_config(project, &project.settings)?;
    if let Some(method) = method {
        config.policy.method = method;
    }
    config.policy.beyond = beyond;
    let launcher = Launcher::current();
    let state_dir = project.repo.state_dir();
    let before = project.store.head_seq()?;
    let mut landing = Landing {
        repo: &project.repo,
        store: &mut project.store,
        cas: &project.cas,
        launcher: &launcher,
        policy: &config.policy,
    };
    let result = while_following(&state_dir, before, report, || Ok(landing.land(session)))?;
    Wake::notify(&state_dir);
    let onto = project.repo.branch_tip(&session.target)?;
    result.map_err(|error| with_report(error, onto.as_ref()))
}

fn with_report(error: LandError, onto: Option<&CommitId>) -> Failure {
    let failure = match &error {
        LandError::Conflict { report, .. } => Some(format!(
            "the report: `treeyard artifacts cat {}`; settle it in the session's worktree with \
             `git merge {}`, then land again",
            &report.hex()[..12],
            onto.map_or("<target>", CommitId::short),
        )),
        LandError::Gate {
            output: Some(output),
            ..
        } => Some(format!(
            "what it printed: `treeyard artifacts cat {}`",
            &output.hex()[..12]
        )),
        LandError::Merge(MergeError::Unrelated { .. }) => Some(
            "no merge is possible then: `treeyard diff S | git apply --index`, in a checkout of the target, brings its files"
                .to_owned(),
        ),
        _ => None,
    };
    match failure {
        Some(hint) => Failure::from(error).hint(hint),
        None => Failure::from(error),
    }
}
