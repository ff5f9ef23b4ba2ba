//! Being the runner until told to stop.

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
use crate::runner::{Runner, Until};
use crate::store::has_room;

/// How long a runner that found the disk full waits before it looks again.
const LOOK: Duration = Duration::from_secs(2);

/// How it goes on when it has ended.
enum Next {
    End,
    Again,
}

/// Is the runner until SIGTERM or SIGINT. Running jobs are left to their supervisors. On a full disk it waits for space,
/// and begins anew: a recovery settles what could not be written down.
///
/// # Errors
/// Another runner, or what keeps this one from going on.
pub fn serve(project: Project, settings: &Settings) -> Result<(), Failure> {
    let state_dir = project.repo.state_dir();
    let config = runner_config(&project, settings)?;
    let next = block_on(async {
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
            // It keeps its lock meanwhile.
            Err(error) if error.code() == Code::DiskFull => {
                tracing::error!("{error}; the runner goes on when there is space");
                Ok(tokio::select! {
                    _ = stop => Next::End,
                    () = space(&state_dir) => Next::Again,
                })
            }
            served => served.map(|()| Next::End),
        }
    })?;
    match next {
        Next::End => Ok(()),
        Next::Again => Err(begin_anew()),
    }
}

async fn space(state_dir: &Path) {
    loop {
        tokio::time::sleep(LOOK).await;
        if has_room(state_dir) {
            return;
        }
    }
}

/// This process becomes a runner that knows nothing yet. What its threads did ends with them, as by a kill.
fn begin_anew() -> Failure {
    let own = match std::env::current_exe() {
        Ok(own) => own,
        Err(error) => return Failure::new(Code::of_system(&error), error.to_string()),
    };
    let error = Command::new(&own).args(std::env::args_os().skip(1)).exec();
    Failure::io(&own, &error)
}
