//! `treeyard usage`: what models used up.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::usage::{By, Used, usage};
use crate::cli::context::Context;
use crate::cli::format::duration;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;

/// Whose, and put together how.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard usage\n  treeyard usage --by day\n  treeyard usage docs --by model"
)]
pub struct Args {
    /// Only of this session
    #[arg(value_name = "S")]
    pub session: Option<String>,
    /// Put calls together by this
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Kind::Session)]
    pub by: Kind,
}

/// By what calls are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Their session
    Session,
    /// What was submitted together
    Plan,
    /// The model
    Model,
    /// The provider
    Provider,
    /// The day
    Day,
}

/// Lists it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.session.as_deref();
    let session = session
        .map(|selector| project.session(selector))
        .transpose()?;
    let by = match args.by {
        Kind::Session => By::Session,
        Kind::Plan => By::Plan,
        Kind::Model => By::Model,
        Kind::Provider => By::Provider,
        Kind::Day => By::Day,
    };
    let used = usage(&project, session.map(|session| session.id), by)?;
    let body = json!({ "usage": used });
    context
        .terminal
        .result("usage", body, || text(args.by, &used))?;
    Ok(Exit::Ok)
}

fn text(by: Kind, used: &[Used]) -> String {
    if used.is_empty() {
        return "no model was called".to_owned();
    }
    let kind = match by {
        Kind::Session => "SESSION",
        Kind::Plan => "PLAN",
        Kind::Model => "MODEL",
        Kind::Provider => "PROVIDER",
        Kind::Day => "DAY",
    };
    let mut table = Table::new(&[
        kind, "CALLS", "FAILED", "TOKENS", "ANSWERED", "WAITED", "COST",
    ]);
    for one in used {
        table.row([
            one.key.as_str().into(),
            one.calls.to_string().into(),
            one.failed.to_string().into(),
            one.tokens.to_string().into(),
            one.output_tokens.to_string().into(),
            duration(one.waited_ms).into(),
            one.cost.to_string().into(),
        ]);
    }
    table.render(width())
}
