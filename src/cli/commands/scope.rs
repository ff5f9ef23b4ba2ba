//! `treeyard scope`: what a session may change.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::inside;
use crate::app::widen::{Otherwise, Widened, widen};
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::model::code::Exit;
use crate::model::door::Request;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard scope request 'src/new/**'
  treeyard scope request --session docs README.md --wait")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Ask for more files while a session runs, also from inside of it
    #[command(after_help = "\
Examples:
  treeyard scope request 'src/new/**'
  treeyard scope request --session docs README.md --wait

Granted at once when nobody holds any of them; otherwise refused (exit code 5), or queued.")]
    Request {
        /// Gitignore-style patterns, relative to the repository root
        #[arg(value_name = "PATTERN", required = true)]
        patterns: Vec<String>,
        /// A task's name or the start of an id; in a session's worktree, by default that session
        #[arg(long, value_name = "S")]
        session: Option<String>,
        /// Get them when they are free, and go on meanwhile
        #[arg(long, conflicts_with = "wait")]
        queue: bool,
        /// Stay until they are free
        #[arg(long)]
        wait: bool,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let Verb::Request {
        patterns,
        session,
        queue,
        wait,
    } = &args.verb;
    if session.as_deref().is_none_or(inside::is_own) {
        let request = Request::Scope {
            patterns: patterns.clone(),
            queue: *queue,
            wait: *wait,
            print: context.terminal.print(),
        };
        if let Some(reply) = inside::ask(&context.directory, &request)? {
            return context.terminal.reply(&reply);
        }
    }
    let mut project = context.project()?;
    let session = match session {
        Some(selector) => project.session(selector)?,
        None => project.session_here()?,
    };
    let otherwise = match (queue, wait) {
        (_, true) => Otherwise::Wait,
        (true, _) => Otherwise::Queue,
        _ => Otherwise::Refuse,
    };
    let widened = widen(&mut project, &session, patterns.clone(), otherwise)?;
    let (answer, token) = match &widened {
        Widened::Granted(token) => ("granted", Some(token)),
        Widened::Queued(_) => ("queued", None),
    };
    let body = json!({ "session_id": session.id, "answer": answer, "token": token });
    context.terminal.result("scope", body, || {
        let (name, more) = (clean(&session.name), clean(&patterns.join(" ")));
        match &widened {
            Widened::Granted(token) => format!("{name} may change {more} too, under lock {token}"),
            Widened::Queued(conflict) => format!(
                "{name} gets {more} when {} is done with it",
                clean(&conflict.holder.describe())
            ),
        }
    })?;
    Ok(Exit::Ok)
}
