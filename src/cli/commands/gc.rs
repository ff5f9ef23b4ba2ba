//! `treeyard gc`: away with what is no longer needed.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::gc::{Mode, Report, collect};
use crate::cli::context::Context;
use crate::cli::format::{clean, count, size};
use crate::model::code::Exit;

/// Whether to act.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard gc --dry-run\n  treeyard gc --set retention.sessions_days=0"
)]
pub struct Args {
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

/// Removes it and says how much it was.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mode = if args.dry_run {
        Mode::DryRun
    } else {
        Mode::Remove
    };
    let report = collect(&mut context.project()?, mode)?;
    let kept: Vec<_> = report
        .kept
        .iter()
        .map(|(name, why)| json!({ "name": name, "reason": why }))
        .collect();
    let body = json!({
        "dry_run": args.dry_run, "worktrees": report.worktrees, "kept": kept,
        "branches": report.branches,
        "salvaged": report.salvaged, "events": report.events, "artifacts": report.artifacts,
        "bytes": report.bytes, "checkpoints": report.checkpoints, "leftovers": report.leftovers,
    });
    context
        .terminal
        .result("gc", body, || text(&report, args.dry_run))?;
    Ok(Exit::Ok)
}

fn text(report: &Report, dry_run: bool) -> String {
    let mut text = format!(
        "{} {}, {}, {} ({}), {}, {}, {}\n",
        if dry_run { "would remove" } else { "removed" },
        count(report.worktrees.len() as u64, "worktree"),
        count(report.events, "event"),
        count(report.artifacts, "artifact"),
        size(report.bytes),
        count(report.checkpoints, "checkpoint"),
        count(report.leftovers.len() as u64, "leftover"),
        branches(report.branches.len()),
    );
    for name in &report.worktrees {
        text.push_str(&format!("  worktree  {}\n", clean(name)));
    }
    for branch in &report.branches {
        text.push_str(&format!("  branch    {}\n", clean(branch)));
    }
    for reference in &report.salvaged {
        text.push_str(&format!(
            "  saved     {reference}; see treeyard salvage ls\n"
        ));
    }
    for (name, why) in &report.kept {
        text.push_str(&format!("  kept      {}: {}\n", clean(name), clean(why)));
    }
    text
}

fn branches(number: usize) -> String {
    format!("{number} branch{}", if number == 1 { "" } else { "es" })
}
