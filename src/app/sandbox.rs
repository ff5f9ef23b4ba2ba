//! Whether sessions can be held back on this machine as far as the settings ask for.

use std::path::Path;

use super::failure::Failure;
use super::project::settings_at;
use crate::config::{Isolation, Settings};
use crate::model::code::Code;
use crate::model::network::Network;
use crate::model::sandbox::Level;
use crate::model::task::TaskSpec;
use crate::proc::{Budget, Limits, Reach, View, machine};
use crate::workspace::{Sandbox, Terms};

/// The level that is asked for where `start` is, in a repository or not.
///
/// # Errors
/// Wrong configuration.
pub fn asked(start: &Path, flags: &[(String, String)]) -> Result<Level, Failure> {
    Ok(settings_at(start, flags)?.sandbox_level())
}

/// What sessions are held to, with all that the machine has.
pub(super) fn sandbox(settings: &Settings) -> Sandbox {
    let (machine, asked) = (machine(), settings.sandbox_level());
    if let Some(lacks) = machine.lacks(asked.max(Level::Standard)) {
        return Sandbox::Unreached(format!("the level {asked} is asked for; {lacks}"));
    }
    let Ok(home) = etcetera::home_dir() else {
        return Sandbox::Unreached("the home directory is not known".to_owned());
    };
    let network = match settings.network() {
        Network::Open => Reach::Open,
        Network::None => Reach::Nothing,
        Network::Hosts(hosts) => Reach::Hosts(hosts.clone()),
    };
    Sandbox::Held(Box::new(Terms {
        view: match machine.level() {
            Level::Strict => View::Own,
            _ => View::Whole,
        },
        network,
        narrow: settings.sandbox_narrow(),
        read: settings.sandbox_read(&home),
        write: settings.sandbox_write(&home),
        home,
        limits: Limits {
            cpu_seconds: settings.sandbox_cpu_seconds(),
            file_bytes: settings.sandbox_file_bytes(),
            open_files: settings.sandbox_open_files(),
            processes: settings.sandbox_processes(),
        },
    }))
}

/// What all processes of a job together may use.
pub(super) fn budget(settings: &Settings) -> Budget {
    Budget {
        memory_bytes: settings.sandbox_memory_bytes(),
        processes: settings.sandbox_processes(),
        cpu_ms: settings.sandbox_total_cpu_ms(),
        disk_bytes: settings.sandbox_disk_bytes(),
        disk_files: settings.sandbox_files(),
        folders: Vec::new(),
    }
}

/// That all of these tasks can be held back, or need not be.
///
/// # Errors
/// [`Code::SandboxUnreached`] with what is missing.
pub(super) fn can_hold(tasks: &[TaskSpec], settings: &Settings) -> Result<(), Failure> {
    if tasks.iter().all(|task| task.unconfined.is_some()) {
        return Ok(());
    }
    let refused = |why: &str| Err(unreached(why, settings));
    if settings.isolation() == Isolation::Linked {
        return refused(
            "worktrees.isolation is \"linked\", so sessions work in this repository's own git directory",
        );
    }
    match sandbox(settings) {
        Sandbox::Held(_) => Ok(()),
        Sandbox::Unreached(why) => refused(&why),
    }
}

/// The level that sessions are held to.
///
/// # Errors
/// [`Code::SandboxUnreached`] with what is missing.
pub(super) fn reached(settings: &Settings) -> Result<Level, Failure> {
    match sandbox(settings) {
        Sandbox::Held(_) => Ok(machine().level()),
        Sandbox::Unreached(why) => Err(unreached(&why, settings)),
    }
}

fn unreached(why: &str, settings: &Settings) -> Failure {
    let message = format!("nothing is run without the sandbox: {why}");
    let failure = Failure::new(Code::SandboxUnreached, message);
    let is_too_much = settings.sandbox_level() > Level::Standard
        && machine().level() == Level::Standard
        && settings.isolation() != Isolation::Linked;
    match (is_too_much, machine().fixes().first()) {
        (true, _) => failure.hint(
            "`sandbox.level = \"standard\"` is reached here; `treeyard sandbox probe` says what is missing for more",
        ),
        (false, Some(fix)) if machine().level() == Level::None => {
            failure.hint(*fix).hint(Code::SandboxUnreached.hint())
        }
        (false, _) => failure,
    }
}
