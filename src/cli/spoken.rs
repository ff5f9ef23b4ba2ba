//! What was said in a thread, in lines that people read.

use std::collections::HashMap;

use serde_json::Value;

use crate::app::thread::Told;
use crate::model::chat::Block;
use crate::model::thread::{MessageRole, Said};
use crate::model::tool::{CallId, Payload, Response};

/// The longest that arguments of a call are told, in characters.
const ARGUMENTS: usize = 60;

/// Which tool each call of a thread is of, and how it ended.
#[derive(Default)]
pub struct Calls {
    names: HashMap<CallId, String>,
    ends: HashMap<CallId, String>,
}

impl Calls {
    /// Of a whole thread.
    pub fn of(thread: &[Told]) -> Self {
        let mut calls = Self::default();
        for told in thread {
            let message = told.row.record.message_id;
            match &told.said {
                Ok(Said::Assistant(blocks)) => {
                    for (at, name) in called(blocks).enumerate() {
                        if let Ok(id) = format!("{message}.{at}").parse() {
                            calls.names.insert(id, name.to_owned());
                        }
                    }
                }
                Ok(Said::ToolResult(response)) => {
                    if let Some(id) = &told.row.record.tool_call_id {
                        calls.ends.insert(id.clone(), end(response));
                    }
                }
                _ => {}
            }
        }
        calls
    }

    /// Whose message it is.
    pub fn who(&self, told: &Told) -> String {
        let record = &told.row.record;
        let tool = record.tool_call_id.as_ref();
        let tool = tool.and_then(|id| self.names.get(id));
        let tool = tool.map_or("a tool", String::as_str);
        match (record.role, &record.source) {
            (MessageRole::System, _) => "treeyard".to_owned(),
            (MessageRole::User, None) => "person".to_owned(),
            (MessageRole::User, Some(source)) => format!("data from {source}"),
            (MessageRole::Assistant, _) => "model".to_owned(),
            (MessageRole::ToolCall, _) => format!("call of {tool}"),
            (MessageRole::ToolResult, _) => match &told.said {
                Ok(Said::ToolResult(response)) if !response.resources.files.is_empty() => {
                    let files = response.resources.files.join(", ");
                    format!("data from {tool} {files}")
                }
                _ => format!("data from {tool}"),
            },
        }
    }

    /// What it says, line by line.
    pub fn lines(&self, told: &Told) -> Vec<String> {
        let said = match &told.said {
            Ok(said) => said,
            Err(why) => return vec![format!("(this message cannot be read: {why})")],
        };
        let mut lines = match said {
            Said::System(text) | Said::User(text) => plain(text),
            Said::Assistant(blocks) => self.answer(told, blocks),
            Said::ToolCall(request) => vec![format!("{}", request.tool_id)],
            Said::ToolResult(response) => result(response),
        };
        let pictures = told.row.record.attachments.iter();
        lines.extend(pictures.map(|hash| format!("[picture {}]", &hash.hex()[..12])));
        lines
    }

    fn answer(&self, told: &Told, blocks: &[Block]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut at = 0;
        for block in blocks {
            match block {
                Block::Text { text } => lines.extend(plain(text)),
                Block::Thinking { text, .. } if text.trim().is_empty() => {}
                Block::Thinking { text, .. } => {
                    let thoughts = plain(text).into_iter();
                    lines.extend(thoughts.map(|line| format!("[thinks] {line}")));
                }
                Block::ToolCall(call) => {
                    let id = format!("{}.{at}", told.row.record.message_id);
                    let end = id.parse().ok().and_then(|id: CallId| self.ends.get(&id));
                    let end = end.map_or("not answered yet", String::as_str);
                    let arguments = cut(&call.arguments.to_string(), ARGUMENTS);
                    lines.push(format!("> {} {arguments}: {end}", call.name));
                    at += 1;
                }
                Block::Image(_) | Block::ToolResult(_) => {}
            }
        }
        lines
    }
}

fn called(blocks: &[Block]) -> impl Iterator<Item = &str> {
    blocks.iter().filter_map(|block| match block {
        Block::ToolCall(call) => Some(call.name.as_str()),
        _ => None,
    })
}

fn end(response: &Response) -> String {
    match &response.outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code.id().to_owned(),
    }
}

fn result(response: &Response) -> Vec<String> {
    match &response.outcome {
        Ok(Payload::Inline(Value::Object(fields))) => {
            let each = fields.iter().map(|(key, value)| match value {
                Value::String(text) if text.trim_end().contains('\n') => {
                    let mut lines = vec![format!("{key}:")];
                    lines.extend(plain(text).into_iter().map(|line| format!("  {line}")));
                    lines
                }
                Value::String(text) => vec![format!("{key}: {}", text.trim_end())],
                value => vec![format!("{key}: {value}")],
            });
            each.flatten().collect()
        }
        Ok(Payload::Inline(value)) => plain(&value.to_string()),
        Ok(Payload::Reference(hash)) => {
            vec![format!(
                "too long to stand here: treeyard artifacts cat {}",
                &hash.hex()[..12]
            )]
        }
        Err(error) => plain(&format!("{}: {}", error.code.id(), error.message)),
    }
}

fn plain(text: &str) -> Vec<String> {
    text.trim_end().lines().map(str::to_owned).collect()
}

/// The start of a text, in so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Lines no longer than `width` where there is a space to break them at, each begun as the first was.
pub fn wrap(line: &str, width: usize) -> Vec<String> {
    let indent: String = line
        .chars()
        .take_while(|c| *c == ' ')
        .take(width / 2)
        .collect();
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let (long, bare) = (word.chars().count(), word.trim_end().chars().count());
        if used > indent.len() && used + bare > width {
            lines.push(indent.clone());
            used = indent.len();
        }
        if let Some(last) = lines.last_mut() {
            last.push_str(word);
        }
        used += long;
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("  one two three", 9), ["  one two", "  three"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("any", usize::MAX), ["any"]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("grün", 3), "grü…");
        assert_eq!(cut("grün", 4), "grün");
    }
}
