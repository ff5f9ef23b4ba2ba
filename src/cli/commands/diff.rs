//! `treeyard diff`: what a session's commits changed, or its files since a checkpoint.

use serde_json::json;

use crate::app::checkpoints::{find, now};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cli::context::Context;
use crate::cli::format::{clean, clean_lines};
use crate::cli::selector::Selector;
use crate::git::Git;
use crate::model::code::{Code, Exit};
use crate::model::session::SessionState;
use crate::store::SessionRow;

/// Which session, and how much.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard diff docs
  treeyard diff --stat docs
  treeyard diff docs --at 3
  treeyard diff docs --at 3 --to 5")]
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
    /// From this checkpoint on, to the files as they are now
    #[arg(long, value_name = "N")]
    pub at: Option<u64>,
    /// To this checkpoint instead
    #[arg(long, value_name = "M", requires = "at")]
    pub to: Option<u64>,
}

/// Prints it. Uncommitted work is only in what is told from a checkpoint on.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    if let Some(at) = args.at {
        return since(args, &project, (&session, at), context);
    }
    let no_worktree = || Failure::new(Code::SessionState, "the session has no worktree yet");
    let base = session.base.as_ref().ok_or_else(no_worktree)?;
    let tip = match session.is_elsewhere() {
        // Of its commits only these are here.
        true => find(&project, &session, None)?.checkpoint.commit,
        false => session.tip.clone().unwrap_or_else(|| base.clone()),
    };
    let diff = between(args, &project, (base.as_str(), tip.as_str()))?;
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

fn since(
    args: &Args,
    project: &Project,
    (session, at): (&SessionRow, u64),
    context: &Context,
) -> Result<Exit, Failure> {
    let from = find(project, session, Some(at))?.checkpoint;
    let to = match args.to {
        Some(number) => find(project, session, Some(number))?
            .checkpoint
            .worktree_tree
            .to_string(),
        None => {
            let gone = || Failure::new(Code::SessionState, "the session has no worktree now");
            let hint = "two checkpoints can be compared: --at N --to M";
            let tree = now(project, session, &from)?.ok_or_else(|| gone().hint(hint))?;
            tree.to_string()
        }
    };
    let diff = between(args, project, (from.worktree_tree.as_str(), &to))?;
    let body =
        json!({ "base": from.worktree_tree, "tip": to, "at": at, "to": args.to, "diff": diff });
    context
        .terminal
        .result("diff", body, || clean_lines(&diff))?;
    Ok(Exit::Ok)
}

/// Between two commits or trees.
fn between(args: &Args, project: &Project, (from, to): (&str, &str)) -> Result<String, Failure> {
    let quiet = ["--no-ext-diff", "--no-textconv", "--no-color"];
    let mut git = Git::new(project.repo.main_root()).arg("diff").args(quiet);
    if args.stat {
        git = git.arg("--stat");
    }
    if args.name_only {
        git = git.arg("--name-only");
    }
    Ok(git.args([from, to]).arg("--").run()?.text())
}
