//! Compares a request with what a step expects.

use std::fmt::Write;

use regex_automata::hybrid::regex::Regex;

use crate::model::chat::{Block, ChatRequest, Message, ToolResult};

/// How the place of a secret begins in a recording. What stood there is not known any more, so all of
/// `[redacted:…]` stands for any text.
pub const MARK: &str = "[redacted:";

/// As much as is shown of what was found, in characters.
const SHOWN: usize = 200;

/// What a request must be like.
#[derive(Debug, Default)]
pub struct Expect {
    pub model: Option<String>,
    pub messages: Option<usize>,
    pub tools: Vec<String>,
    pub system: Option<Words>,
    pub user: Option<Words>,
    pub results: Vec<Outcome>,
}

/// What words must be like.
#[derive(Debug, Default)]
pub struct Words {
    pub contains: Option<String>,
    pub equals: Option<String>,
    pub matches: Option<(String, Regex)>,
}

/// What the result of a tool must be like.
#[derive(Debug, Default)]
pub struct Outcome {
    pub tool: Option<String>,
    pub failed: Option<bool>,
    pub content: Option<Words>,
}

impl Words {
    fn fits(&self, found: &str) -> bool {
        let contains = self.contains.as_deref();
        let matches = self.matches.as_ref();
        contains.is_none_or(|part| like(part, found, Ends::Open))
            && self
                .equals
                .as_deref()
                .is_none_or(|all| like(all, found, Ends::Fixed))
            && matches.is_none_or(|(_, regex)| regex.is_match(&mut regex.create_cache(), found))
    }

    fn told(&self) -> String {
        let quoted = |what: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            Some(format!("{what} {}", shown(text)))
        };
        let matches = self.matches.as_ref().map(|(pattern, _)| pattern.clone());
        let parts = [
            quoted("contains", &self.contains),
            quoted("equals", &self.equals),
            quoted("matches", &matches),
        ];
        parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

impl Outcome {
    fn fits(&self, result: &ToolResult) -> bool {
        self.tool.as_ref().is_none_or(|tool| *tool == result.name)
            && self.failed.is_none_or(|failed| failed == result.is_error)
            && self
                .content
                .as_ref()
                .is_none_or(|words| words.fits(&result.content))
    }

    fn told(&self) -> String {
        let tool = self.tool.as_deref().unwrap_or("any tool");
        let failed = match self.failed {
            Some(true) => " that failed",
            Some(false) => " that did not fail",
            None => "",
        };
        let content = self
            .content
            .as_ref()
            .map(|words| format!(" and {}", words.told()));
        format!("one of {tool}{failed}{}", content.unwrap_or_default())
    }
}

impl Expect {
    /// What is otherwise than it was expected, a line each: what was expected and what was found.
    /// Nothing when the request fits.
    pub fn differences(&self, request: &ChatRequest) -> String {
        let mut told = String::new();
        let mut differs = |what: &str, expected: String, found: String| {
            // Writing to memory does not fail.
            let _ = write!(
                told,
                "\n  {what}: expected {expected}\n  {what}: found {found}"
            );
        };
        if let Some(model) = self.model.as_ref().filter(|model| **model != request.model) {
            differs("model", shown(model), shown(&request.model));
        }
        let count = request.messages.len();
        if let Some(messages) = self.messages.filter(|messages| *messages != count) {
            differs("messages", messages.to_string(), count.to_string());
        }
        let offered: Vec<&str> = request
            .tools
            .iter()
            .map(|tool| tool.name.as_str())
            .collect();
        let missing = self
            .tools
            .iter()
            .find(|tool| !offered.contains(&tool.as_str()));
        if let Some(missing) = missing {
            differs(
                "tools",
                format!("{missing} among them"),
                shown(&offered.join(", ")),
            );
        }
        let system = request.system.join("\n");
        let user = request
            .messages
            .last()
            .map(Message::text)
            .unwrap_or_default();
        for (what, words, found) in [("system", &self.system, system), ("user", &self.user, user)] {
            if let Some(words) = words.as_ref().filter(|words| !words.fits(&found)) {
                differs(what, words.told(), shown(&found));
            }
        }
        for outcome in &self.results {
            if !results(request).any(|result| outcome.fits(result)) {
                let found: Vec<String> = results(request).map(result_told).collect();
                let found = match found.is_empty() {
                    true => "none".to_owned(),
                    false => found.join("; "),
                };
                differs("results", outcome.told(), found);
            }
        }
        told
    }
}

/// The results of tools in the last message.
pub fn results(request: &ChatRequest) -> impl Iterator<Item = &ToolResult> {
    let last = request.messages.last();
    let blocks = last.map_or(&[][..], |message| &message.content);
    blocks.iter().filter_map(|block| match block {
        Block::ToolResult(result) => Some(result),
        _ => None,
    })
}

fn result_told(result: &ToolResult) -> String {
    let failed = if result.is_error { ", failed" } else { "" };
    format!("{}{failed}: {}", result.name, shown(&result.content))
}

/// Where a text ends that is compared with another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Where the other one does.
    Fixed,
    /// Anywhere in it.
    Open,
}

/// Whether `found` is like `expected`, where the place of a secret stands for any text.
fn like(expected: &str, found: &str, ends: Ends) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = expected;
    while let Some((before, after)) = rest.split_once(MARK) {
        let Some((_name, behind)) = after.split_once(']') else {
            break;
        };
        parts.push(before);
        rest = behind;
    }
    if ends == Ends::Open {
        parts.insert(0, "");
    }
    // Each part where it first occurs, which leaves the most for the others.
    let mut left = found;
    for (at, part) in parts.iter().enumerate() {
        let next = match at {
            0 => left.strip_prefix(part),
            _ => left.find(part).map(|start| &left[start + part.len()..]),
        };
        let Some(next) = next else { return false };
        left = next;
    }
    match (ends, parts.is_empty()) {
        (Ends::Open, _) => left.contains(rest),
        (Ends::Fixed, true) => left == rest,
        (Ends::Fixed, false) => left.ends_with(rest),
    }
}

/// A text within a message: escaped and short.
fn shown(text: &str) -> String {
    let head: String = text.chars().take(SHOWN).collect();
    match head.len() < text.len() {
        true => format!("{head:?}... ({} bytes)", text.len()),
        false => format!("{head:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_secret_stands_for_any_text() {
        let equal = |expected, found| like(expected, found, Ends::Fixed);
        assert!(equal("", "") && equal("a", "a") && !equal("a", "ab") && !equal("", "a"));
        assert!(equal("key [redacted:A].", "key 123.") && equal("[redacted:A]", "anything"));
        assert!(equal("[redacted:A][redacted:B]x", "1x2x") && !equal("a[redacted:A]b", "a1c"));
        assert!(!equal("ab[redacted:A]bc", "abc") && equal("a[redacted:", "a[redacted:"));
        let within = |part, found| like(part, found, Ends::Open);
        assert!(within("b", "abc") && within("", "") && !within("d", "abc"));
        assert!(within("b[redacted:X]d", "abcde") && !within("d[redacted:X]b", "abcde"));
    }
}
