//! `treeyard hooks`: the hooks of a person's own checkouts.

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::hooks::{Place, Status, install, status, uninstall};
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::git::Repo;
use crate::model::code::Exit;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard hooks install
  treeyard hooks status
  treeyard hooks uninstall

They refuse commits of files that a session holds, and run your own hooks after that. Sessions
have hooks of their own, installed or not.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Put treeyard's hooks in front of yours, in all worktrees
    Install,
    /// Take them away without a trace
    Uninstall,
    /// Say whether they are there, and whether git runs them
    Status,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let repo = Repo::discover(&context.directory)?;
    match args.verb {
        Verb::Install => {
            let found = install(&repo)?;
            say(context, &found)?;
            Ok(Exit::Ok)
        }
        Verb::Uninstall => {
            let places = uninstall(&repo)?;
            let body = json!({ "removed": places.iter().map(as_json).collect::<Vec<_>>() });
            let text = || {
                let lines = places
                    .iter()
                    .map(|place| format!("removed; git runs {} again", clean(&place.behind)));
                lines.collect::<Vec<_>>().join("\n")
            };
            context.terminal.result("hooks_removed", body, text)?;
            Ok(Exit::Ok)
        }
        Verb::Status => {
            let found = status(&repo)?;
            say(context, &found)?;
            Ok(match found.damage() {
                Some(_) => Exit::Damaged,
                None => Exit::Ok,
            })
        }
    }
}

fn say(context: &Context, found: &Status) -> Result<(), Failure> {
    let body = json!({
        "installed": found.is_installed(),
        "active": found.is_active(),
        "damage": found.damage(),
        "used": found.used,
        "places": found.places.iter().map(as_json).collect::<Vec<_>>(),
    });
    context.terminal.result("hooks", body, || text(found))
}

fn as_json(place: &Place) -> Value {
    json!({
        "config": place.config,
        "folder": place.folder,
        "behind": place.behind,
        "installed": place.installed,
        "damage": place.damage,
    })
}

fn text(found: &Status) -> String {
    if !found.is_installed() {
        return format!("not installed; git runs {}", clean(&found.used));
    }
    let mut lines = Vec::new();
    for place in found.places.iter().filter(|place| place.installed) {
        let folder = place.folder.display().to_string();
        lines.push(format!("installed  {}", clean(&folder)));
        lines.push(format!("behind     {}", clean(&place.behind)));
    }
    lines.push(match found.damage() {
        Some(damage) => format!(
            "damaged    {}; `treeyard hooks install` repairs it",
            clean(&damage)
        ),
        None => "active     commits of what a session holds are refused".to_owned(),
    });
    lines.join("\n")
}
