//! `treeyard locks`: who holds what.

use std::path::PathBuf;

use serde_json::json;

use super::explain;
use crate::app::failure::Failure;
use crate::app::locks::{self, Held};
use crate::app::overrides::allow;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, duration, now_ms};
use crate::cli::selector::Selector;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::model::lock::Party;
use crate::proc::moment;
use crate::sessions::locks::next_end_ms;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard locks ls
  treeyard locks explain docs
  treeyard locks override --once src/api.rs --reason 'fixes the build'")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List who holds what
    #[command(after_help = "Examples:\n  treeyard locks ls --json")]
    Ls,
    /// Say what a session holds or waits for, who is in its way, and what can be done
    #[command(after_help = "Examples:\n  treeyard locks explain docs")]
    Explain {
        /// Which session
        #[command(flatten)]
        selector: Selector,
    },
    /// Take a lock away from a session or a person
    #[command(after_help = "\
Examples:
  treeyard locks release docs
  treeyard locks release 57

Whoever waits for the files starts. The session asks for them again when it goes on or lands.")]
    Release {
        /// A session, or the token of a lock
        #[arg(value_name = "LOCK")]
        lock: String,
    },
    /// Let a session hold less, or ask for less when its turn comes
    #[command(after_help = "\
Examples:
  treeyard locks narrow docs 'docs/api/**'
  treeyard locks narrow docs '!docs/api/**'")]
    Narrow {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
        /// What it keeps; patterns that all begin with `!` are taken out of what it has
        #[arg(value_name = "PATTERN", required = true)]
        patterns: Vec<String>,
    },
    /// Hand what one session holds to another one
    #[command(after_help = "Examples:\n  treeyard locks transfer docs docs-again")]
    Transfer {
        /// The session that gives
        #[arg(value_name = "FROM")]
        from: String,
        /// The session that gets it
        #[arg(value_name = "TO")]
        to: String,
    },
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
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Explain { selector } => explain::run(selector, context),
        Verb::Release { lock } => release(lock, context),
        Verb::Narrow { session, patterns } => narrow(session, patterns, context),
        Verb::Transfer { from, to } => transfer(from, to, context),
        Verb::Override { paths, reason, .. } => override_once(paths, reason, context),
    }
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let held = locks::list(&context.project()?)?;
    let rows: Vec<_> = held.iter().map(held_json).collect();
    context
        .terminal
        .result("locks", json!({ "locks": rows }), || {
            if held.is_empty() {
                return "nothing is held".to_owned();
            }
            let now = now_ms();
            let mut table = Table::new(&["LOCK", "HOLDER", "STATE", "SINCE", "SCOPE"]);
            for one in &held {
                table.row([
                    one.lock.token.to_string().into(),
                    holder(one).into(),
                    state(one).into(),
                    ago(now, one.lock.granted_ms).into(),
                    one.lock.scope.to_string().into(),
                ]);
            }
            table.render(width())
        })?;
    Ok(Exit::Ok)
}

fn holder(held: &Held) -> String {
    let id = held.session.as_ref().map(|session| session.id.short());
    match (&held.passed_to, id) {
        (Some(to), _) => format!("{} (passed to {to})", held.owner),
        (None, Some(id)) => format!("{} ({id})", held.owner),
        (None, None) => held.owner.clone(),
    }
}

fn state(held: &Held) -> String {
    let left = moment()
        .ok()
        .and_then(|now| next_end_ms(std::slice::from_ref(&held.lock), &now));
    let left = left
        .map(|ms| format!(", {} left", duration(ms)))
        .unwrap_or_default();
    match &held.session {
        Some(session) => format!("{}{left}", session.state.name()),
        None => format!("CLAIM{left}"),
    }
}

/// What programs are told of a lock.
pub fn held_json(held: &Held) -> serde_json::Value {
    let place = match &held.lock.owner {
        Party::Place { path, .. } => Some(path),
        Party::Session { .. } => None,
    };
    json!({
        "token": held.lock.token, "since": held.lock.since, "name": held.owner,
        "session_id": held.lock.owner.session_id(), "place": place,
        "state": held.session.as_ref().map(|session| session.state),
        "holder": held.lock.holder, "scope": held.lock.scope, "lease": held.lock.lease,
        "granted_ms": held.lock.granted_ms,
    })
}

fn release(lock: &str, context: &Context) -> Result<Exit, Failure> {
    let held = locks::release(&mut context.project()?, lock)?;
    let body = json!({ "locks": [held_json(&held)] });
    context.terminal.result("released", body, || {
        let scope = held.lock.scope.to_string();
        format!("{} holds {} no more", clean(&holder(&held)), clean(&scope))
    })?;
    Ok(Exit::Ok)
}

fn narrow(session: &str, patterns: &[String], context: &Context) -> Result<Exit, Failure> {
    let (row, scope) = locks::narrow(&mut context.project()?, session, patterns.to_vec())?;
    let body = json!({ "session_id": row.id, "scope": scope });
    context.terminal.result("narrowed", body, || {
        format!(
            "the scope of {} is now {}",
            clean(&row.name),
            clean(&scope.to_string())
        )
    })?;
    Ok(Exit::Ok)
}

fn transfer(from: &str, to: &str, context: &Context) -> Result<Exit, Failure> {
    let (from, to, token) = locks::transfer(&mut context.project()?, from, to)?;
    let body = json!({ "from": from.id, "to": to.id, "token": token });
    context.terminal.result("transferred", body, || {
        let (from, to) = (clean(&from.name), clean(&to.name));
        format!("{to} holds what {from} held, under lock {token}")
    })?;
    Ok(Exit::Ok)
}

fn override_once(paths: &[PathBuf], reason: &str, context: &Context) -> Result<Exit, Failure> {
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
                let name = clean(&one.name);
                match one.session.map(|id| id.short()) {
                    Some(id) => {
                        format!("one commit may change {path}, which session {name} ({id}) holds")
                    }
                    None => format!("one commit may change {path}, which {name} claimed"),
                }
            });
            lines.collect::<Vec<_>>().join("\n")
        })?;
    Ok(Exit::Ok)
}
