//! `treeyard locks`: what sessions hold.

use std::path::PathBuf;

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::overrides::allow;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard locks override --once src/api.rs --reason 'fixes the build'")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Let one commit of files through although a session holds them
    #[command(after_help = "\
Examples:
  treeyard locks override --once src/api.rs --reason 'fixes the build'

The next commit that changes one of the files uses it up. Who, what and why stay in the log.")]
    Override {
        /// For one commit; there is no other way
        #[arg(long, required = true)]
        once: bool,
        /// Files, as they are seen from here
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Why, for the log
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let Verb::Override { paths, reason, .. } = &args.verb;
    let allowed = allow(&mut context.project()?, &context.directory, paths, reason)?;
    let rows: Vec<_> = allowed
        .iter()
        .map(|one| json!({ "path": one.path, "session_id": one.session, "name": one.name }))
        .collect();
    context
        .terminal
        .result("overridden", json!({ "overridden": rows }), || {
            let lines = allowed.iter().map(|one| {
                let path = clean(&one.path);
                let (name, id) = (clean(&one.name), one.session.short());
                format!("one commit may change {path}, which session {name} ({id}) holds")
            });
            lines.collect::<Vec<_>>().join("\n")
        })?;
    Ok(Exit::Ok)
}
