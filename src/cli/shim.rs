//! `treeyard __shim`: what the `git` and `rm` of a session start when their words need a closer look.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use crate::app::shim::{check, real_program};
use crate::model::code::Exit;

/// The hidden command that shims use.
pub const SHIM_VERB: &str = "__shim";
/// What a shell exits with when there is no such program.
const NOT_FOUND: u8 = 127;

/// `FOLDER NAME ARGS…`: becomes the real program, unless it may not be run.
pub fn shim(args: &[OsString]) -> ExitCode {
    let [folder, words @ ..] = args else {
        return refuse(
            "treeyard: __shim is for the programs in its own folder\n",
            NOT_FOUND,
        );
    };
    let [name, rest @ ..] = words else {
        return refuse(
            "treeyard: __shim is for the programs in its own folder\n",
            NOT_FOUND,
        );
    };
    let folder = Path::new(folder);
    if let Err(refused) = check(folder, words) {
        return refuse(&refused.to_string(), Exit::Held as u8);
    }
    let shown = name.to_string_lossy();
    let Some(program) = real_program(folder, name) else {
        return refuse(&format!("treeyard: {shown}: not found\n"), NOT_FOUND);
    };
    let error = Command::new(&program).args(rest).exec();
    refuse(
        &format!("treeyard: {}: {error}\n", program.display()),
        NOT_FOUND,
    )
}

fn refuse(text: &str, code: u8) -> ExitCode {
    // Nobody reads it when standard error is gone; the exit code says it.
    let _unread = std::io::stderr().lock().write_all(text.as_bytes());
    ExitCode::from(code)
}
