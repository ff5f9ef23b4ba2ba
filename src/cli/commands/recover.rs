//! `treeyard recover`: what a crash left.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::recover::{plan, recover};
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::cli::spoken::labelled;
use crate::cli::table::width;
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
            _ if args.plan => listed(&steps),
            some => format!("{}{} done", listed(&steps), count(some as u64, "step")),
        })?;
    Ok(Exit::Ok)
}

/// What is found and what follows are sentences, of which nothing may be missing in a narrow terminal.
fn listed(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let (id, name) = (step.session_id.short(), clean(&step.name));
        text += &format!("{id}  {name}\n");
        for (label, said) in [("found", &step.found), ("then", &step.then)] {
            text += &labelled(label, said, width());
        }
    }
    text
}
