//! `treeyard ls`: the sessions.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::waiting::reasons;
use crate::cli::context::Context;
use crate::cli::format::{ago, now_ms};
use crate::cli::out::state_style;
use crate::cli::table::{Cell, Table, width};
use crate::model::code::{Code, Exit};
use crate::model::ids::SessionId;
use crate::model::session::SessionState;
use crate::store::SessionRow;

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
    let mut sessions = project.store.sessions(0)?;
    let waiting = reasons(&project)?;
    sessions.retain(|session| {
        let recent = !session.state.is_terminal() || now - session.updated_ms < DAY_MS;
        (args.all || recent) && (states.is_empty() || states.contains(&session.state))
    });
    let found = sessions.len();
    sessions.truncate(limit(args, context));
    let rows: Vec<Value> = if context.terminal.json {
        sessions.iter().map(session_json).collect()
    } else {
        Vec::new()
    };
    context
        .terminal
        .result("sessions", json!({ "sessions": rows }), || {
            let left_out = found - sessions.len();
            text(&sessions, &waiting, now) + &more(left_out)
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

/// A session as JSON.
pub fn session_json(session: &SessionRow) -> Value {
    json!({
        "session_id": session.id, "name": session.name, "plan_id": session.plan_id,
        "state": session.state, "reason": session.reason, "branch": session.branch,
        "target": session.target, "auto_land": session.auto_land,
        "worktree": session.worktree_path, "base": session.base, "tip": session.tip,
        "released": session.released, "landed_commit": session.landed_commit,
        "report": session.report, "created_ms": session.created_ms,
        "updated_ms": session.updated_ms,
    })
}
