//! `treeyard __door`: what a supervisor starts for each one who comes to the door of its session.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;

use crate::app::door::House;

/// `SESSION REPOSITORY`; the one who asks is at standard input.
pub fn door(args: &[OsString]) -> ExitCode {
    let [session, repository] = args else {
        return ExitCode::FAILURE;
    };
    let Some(session) = session.to_str().and_then(|text| text.parse().ok()) else {
        return ExitCode::FAILURE;
    };
    let house = House {
        session,
        repository: Path::new(repository),
    };
    let client = io::stdin().as_fd().try_clone_to_owned();
    match client.and_then(|client| house.answer(UnixStream::from(client))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
