//! How tools, calls and numbers are written on the wire.
//!
//! A tool's id in the registry has dots (`file.read`); providers take letters, digits, `_` and `-`. An id has no `-`,
//! so a dot becomes one, and back: what a model calls is known without a table.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::model::chat::{ChatRequest, ToolResult, ToolSpec};

use super::error::ProviderError;

/// The longest name that all providers take, and the longest id of a call.
const LONGEST: usize = 64;

/// The name by which a model is told of a tool.
pub(super) fn told(id: &str) -> Result<String, ProviderError> {
    let name = mentioned(id);
    match original(&name) == id {
        true => Ok(name),
        false => Err(ProviderError::invalid(format!(
            "a tool cannot be named {id:?}: providers take 1 to {LONGEST} letters, digits, `_` and dots"
        ))),
    }
}

/// A tool as OpenAI describes it to a model, and others after it.
pub(super) fn function(tool: &ToolSpec) -> Result<Value, ProviderError> {
    Ok(json!({
        "type": "function",
        "function": {
            "name": told(&tool.name)?,
            "description": tool.description,
            "parameters": tool.schema,
        },
    }))
}

/// The name of a tool that a model called, for the conversation that it gets again. Models call tools
/// that nobody told them of; that must not make the whole conversation invalid.
pub(super) fn mentioned(id: &str) -> String {
    let name: String = id.chars().take(LONGEST).map(on_the_wire).collect();
    match name.is_empty() {
        true => "_".to_owned(),
        false => name,
    }
}

fn on_the_wire(c: char) -> char {
    match c {
        '.' | '-' => '-',
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    }
}

/// The id of the tool that a model named.
pub(super) fn original(name: &str) -> String {
    name.replace('-', ".")
}

/// The id of a call where only letters, digits, `_` and `-` are taken: the same for the call and for its
/// result, and another for another id.
pub(super) fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if (1..=LONGEST).contains(&id.len()) && id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    let hash = blake3::hash(id.as_bytes()).to_hex();
    let start: String = id.chars().filter(|c| plain(*c)).take(32).collect();
    Cow::Owned(format!("{start}_{}", &hash[..16]))
}

/// Ids for calls that came without one: counted through the conversation, so that none is there twice
/// and the same answer always gets the same ones.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct MadeIds {
    next: usize,
}

impl MadeIds {
    /// For what is answered to this request.
    pub fn after(request: &ChatRequest) -> Self {
        let calls = request.messages.iter().flat_map(|m| m.tool_calls());
        Self {
            next: calls.count(),
        }
    }

    /// The id as it came, or a made one when there is none.
    pub fn or_made(&mut self, id: Option<String>) -> String {
        let made = self.next;
        self.next += 1;
        id.filter(|id| !id.is_empty())
            .unwrap_or_else(|| format!("call_{made}"))
    }
}

/// The arguments that a model wrote: an object, or what it wrote as it stands. Nothing at all is how
/// some models call a tool without arguments.
pub(super) fn arguments(text: &str) -> Value {
    if text.trim_ascii().is_empty() {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(object @ Value::Object(_)) => object,
        _ => Value::String(text.to_owned()),
    }
}

/// Arguments as they are sent back, which must be an object everywhere.
pub(super) fn sent_arguments(arguments: &Value) -> Cow<'_, Value> {
    match arguments {
        Value::Object(_) => Cow::Borrowed(arguments),
        other => Cow::Owned(json!({ "unreadable_arguments": other })),
    }
}

/// What a model reads of a result where there is no field that says that the tool failed.
pub(super) fn result_text(result: &ToolResult) -> Cow<'_, str> {
    match result.is_error {
        true => Cow::Owned(format!("The tool failed: {}", result.content)),
        false => Cow::Borrowed(&result.content),
    }
}

/// A number as it was written: 0.7, and not 0.699999988079071, which is nearest to it in single precision.
pub(super) fn decimal(number: f32) -> Value {
    let exact: Option<f64> = number.to_string().parse().ok();
    json!(exact.unwrap_or(number.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_the_id() {
        for id in ["file.read", "a.b_c.d2", "plain", "Git.log"] {
            let name = told(id).unwrap();
            assert!(
                name.chars()
                    .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
            );
            assert_eq!(original(&name), id);
        }
    }

    #[test]
    fn what_would_not_come_back_is_refused() {
        for id in ["", "a-b", "a b", "ä.b", &"x".repeat(65)] {
            assert!(told(id).is_err(), "{id}");
        }
        assert_eq!(mentioned("no such tool!"), "no_such_tool_");
        assert_eq!(mentioned(""), "_");
    }

    #[test]
    fn ids_of_calls_stay_apart() {
        assert_eq!(plain_id("toolu_01-A"), "toolu_01-A");
        let ids = [
            "functions.read:0",
            "functions.read:1",
            "functions_read:0",
            "",
            "ä",
        ];
        for (at, id) in ids.iter().enumerate() {
            let plain = plain_id(id);
            assert!(
                plain.len() <= LONGEST && plain_id(&plain) == plain,
                "{plain}"
            );
            assert!(ids[..at].iter().all(|other| plain_id(other) != plain));
        }
    }

    #[test]
    fn arguments_are_an_object_or_what_was_written() {
        assert_eq!(arguments(" "), json!({}));
        assert_eq!(arguments(r#"{"a":1}"#), json!({ "a": 1 }));
        for text in [r#"{"a":"#, "[1]", "null", "\"x\""] {
            assert_eq!(arguments(text), Value::String(text.to_owned()));
        }
    }
}
