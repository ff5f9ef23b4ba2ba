//! `treeyard open`: into a session's worktree.

use std::process::Command;

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::cli::out::write_all;
use crate::cli::selector::Selector;
use crate::cli::table::shorten;
use crate::landing::located;
use crate::model::code::{Code, Exit};
use crate::model::job::JobState;
use crate::workspace::{Health, inspect};

/// Which session, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cd \"$(treeyard open docs)\"\n  treeyard open docs --shell")]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
    /// Start $SHELL there instead of printing the path
    #[arg(long)]
    pub shell: bool,
    /// Even when the worktree's own git files were changed
    #[arg(long)]
    pub yes: bool,
}

/// Prints the path, or starts a shell there.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let Some(place) = located(&session) else {
        let why = format!("{} has no worktree now", session.name);
        return Err(Failure::new(Code::SessionState, why)
            .hint(format!("its commits are on {}", session.branch)));
    };
    let health = inspect(&project.repo, &place)?;
    if matches!(health, Health::Missing | Health::RootMissing) {
        let why = format!("{}: {health}", place.path.display());
        return Err(
            Failure::new(Code::WorkspaceChanged, why).hint("`treeyard doctor` says what to do")
        );
    }
    // A changed git directory can run programs as soon as git is called in it.
    if health != Health::Ok && !args.yes {
        let why = format!("{}: {health}", place.path.display());
        return Err(Failure::new(Code::WorkspaceChanged, why)
            .hint("git commands there could run what the session planted; --yes opens it anyway"));
    }
    let mut jobs = project.store.jobs_of(session.id)?;
    jobs.retain(|job| job.state == JobState::Running);
    if let Some(job) = jobs.first().filter(|_| !context.terminal.json) {
        let command = shorten(&clean(&job.command.to_string()), 40);
        let name = clean(&session.name);
        let what = format!("{name} is at work there ({command}); what you change, it may meet");
        context.terminal.note(&format!("note: {what}"));
    }
    if args.shell {
        return shell(&place.path);
    }
    if context.terminal.json {
        let running: Vec<_> = jobs.iter().map(|job| job.id).collect();
        let body = json!({ "session_id": session.id, "path": place.path, "running": running });
        context.terminal.document("open", body)?;
    } else {
        use std::os::unix::ffi::OsStrExt;
        let mut line = place.path.as_os_str().as_bytes().to_vec();
        line.push(b'\n');
        write_all(&line)?;
    }
    Ok(Exit::Ok)
}

fn shell(path: &std::path::Path) -> Result<Exit, Failure> {
    let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
    let status = Command::new(&shell).current_dir(path).status();
    let status = status.map_err(|error| {
        let why = format!("{}: {error}", shell.to_string_lossy());
        Failure::new(Code::ProgramMissing, why)
    })?;
    Ok(if status.success() {
        Exit::Ok
    } else {
        Exit::Failed
    })
}
