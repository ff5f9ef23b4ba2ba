//! `treeyard priority`: who goes first among those that wait.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::locks::prioritize;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;

/// Which session, and how urgent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard priority docs 0")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// 0 is the most urgent, 255 the least
    #[arg(value_name = "N")]
    pub priority: u8,
}

/// Changes it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let session = prioritize(&mut context.project()?, &args.session, args.priority)?;
    let body = json!({ "session_id": session.id, "priority": args.priority });
    context.terminal.result("prioritized", body, || {
        format!("{} has priority {}", clean(&session.name), args.priority)
    })?;
    Ok(Exit::Ok)
}
