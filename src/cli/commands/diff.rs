//! `treeyard diff`: what a session's commits changed.

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{clean, clean_lines};
use crate::cli::selector::Selector;
use crate::git::Git;
use crate::model::code::{Code, Exit};
use crate::model::session::SessionState;

/// Which session, and how much.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard diff docs\n  treeyard diff --stat docs")]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
    /// Only the number of changed lines a file
    #[arg(long)]
    pub stat: bool,
    /// Only the names of changed files
    #[arg(long, conflicts_with = "stat")]
    pub name_only: bool,
}

/// Prints it. Uncommitted work is not in it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let Some(base) = &session.base else {
        return Err(Failure::new(
            Code::SessionState,
            "the session has no worktree yet",
        ));
    };
    let tip = session.tip.as_ref().unwrap_or(base);
    let mut git = Git::new(project.repo.main_root()).args([
        "diff",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
    ]);
    if args.stat {
        git = git.arg("--stat");
    }
    if args.name_only {
        git = git.arg("--name-only");
    }
    let diff = git
        .arg(format!("{}..{}", base.as_str(), tip.as_str()))
        .arg("--")
        .run()?
        .text();
    context.terminal.result(
        "diff",
        json!({ "base": base, "tip": tip, "diff": diff }),
        || clean_lines(&diff),
    )?;
    // Quite another thing than a session that did nothing.
    if diff.is_empty() && session.has_worktree() && session.state != SessionState::Completed {
        let name = clean(&session.name);
        let what = format!("{name} has committed nothing; `treeyard open` leads to its files");
        context.terminal.note(&format!("note: {what}"));
    }
    Ok(Exit::Ok)
}
