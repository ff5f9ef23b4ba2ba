//! A program that prints a secret, such as a password manager.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::resolve::MOST;

/// It may have to ask a person.
const LIMIT: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

/// What it prints, or how it failed. It runs in the root folder, so that nothing of a repository
/// decides what it does.
pub(super) fn output(argv: &[String]) -> Result<Vec<u8>, String> {
    let (program, args) = argv.split_first().ok_or("is not named")?;
    let mut child = Command::new(program)
        .args(args)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| format!("did not start: {error}"))?;
    let pipe = child.stdout.take().ok_or("has no output")?;
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.take(MOST).read_to_end(&mut bytes).map(|_| bytes)
    });
    wait(&mut child)?;
    match reader.join() {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(format!("could not be read: {error}")),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn wait(child: &mut Child) -> Result<(), String> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("failed: {status}")),
            Ok(None) if start.elapsed() < LIMIT => thread::sleep(LOOK),
            Ok(None) => {
                end(child);
                return Err(format!("gave nothing within {} seconds", LIMIT.as_secs()));
            }
            Err(error) => return Err(format!("cannot be waited for: {error}")),
        }
    }
}

/// It and what it started, which may hold its output open.
fn end(child: &mut Child) {
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}
