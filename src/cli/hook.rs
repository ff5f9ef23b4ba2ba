//! `treeyard __hook`: what the installed scripts start. It has to be fast, so it reads nothing of
//! the command line's machinery.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
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
    let (args, input) = input_of(name, args);
    let input = input.unwrap_or_default();
    match session(folder, name, args, &input) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => refuse(&refusal.to_string()),
    }
}

fn in_checkout(behind: &Path, name: &str, args: &[OsString]) -> ExitCode {
    let (args, input) = input_of(name, args);
    match checkout(name, args, input.as_deref().unwrap_or_default()) {
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

/// The arguments that git gave, and what it gave to read. Only these hooks are given something; the
/// others share the terminal. What the script of one has read already, it hands over.
fn input_of<'a>(name: &str, args: &'a [OsString]) -> (&'a [OsString], Option<Vec<u8>>) {
    let (args, mut input) = match (name, args) {
        ("reference-transaction", [state, seen]) => {
            let end: &[u8] = if seen.is_empty() { b"" } else { b"\n" };
            (std::slice::from_ref(state), [seen.as_bytes(), end].concat())
        }
        ("reference-transaction" | "pre-push", _) => (args, Vec::new()),
        _ => return (args, None),
    };
    // A half line is not understood, and told then.
    let _cut_short = std::io::stdin().lock().read_to_end(&mut input);
    (args, Some(input))
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
