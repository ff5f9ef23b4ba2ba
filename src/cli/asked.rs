//! What a person is asked, as they see it.

use std::fmt::Write;

use serde_json::Value;

use crate::cli::format::{clean, clean_lines, count, exact, size};
use crate::cli::out::bold;
use crate::cli::spoken::broken;
use crate::cli::table::width;
use crate::model::consent::ProjectionPlan;
use crate::model::run::AskedCall;

/// What may be long and is no command and no path. Nothing else is ever left out.
const CONTENTS: [&str; 6] = ["content", "diff", "new", "old", "patch", "text"];
/// So much of each is shown; the rest is in the artifact.
const LINES: usize = 60;
const CHARACTERS: usize = 6000;

/// A call that waits, and what it would do.
pub fn previewed(name: &str, call: &AskedCall, preview: Option<&Value>) -> String {
    let asks = format!("{} asks to call {}", name, call.tool_id);
    let (asks, because) = (bold(&clean(&asks)), clean(&call.because));
    let mut text = format!("{asks} ({because})\n");
    let mut told = Told {
        artifact: call.preview.as_ref().map(|hash| &hash.hex()[..12]),
        lines: vec![format!("  {}", exact(&call.summary))],
    };
    if let Some(preview) = preview {
        told.value("with", &preview["args"], 2);
        told.value("would", &preview["preview"], 2);
    }
    for line in &told.lines {
        for line in broken(line, width()) {
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

struct Told<'a> {
    /// Where the whole of it is.
    artifact: Option<&'a str>,
    lines: Vec<String>,
}

impl Told<'_> {
    /// Values with their keys, a line each; texts of several lines as they are, such as diffs. Each line of these has
    /// a mark, so that it is no key.
    fn value(&mut self, key: &str, value: &Value, indent: usize) {
        let (space, name) = (" ".repeat(indent), exact(key));
        match value {
            Value::Null => {}
            Value::Object(fields) => {
                self.lines.push(format!("{space}{name}:"));
                for (key, value) in fields {
                    self.value(key, value, indent + 2);
                }
            }
            Value::String(text) => {
                let kept = match CONTENTS.contains(&key) && self.artifact.is_some() {
                    true => start(text),
                    false => text,
                };
                match kept.trim_end().contains('\n') {
                    false => self.lines.push(format!("{space}{name}: {}", exact(kept))),
                    true => {
                        self.lines.push(format!("{space}{name}:"));
                        let text = clean_lines(kept);
                        let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
                        self.lines
                            .extend(lines.map(|line| format!("{space}  | {line}")));
                    }
                }
                let left = text[kept.len()..].chars().count() as u64;
                if let (1.., Some(hash)) = (left, self.artifact) {
                    let more = count(left, "more character");
                    let note = format!("{space}… {more}: treeyard artifacts cat {hash}");
                    self.lines.push(note);
                }
            }
            value => {
                let value = exact(&value.to_string());
                self.lines.push(format!("{space}{name}: {value}"));
            }
        }
    }
}

/// The start of a text that may be long.
fn start(text: &str) -> &str {
    let line = text.match_indices('\n').nth(LINES - 1);
    let line = line.map_or(text.len(), |(at, _)| at + 1);
    let character = text.char_indices().nth(CHARACTERS);
    &text[..line.min(character.map_or(text.len(), |(at, _)| at))]
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(args: Value) -> Vec<String> {
        let mut told = Told {
            artifact: Some("0123456789ab"),
            lines: Vec::new(),
        };
        told.value("with", &args, 2);
        told.lines
    }

    #[test]
    fn a_command_is_never_cut_and_contents_say_what_is_left_out() {
        let long = format!("{}; rm -rf x", "true ".repeat(3000));
        let script = format!("{}rm -rf x\n", "true\n".repeat(3000));
        let args = json!({ "argv": ["sh", "-c", &long], "command": &long, "script": &script });
        let lines = told(args).join("\n");
        assert_eq!(lines.matches("; rm -rf x").count(), 2);
        assert!(lines.contains("\n      | rm -rf x"), "{lines}");
        assert!(!lines.contains('…'));

        let content = format!("{}ende\n", "line\n".repeat(60));
        let lines = told(json!({ "content": content, "path": "a" }));
        assert_eq!(
            lines.iter().filter(|line| line.contains("| line")).count(),
            60
        );
        let end = [
            "    … 5 more characters: treeyard artifacts cat 0123456789ab",
            "    path: a",
        ];
        assert_eq!(lines[lines.len() - 2..], end);
        let lines = told(json!({ "content": "x".repeat(6001) }));
        assert!(lines[2].contains("… 1 more character: "), "{}", lines[2]);
    }

    #[test]
    fn no_value_looks_like_another() {
        let lines = told(json!({ "content": "one\n    path: safe\x1b]0;\r\n", "path": "a\nb" }));
        let expected = [
            "  with:",
            "    content:",
            "      | one",
            "      |     path: safe␛]0;␍",
            "    path:",
            "      | a",
            "      | b",
        ];
        assert_eq!(lines, expected);
    }
}
