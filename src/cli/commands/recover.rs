//! `treeyard recover`: what a crash left.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::recover::{plan, recover};
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::runner::Step;

/// Whether to do it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard recover --plan
  treeyard recover

Every runner does the same before it takes new work (`treeyard up`, `treeyard run`). Doing it again, or being killed at it,
does no harm.")]
pub struct Args {
    /// Only say what would be done
    #[arg(long)]
    pub plan: bool,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let steps = match args.plan {
        true => plan(&project)?,
        false => recover(project)?,
    };
    let body = json!({ "plan": args.plan, "steps": steps });
    context
        .terminal
        .result("recovery", body, || match steps.len() {
            0 => "nothing is left to recover".to_owned(),
            _ if args.plan => table(&steps),
            some => format!("{}\n{} done", table(&steps), count(some as u64, "step")),
        })?;
    Ok(Exit::Ok)
}

fn table(steps: &[Step]) -> String {
    let mut table = Table::new(&["ID", "NAME", "FOUND", "THEN"]);
    for step in steps {
        table.row([
            step.session_id.short().into(),
            clean(&step.name).into(),
            step.found.clone().into(),
            step.then.clone().into(),
        ]);
    }
    table.render(width())
}
