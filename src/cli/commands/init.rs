//! `treeyard init`: a commented configuration file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::config::template;
use crate::git::Repo;
use crate::model::code::Exit;

/// No arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard init")]
pub struct Args {}

/// Writes it unless there is one.
pub fn run(_args: &Args, context: &Context) -> Result<Exit, Failure> {
    let repo = Repo::discover(&context.directory)?;
    let path = repo.main_root().join("treeyard.toml");
    let created = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(template().as_bytes())
                .map_err(|error| Failure::io(&path, &error))?;
            true
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(error) => return Err(Failure::io(&path, &error)),
    };
    let body = json!({ "path": path, "created": created });
    context.terminal.result("init", body, || {
        let what = if created {
            "wrote"
        } else {
            "kept the existing"
        };
        format!("{what} treeyard.toml\nnext: treeyard config show")
    })?;
    Ok(Exit::Ok)
}
