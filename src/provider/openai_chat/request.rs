//! The request.

use serde_json::{Map, Value, json};

use crate::model::chat::{
    Block, ChatRequest, Message, ProviderCapabilities, Role, ToolCall, ToolChoice, ToolResult,
};
use crate::provider::error::ProviderError;
use crate::provider::framing::Framing;
use crate::provider::names;
use crate::provider::wire::Outgoing;

/// Who speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::provider) enum Dialect {
    /// OpenAI.
    OpenAi,
    /// Others, who kept to the older name of the longest answer.
    Compatible,
}

pub(in crate::provider) fn outgoing(
    request: &ChatRequest,
    can: &ProviderCapabilities,
    dialect: Dialect,
) -> Result<Outgoing, ProviderError> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(request.model));
    set("messages", messages(request, can));
    set("stream", json!(true));
    set("stream_options", json!({ "include_usage": true }));
    let longest = match dialect {
        Dialect::OpenAi => "max_completion_tokens",
        Dialect::Compatible => "max_tokens",
    };
    set(longest, json!(request.max_output_tokens));
    if !request.tools.is_empty() {
        set("tools", tools(request)?);
        set("tool_choice", tool_choice(&request.tool_choice)?);
    }
    if let Some(temperature) = request.temperature {
        set("temperature", names::decimal(temperature));
    }
    if let Some(effort) = request.thinking {
        set("reasoning_effort", json!(effort));
    }
    if let Some(schema) = &request.output_schema {
        let schema = json!({ "name": "answer", "schema": schema, "strict": true });
        set(
            "response_format",
            json!({ "type": "json_schema", "json_schema": schema }),
        );
    }
    Ok(Outgoing {
        path: "/chat/completions".to_owned(),
        headers: Vec::new(),
        body: Value::Object(body),
        framing: Framing::ServerSentEvents,
    })
}

fn tools(request: &ChatRequest) -> Result<Value, ProviderError> {
    request.tools.iter().map(names::function).collect()
}

fn tool_choice(choice: &ToolChoice) -> Result<Value, ProviderError> {
    Ok(match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Only(name) => {
            json!({ "type": "function", "function": { "name": names::told(name)? } })
        }
    })
}

/// The templates of many models take one message of the system, at the beginning.
fn messages(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let mut sent = Vec::new();
    let system = request.system.join("\n\n");
    if !system.is_empty() {
        sent.push(json!({ "role": "system", "content": system }));
    }
    for message in &request.messages {
        match message.role {
            Role::User => user(message, can, &mut sent),
            Role::Assistant => sent.push(assistant(message, can)),
        }
    }
    Value::Array(sent)
}

/// Results are messages of their own, and come right after the calls.
fn user(message: &Message, can: &ProviderCapabilities, sent: &mut Vec<Value>) {
    let mut parts = Vec::new();
    for block in &message.content {
        match block {
            Block::ToolResult(result) => sent.push(tool_result(result, can)),
            Block::Text { text } => parts.push(json!({ "type": "text", "text": text })),
            Block::Image(image) => {
                let url = format!("data:{};base64,{}", image.media_type, image.data);
                parts.push(json!({ "type": "image_url", "image_url": { "url": url } }));
            }
            Block::Thinking { .. } | Block::ToolCall(_) => {}
        }
    }
    let has_pictures = parts.iter().any(|part| part["type"] == "image_url");
    match has_pictures {
        _ if parts.is_empty() => {}
        true => sent.push(json!({ "role": "user", "content": parts })),
        // Plain words are taken by servers that know no parts.
        false => sent.push(json!({ "role": "user", "content": message.text() })),
    }
}

/// Thoughts are never sent back: the interface has no place for them.
fn assistant(message: &Message, can: &ProviderCapabilities) -> Value {
    let calls: Vec<Value> = message
        .tool_calls()
        .map(|call| tool_call(call, can))
        .collect();
    let text = message.text();
    let content = match text.is_empty() && !calls.is_empty() {
        true => Value::Null,
        false => json!(text),
    };
    let mut told = json!({ "role": "assistant", "content": content });
    if !calls.is_empty() {
        told["tool_calls"] = Value::Array(calls);
    }
    told
}

fn tool_call(call: &ToolCall, can: &ProviderCapabilities) -> Value {
    json!({
        "id": call_id(&call.id, can),
        "type": "function",
        "function": {
            "name": names::mentioned(&call.name),
            "arguments": names::sent_arguments(&call.arguments).to_string(),
        },
    })
}

fn tool_result(result: &ToolResult, can: &ProviderCapabilities) -> Value {
    json!({
        "role": "tool",
        "tool_call_id": call_id(&result.call_id, can),
        "content": names::result_text(result),
    })
}

fn call_id(id: &str, can: &ProviderCapabilities) -> String {
    match can.requires_tool_id_sanitization {
        true => names::plain_id(id).into_owned(),
        false => id.to_owned(),
    }
}
