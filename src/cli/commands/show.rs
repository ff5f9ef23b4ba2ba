//! `treeyard show`: one session.

use serde_json::json;

use super::ls::{known_json, unconfined};
use crate::app::checkpoints::{Past, past_of};
use crate::app::drift::drift_of;
use crate::app::failure::Failure;
use crate::app::usage::{Standing, standing_of};
use crate::app::waiting::reasons;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, count, duration, is_ready, now_ms};
use crate::cli::out::{bold, paint, state_style};
use crate::cli::selector::Selector;
use crate::cli::spoken::labelled;
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::drift::Drift;
use crate::model::job::Outcome;
use crate::model::session::SessionState;
use crate::proc::runner_owner;
use crate::store::{JobRow, SessionRow};

/// Which session.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard show docs")]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
}

/// Prints everything about it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let jobs = project.store.jobs_of(session.id)?;
    let after = project.store.predecessor_sessions(session.id)?;
    let waiting = reasons(&project)?.remove(&session.id);
    let drift = drift_of(&project.store, &session)?;
    let model = standing_of(&project, &session)?;
    let chosen = project.store.choice_of(session.id)?;
    let body = json!({ "session": known_json(&project.store, &session)?, "spec": session.spec()?, "jobs": jobs,
        "waiting": waiting, "model": model, "chosen": chosen, "drift": drift, "hsk_status": session.status()?.to_string(), "after": after.iter().map(|row| json!({ "name": row.name, "state": row.state })).collect::<Vec<_>>() });
    let past = past_of(&project.store, session.id)?;
    let has_runner = runner_owner(&project.repo.state_dir()).is_some();
    context.terminal.result("session", body, || {
        let chosen = chosen.map(|choice| format!("{}: {}", choice.model, choice.reason));
        let standing = (waiting.as_deref(), drift.as_ref(), model.as_ref());
        text(
            (&session, &past),
            &jobs,
            &after,
            standing,
            chosen.as_deref(),
            has_runner,
        )
    })?;
    Ok(Exit::Ok)
}

fn text(
    (session, past): (&SessionRow, &Past),
    jobs: &[JobRow],
    after: &[SessionRow],
    (waiting, drift, model): (Option<&str>, Option<&Drift>, Option<&Standing>),
    chosen: Option<&str>,
    has_runner: bool,
) -> String {
    let now = now_ms();
    let state = paint(state_style(session.state), session.state.name());
    let mut text = format!("{}  {state}\n", bold(&clean(&session.name)));
    let mut line = |label: &str, value: &str| {
        if value.is_empty() {
            return;
        }
        text.push_str(&labelled(label, value, width()));
    };
    line("id", &session.id.to_string());
    line("reason", &session.reason);
    // The reason of a completed session is about its jobs.
    let refused = session.landing_code.as_deref();
    let refused = refused.filter(|_| session.state == SessionState::Completed);
    line(
        "landing",
        &refused.map_or(String::new(), |code| format!("refused, {code}")),
    );
    let report = session.report.as_ref();
    let report = report.filter(|_| session.state == SessionState::Blocked);
    line(
        "report",
        &report.map_or(String::new(), |hash| {
            format!("treeyard artifacts cat {}", &hash.hex()[..12])
        }),
    );
    line("queued", waiting.unwrap_or(""));
    line("chosen", chosen.unwrap_or(""));
    line("drift", &drift.map_or(String::new(), Drift::describe));
    line(
        "sandbox",
        &unconfined(session).map_or(String::new(), |why| format!("none: {why}")),
    );
    for (label, value) in model.map(model_lines).unwrap_or_default() {
        line(label, &value);
    }
    line("branch", &session.branch);
    line("target", &session.target);
    let landed = session.landed_commit.as_ref();
    line("landed", landed.map_or("", |commit| commit.as_str()));
    line(
        "worktree",
        session
            .worktree_path
            .as_deref()
            .filter(|_| session.has_worktree())
            .unwrap_or(""),
    );
    if session.waits_for.is_some() {
        line("code", Code::ScopeConflict.id());
    }
    line("created", &ago(now, session.created_ms));
    for (label, value) in past_lines(session, past, now) {
        line(label, &value);
    }
    for row in after {
        line("after", &format!("{} ({})", row.name, row.state.name()));
    }
    let word = model.and_then(|model| model.word.clone());
    line("next", &word.unwrap_or_else(|| next(session, has_runner)));
    if !jobs.is_empty() {
        text.push('\n');
        text.push_str(&job_table(jobs));
    }
    text
}

/// Where it came from, and where it can be put back to.
fn past_lines(session: &SessionRow, past: &Past, now: i64) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(from) = &past.forked_from {
        let name = from.name.clone().unwrap_or_else(|| from.session_id.short());
        lines.push(("fork of", format!("{name}, checkpoint {}", from.number)));
    }
    if let Some(last) = &past.checkpoint {
        let (cause, age) = (last.cause.name(), ago(now, last.at_ms));
        // It has no worktree that could be put back.
        let label = match session.is_elsewhere() {
            true => "last",
            false => "restore",
        };
        lines.push((
            label,
            format!("checkpoint {} ({cause}, {age})", last.number),
        ));
    }
    lines
}

/// Who works in it, and what that took.
fn model_lines(model: &Standing) -> Vec<(&'static str, String)> {
    let role = model.role.as_ref();
    let role = role.map_or(String::new(), |role| format!(", as {role}"));
    let (name, profile, used) = (&model.model, &model.profile, &model.used);
    let calls = count(used.steps, "call");
    let mut lines = vec![
        ("model", format!("{name}, profile {profile}{role}")),
        (
            "used",
            format!("{calls}, {} tokens, {}", used.tokens, used.cost),
        ),
    ];
    let left = model.left.iter();
    lines.extend(left.map(|left| ("left", left.clone())));
    lines
}

/// Nobody knows how long a job ran that was lost.
fn took(job: &JobRow) -> String {
    let known = !matches!(job.outcome, Some(Outcome::Lost { .. }));
    let ms = job.duration_ms.filter(|_| known);
    ms.map(duration).unwrap_or_default()
}

fn job_table(jobs: &[JobRow]) -> String {
    let mut table = Table::new(&["JOB", "TRY", "STATE", "TOOK", "COMMAND"]);
    for job in jobs {
        table.row([
            job.id.short().into(),
            job.attempt.to_string().into(),
            job.state.name().into(),
            took(job).into(),
            job.command.to_string().into(),
        ]);
    }
    table.render(width())
}

/// Complete commands, so that they can be pasted.
fn next(session: &SessionRow, has_runner: bool) -> String {
    let s = session.id.short();
    match session.state {
        _ if session.is_elsewhere() => format!("treeyard replay {s}, or treeyard fork {s}"),
        SessionState::Created if session.waits_for.is_some() => {
            format!("treeyard locks explain {s}")
        }
        SessionState::Created => "treeyard up (when no runner is active)".to_owned(),
        SessionState::Active if session.is_adopted() => format!("treeyard land {s}"),
        SessionState::Active if !has_runner => "treeyard up (no runner is active)".to_owned(),
        SessionState::Active => format!("treeyard logs -f {s}"),
        SessionState::Paused => format!("treeyard resume {s}"),
        SessionState::Blocked => {
            format!("settle it in `treeyard open {s}`, then treeyard land {s}")
        }
        SessionState::Completed if is_ready(session) => {
            format!("treeyard diff {s}, then treeyard land {s}")
        }
        SessionState::Completed => String::new(),
        SessionState::Failed | SessionState::Cancelled => {
            format!("treeyard logs {s}, then treeyard retry {s}")
        }
    }
}
