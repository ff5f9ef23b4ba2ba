//! What an earlier runner left: told, or settled.

use super::failure::Failure;
use super::project::Project;
use super::setup::runner_config;
use crate::model::code::Code;
use crate::proc::runner_owner;
use crate::runner::{Runner, Step, recovery_plan};

/// What a runner would do before it takes new work.
///
/// # Errors
/// A runner is active, so there is nothing to recover; or the store or the repository cannot be read.
pub fn plan(project: &Project) -> Result<Vec<Step>, Failure> {
    if let Some(owner) = runner_owner(&project.repo.state_dir()) {
        let message = format!(
            "a runner is active (process {}): nothing is left to recover",
            owner.pid
        );
        return Err(Failure::new(Code::RunnerHeld, message));
    }
    let config = runner_config(project, &project.settings)?;
    Ok(recovery_plan(
        &project.repo,
        &project.store,
        &config.policy.jobs,
    )?)
}

/// Does it, and takes no new work. What was to be done.
///
/// # Errors
/// As above, or something cannot be written.
pub fn recover(project: Project) -> Result<Vec<Step>, Failure> {
    let steps = plan(&project)?;
    let config = runner_config(&project, &project.settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::of_system(&error), error.to_string()))?;
    runtime.block_on(async {
        let mut runner = Runner::start(project.repo, config, project.store, project.cas)?;
        runner.recover_only()
    })?;
    Ok(steps)
}
