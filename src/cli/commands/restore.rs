//! `treeyard restore`: a session as it was at one of its checkpoints.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::restore::{Messages, Restored, Wanted, restore};
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, count, now_ms};
use crate::model::code::Exit;
use crate::model::session::SessionState;

/// Paths that are told of one kind; JSON has all.
const SHOWN: usize = 20;

/// Which session, and to where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard restore docs
  treeyard restore docs --at 3 --dry-run
  treeyard restore docs --at 3 --files")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// The number of the checkpoint (default: the last one)
    #[arg(long, value_name = "N")]
    pub at: Option<u64>,
    /// The files only: what was said to its model stays
    #[arg(long)]
    pub files: bool,
    /// Only say what would be written and removed
    #[arg(long)]
    pub dry_run: bool,
}

/// Puts it back.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(&args.session)?;
    let wanted = Wanted {
        number: args.at,
        files_only: args.files,
        dry_run: args.dry_run,
    };
    let done = restore(&mut project, &session, wanted)?;
    let thread = done.thread.map(|messages| {
        json!({ "kept": messages.kept, "taken_back": messages.taken_back,
            "brought_back": messages.brought_back })
    });
    let body = json!({
        "session_id": session.id, "name": session.name, "state": done.session.state,
        "number": done.to.checkpoint.number, "dry_run": args.dry_run, "saved": done.saved,
        "earlier": done.earlier, "written": done.written, "removed": done.removed,
        "left": done.left, "thread": thread, "commits_differ": done.commits_differ,
    });
    context
        .terminal
        .result("put_back", body, || text(&done, args.dry_run))?;
    Ok(Exit::Ok)
}

fn text(done: &Restored, dry_run: bool) -> String {
    let (name, number) = (clean(&done.session.name), done.to.checkpoint.number);
    let (cause, age) = (
        done.to.checkpoint.cause.name(),
        ago(now_ms(), done.to.at_ms),
    );
    let which = format!("checkpoint {number} ({cause}, {age})");
    if done.saved.is_none() && !dry_run {
        return format!("{name} is as in {which} already\n");
    }
    let mut text = match dry_run {
        true => format!("{name} would be put back to {which}\n"),
        false => format!("{name} is as in {which} again\n"),
    };
    let mut line = |label: &str, value: String| text.push_str(&format!("  {label:<8}  {value}\n"));
    let (wrote, removed) = match dry_run {
        true => ("write", "remove"),
        false => ("wrote", "removed"),
    };
    for (label, paths) in [(wrote, &done.written), (removed, &done.removed)] {
        paths
            .iter()
            .take(SHOWN)
            .for_each(|path| line(label, clean(path)));
        if let Some(more) = paths.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            line(label, format!("and {more} more"));
        }
    }
    for path in &done.left {
        line("left", format!("{}: something is in the way", clean(path)));
    }
    if let Some(thread) = done.thread {
        line("thread", messages(thread));
    }
    if done.commits_differ {
        let what = "the session's commits stay as they are; what differs from them is uncommitted";
        line("commits", what.to_owned());
    }
    if let Some(earlier) = done.earlier {
        let what = format!(
            "an earlier time was cut short; checkpoint {earlier} has what there was before"
        );
        line("note", what);
    }
    if let Some(saved) = done.saved {
        let id = done.session.id.short();
        line("undo", format!("treeyard restore {id} --at {saved}"));
        if let Some(next) = next(done, &id) {
            line("next", next);
        }
    }
    text
}

fn messages(thread: Messages) -> String {
    let mut parts = vec![count(thread.kept as u64, "message")];
    for (number, what) in [
        (thread.taken_back, "taken back"),
        (thread.brought_back, "in it again"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    parts.join(", ")
}

/// How it goes on, where that is not what `show` says of every session.
fn next(done: &Restored, id: &str) -> Option<String> {
    let has_model = done
        .session
        .spec()
        .is_ok_and(|task| task.run.model().is_some());
    match done.session.state {
        SessionState::Paused if done.thread.is_some_and(|thread| thread.goes_on) => {
            Some(format!("treeyard resume {id}, or treeyard send {id} TEXT"))
        }
        SessionState::Paused if has_model => Some(format!("treeyard send {id} TEXT")),
        SessionState::Paused => Some(format!("treeyard resume {id}")),
        SessionState::Failed | SessionState::Cancelled => Some(format!("treeyard retry {id}")),
        SessionState::Completed => Some(format!("treeyard land {id}")),
        _ => None,
    }
}
