//! `treeyard man`: the manual pages.

use std::path::PathBuf;

use clap::CommandFactory;

use crate::app::failure::Failure;
use crate::cli::args::Cli;
use crate::cli::context::Context;
use crate::cli::out::write_all;
use crate::model::code::{Code, Exit};

/// Where to.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard man | man -l -\n  treeyard man --dir ~/.local/share/man/man1"
)]
pub struct Args {
    /// Write one file a command into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints the main page, or writes all of them.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if let Some(dir) = args.dir.as_deref().map(|dir| context.file(dir)) {
        std::fs::create_dir_all(&dir)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), &dir))
            .map_err(|error| Failure::io(&dir, &error))?;
        return Ok(Exit::Ok);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut page)
        .map_err(|error| Failure::new(Code::Io, format!("manual page: {error}")))?;
    write_all(&page)?;
    Ok(Exit::Ok)
}
