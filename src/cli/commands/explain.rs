//! `treeyard locks explain`: one session and the files it asks for.

use serde_json::json;

use crate::app::explain::{Explained, choices, conflict_json, explain};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::app::waiting::reasons;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::cli::out::{bold, paint, state_style};
use crate::cli::selector::Selector;
use crate::model::code::{Code, Exit};
use crate::model::lock::Conflict;
use crate::model::status::StatusLine;
use crate::store::SessionRow;

/// So many files stand in the text; all that are known in the JSON.
const FILES: usize = 4;

/// Prints it.
pub fn run(selector: &Selector, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = selector.find(&project)?;
    let waits = reasons(&project)?.remove(&session.id);
    let found = explain(&project, session)?;
    let mut sides = Vec::new();
    for conflict in &found.conflicts {
        sides.push((conflict, holder_of(&project, conflict)?));
    }
    let mut status = found.session.status()?;
    status.conflict = !found.conflicts.is_empty();
    let conflicts: Vec<_> = sides
        .iter()
        .map(|(conflict, row)| conflict_json(conflict, row.as_ref()))
        .collect();
    let body = json!({
        "session_id": found.session.id, "name": found.session.name,
        "state": found.session.state, "scope": found.session.scope()?,
        "token": found.lock.as_ref().map(|lock| lock.token), "waits": waits,
        "conflicts": conflicts, "waiting": found.waiting, "hsk_status": status.to_string(),
    });
    let scope = found.session.scope()?.to_string();
    context.terminal.result("explained", body, || {
        text(&found, &scope, &sides, &status, waits.as_deref())
    })?;
    Ok(Exit::Ok)
}

fn holder_of(project: &Project, conflict: &Conflict) -> Result<Option<SessionRow>, Failure> {
    Ok(match conflict.holder.party.session_id() {
        Some(id) => project.store.session(id)?,
        None => None,
    })
}

fn text(
    found: &Explained,
    scope: &str,
    sides: &[(&Conflict, Option<SessionRow>)],
    status: &StatusLine,
    waits: Option<&str>,
) -> String {
    let session = &found.session;
    let state = paint(state_style(session.state), session.state.name());
    let mut text = format!("{}  {state}\n", bold(&clean(&session.name)));
    let mut line = |label: &str, value: &str| {
        text.push_str(&format!("  {label:<8} {}\n", clean(value)));
    };
    match &found.lock {
        Some(lock) => line("holds", &format!("{scope} under lock {}", lock.token)),
        None => line("scope", scope),
    }
    if let Some(lock) = found.lock.as_ref().filter(|lock| lock.holder != lock.owner) {
        let id = lock
            .holder
            .session_id()
            .map(|id| id.short())
            .unwrap_or_default();
        line(
            "passed",
            &format!("to session {id}, which goes on from its work"),
        );
    }
    for (conflict, row) in sides {
        let state = row.as_ref().map_or("a claim", |row| row.state.name());
        let (holder, code) = (conflict.holder.describe(), Code::ScopeConflict.id());
        line(
            "",
            &format!("{code}: {holder} holds {} ({state})", conflict.holder.scope),
        );
        let witness = conflict
            .witness
            .as_deref()
            .unwrap_or("too intricate to tell");
        line("meets", &format!("{witness} (a shortest path in both)"));
        line("files", &files(conflict));
        for choice in choices(conflict, row.as_ref()) {
            line("choice", &choice);
        }
    }
    if let (Some(waits), true) = (waits, sides.is_empty()) {
        line("waits", waits);
    }
    for name in &found.waiting {
        line("awaited", &format!("by {name}"));
    }
    line("status", &status.to_string());
    text
}

fn files(conflict: &Conflict) -> String {
    let first: Vec<&str> = conflict
        .paths
        .iter()
        .take(FILES)
        .map(String::as_str)
        .collect();
    match conflict.paths.len() {
        0 => "none that is there today".to_owned(),
        many if many > FILES => format!("{} and more that are there today", first.join(", ")),
        _ => format!("{} (there today)", first.join(", ")),
    }
}
