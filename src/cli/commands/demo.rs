//! `treeyard demo`: the main job on a scratch repository.

use super::run::{submitted, to_end};
use crate::app::demo::{PLAN, history, scratch};
use crate::app::failure::Failure;
use crate::cli::args_work::{DemoArgs, TaskArgs};
use crate::cli::context::Context;
use crate::cli::format::clean_lines;
use crate::cli::out::bold;
use crate::model::code::Exit;

/// Makes a scratch repository, runs a plan in it, and shows what landed.
pub fn run(args: &DemoArgs, context: &Context) -> Result<Exit, Failure> {
    let folder = tempfile::Builder::new()
        .prefix("treeyard-demo-")
        .tempdir()
        .map_err(|error| Failure::io(&std::env::temp_dir(), &error))?;
    let repository = scratch(folder.path(), &context.directory)?;
    let terminal = context.terminal;
    terminal.note(&format!("{}\n{}", bold("The plan"), PLAN));
    terminal.note(&bold("$ treeyard run plan.toml"));
    let inside = Context {
        directory: repository.clone(),
        settings: context.settings.clone(),
        terminal,
    };
    let task = TaskArgs {
        plan: Some(folder.path().join("plan.toml")),
        repeat: 1,
        ..TaskArgs::default()
    };
    // Its files are new, which would be said of each.
    let (project, queued) = submitted(&task, &inside.settings, &inside)?;
    let exit = to_end(project, &queued, false, &[], &inside)?;
    terminal.note(&format!(
        "\n{}\n{}",
        bold("$ git log"),
        clean_lines(&history(&repository)?)
    ));
    if args.keep {
        let kept = folder.keep();
        terminal.note(&format!("kept: {}", kept.display()));
    }
    Ok(exit)
}
