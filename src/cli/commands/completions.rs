//! `treeyard completions`: a shell's completion script.

use clap::CommandFactory;

use crate::app::failure::Failure;
use crate::cli::args::Cli;
use crate::cli::context::Context;
use crate::cli::out::write_all;
use crate::model::code::Exit;

/// Which shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard completions bash > ~/.local/share/bash-completion/completions/treeyard"
)]
pub struct Args {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Prints the script.
pub fn run(args: &Args, _context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "treeyard", &mut script);
    write_all(&script)?;
    Ok(Exit::Ok)
}
