//! `treeyard sandbox`: what holds sessions back on this machine.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::sandbox::asked;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::sandbox::{Controllers, Machine};
use crate::proc::machine;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard sandbox probe\n  treeyard sandbox probe --json")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Try what this machine has, and say which level that is and what it does not stop
    #[command(after_help = "\
Examples:
  treeyard sandbox probe
  treeyard sandbox probe --set sandbox.level=strict

Ends with exit code 7 when the level that is asked for is not reached: then nothing runs.")]
    Probe,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let Verb::Probe = args.verb;
    let (machine, asked) = (machine(), asked(&context.directory, &context.settings)?);
    let lacks = machine.lacks(asked);
    let body = json!({
        "level": machine.level(), "asked": asked, "lacks": lacks,
        "machine": machine, "gaps": machine.gaps(), "fixes": machine.fixes(),
    });
    context.terminal.result("sandbox", body, || {
        let level = machine.level();
        let reached = match &lacks {
            None => format!("level {level} ({asked} is asked for)"),
            Some(why) => format!("level {level}, but {asked} is asked for: {}", clean(why)),
        };
        let table = mechanisms(machine).render(width());
        let gaps = list("not stopped at this level", &machine.gaps());
        let fixes = list("what would help", &machine.fixes());
        format!("{table}\n{reached}{gaps}{fixes}")
    })?;
    match lacks {
        None => Ok(Exit::Ok),
        Some(_) => Ok(Code::SandboxUnreached.exit()),
    }
}

/// Nothing when there is nothing in it.
fn list(title: &str, lines: &[&str]) -> String {
    match lines {
        [] => String::new(),
        lines => format!("\n\n{title}:\n  {}", lines.join("\n  ")),
    }
}

fn limited(groups: &Result<Controllers, String>) -> String {
    match groups {
        Err(why) => format!("no: {}", clean(why)),
        Ok(Controllers {
            memory: true,
            processes: true,
        }) => "yes".to_owned(),
        Ok(Controllers { memory: true, .. }) => "yes, for memory".to_owned(),
        Ok(Controllers {
            processes: true, ..
        }) => "yes, for processes".to_owned(),
        Ok(_) => "yes, without limits".to_owned(),
    }
}

fn mechanisms(machine: &Machine) -> Table {
    let state = |found: &Result<(), String>| match found {
        Ok(()) => "yes".to_owned(),
        Err(why) => format!("no: {}", clean(why)),
    };
    let landlock = match &machine.landlock {
        Ok(version) => format!("yes, version {version}"),
        Err(why) => format!("no: {}", clean(why)),
    };
    let mut table = Table::new(&["MECHANISM", "HERE", "WHAT FOR"]);
    let mut row = |name: &str, here: String, what: &str| {
        table.row([name.into(), here.into(), what.into()]);
    };
    row("Landlock", landlock, "which files are opened");
    row(
        "seccomp",
        state(&machine.seccomp),
        "which system calls are made",
    );
    row(
        "mount namespace",
        state(&machine.mounts),
        "which files there are",
    );
    row(
        "network namespace",
        state(&machine.network),
        "what is reached of the network",
    );
    row(
        "control groups",
        limited(&machine.groups),
        "what a whole job uses",
    );
    table
}
