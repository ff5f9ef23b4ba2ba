//! The documentation of tools, made from their cards and schemas.

use serde::Serialize;
use serde_json::{Value, json};

use super::registry::{Entry, Registry};
use crate::model::tool::Card;

impl Registry {
    /// All tools, in Markdown.
    pub fn reference(&self) -> String {
        let head =
            "# Tools\n\nWhat models can call. Generated; a test compares it with the program.\n";
        let tools = self
            .entries()
            .map(|entry| format!("\n{}", entry.reference()));
        head.to_owned() + &tools.collect::<String>()
    }
}

impl Entry {
    /// What it does, what it needs and what it takes, in Markdown.
    pub fn reference(&self) -> String {
        let Card {
            tool_id,
            tool_version,
            description,
            required_capabilities,
            ..
        } = &self.card;
        let effect = word(&self.card.side_effect);
        let idempotency = word(&self.card.idempotency);
        let determinism = word(&self.card.determinism);
        let risk = word(&self.card.risk_level);
        let rows = arguments(&self.input_schema);
        let table = match rows.is_empty() {
            true => "It takes nothing.\n".to_owned(),
            false => format!("| Argument | Type | Meaning |\n| --- | --- | --- |\n{rows}"),
        };
        format!(
            "## `{tool_id}` {tool_version}\n\n{description}\n\nNeeds `{required_capabilities}`. {effect}, \
             {idempotency}, {determinism}, risk {risk}.\n\n{table}\n```json\n{}\n```\n",
            self.example
        )
    }
}

/// Name, type and meaning of each argument, as rows of a table.
fn arguments(schema: &Value) -> String {
    let Some(fields) = schema["properties"].as_object() else {
        return String::new();
    };
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let rows = fields.iter().map(|(name, field)| {
        let kind = match &field["type"] {
            // One of two, of which the other is null.
            Value::Array(kinds) => kinds.first().and_then(Value::as_str),
            kind => kind.as_str(),
        };
        let kind = kind.or(field["anyOf"][0]["type"].as_str()).unwrap_or("any");
        let optional = match required.contains(&json!(name)) {
            true => "",
            false => ", optional",
        };
        let meaning = field["description"].as_str().unwrap_or_default();
        let meaning = meaning.replace('\n', " ").replace('|', "\\|");
        format!("| `{name}` | {kind}{optional} | {meaning} |\n")
    });
    rows.collect()
}

/// A value as it is written in JSON.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
