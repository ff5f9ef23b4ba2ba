//! `treeyard export`: a session in one file, for another machine.

use std::path::PathBuf;

use serde_json::json;

use crate::app::bundle::{Wanted, export};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{clean, count, size};
use crate::model::code::Exit;

/// Which session, and into which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard export docs
  treeyard export docs --output /tmp/docs.treeyard --thin

The file has all that is on record of the session: its events, its thread, what its tools and programs said, and its checkpoints with
the history before them. Secrets that treeyard knows or recognizes are taken out; a session whose files have some is not exported.
Another machine takes it in with `treeyard import`, and replays it.")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// The file (default: the session's name with `.treeyard`)
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Without the history before its work: for clones of this repository
    #[arg(long)]
    pub thin: bool,
    /// Also when files of its checkpoints have secrets in them
    #[arg(long)]
    pub with_secrets: bool,
}

/// Writes it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(&args.session)?;
    let file = match &args.output {
        Some(file) => context.file(file),
        None => context.file(format!("{}.treeyard", session.name).as_ref()),
    };
    let wanted = Wanted {
        file: file.clone(),
        thin: args.thin,
        with_secrets: args.with_secrets,
    };
    let exported = export(&project, &session, &wanted)?;
    let manifest = &exported.manifest;
    let body = json!({ "file": file, "size": exported.size, "manifest": manifest });
    context.terminal.result("export", body, || {
        let parts = format!(
            "{}, {} and {}",
            size(exported.size),
            count(manifest.events, "event"),
            count(manifest.artifacts, "artifact"),
        );
        let file = clean(&file.display().to_string());
        let redacted = match manifest.redacted {
            0 => String::new(),
            some => format!(
                "\n  secrets were taken out of {} of them; a replay differs there",
                some
            ),
        };
        format!("{}: {file} ({parts}){redacted}", clean(&session.name))
    })?;
    Ok(Exit::Ok)
}
