//! The processes that hold themselves back: to become a job's program, or to see what this machine has for it.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::proc;

/// `treeyard __confined …`: becomes the program, or says why not.
pub fn confined(args: &[OsString]) -> ExitCode {
    eprintln!("not run: {}", proc::confined(args));
    ExitCode::FAILURE
}

/// `treeyard __proxy …`: the way of a session to the hosts that are listed for it. What it says goes into the
/// session's output.
pub fn proxied(args: &[OsString]) -> ExitCode {
    let words: Vec<&str> = args.iter().filter_map(|word| word.to_str()).collect();
    match proc::become_proxy(&words, |refused| eprintln!("treeyard: {refused}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// `treeyard __sandbox-probe`: one line of JSON.
pub fn probed() -> ExitCode {
    match serde_json::to_string(&proc::probe_here()) {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}
