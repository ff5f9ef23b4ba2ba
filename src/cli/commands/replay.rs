//! `treeyard replay`: a model's run once more, against its record.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::replay::{Report, replay};
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::model::code::{Code, Exit};

/// Which session.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard replay docs

No model is called and no program runs: answers and what programs said come from the record. Tools that follow from the files alone run
for real, in a worktree of their own. Ends with exit code 1 (TY-REPLAY-DIVERGED) at the first difference.")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
}

/// Runs it once more.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(&args.session)?;
    let report = replay(&project, &session)?;
    let body = json!({ "session_id": session.id, "name": session.name, "report": report });
    context
        .terminal
        .result("replay", body, || text(&session.name, &report))?;
    Ok(match report.divergence {
        None => Exit::Ok,
        Some(_) => Code::ReplayDiverged.exit(),
    })
}

fn text(name: &str, report: &Report) -> String {
    let counted = format!(
        "{} and {} from the record, {} run, {} compared",
        count(report.answers.into(), "answer"),
        count(report.served.into(), "result"),
        count(report.ran.into(), "tool"),
        count(report.compared.into(), "checkpoint"),
    );
    match &report.divergence {
        None => format!("{}: reproduced\n  {counted}", clean(name)),
        Some(found) => format!(
            "{}: step {} differs in {}\n  expected  {}\n  found     {}\n  {counted}",
            clean(name),
            found.step,
            clean(&found.what),
            clean(&found.expected),
            clean(&found.found),
        ),
    }
}
