//! `treeyard events`: the log.

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{clean, clock, count};
use crate::cli::out::dim;
use crate::model::code::Exit;
use crate::model::event::Record;
use crate::store::EventFilter;

/// Which events.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard events --session docs\n  treeyard events --follow --json\n  treeyard events verify"
)]
pub struct Args {
    /// What else to do with the log
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// Go on printing as they come
    #[arg(short, long)]
    pub follow: bool,
    /// Only this session's
    #[arg(long, value_name = "S")]
    pub session: Option<String>,
    /// Only those after this sequence number
    #[arg(long, default_value_t = 0)]
    pub after: u64,
}

/// What else to do with the log.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Check the chain of hashes, and that the tables follow from the log
    Verify,
}

/// Prints or verifies them.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let terminal = context.terminal;
    if args.verb.is_some() {
        let report = project.store.verify_chain()?;
        project.store.verify_tables()?;
        terminal.result("chain", &report, || {
            format!("{}, the chain holds", count(report.events, "event"))
        })?;
        return Ok(Exit::Ok);
    }
    let session = args
        .session
        .as_deref()
        .map(|s| project.session(s))
        .transpose()?;
    let mut filter = EventFilter {
        after: args.after,
        session: session.map(|s| s.id),
        limit: None,
    };
    if !args.follow {
        let events = project.store.events(&filter)?;
        terminal.result("events", json!({ "events": events }), || {
            events.iter().map(line).collect()
        })?;
        return Ok(Exit::Ok);
    }
    loop {
        let version = project.store.data_version()?;
        for record in project.store.events(&filter)? {
            filter.after = record.seq;
            terminal.result("event", &record, || line(&record))?;
        }
        while project.store.data_version()? == version {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
}

fn line(record: &Record) -> String {
    let tagged = serde_json::to_value(&record.event).unwrap_or_default();
    let session = record
        .model_session_id
        .map(|id| id.short())
        .unwrap_or_default();
    let data = clean(&tagged["data"].to_string());
    format!(
        "{} {} {session:<8} {:<22} {data}\n",
        record.seq,
        dim(&clock(record.at_ms)),
        record.event.type_id()
    )
}
