//! `treeyard checkpoints`: the points that a session can be put back to.

use serde_json::{Value, json};

use crate::app::checkpoints::{Counts, Listed, listed, record};
use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, now_ms};
use crate::cli::selector::Selector;
use crate::cli::table::{Table, width};
use crate::model::checkpoint::Checkpoint;
use crate::model::code::Exit;
use crate::store::SessionRow;

/// Which session.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard checkpoints docs\n  treeyard checkpoints docs --take"
)]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
    /// Record one now
    #[arg(long)]
    pub take: bool,
}

/// Lists them, or records one.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = args.selector.find(&project)?;
    if args.take {
        let taken = record(&mut project, &session)?;
        let body = json!({ "session_id": session.id, "name": session.name, "checkpoint": taken });
        let (number, name, id) = (taken.number, clean(&session.name), session.id.short());
        context.terminal.result("checkpoint", body, || {
            format!("checkpoint {number} of {name}; treeyard restore {id} --at {number} comes back to it")
        })?;
        return Ok(Exit::Ok);
    }
    let all = listed(&project, &session)?;
    let rows: Vec<Value> = all.iter().map(as_json).collect();
    let body = json!({ "session_id": session.id, "name": session.name, "checkpoints": rows });
    context
        .terminal
        .result("checkpoints", body, || text(&session, &all))?;
    Ok(Exit::Ok)
}

fn as_json(one: &Listed) -> Value {
    let mut body = json!({
        "at_ms": one.row.at_ms, "added": one.changed.added, "changed": one.changed.changed,
        "deleted": one.changed.deleted, "is_now": one.is_now,
    });
    let record = serde_json::to_value(&one.row.checkpoint);
    if let (Some(fields), Ok(Value::Object(record))) = (body.as_object_mut(), record) {
        fields.extend(record);
    }
    body
}

fn text(session: &SessionRow, all: &[Listed]) -> String {
    if all.is_empty() {
        return format!("{} has no checkpoint", clean(&session.name));
    }
    let now = now_ms();
    let mut table = Table::new(&["NO", "AGE", "CAUSE", "AS NOW", "CHANGED"]);
    for one in all {
        let Checkpoint { number, cause, .. } = one.row.checkpoint;
        table.row([
            number.to_string().into(),
            ago(now, one.row.at_ms).into(),
            cause.name().into(),
            if one.is_now { "yes" } else { "" }.into(),
            counts(one.changed).into(),
        ]);
    }
    table.render(width())
}

fn counts(changed: Counts) -> String {
    let parts = [
        (changed.added, "new"),
        (changed.changed, "changed"),
        (changed.deleted, "gone"),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    match parts.is_empty() {
        true => "nothing".to_owned(),
        false => parts.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_is_counted() {
        let counted = |added, changed, deleted| {
            counts(Counts {
                added,
                changed,
                deleted,
            })
        };
        assert_eq!(counted(0, 0, 0), "nothing");
        assert_eq!(counted(2, 0, 1), "2 new, 1 gone");
        assert_eq!(counted(1, 1, 1), "1 new, 1 changed, 1 gone");
    }
}
