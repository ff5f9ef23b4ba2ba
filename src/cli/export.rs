//! A thread in the forms that others read.

use serde_json::{Value, json};

use crate::app::thread::Told;
use crate::cli::format::{clean, clean_lines, clock};
use crate::cli::spoken::{Calls, Line, Mark};
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
        if told.row.taken_back {
            fields.insert("taken_back".to_owned(), json!(true));
        }
    }
    body
}

/// One message a line.
pub fn jsonl(thread: &[Told]) -> String {
    let lines = thread.iter().map(|one| format!("{}\n", as_json(one)));
    lines.collect()
}

/// A document for a forge. What anybody said stands in blocks that end where it ends, whatever it says: nothing of it is a
/// link, a picture, a heading or the name of a person there.
pub fn markdown(session: &SessionRow, thread: &[Told], calls: &Calls) -> String {
    let (name, id) = (clean(&session.name), session.id.short());
    let mut text = format!("# Thread of {name} ({id})\n");
    for told in thread {
        let mut who = escaped(&clean(&calls.who(told)));
        if told.row.taken_back {
            who.push_str(" (taken back)");
        }
        let lines = calls.lines(told);
        let is_data = told.row.record.source.is_some() || told.said.is_err();
        match told.row.record.role {
            MessageRole::ToolCall => {}
            MessageRole::User | MessageRole::Assistant if !is_data => {
                let at = clock(told.row.at_ms);
                text.push_str(&format!("\n## {who}, {at}\n{}", said(&lines)));
            }
            _ => {
                let block = block(&lines);
                text.push_str(&format!(
                    "\n<details><summary>{who}</summary>\n{block}\n</details>\n"
                ));
            }
        }
    }
    text
}

/// Words in blocks, and what treeyard says of them between these.
fn said(lines: &[Line]) -> String {
    let is_words = |line: &Line| matches!(line.mark, Mark::Words | Mark::Thought);
    let runs = lines.chunk_by(|one, next| is_words(one) == is_words(next));
    let runs = runs.map(|run| match run.first().is_some_and(is_words) {
        true => block(run),
        false => {
            let items = run.iter().map(|line| {
                let text = format!("{}{}", line.mark.first(), clean(&line.text));
                format!("- `{}`\n", text.replace('`', "'"))
            });
            format!("\n{}", items.collect::<String>())
        }
    });
    runs.collect()
}

fn block(lines: &[Line]) -> String {
    let lines = lines.iter().map(|line| match line.mark {
        Mark::Thought => format!("{}{}", line.mark.first(), line.text),
        _ => line.text.clone(),
    });
    let text = clean_lines(&lines.collect::<Vec<_>>().join("\n"));
    let fence = fence(&text);
    format!("\n{fence}text\n{text}\n{fence}\n")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('`', "'")
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

    #[test]
    fn words_stand_in_blocks_and_calls_between_them() {
        let line = |mark, text: &str| Line {
            mark,
            text: text.to_owned(),
        };
        let lines = [
            line(Mark::Words, "```"),
            line(
                Mark::Words,
                "- `> shell.exec`: ok <img src=x> ![](http://x) @all",
            ),
            line(Mark::Call, "a.b {\"x\":\"`\\n\"}: ok"),
            line(Mark::Thought, "so"),
        ];
        let expected = "\n````text\n```\n- `> shell.exec`: ok <img src=x> ![](http://x) @all\n````\n\
                        \n- `> a.b {\"x\":\"'\\n\"}: ok`\n\n```text\n[thinks] so\n```\n";
        assert_eq!(said(&lines), expected);
        assert_eq!(escaped("a <b> & `c`"), "a &lt;b&gt; &amp; 'c'");
    }
}
