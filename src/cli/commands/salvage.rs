//! `treeyard salvage`: work that was saved when a worktree went.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::salvage;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard salvage ls
  treeyard salvage restore docs --branch docs-again")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List saved work
    Ls,
    /// Make a branch of a session's saved work
    Restore {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
        /// The branch to make (default: `salvage/NAME-ID`)
        #[arg(long, value_name = "NAME")]
        branch: Option<String>,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Restore { session, branch } => restore(session, branch.as_deref(), context),
    }
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let saved = salvage::list(&context.project()?)?;
    let rows: Vec<_> = saved
        .iter()
        .map(|s| json!({ "session_id": s.session, "name": s.name, "reference": s.reference, "commit": s.commit }))
        .collect();
    context
        .terminal
        .result("salvaged", json!({ "salvaged": rows }), || {
            if saved.is_empty() {
                return "nothing is saved".to_owned();
            }
            let mut table = Table::new(&["ID", "NAME", "COMMIT", "REF"]);
            for s in &saved {
                table.row([
                    s.session.short().into(),
                    s.name.as_deref().unwrap_or("-").into(),
                    s.commit.short().into(),
                    s.reference.as_str().into(),
                ]);
            }
            table.render(width())
        })?;
    Ok(Exit::Ok)
}

fn restore(session: &str, branch: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let restored = salvage::restore(&context.project()?, session, branch)?;
    let body = json!({ "session_id": restored.session, "branch": restored.branch, "commit": restored.commit });
    context.terminal.result("restored", body, || {
        format!(
            "made branch {} at {}\nnext: git log {}",
            restored.branch,
            restored.commit.short(),
            restored.branch
        )
    })?;
    Ok(Exit::Ok)
}
