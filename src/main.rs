//! The binary: the fork server's fast path, then the command line.

use std::process::ExitCode;

use treeyard::proc::{FORKSERVER_VERB, forkserver};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    // It must start fast, have one thread, and read nothing of the command line's machinery.
    match (args.next(), args.next()) {
        (Some(verb), None) if verb == FORKSERVER_VERB => forkserver(),
        _ => treeyard::cli::main(),
    }
}
