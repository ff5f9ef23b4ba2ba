//! `treeyard doctor`: a look at everything.

use std::path::Path;

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::git::Git;
use crate::model::code::Exit;
use crate::proc::runner_owner;

/// No arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Checks the database, the chain, worktrees, the runner and git.
pub fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let mut lines = Vec::new();
    let damage = project.store.integrity_check()?;
    lines.push(if damage.is_empty() {
        ok("database", "sound")
    } else {
        ("fail", "database", damage.join("; "))
    });
    lines.push(match project.store.verify_chain() {
        Ok(report) => ok("events", &format!("{} in an unbroken chain", report.events)),
        Err(error) => ("fail", "events", error.to_string()),
    });
    for session in project.store.sessions_with_worktree()? {
        if let Some(path) = session
            .worktree_path
            .as_deref()
            .filter(|path| !Path::new(path).exists())
        {
            lines.push((
                "warn",
                "worktree",
                format!(
                    "{}: {path} is gone; its commits are on {}",
                    session.name, session.branch
                ),
            ));
        }
    }
    lines.push(match runner_owner(&project.repo.state_dir()) {
        Some(owner) => ok("runner", &format!("process {}", owner.pid)),
        None => ok("runner", "none is active"),
    });
    lines.push(ok(
        "git",
        &Git::new(project.repo.main_root())
            .arg("--version")
            .run()?
            .text(),
    ));
    let failed = lines.iter().any(|line| line.0 == "fail");
    let checks: Vec<_> = lines
        .iter()
        .map(
            |(status, check, detail)| json!({ "status": status, "check": check, "detail": detail }),
        )
        .collect();
    context
        .terminal
        .result("doctor", json!({ "checks": checks }), || {
            lines
                .iter()
                .map(|(status, check, detail)| {
                    format!("{status:<4}  {check:<9} {}\n", clean(detail))
                })
                .collect()
        })?;
    Ok(if failed { Exit::Damaged } else { Exit::Ok })
}

fn ok(check: &'static str, detail: &str) -> (&'static str, &'static str, String) {
    ("ok", check, detail.to_owned())
}
