//! `treeyard __hook`: what the installed scripts start. It has to be fast, so it reads nothing of
//! the command line's machinery.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::hooks::{Checked, checkout, run_behind, session};

/// The hidden command that hook scripts use.
pub const HOOK_VERB: &str = "__hook";

/// `session FOLDER NAME ARGS…` or `checkout BEHIND NAME ARGS…`. Git takes every exit code but 0 for
/// a refusal.
pub fn hook(args: &[OsString]) -> ExitCode {
    let [kind, folder, name, args @ ..] = args else {
        return not_a_hook();
    };
    let (Some(kind), Some(name)) = (kind.to_str(), name.to_str()) else {
        return not_a_hook();
    };
    match kind {
        "session" => in_session(Path::new(folder), name, args),
        "checkout" => in_checkout(Path::new(folder), name, args),
        _ => not_a_hook(),
    }
}

fn in_session(folder: &Path, name: &str, args: &[OsString]) -> ExitCode {
    let input = input_of(name).unwrap_or_default();
    match session(folder, name, args, &input) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => refuse(&refusal.to_string()),
    }
}

fn in_checkout(behind: &Path, name: &str, args: &[OsString]) -> ExitCode {
    let input = input_of(name);
    match checkout(name, input.as_deref().unwrap_or_default()) {
        Ok(Checked::Free) => {}
        Ok(Checked::Unknown(reason)) => say(&format!(
            "treeyard: warning: not compared with what sessions hold: {reason}\n"
        )),
        Err(refusal) => return refuse(&refusal.to_string()),
    }
    match run_behind(behind, name, args, input.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(&format!(
            "treeyard: {}: {error}\n",
            behind.join(name).display()
        )),
    }
}

/// Only these are given something to read; the others share the terminal.
fn input_of(name: &str) -> Option<Vec<u8>> {
    if !matches!(name, "reference-transaction" | "pre-push") {
        return None;
    }
    let mut input = Vec::new();
    // A half line is not understood, and told then.
    let _cut_short = std::io::stdin().lock().read_to_end(&mut input);
    Some(input)
}

fn not_a_hook() -> ExitCode {
    refuse("treeyard: __hook is for the scripts that `treeyard hooks install` writes\n")
}

fn refuse(text: &str) -> ExitCode {
    say(text);
    ExitCode::FAILURE
}

fn say(text: &str) {
    // Nobody reads it when standard error is gone; the exit code says it.
    let _unread = std::io::stderr().lock().write_all(text.as_bytes());
}
