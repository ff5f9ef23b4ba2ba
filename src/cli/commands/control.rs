//! `pause`, `resume`, `cancel`, `retry`, `land`, `up`, `down`: a person's word.

use serde_json::json;

use crate::app::background;
use crate::app::control::{Word, apply, cancel_open};
use crate::app::failure::Failure;
use crate::app::land::{is_busy, land as land_session};
use crate::app::serve::serve;
use crate::cli::args_work::{CancelArgs, DownArgs, LandArgs, UpArgs};
use crate::cli::commands::ls::session_json;
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::cli::out::{paint, state_style};
use crate::cli::progress::LandProgress;
use crate::merge::{Beyond, MergeMethod};
use crate::model::code::{Code, Exit};
use crate::model::session::SessionState;
use crate::store::SessionRow;

/// Applies one word to every named session; all are tried, the first failure decides the exit.
pub fn words(selectors: &[String], word: Word, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let mut done = Vec::new();
    let mut first_failure = None;
    for selector in selectors {
        match apply(&mut project, selector, word) {
            Ok(session) => done.push(session),
            Err(failure) if first_failure.is_none() => first_failure = Some(failure),
            Err(failure) => context.terminal.note(&format!("also: {failure}")),
        }
    }
    if !done.is_empty() || first_failure.is_none() {
        print(&done, context)?;
    }
    let waits = done.iter().any(|row| row.state == SessionState::Created);
    if waits {
        context.note_without_runner(&project);
    }
    first_failure.map_or(Ok(Exit::Ok), Err)
}

fn print(sessions: &[SessionRow], context: &Context) -> Result<(), Failure> {
    let listed: Vec<_> = sessions.iter().map(session_json).collect();
    let line = |session: &SessionRow| {
        let state = paint(state_style(session.state), session.state.name());
        let (id, name) = (session.id.short(), clean(&session.name));
        format!("{id}  {name}  {state}\n")
    };
    let body = json!({ "sessions": listed });
    context
        .terminal
        .result("sessions", body, || match sessions {
            [] => "no session is open".to_owned(),
            sessions => sessions.iter().map(line).collect(),
        })
}

/// Cancels the named sessions, or every open one.
pub fn cancel(args: &CancelArgs, context: &Context) -> Result<Exit, Failure> {
    if !args.all {
        return words(&args.sessions, Word::Cancel, context);
    }
    let ended = cancel_open(&mut context.project()?, "cancelled by the operator")?;
    print(&ended, context)?;
    Ok(Exit::Ok)
}

/// Lands one session.
pub fn land(args: &LandArgs, context: &Context) -> Result<Exit, Failure> {
    let method = args.method.as_deref().map(method).transpose()?;
    let mut project = context.project()?;
    let session = project.session(&args.session)?;
    let first = if is_busy(&project) {
        "landing: wait for another one to end"
    } else {
        "landing: collect the work"
    };
    let progress = LandProgress::new(context.terminal, &session, first);
    let beyond = match args.only_in_scope {
        true => Beyond::LeaveOut,
        false => Beyond::Refuse,
    };
    let landed = land_session(&mut project, &session, method, beyond, &mut |record| {
        progress.take(record)
    });
    progress.finish();
    let landed = landed?;
    let body = json!({
        "session_id": session.id, "target": landed.target, "from": landed.from, "to": landed.to,
        "changed": landed.changed, "checkouts": landed.checkouts,
    });
    context.terminal.result("landed", body, || {
        format!(
            "{} landed on {}: {}..{}, {} changed",
            clean(&session.name),
            clean(&landed.target),
            landed.from.short(),
            landed.to.short(),
            count(landed.changed.len() as u64, "path")
        )
    })?;
    if args.only_in_scope {
        let name = clean(&session.name);
        let kept = format!("what was left out is kept: treeyard salvage restore {name}");
        context.terminal.note(&kept);
    }
    Ok(Exit::Ok)
}

fn method(text: &str) -> Result<MergeMethod, Failure> {
    serde_json::from_value(text.into()).map_err(|_| {
        Failure::new(Code::Usage, format!("there is no landing method {text:?}"))
            .hint("use merge, squash or rebase")
    })
}

/// Starts the background runner, or is it.
pub fn up(args: &UpArgs, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    if args.foreground {
        let settings = project.settings.clone();
        serve(project, &settings)?;
        return Ok(Exit::Ok);
    }
    let owner = background::up(&project, &context.settings)?;
    context
        .terminal
        .result("runner", json!({ "pid": owner.pid }), || {
            format!(
                "the runner is up (process {}); `treeyard submit` gives it work",
                owner.pid
            )
        })?;
    Ok(Exit::Ok)
}

/// Stops the background runner.
pub fn down(args: &DownArgs, context: &Context) -> Result<Exit, Failure> {
    let stopped = background::down(&mut context.project()?, args.cancel)?;
    let body = json!({ "pid": stopped.pid, "cancelled": stopped.cancelled });
    context.terminal.result("runner", body, || {
        format!(
            "the runner (process {}) stopped; {} cancelled",
            stopped.pid,
            count(stopped.cancelled as u64, "session")
        )
    })?;
    Ok(Exit::Ok)
}
