//! `treeyard ls`: the sessions.

use std::collections::HashMap;

use serde::Serialize;

use crate::app::failure::Failure;
use crate::app::waiting::reasons;
use crate::cli::context::Context;
use crate::cli::format::{ago, now_ms};
use crate::cli::out::state_style;
use crate::cli::table::{Cell, Table, width};
use crate::model::code::{Code, Exit};
use crate::model::ids::{CommitId, ContentHash, PlanId, SessionId};
use crate::model::session::SessionState;
use crate::store::SessionRow;

const DAY_MS: i64 = 86_400_000;

/// Which sessions.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard ls\n  treeyard ls --all --state failed")]
pub struct Args {
    /// Also those that ended more than a day ago
    #[arg(short, long)]
    pub all: bool,
    /// Only those in this state
    #[arg(long)]
    pub state: Option<String>,
}

/// Lists them, the newest first.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let state = args.state.as_deref().map(parse_state).transpose()?;
    let now = now_ms();
    let project = context.project()?;
    let since = if args.all { i64::MIN } else { now - DAY_MS };
    let mut sessions = project.store.sessions(since)?;
    sessions.retain(|session| state.is_none_or(|state| state == session.state));
    let waiting = reasons(&project)?;
    let body = Sessions {
        sessions: sessions.iter().map(session_json).collect(),
    };
    context
        .terminal
        .result("sessions", body, || text(&sessions, &waiting, now))?;
    Ok(Exit::Ok)
}

fn parse_state(text: &str) -> Result<SessionState, Failure> {
    SessionState::from_name(&text.to_ascii_uppercase()).ok_or_else(|| {
        let names: Vec<_> = SessionState::ALL.iter().map(|state| state.name()).collect();
        Failure::new(Code::Usage, format!("there is no state {text:?}"))
            .hint(format!("use one of {}", names.join(", ")))
    })
}

fn text(sessions: &[SessionRow], waiting: &HashMap<SessionId, String>, now: i64) -> String {
    if sessions.is_empty() {
        return "no sessions; `treeyard run` starts one, `treeyard ls --all` lists old ones"
            .to_owned();
    }
    let mut table = Table::new(&["ID", "NAME", "STATE", "AGE", "REASON"]);
    for session in sessions {
        table.row([
            session.id.short().into(),
            session.name.as_str().into(),
            Cell::styled(session.state.name(), state_style(session.state)),
            ago(now, session.created_ms).into(),
            waiting.get(&session.id).unwrap_or(&session.reason).into(),
        ]);
    }
    table.render(width())
}

#[derive(Serialize)]
struct Sessions<'a> {
    sessions: Vec<SessionJson<'a>>,
}

/// A session as JSON.
#[derive(Serialize)]
pub struct SessionJson<'a> {
    auto_land: bool,
    base: Option<&'a CommitId>,
    branch: &'a str,
    created_ms: i64,
    landed_commit: Option<&'a CommitId>,
    name: &'a str,
    plan_id: PlanId,
    reason: &'a str,
    released: bool,
    report: Option<&'a ContentHash>,
    session_id: SessionId,
    state: SessionState,
    target: &'a str,
    tip: Option<&'a CommitId>,
    updated_ms: i64,
    worktree: Option<&'a str>,
}

/// What programs are told of a session.
pub fn session_json(session: &SessionRow) -> SessionJson<'_> {
    SessionJson {
        auto_land: session.auto_land,
        base: session.base.as_ref(),
        branch: &session.branch,
        created_ms: session.created_ms,
        landed_commit: session.landed_commit.as_ref(),
        name: &session.name,
        plan_id: session.plan_id,
        reason: &session.reason,
        released: session.released,
        report: session.report.as_ref(),
        session_id: session.id,
        state: session.state,
        target: &session.target,
        tip: session.tip.as_ref(),
        updated_ms: session.updated_ms,
        worktree: session.worktree_path.as_deref(),
    }
}
