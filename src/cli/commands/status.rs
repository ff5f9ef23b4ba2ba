//! `treeyard status`: how sessions stand, in a line for programs each.

use serde_json::json;

use crate::app::checkpoints::past_of;
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;
use crate::model::event::Event;
use crate::store::EventFilter;

/// In which form.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard status --hsk\n  treeyard status --hsk --follow")]
pub struct Args {
    /// One HSK_STATUS line for each session
    #[arg(long, required = true)]
    pub hsk: bool,
    /// Go on printing lines as they change
    #[arg(short, long)]
    pub follow: bool,
}

/// Prints them, the oldest session first.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let mut filter = EventFilter {
        after: project.store.head_seq()?,
        ..EventFilter::default()
    };
    let mut lines = Vec::new();
    for row in project.store.sessions(0)?.iter().rev() {
        let line = row.status()?.to_string();
        let past = past_of(&project.store, row.id)?;
        lines.push(
            json!({ "session_id": row.id, "name": row.name, "line": line,
            "forked_from": past.forked_from, "checkpoint": past.checkpoint }),
        );
    }
    let text = |line: &serde_json::Value| clean(line["line"].as_str().unwrap_or_default()) + "\n";
    context
        .terminal
        .result("status", json!({ "lines": lines }), || {
            lines.iter().map(text).collect()
        })?;
    if !args.follow {
        return Ok(Exit::Ok);
    }
    loop {
        let version = project.store.data_version()?;
        for record in project.store.events(&filter)? {
            filter.after = record.seq;
            if let Event::StatusChanged { line, .. } = &record.event {
                context
                    .terminal
                    .result("event", &record, || clean(line) + "\n")?;
            }
        }
        while project.store.data_version()? == version {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}
