//! `treeyard doctor`: a look at everything.

use anstyle::AnsiColor;
use serde_json::json;

use crate::app::doctor::{Check, Mode, Status, examine, is_damaged};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{clean, clean_lines};
use crate::cli::out::paint;
use crate::model::code::Exit;

/// Whether to repair.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard doctor\n  treeyard doctor --fix")]
pub struct Args {
    /// Repair what can be repaired without losing anything
    #[arg(long)]
    pub fix: bool,
}

/// Checks git, the repository, the store, artifacts, worktrees, the runner and the disk.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mode = if args.fix { Mode::Fix } else { Mode::Look };
    let checks = examine(&context.directory, &context.settings, mode);
    let rows: Vec<_> = checks
        .iter()
        .map(|c| {
            json!({ "status": word(c.status), "check": c.name, "detail": c.detail,
                "advice": c.advice })
        })
        .collect();
    context
        .terminal
        .result("doctor", json!({ "checks": rows }), || {
            checks.iter().map(line).collect()
        })?;
    Ok(if is_damaged(&checks) {
        Exit::Damaged
    } else {
        Exit::Ok
    })
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Warn => "warn",
        Status::Fail => "fail",
        Status::Fixed => "fixed",
    }
}

fn line(check: &Check) -> String {
    let colour = match check.status {
        Status::Ok | Status::Fixed => AnsiColor::Green,
        Status::Warn => AnsiColor::Yellow,
        Status::Fail => AnsiColor::Red,
    };
    let status = paint(colour.on_default(), &format!("{:<5}", word(check.status)));
    let detail = clean_lines(check.detail.trim_end());
    let many = detail.contains('\n');
    let end = if many { "\n" } else { "; " };
    let advice = check.advice.as_deref().map(clean);
    let advice = advice.map_or(String::new(), |text| format!("{end}{text}"));
    let text = format!("{detail}{advice}");
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let further: String = lines.map(|line| format!("{:18}{line}\n", "")).collect();
    let further = further.replace(&format!("{:18}\n", ""), "\n");
    format!("{status}  {:<9}  {first}\n{further}", check.name)
}
