//! The request.

use serde_json::{Map, Value, json};

use crate::model::chat::Wire;
use crate::model::chat::{
    Block, ChatRequest, Effort, Message, ProviderCapabilities, Role, ToolChoice,
};
use crate::provider::error::ProviderError;
use crate::provider::framing::Framing;
use crate::provider::names;
use crate::provider::wire::Outgoing;

pub(in crate::provider) fn outgoing(
    request: &ChatRequest,
    can: &ProviderCapabilities,
) -> Result<Outgoing, ProviderError> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(request.model));
    set("stream", json!(true));
    set("messages", messages(request, can));
    // What does not fit is an error: by itself the server forgets the beginning, and says nothing.
    set("truncate", json!(false));
    set("shift", json!(false));
    let tools = tools(request)?;
    if !tools.is_empty() {
        set("tools", Value::Array(tools));
    }
    if can.supports_thinking {
        set("think", think(request));
    }
    if let Some(schema) = &request.output_schema {
        set("format", schema.clone());
    }
    set("options", options(request, can));
    Ok(Outgoing {
        path: "/api/chat".to_owned(),
        headers: Vec::new(),
        body: Value::Object(body),
        framing: Framing::JsonLines,
    })
}

/// Without its length the server takes a context of a few thousand tokens, whatever the model has.
fn options(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let mut options = json!({
        "num_ctx": can.max_context_window,
        "num_predict": request.max_output_tokens,
    });
    if let Some(temperature) = request.temperature {
        options["temperature"] = names::decimal(temperature);
    }
    options
}

/// One family takes levels, and the others are refused with one.
fn think(request: &ChatRequest) -> Value {
    match request.thinking {
        Some(effort) if request.model.contains("gpt-oss") => json!(match effort {
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
        }),
        effort => json!(effort.is_some()),
    }
}

fn tools(request: &ChatRequest) -> Result<Vec<Value>, ProviderError> {
    let offered = request
        .tools
        .iter()
        .filter(|tool| match &request.tool_choice {
            ToolChoice::Auto | ToolChoice::Required => true,
            ToolChoice::None => false,
            ToolChoice::Only(name) => tool.name == *name,
        });
    offered.map(names::function).collect()
}

fn messages(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let mut sent = Vec::new();
    let system = request.system.join("\n\n");
    if !system.is_empty() {
        sent.push(json!({ "role": "system", "content": system }));
    }
    for message in &request.messages {
        match message.role {
            Role::User => user(message, &mut sent),
            Role::Assistant => sent.push(assistant(message, can)),
        }
    }
    Value::Array(sent)
}

/// Results are messages of their own, and come right after the calls.
fn user(message: &Message, sent: &mut Vec<Value>) {
    let mut pictures = Vec::new();
    for block in &message.content {
        match block {
            Block::ToolResult(result) => sent.push(json!({
                "role": "tool",
                "tool_name": names::mentioned(&result.name),
                "content": names::result_text(result),
            })),
            Block::Image(image) => pictures.push(image.data.as_str()),
            Block::Text { .. } | Block::Thinking { .. } | Block::ToolCall(_) => {}
        }
    }
    let text = message.text();
    if text.is_empty() && pictures.is_empty() {
        return;
    }
    let mut told = json!({ "role": "user", "content": text });
    if !pictures.is_empty() {
        told["images"] = json!(pictures);
    }
    sent.push(told);
}

fn assistant(message: &Message, can: &ProviderCapabilities) -> Value {
    let mut told = json!({ "role": "assistant", "content": message.text() });
    let thoughts = message.content.iter().filter_map(own_thought);
    let thoughts: String = thoughts.collect();
    if !thoughts.is_empty() && !can.requires_thinking_block_scrubbing {
        told["thinking"] = json!(thoughts);
    }
    let calls = message.tool_calls().map(|call| {
        json!({
            "function": {
                "name": names::mentioned(&call.name),
                "arguments": names::sent_arguments(&call.arguments),
            },
        })
    });
    let calls: Vec<Value> = calls.collect();
    if !calls.is_empty() {
        told["tool_calls"] = Value::Array(calls);
    }
    told
}

/// What a model here has thought. Those of others are marked as theirs, or not at all.
fn own_thought(block: &Block) -> Option<&str> {
    match block {
        Block::Thinking {
            text,
            signature: Some(signature),
            ..
        } => Wire::Ollama.unseal(signature).map(|_| text.as_str()),
        _ => None,
    }
}
