//! The request.

use serde_json::{Map, Value, json};

use crate::model::chat::Wire;
use crate::model::chat::{Block, ChatRequest, Message, ProviderCapabilities, Role, ToolChoice};
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
    if !request.system.is_empty() {
        set("instructions", json!(request.system.join("\n\n")));
    }
    set("input", input(request, can));
    set("max_output_tokens", json!(request.max_output_tokens));
    set("store", json!(false));
    set("stream", json!(true));
    if !request.tools.is_empty() {
        set("tools", tools(request)?);
        set("tool_choice", tool_choice(&request.tool_choice)?);
    }
    if let Some(temperature) = request.temperature {
        set("temperature", names::decimal(temperature));
    }
    // Models that think do so even when nobody asks, and others refuse this.
    if can.supports_thinking {
        set("include", json!(["reasoning.encrypted_content"]));
    }
    if let Some(effort) = request.thinking {
        set("reasoning", json!({ "effort": effort, "summary": "auto" }));
    }
    if let Some(schema) = &request.output_schema {
        let format =
            json!({ "type": "json_schema", "name": "answer", "schema": schema, "strict": true });
        set("text", json!({ "format": format }));
    }
    Ok(Outgoing {
        path: "/responses".to_owned(),
        headers: Vec::new(),
        body: Value::Object(body),
        framing: Framing::ServerSentEvents,
    })
}

/// Schemas are not held to what OpenAI calls strict, which has no optional fields.
fn tools(request: &ChatRequest) -> Result<Value, ProviderError> {
    let told = request.tools.iter().map(|tool| {
        Ok(json!({
            "type": "function",
            "name": names::told(&tool.name)?,
            "description": tool.description,
            "parameters": tool.schema,
            "strict": false,
        }))
    });
    told.collect()
}

fn tool_choice(choice: &ToolChoice) -> Result<Value, ProviderError> {
    Ok(match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Only(name) => json!({ "type": "function", "name": names::told(name)? }),
    })
}

/// The conversation as a list of items: words and pictures that follow each other are one message,
/// and all else is an item of its own.
fn input(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let items = request.messages.iter().flat_map(|one| items(one, can));
    Value::Array(items.collect())
}

fn items(message: &Message, can: &ProviderCapabilities) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for block in &message.content {
        match block {
            Block::Text { text } if text.is_empty() => {}
            Block::Text { .. } | Block::Image(_) => {
                say(part(block, message.role), message.role, &mut items)
            }
            Block::Thinking { .. } if can.requires_thinking_block_scrubbing => {}
            Block::Thinking {
                text, signature, ..
            } => items.extend(reasoning(text, signature.as_deref())),
            Block::ToolCall(call) => items.push(json!({
                "type": "function_call",
                "call_id": names::plain_id(&call.id),
                "name": names::mentioned(&call.name),
                "arguments": names::sent_arguments(&call.arguments).to_string(),
            })),
            Block::ToolResult(result) => items.push(json!({
                "type": "function_call_output",
                "call_id": names::plain_id(&result.call_id),
                "output": names::result_text(result),
            })),
        }
    }
    items
}

/// Adds to the message at the end, or begins one.
fn say(part: Value, role: Role, items: &mut Vec<Value>) {
    let open = items.last_mut().filter(|item| item["type"] == "message");
    match open.and_then(|item| item["content"].as_array_mut()) {
        Some(content) => content.push(part),
        None => items.push(json!({ "type": "message", "role": role, "content": [part] })),
    }
}

fn part(block: &Block, role: Role) -> Value {
    match (block, role) {
        (Block::Image(image), _) => {
            let url = format!("data:{};base64,{}", image.media_type, image.data);
            json!({ "type": "input_image", "image_url": url })
        }
        (Block::Text { text }, Role::User) => json!({ "type": "input_text", "text": text }),
        (Block::Text { text }, Role::Assistant) => json!({ "type": "output_text", "text": text }),
        _ => Value::Null,
    }
}

/// Thoughts go back encrypted, or not at all.
fn reasoning(summary: &str, signature: Option<&str>) -> Option<Value> {
    let encrypted = Wire::OpenAiResponses.unseal(signature?)?;
    let summary = match summary.is_empty() {
        true => json!([]),
        false => json!([{ "type": "summary_text", "text": summary }]),
    };
    Some(json!({ "type": "reasoning", "summary": summary, "encrypted_content": encrypted }))
}
