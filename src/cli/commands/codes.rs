//! `treeyard codes`: the registry of codes.

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};

/// No arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard codes\n  treeyard codes --json")]
pub struct Args {}

/// Prints every code, its exit code and its meaning.
pub fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let codes: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            json!({ "code": code.id(), "exit": code.exit() as u8, "meaning": code.meaning(), "hint": code.hint() })
        })
        .collect();
    context
        .terminal
        .result("codes", json!({ "codes": codes }), || {
            let mut table = Table::new(&["CODE", "EXIT", "MEANING"]);
            for code in Code::ALL {
                let exit = (code.exit() as u8).to_string();
                table.row([code.id().into(), exit.into(), code.meaning().into()]);
            }
            table.render(width())
        })?;
    Ok(Exit::Ok)
}
