//! The binary: the fast paths of the fork server, of confined programs, of models, of doors, of git hooks and of shims,
//! then the command line.

use std::ffi::OsString;
use std::process::ExitCode;

use treeyard::agent::MODEL_RUN_VERB;
use treeyard::cli::{HOOK_VERB, SHIM_VERB};
use treeyard::proc::{
    CONFINED_VERB, DOOR_VERB, FORKSERVER_VERB, PROBE_VERB, PROXY_VERB, forkserver,
};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    // They must start fast, have one thread, and read nothing of the command line's machinery.
    match args.as_slice() {
        [verb] if verb == FORKSERVER_VERB => forkserver(),
        [verb, rest @ ..] if verb == CONFINED_VERB => treeyard::cli::confined(rest),
        [verb, rest @ ..] if verb == PROXY_VERB => treeyard::cli::proxied(rest),
        [verb] if verb == PROBE_VERB => treeyard::cli::probed(),
        [verb, rest @ ..] if verb == DOOR_VERB => treeyard::cli::door(rest),
        [verb, rest @ ..] if verb == MODEL_RUN_VERB => treeyard::cli::model(rest),
        [verb, rest @ ..] if verb == HOOK_VERB => treeyard::cli::hook(rest),
        [verb, rest @ ..] if verb == SHIM_VERB => treeyard::cli::shim(rest),
        _ => treeyard::cli::main(),
    }
}
