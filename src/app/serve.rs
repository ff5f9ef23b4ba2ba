//! Being the runner until told to stop.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use super::project::Project;
use super::run::block_on;
use super::setup::runner_config;
use crate::config::Settings;
use crate::model::code::Code;
use crate::proc::OWN_PROGRAM;
use crate::runner::{Runner, Until};
use crate::store::takes_writes;

/// How long a runner that found the disk full waits before it looks again.
const LOOK: Duration = Duration::from_secs(2);

/// Is the runner until SIGTERM or SIGINT. Running jobs are left to their supervisors. On a full disk it waits for space,
/// and begins anew: a recovery settles what could not be written down.
///
/// # Errors
/// Another runner, or what keeps this one from going on.
pub fn serve(project: Project, settings: &Settings) -> Result<(), Failure> {
    let state_dir = project.repo.state_dir();
    let config = runner_config(&project, settings)?;
    block_on(async {
        let mut runner = Runner::start(project.repo, config, project.store, project.cas)?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut stop = pin!(async {
            tokio::select! {
                _ = terminate.recv() => "told to stop",
                _ = interrupt.recv() => "interrupted",
            }
        });
        match runner.serve(Until::Stopped, &mut stop).await {
            Err(error) if error.code() == Code::DiskFull => {
                tracing::error!("{error}; the runner goes on when there is space");
                tokio::select! {
                    biased;
                    _ = stop => Ok(()),
                    () = space(&state_dir) => Err(begin_anew(runner).into()),
                }
            }
            served => served,
        }
    })
}

async fn space(state_dir: &Path) {
    loop {
        tokio::time::sleep(LOOK).await;
        if takes_writes(state_dir) {
            return;
        }
    }
}

/// This process becomes a runner that knows nothing yet. What its threads did ends with them, as by a kill, and nobody finds
/// the repository without a runner meanwhile: the lock names this process until it has the lock again.
fn begin_anew(runner: Runner) -> io::Error {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_else(|| OWN_PROGRAM.into());
    let error = Command::new(OWN_PROGRAM).arg0(name).args(words).exec();
    drop(runner);
    error
}
