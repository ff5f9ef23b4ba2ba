//! `treeyard claim` and `treeyard release`: files that a person takes.

use serde_json::json;

use super::locks::held_json;
use crate::app::claims::{self, Claim};
use crate::app::failure::Failure;
use crate::app::hooks;
use crate::app::locks;
use crate::cli::context::Context;
use crate::cli::format::{clean, duration};
use crate::config::length_of_time;
use crate::model::code::{Code, Exit};

/// What to claim.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard claim 'src/api/**' --for 2h
  treeyard claim docs/ --pid 4711

No session starts that could change these files, and hooks in other checkouts refuse commits of them. \
Commits in this checkout go through.")]
pub struct Args {
    /// Gitignore-style patterns, relative to the repository root
    #[arg(value_name = "PATTERN", required = true)]
    pub patterns: Vec<String>,
    /// For how long, such as `2h` (default: until it is released)
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<String>,
    /// Only as long as this process lives
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
}

/// What to release.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard release
  treeyard release 57
  treeyard release docs")]
pub struct ReleaseArgs {
    /// Sessions or tokens of locks (default: every claim of this checkout)
    #[arg(value_name = "LOCK")]
    pub locks: Vec<String>,
}

/// Claims files.
pub fn claim(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let for_ms = args.time.as_deref().map(time).transpose()?;
    let mut project = context.project()?;
    let asked = Claim {
        patterns: args.patterns.clone(),
        for_ms,
        pid: args.pid,
    };
    let (token, scope) = claims::claim(&mut project, &asked)?;
    let enforced = hooks::status(&project.repo)?.is_active();
    let body = json!({ "token": token, "scope": scope, "for_ms": for_ms, "enforced": enforced });
    context.terminal.result("claimed", body, || {
        let end = for_ms
            .map(|ms| format!(" for {}", duration(ms)))
            .unwrap_or_default();
        format!(
            "this checkout holds {}{end}, under lock {token}",
            clean(&scope.to_string())
        )
    })?;
    if !enforced {
        let told = "commits elsewhere are not checked yet; `treeyard hooks install` sees to that";
        context.terminal.note(told);
    }
    Ok(Exit::Ok)
}

pub(super) fn time(text: &str) -> Result<u64, Failure> {
    length_of_time(text).filter(|ms| *ms > 0).ok_or_else(|| {
        Failure::new(Code::Usage, format!("{text:?} is not a length of time"))
            .hint("write \"30m\", \"2h\" or \"1d\"; at most 366 days")
    })
}

/// Releases files.
pub fn release(args: &ReleaseArgs, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let mut held = Vec::new();
    if args.locks.is_empty() {
        held = claims::release_here(&mut project)?;
    }
    for lock in &args.locks {
        held.push(locks::release(&mut project, lock)?);
    }
    let rows: Vec<_> = held.iter().map(held_json).collect();
    context
        .terminal
        .result("released", json!({ "locks": rows }), || {
            let lines = held.iter().map(|one| {
                let (owner, scope) = (clean(&one.owner), clean(&one.lock.scope.to_string()));
                format!("{owner} holds {scope} no more\n")
            });
            lines.collect()
        })?;
    Ok(Exit::Ok)
}
