//! `treeyard ls`: the sessions.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::app::awaits::{awaits, word_for};
use crate::app::checkpoints::{Past, past_of};
use crate::app::drift::drift_of;
use crate::app::failure::Failure;
use crate::app::waiting::reasons;
use crate::cli::context::Context;
use crate::cli::format::{ago, now_ms, standing};
use crate::cli::out::state_style;
use crate::cli::table::{Cell, Table, width};
use crate::model::code::{Code, Exit};
use crate::model::ids::{CommitId, ContentHash, PlanId, SessionId};
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::proc::runner_owner;
use crate::store::{SessionRow, Store};

const DAY_MS: i64 = 86_400_000;
/// Sessions shown when nobody asks for more.
const SHOWN: usize = 50;

/// Which sessions.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard ls\n  treeyard ls --all --state failed --state blocked\n  treeyard ls -n 5"
)]
pub struct Args {
    /// Also those that ended more than a day ago
    #[arg(short, long)]
    pub all: bool,
    /// Only those in this state, such as `failed` (repeatable)
    #[arg(long, value_name = "STATE")]
    pub state: Vec<String>,
    /// At most so many, the newest; 0 for all (default: 50, with --json or --all no limit)
    #[arg(short = 'n', long, value_name = "N")]
    pub limit: Option<usize>,
}

/// Lists them, the newest first.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let states: Vec<_> = args
        .state
        .iter()
        .map(|text| parse_state(text))
        .collect::<Result<_, _>>()?;
    let now = now_ms();
    let project = context.project()?;
    let since = if args.all { i64::MIN } else { now - DAY_MS };
    let mut sessions = project.store.sessions(since)?;
    let mut reasons = reasons(&project)?;
    let older = of_a_name_that_means_another(&sessions);
    sessions.retain(|session| states.is_empty() || states.contains(&session.state));
    let found = sessions.len();
    sessions.truncate(limit(args, context));
    let has_runner = runner_owner(&project.repo.state_dir()).is_some();
    for session in &sessions {
        if session.state == SessionState::Active && !session.is_adopted() && !has_runner {
            let left = "no runner is active; start it with treeyard up";
            reasons.insert(session.id, left.to_owned());
        }
        if session.state == SessionState::Active
            && let Some(drift) = drift_of(&project.store, session)?
        {
            reasons.insert(session.id, drift.describe());
        }
        if let Some(stop) = awaits(&project.store, session)?
            && stop != Stop::Finished
        {
            let (word, why) = (word_for(session, &stop), &session.reason);
            reasons.insert(session.id, format!("{word} ({why})"));
        }
    }
    let rows: Vec<_> = match context.terminal.json {
        true => sessions
            .iter()
            .map(|session| known_json(&project.store, session))
            .collect::<Result<_, _>>()?,
        false => Vec::new(),
    };
    context
        .terminal
        .result("sessions", Sessions { sessions: rows }, || {
            let left_out = found - sessions.len();
            text(&sessions, &reasons, &older, now) + &more(left_out)
        })?;
    Ok(Exit::Ok)
}

fn limit(args: &Args, context: &Context) -> usize {
    let given = args
        .limit
        .unwrap_or(match context.terminal.json || args.all {
            true => 0,
            false => SHOWN,
        });
    if given == 0 { usize::MAX } else { given }
}

fn more(left_out: usize) -> String {
    match left_out {
        0 => String::new(),
        _ => format!("and {left_out} more; `treeyard ls --limit 0` lists them too\n"),
    }
}

fn parse_state(text: &str) -> Result<SessionState, Failure> {
    SessionState::from_name(&text.to_ascii_uppercase()).ok_or_else(|| {
        let names: Vec<_> = SessionState::ALL.iter().map(|state| state.name()).collect();
        Failure::new(Code::Usage, format!("there is no state {text:?}"))
            .hint(format!("use one of {}", names.join(", ")))
    })
}

/// A name means the newest session that has it, which is the first here.
fn of_a_name_that_means_another(sessions: &[SessionRow]) -> HashSet<SessionId> {
    let mut names = HashSet::new();
    let older = sessions.iter().filter(|one| !names.insert(&one.name));
    older.map(|one| one.id).collect()
}

fn text(
    sessions: &[SessionRow],
    reasons: &HashMap<SessionId, String>,
    older: &HashSet<SessionId>,
    now: i64,
) -> String {
    if sessions.is_empty() {
        return "no sessions; `treeyard run` starts one, `treeyard ls --all` lists old ones"
            .to_owned();
    }
    let mut table = Table::new(&["ID", "NAME", "STATE", "AGE", "REASON"]);
    for session in sessions {
        let selector = match older.contains(&session.id) {
            true => session.id.short(),
            false => session.name.clone(),
        };
        table.row([
            session.id.short().into(),
            session.name.as_str().into(),
            Cell::styled(session.state.name(), state_style(session.state)),
            ago(now, session.created_ms).into(),
            match reasons.get(&session.id) {
                Some(reason) => marked(session, reason).into(),
                None => marked(session, &standing(session, &selector)).into(),
            },
        ]);
    }
    table.render(width())
}

/// What a person let through is in sight as long as the session is.
fn marked(session: &SessionRow, reason: &str) -> String {
    match unconfined(session) {
        Some(_) => format!("no sandbox; {reason}"),
        None => reason.to_owned(),
    }
}

/// Why a session runs without the sandbox.
pub fn unconfined(session: &SessionRow) -> Option<String> {
    session.spec().ok()?.unconfined
}

#[derive(Serialize)]
struct Sessions<'a> {
    sessions: Vec<KnownJson<'a>>,
}

/// A session as JSON, with its past.
#[derive(Serialize)]
pub struct KnownJson<'a> {
    #[serde(flatten)]
    session: SessionJson<'a>,
    #[serde(flatten)]
    past: Past,
}

/// What programs are told of a session where they look at it.
///
/// # Errors
/// The store cannot be read.
pub fn known_json<'a>(store: &Store, session: &'a SessionRow) -> Result<KnownJson<'a>, Failure> {
    Ok(KnownJson {
        session: session_json(session),
        past: past_of(store, session.id)?,
    })
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
    unconfined: Option<String>,
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
        unconfined: unconfined(session),
        updated_ms: session.updated_ms,
        worktree: session.worktree_path.as_deref(),
    }
}
