//! A thread in the forms that others read.

use serde_json::{Value, json};

use crate::app::thread::Told;
use crate::cli::format::{clean, clean_lines, clock};
use crate::cli::spoken::Calls;
use crate::model::thread::{MessageRole, Said};
use crate::store::SessionRow;

/// The record of a message with its time and what it says.
pub fn as_json(told: &Told) -> Value {
    let (content, error) = match &told.said {
        Ok(Said::System(text) | Said::User(text)) => (json!(text), None),
        Ok(Said::Assistant(blocks)) => (json!(blocks), None),
        Ok(Said::ToolCall(request)) => (json!(request), None),
        Ok(Said::ToolResult(response)) => (json!(response), None),
        Err(why) => (Value::Null, Some(why)),
    };
    let mut body = json!({ "seq": told.row.seq, "at_ms": told.row.at_ms, "content": content });
    if let Some(fields) = body.as_object_mut() {
        if let Ok(Value::Object(record)) = serde_json::to_value(&told.row.record) {
            fields.extend(record);
        }
        if let Some(why) = error {
            fields.insert("error".to_owned(), json!(why));
        }
    }
    body
}

/// One message a line.
pub fn jsonl(thread: &[Told]) -> String {
    let lines = thread.iter().map(|one| format!("{}\n", as_json(one)));
    lines.collect()
}

/// A document for a forge. What is data stands in blocks that end where it ends, whatever it says.
pub fn markdown(session: &SessionRow, thread: &[Told], calls: &Calls) -> String {
    let (name, id) = (clean(&session.name), session.id.short());
    let mut text = format!("# Thread of {name} ({id})\n");
    for told in thread {
        let who = clean(&calls.who(told)).replace(['<', '>', '`'], "'");
        let lines = clean_lines(&calls.lines(told).join("\n"));
        let is_data = told.row.record.source.is_some() || told.said.is_err();
        match told.row.record.role {
            MessageRole::ToolCall => {}
            MessageRole::User | MessageRole::Assistant if !is_data => {
                let at = clock(told.row.at_ms);
                text.push_str(&format!("\n## {who}, {at}\n\n{}\n", words(&lines)));
            }
            _ => {
                let fence = fence(&lines);
                text.push_str(&format!(
                    "\n<details><summary>{who}</summary>\n\n{fence}text\n{lines}\n{fence}\n\n</details>\n"
                ));
            }
        }
    }
    text
}

/// Calls in lines of their own.
fn words(lines: &str) -> String {
    let lines = lines.lines().map(|line| match line.strip_prefix("> ") {
        Some(call) => format!("- `{}`", call.replace('`', "'")),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Longer than any row of backticks inside.
fn fence(text: &str) -> String {
    let rows = text.split(|c| c != '`').map(str::len);
    "`".repeat(rows.max().unwrap_or(0).max(2) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_ends_a_block() {
        assert_eq!(fence("plain"), "```");
        assert_eq!(fence("a ````rust` b"), "`````");
    }
}
