//! What this machine has to hold programs back with: tried, not guessed from versions. Containers and
//! security modules forbid what the kernel could do.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use nix::sched::CloneFlags;

use super::confinement::{Confinement, View};
use super::{filter, rights, rules, view};
use crate::model::sandbox::Machine;
use crate::proc::budget::Place;
use crate::proc::program::own_program;

/// The argument that makes this binary try it all on itself and print what it found.
pub const VERB: &str = "__sandbox-probe";

/// What this machine has. It is tried once, by a process that has all taken away from itself.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let found = own_program().and_then(|program| probe(&program));
        found.unwrap_or_else(|error| Machine::without(&format!("it could not be tried: {error}")))
    })
}

fn probe(program: &Path) -> io::Result<Machine> {
    let answer = Command::new(program)
        .arg(VERB)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()?;
    Ok(serde_json::from_slice(&answer.stdout)?)
}

/// What the process that tries finds. It can do little else afterwards. From the outside in: what is taken
/// away first would be missing for what comes after.
pub fn probe_here() -> Machine {
    let mut trial = Confinement {
        system: ["/usr", "/bin", "/lib", "/lib64", "/etc", "/proc"]
            .map(Into::into)
            .to_vec(),
        view: View::Own,
        ..Confinement::default()
    };
    let groups = Place::find().map(|place| place.controllers());
    let mounts = view::enter(&trial).map_err(|error| error.to_string());
    let network = view::separate(CloneFlags::CLONE_NEWNET).map_err(|error| error.to_string());
    if mounts.is_err() {
        trial.view = View::Whole;
    }
    let landlock = rules::restrict(&trial, None);
    let seccomp = rights::give_up()
        .map_err(|error| error.to_string())
        .and_then(|()| filter::take_away(&trial));
    Machine {
        landlock,
        seccomp,
        mounts,
        network,
        groups,
    }
}
