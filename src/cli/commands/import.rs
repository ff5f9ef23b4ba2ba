//! `treeyard import`: a session that was exported elsewhere.

use std::path::PathBuf;

use serde_json::json;

use super::ls::session_json;
use crate::app::bundle::{Imported, import};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::model::code::Exit;

/// From which file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard import docs.treeyard
  treeyard replay docs

The session is over here: no runner touches it. It can be looked at, replayed, and gone on from as another session (`treeyard fork`,
`treeyard replay --live`). Treat the file as you would a patch: whoever wrote it decides what its task would run.")]
pub struct Args {
    /// What `treeyard export` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Takes it in.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let imported = import(&mut project, &context.file(&args.file))?;
    let body = json!({
        "session": session_json(&imported.session), "manifest": imported.manifest,
        "left_out": imported.left_out,
    });
    context
        .terminal
        .result("import", body, || text(&imported))?;
    Ok(Exit::Ok)
}

fn text(imported: &Imported) -> String {
    let manifest = &imported.manifest;
    let taken = manifest.events.saturating_sub(imported.left_out);
    let (name, id) = (clean(&imported.session.name), imported.session.id.short());
    let parts = format!(
        "{} and {}",
        count(taken, "event"),
        count(manifest.artifacts, "artifact")
    );
    let left_out = match imported.left_out {
        0 => String::new(),
        some => format!(
            "; {} of the other machine alone left out",
            count(some, "event")
        ),
    };
    format!("{id}  {name}  {parts}{left_out}")
}
