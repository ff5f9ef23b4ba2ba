//! `treeyard adopt`: a worktree that is there already becomes a session's.

use std::path::PathBuf;

use serde_json::json;

use super::claim::time;
use crate::app::adopt::{Adoption, adopt};
use crate::app::claims::Claim;
use crate::app::failure::Failure;
use crate::cli::commands::ls::session_json;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;

/// What to adopt.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard adopt ../feature --scope 'src/api/**'
  treeyard adopt ../feature --for 2h --name api

It gets a session, a lock and hooks; its files and its branch stay as they are. `treeyard land` lands \
its branch, `treeyard cancel` only forgets it.")]
pub struct Args {
    /// A worktree of this repository
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// Files it may change, gitignore-style, relative to the root (repeatable; default: everything)
    #[arg(long, value_name = "PATTERN")]
    pub scope: Vec<String>,
    /// The session's name (default: that of the folder)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The branch that its work lands on
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,
    /// How long it holds its files, such as `2h` (default: until it lands or is released)
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<String>,
    /// It holds them only as long as this process lives
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
}

/// Adopts it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let asked = Adoption {
        path: context.file(&args.path),
        name: args.name.clone(),
        target: args.target.clone(),
        claim: Claim {
            patterns: args.scope.clone(),
            for_ms: args.time.as_deref().map(time).transpose()?,
            pid: args.pid,
        },
    };
    let adopted = adopt(&mut context.project()?, &asked)?;
    let session = &adopted.session;
    let body = json!({
        "session": session_json(session), "token": adopted.token, "scope": adopted.scope,
        "hooks_installed": adopted.hooks_installed,
    });
    context.terminal.result("adopted", body, || {
        let (name, id) = (clean(&session.name), session.id.short());
        let scope = clean(&adopted.scope.to_string());
        format!(
            "session {name} ({id}) holds {scope}, under lock {}\nnext: work there, then treeyard \
             land {name}",
            adopted.token
        )
    })?;
    if adopted.hooks_installed {
        let told =
            "hooks were installed in this repository; `treeyard hooks uninstall` removes them";
        context.terminal.note(told);
    }
    Ok(Exit::Ok)
}
