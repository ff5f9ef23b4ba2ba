//! `treeyard swap`: another model for a session.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::swap::swap;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;

/// Which session, and which model.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard swap docs --model large")]
pub struct Args {
    /// Which session: its name or the beginning of its id
    #[arg(value_name = "S")]
    pub session: String,
    /// The model that it has from its next job on
    #[arg(long, value_name = "MODEL")]
    pub model: String,
}

/// Gives it to the session.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let row = swap(&mut project, &args.session, &args.model)?;
    let body = json!({ "session_id": row.id, "name": row.name, "model": args.model });
    context.terminal.result("swapped", body, || {
        let (name, model) = (clean(&row.name), clean(&args.model));
        format!("{name} has the model {model} from its next job on\n")
    })?;
    Ok(Exit::Ok)
}
