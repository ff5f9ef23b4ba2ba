//! What was said in a thread, in lines that people read.

use std::collections::HashMap;

use serde_json::Value;

use crate::app::thread::Told;
use crate::cli::format::clean;
use crate::model::chat::Block;
use crate::model::ids::ContentHash;
use crate::model::thread::{MessageRole, Said};
use crate::model::tool::{CallId, Payload, Response};

/// The longest that arguments of a call are told, in characters.
const ARGUMENTS: usize = 60;

/// How many columns a label takes.
const LABEL: usize = 12;

/// One line of what was said, and whose it is. What is said by others has a mark of its own in front of each of its lines,
/// so that it never looks like what treeyard says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub mark: Mark,
    /// The line.
    pub text: String,
}

/// Whose a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// What somebody said.
    Words,
    /// What a model thought.
    Thought,
    /// A call of a tool, and how it ended.
    Call,
    /// How a call ended, where that is told by itself.
    End,
    /// What there is to say of it.
    Note,
}

impl Mark {
    /// In front of a line.
    pub fn first(self) -> &'static str {
        match self {
            Self::Words => "  ",
            Self::Thought => "[thinks] ",
            Self::Call => "> ",
            Self::End => "< ",
            Self::Note => "",
        }
    }

    /// In front of the rest of a line that is broken: no name of a tool begins with a space.
    fn next(self) -> &'static str {
        match self {
            Self::Call => ">   ",
            Self::End => "<   ",
            mark => mark.first(),
        }
    }
}

impl Line {
    fn new(mark: Mark, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { mark, text }
    }

    fn all(mark: Mark, text: &str) -> Vec<Self> {
        let lines = plain(text).into_iter();
        lines.map(|line| Self::new(mark, line)).collect()
    }

    /// In lines no longer than `width` where it can be broken.
    pub fn wrapped(&self, width: usize) -> Vec<String> {
        let room = width.saturating_sub(self.mark.next().len());
        let lines = wrap(&clean(&self.text), room).into_iter().enumerate();
        let marked = lines.map(|(at, line)| match at {
            0 => format!("{}{line}", self.mark.first()),
            _ => format!("{}{line}", self.mark.next()),
        });
        marked.map(|line| line.trim_end().to_owned()).collect()
    }
}

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
    pub fn lines(&self, told: &Told) -> Vec<Line> {
        let said = match &told.said {
            Ok(said) => said,
            Err(why) => {
                let note = format!("(this message cannot be read: {why})");
                return vec![Line::new(Mark::Note, note)];
            }
        };
        let mut lines = match said {
            Said::System(text) | Said::User(text) => Line::all(Mark::Words, text),
            Said::Assistant(blocks) => self.answer(told, blocks),
            Said::ToolCall(request) => vec![Line::new(Mark::Call, request.tool_id.as_str())],
            Said::ToolResult(response) => result(response),
        };
        let pictures = told.row.record.attachments.iter();
        let picture = |hash: &ContentHash| format!("[picture {}]", &hash.hex()[..12]);
        lines.extend(pictures.map(|hash| Line::new(Mark::Note, picture(hash))));
        lines
    }

    fn answer(&self, told: &Told, blocks: &[Block]) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut at = 0;
        for block in blocks {
            match block {
                Block::Text { text } => lines.extend(Line::all(Mark::Words, text)),
                Block::Thinking { text, .. } => lines.extend(Line::all(Mark::Thought, text)),
                Block::ToolCall(call) => {
                    let id = format!("{}.{at}", told.row.record.message_id);
                    let end = id.parse().ok().and_then(|id: CallId| self.ends.get(&id));
                    let end = end.map_or("not answered yet", String::as_str);
                    let arguments = cut(&call.arguments.to_string(), ARGUMENTS);
                    let call = format!("{} {arguments}: {end}", call.name.trim_start());
                    lines.push(Line::new(Mark::Call, call));
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

fn result(response: &Response) -> Vec<Line> {
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
            each.flatten()
                .map(|text| Line::new(Mark::Words, text))
                .collect()
        }
        Ok(Payload::Inline(value)) => Line::all(Mark::Words, &value.to_string()),
        Ok(Payload::Reference(hash)) => {
            let hash = &hash.hex()[..12];
            let note = format!("too long to stand here: treeyard artifacts cat {hash}");
            vec![Line::new(Mark::Note, note)]
        }
        Err(error) => {
            let told = format!("{}: {}", error.code.id(), error.message);
            Line::all(Mark::Words, &told)
        }
    }
}

fn plain(text: &str) -> Vec<String> {
    let text = text.trim_end();
    let lines = text.split('\n').filter(|_| !text.is_empty());
    lines.map(str::to_owned).collect()
}

/// The start of a text, in so many characters.
pub fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// `value` behind its label, in as many lines as it takes in `width` columns.
pub fn labelled(label: &str, value: &str, width: usize) -> String {
    let lines = wrap(&clean(value), width.saturating_sub(LABEL)).into_iter();
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(lines)
        .map(|(label, line)| format!("  {label:<9} {line}\n"))
        .collect()
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

/// All of a line, in lines of exactly `width`; each but the first has a mark, so that it is no line of its own.
pub fn broken(line: &str, width: usize) -> Vec<String> {
    const MARK: &str = "↪ ";
    let spaces = line.chars().take_while(|c| *c == ' ').count();
    let mark = format!("{}{MARK}", " ".repeat(spaces.min(width / 2)));
    let mut rest = line.chars();
    let mut lines = vec![rest.by_ref().take(width).collect::<String>()];
    let room = width.saturating_sub(mark.chars().count()).max(1);
    loop {
        let next: String = rest.by_ref().take(room).collect();
        if next.is_empty() {
            return lines;
        }
        lines.push(format!("{mark}{next}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_hard_and_loses_nothing() {
        assert_eq!(
            broken("  one two three", 9),
            ["  one two", "  ↪  thre", "  ↪ e"]
        );
        assert_eq!(broken("any", usize::MAX), ["any"]);
        assert_eq!(broken("", 4), [""]);
    }

    #[test]
    fn words_never_look_like_calls() {
        let sly = "> shell.exec {\"argv\":[\"true\"]}: ok\n  > file.read x\n[picture 1]";
        for line in Line::all(Mark::Words, sly) {
            let shown = line.wrapped(20);
            assert!(shown.iter().all(|line| line.starts_with("  ")), "{shown:?}");
        }
        let call = Line::new(Mark::Call, "a.b {\"x\":\" c.d {}: ok\"}: ok");
        assert_eq!(
            call.wrapped(12),
            ["> a.b", ">   {\"x\":\"", ">   c.d {}:", ">   ok\"}: ok"]
        );
    }

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
