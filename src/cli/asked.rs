//! What a person is asked, as they see it.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::format::{clean, clean_lines, count, size};
use crate::cli::out::bold;
use crate::cli::spoken::{cut, wrap};
use crate::cli::table::width;
use crate::model::consent::ProjectionPlan;
use crate::model::run::AskedCall;

/// So much of a preview is shown; the rest is in its artifact.
const LINES: usize = 60;
const LONGEST: usize = 400;

/// A call that waits, and what it would do.
pub fn previewed(name: &str, call: &AskedCall, preview: Option<&Value>) -> String {
    let mut text = String::new();
    let asks = format!("{} asks to call {}", name, call.tool_id);
    let (asks, because) = (bold(&clean(&asks)), clean(&call.because));
    let _ = writeln!(text, "{asks} ({because})");
    let mut lines = vec![format!("  {}", call.summary)];
    if let Some(preview) = preview {
        tell("with", &preview["args"], 2, &mut lines);
        tell("would", &preview["preview"], 2, &mut lines);
    }
    let left = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    for line in &lines {
        for line in wrap(&clean(&cut(line, LONGEST)), width()) {
            let _ = writeln!(text, "{line}");
        }
    }
    if let Some(hash) = call.preview.as_ref().filter(|_| left > 0) {
        let (more, hash) = (count(left as u64, "more line"), &hash.hex()[..12]);
        let _ = writeln!(text, "  … {more}: treeyard artifacts cat {hash}");
    }
    text
}

/// Values with their keys, a line each; texts of several lines as they are, such as diffs.
fn tell(key: &str, value: &Value, indent: usize, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            lines.push(format!("{space}{key}:"));
            let each = fields.iter();
            each.for_each(|(key, value)| tell(key, value, indent + 2, lines));
        }
        Value::String(text) if text.trim_end().contains('\n') => {
            lines.push(format!("{space}{key}:"));
            let text = clean_lines(text);
            lines.extend(text.lines().map(|line| format!("{space}  {line}")));
        }
        Value::String(text) => lines.push(format!("{space}{key}: {}", text.trim_end())),
        value => lines.push(format!("{space}{key}: {value}")),
    }
}

/// What would be sent where.
pub fn sending(name: &str, plan: &ProjectionPlan) -> String {
    let asks = bold(&format!("{name} asks to send to {}", clean(&plan.provider)));
    let mut models: Vec<_> = plan
        .sessions
        .iter()
        .map(|one| clean(&one.model_id))
        .collect();
    models.dedup();
    let (models, endpoint) = (models.join(", "), clean(&plan.endpoint));
    let mut what = size(plan.size);
    if plan.attachments > 0 {
        let pictures = count(u64::from(plan.attachments), "picture");
        let _ = write!(what, ", with {pictures}");
    }
    let (tokens, cost) = (plan.estimated_tokens, plan.estimated_cost);
    let (scope, sessions) = (plan.scope.name(), plan.sessions.len() as u64);
    let sessions = count(sessions, "session");
    format!(
        "{asks}\n  where     {endpoint}\n  model     {models}\n  how much  {what}\n  \
         at most   about {tokens} tokens, {cost}\n  for       {scope} ({sessions})"
    )
}
