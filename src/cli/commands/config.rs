//! `treeyard config`: the settings in force.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::setup::warnings;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard config show\n  treeyard config show --set limits.grace_seconds=3"
)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Print every setting with its value and origin
    Show,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let Verb::Show = args.verb;
    let settings = context.project()?.settings;
    let (entries, warnings) = (settings.entries(), warnings(&settings));
    let settings: Vec<_> = entries
        .iter()
        .map(|e| json!({ "key": e.key, "value": e.value, "origin": e.origin.to_string() }))
        .collect();
    context.terminal.result(
        "config",
        json!({ "settings": settings, "warnings": warnings }),
        || {
            let mut table = Table::new(&["KEY", "ORIGIN", "VALUE"]);
            for e in &entries {
                table.row([
                    e.key.as_str().into(),
                    e.origin.to_string().into(),
                    e.value.as_str().into(),
                ]);
            }
            table.render(width())
        },
    )?;
    context.terminal.warn(&warnings);
    Ok(Exit::Ok)
}
