//! `treeyard tools`: what models can call.

use serde_json::{Map, Value, json};

use crate::agent::{Entry, Registry};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::tool::ToolError;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard tools ls
  treeyard tools show file.edit
  treeyard tools schema file.edit")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the tools
    #[command(after_help = "Examples:\n  treeyard tools ls\n  treeyard tools ls --json")]
    Ls,
    /// Say what a tool does, what it needs and what it takes
    #[command(after_help = "Examples:\n  treeyard tools show file.edit")]
    Show {
        /// The tool, such as file.edit
        #[arg(value_name = "TOOL")]
        id: String,
    },
    /// Print the JSON Schema of a tool's arguments, or of all tools'
    #[command(after_help = "Examples:\n  treeyard tools schema file.edit\n  treeyard tools schema")]
    Schema {
        /// The tool; all of them without, by their ids
        #[arg(value_name = "TOOL")]
        id: Option<String>,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let registry = Registry::standard();
    match &args.verb {
        Verb::Ls => list(&registry, context)?,
        Verb::Show { id } => show(find(&registry, id)?, context)?,
        Verb::Schema { id: Some(id) } => print(&find(&registry, id)?.input_schema, context)?,
        Verb::Schema { id: None } => {
            let all = registry.entries().map(|entry| {
                let id = entry.card.tool_id.to_string();
                (id, entry.input_schema.clone())
            });
            print(&Value::Object(all.collect::<Map<_, _>>()), context)?;
        }
    }
    Ok(Exit::Ok)
}

fn find<'r>(registry: &'r Registry, id: &str) -> Result<&'r Entry, Failure> {
    let unknown = |error: ToolError| Failure::new(Code::ToolUnknown, error.message);
    registry.get(id).map_err(unknown)
}

fn list(registry: &Registry, context: &Context) -> Result<(), Failure> {
    let tools: Vec<_> = registry.entries().map(|entry| &entry.card).collect();
    let body = json!({ "tools": tools });
    context.terminal.result("tools", body, || {
        let mut table = Table::new(&["TOOL", "VERSION", "DOES", "RISK", "NEEDS"]);
        for card in tools {
            table.row([
                card.tool_id.as_str().into(),
                card.tool_version.to_string().into(),
                word(&card.side_effect).into(),
                word(&card.risk_level).into(),
                card.required_capabilities.to_string().into(),
            ]);
        }
        table.render(width())
    })
}

fn show(entry: &Entry, context: &Context) -> Result<(), Failure> {
    let body = json!({ "tool": entry });
    context.terminal.result("tool", body, || entry.reference())
}

fn print(schema: &Value, context: &Context) -> Result<(), Failure> {
    context.terminal.text(&format!("{schema:#}"))
}

/// As it is written in JSON, in small letters.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_lowercase()
}
