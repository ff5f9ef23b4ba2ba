//! The request.

use serde_json::{Map, Value, json};

use crate::model::chat::Wire;
use crate::model::chat::{
    Block, ChatRequest, Effort, Message, ProviderCapabilities, Role, ToolChoice, ToolResult,
};
use crate::provider::error::ProviderError;
use crate::provider::framing::Framing;
use crate::provider::names;
use crate::provider::wire::Outgoing;

/// The fewest tokens that may be set aside for thinking.
const LEAST_BUDGET: u32 = 1024;

pub(in crate::provider) fn outgoing(
    request: &ChatRequest,
    can: &ProviderCapabilities,
) -> Result<Outgoing, ProviderError> {
    check(request)?;
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", json!(request.model));
    set("max_tokens", json!(request.max_output_tokens));
    set("stream", json!(true));
    if !request.system.is_empty() {
        set("system", system(request));
    }
    set("messages", messages(request, can));
    if !request.tools.is_empty() {
        set("tools", tools(request)?);
        set("tool_choice", tool_choice(&request.tool_choice)?);
    }
    if let Some(temperature) = request.temperature {
        set("temperature", names::decimal(temperature));
    }
    let mut output = Map::new();
    if let Some(effort) = thinks(request, can) {
        set("thinking", thinking(request, effort)?);
        if is_adaptive(&request.model) {
            output.insert("effort".to_owned(), json!(effort));
        }
    }
    if let Some(schema) = &request.output_schema {
        let format = json!({ "type": "json_schema", "schema": schema });
        output.insert("format".to_owned(), format);
    }
    if !output.is_empty() {
        set("output_config", Value::Object(output));
    }
    Ok(Outgoing {
        path: "/v1/messages".to_owned(),
        headers: vec![("anthropic-version", "2023-06-01".to_owned())],
        body: Value::Object(body),
        framing: Framing::ServerSentEvents,
    })
}

/// What the API does not do at the same time.
fn check(request: &ChatRequest) -> Result<(), ProviderError> {
    if request.thinking.is_none() {
        return Ok(());
    }
    if matches!(
        request.tool_choice,
        ToolChoice::Required | ToolChoice::Only(_)
    ) {
        return Err(ProviderError::not_supported(
            "thinking when a tool must be called",
        ));
    }
    match request.temperature {
        Some(_) => Err(ProviderError::not_supported(
            "a temperature while it thinks",
        )),
        None => Ok(()),
    }
}

fn system(request: &ChatRequest) -> Value {
    let parts = request.system.iter().filter(|part| !part.is_empty());
    let mut parts: Vec<Value> = parts.map(|part| text(part)).collect();
    mark(parts.last_mut(), request.cache);
    Value::Array(parts)
}

fn tools(request: &ChatRequest) -> Result<Value, ProviderError> {
    let told = request.tools.iter().map(|tool| {
        Ok(json!({
            "name": names::told(&tool.name)?,
            "description": tool.description,
            "input_schema": tool.schema,
        }))
    });
    let mut told = told.collect::<Result<Vec<Value>, ProviderError>>()?;
    mark(told.last_mut(), request.cache);
    Ok(Value::Array(told))
}

fn tool_choice(choice: &ToolChoice) -> Result<Value, ProviderError> {
    Ok(match choice {
        ToolChoice::Auto => json!({ "type": "auto" }),
        ToolChoice::None => json!({ "type": "none" }),
        ToolChoice::Required => json!({ "type": "any" }),
        ToolChoice::Only(name) => json!({ "type": "tool", "name": names::told(name)? }),
    })
}

/// How much it is to think. Models that take a number of tokens for it refuse to think in the middle of a turn with tools
/// that began without a thought, as when that was another's or held a secret.
fn thinks(request: &ChatRequest, can: &ProviderCapabilities) -> Option<Effort> {
    let is_words = |message: &&Message| {
        let is_result = |block: &Block| matches!(block, Block::ToolResult(_));
        message.role == Role::User && !message.content.iter().any(is_result)
    };
    let turn = request
        .messages
        .iter()
        .rev()
        .take_while(|one| !is_words(one));
    let calls = |message: &&Message| {
        let is_call = |block: &Block| matches!(block, Block::ToolCall(_));
        message.content.iter().any(is_call)
    };
    let begins_with_thought = |message: &Message| {
        let first = message
            .content
            .first()
            .and_then(|one| block(one, can, true));
        first.is_some_and(|first| {
            first["type"]
                .as_str()
                .is_some_and(|t| t.ends_with("thinking"))
        })
    };
    let lacks_thought = turn
        .filter(calls)
        .last()
        .is_some_and(|message| !begins_with_thought(message));
    request
        .thinking
        .filter(|_| is_adaptive(&request.model) || !lacks_thought)
}

/// Newer models decide themselves how much they think and take an effort; older ones take a number of
/// tokens, which is a part of the longest answer.
fn thinking(request: &ChatRequest, effort: Effort) -> Result<Value, ProviderError> {
    if is_adaptive(&request.model) {
        return Ok(json!({ "type": "adaptive", "display": "summarized" }));
    }
    let wanted = match effort {
        Effort::Low => 4096,
        Effort::Medium => 12_288,
        Effort::High => 32_768,
    };
    // A quarter is left for the answer itself.
    let budget = wanted.min(request.max_output_tokens / 4 * 3);
    match budget >= LEAST_BUDGET {
        true => Ok(json!({ "type": "enabled", "budget_tokens": budget })),
        false => Err(ProviderError::invalid(
            "the longest answer is too short for thinking",
        )),
    }
}

/// Whether a model takes an effort: those of Anthropic from version 4.6 on. Dates are no versions.
fn is_adaptive(model: &str) -> bool {
    if !model.contains("claude") {
        return false;
    }
    let parts = model.split(|c: char| !c.is_ascii_alphanumeric());
    let mut numbers = parts.filter(|part| part.len() <= 2).map(str::parse::<u32>);
    let mut next = || numbers.by_ref().find_map(Result::ok);
    match (next(), next()) {
        (None, _) => true,
        (Some(major), minor) => (major, minor.unwrap_or(0)) >= (4, 6),
    }
}

/// The last part of the conversation gets a mark too, so that the next turn finds all of it in the cache.
fn messages(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let mut sent: Vec<(Role, Vec<Value>)> = Vec::new();
    let thinking = thinks(request, can).is_some();
    for message in &request.messages {
        let content = content(message, can, thinking);
        if !content.is_empty() {
            sent.push((message.role, content));
        }
    }
    if let Some((_, content)) = sent.last_mut() {
        mark(content.last_mut(), request.cache);
    }
    let sent = sent.into_iter();
    sent.map(|(role, content)| json!({ "role": role, "content": content }))
        .collect()
}

/// Results stand before all else, or the API refuses the message.
fn content(message: &Message, can: &ProviderCapabilities, thinking: bool) -> Vec<Value> {
    let is_result = |block: &&Block| matches!(block, Block::ToolResult(_));
    let (results, others): (Vec<&Block>, Vec<&Block>) = message.content.iter().partition(is_result);
    let blocks = results.into_iter().chain(others);
    blocks.filter_map(|one| block(one, can, thinking)).collect()
}

/// A block; nothing for those that the API does not take: words that are none, thoughts of others, and any thoughts
/// where none are asked for.
fn block(block: &Block, can: &ProviderCapabilities, thinking: bool) -> Option<Value> {
    Some(match block {
        Block::Text { text } if text.trim().is_empty() => return None,
        Block::Text { text: words } => text(words),
        Block::Image(image) => json!({
            "type": "image",
            "source": { "type": "base64", "media_type": image.media_type, "data": image.data },
        }),
        Block::Thinking { .. } if !thinking || can.requires_thinking_block_scrubbing => {
            return None;
        }
        Block::Thinking {
            text,
            signature,
            redacted,
        } => {
            let signature = Wire::AnthropicMessages.unseal(signature.as_deref()?)?;
            match redacted {
                true => json!({ "type": "redacted_thinking", "data": signature }),
                false => json!({ "type": "thinking", "thinking": text, "signature": signature }),
            }
        }
        Block::ToolCall(call) => json!({
            "type": "tool_use",
            "id": names::plain_id(&call.id),
            "name": names::mentioned(&call.name),
            "input": names::sent_arguments(&call.arguments),
        }),
        Block::ToolResult(result) => tool_result(result),
    })
}

fn tool_result(result: &ToolResult) -> Value {
    let mut told = json!({
        "type": "tool_result",
        "tool_use_id": names::plain_id(&result.call_id),
        "content": result.content,
    });
    if result.is_error {
        told["is_error"] = json!(true);
    }
    told
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// Everything up to here is to be kept for the next call.
fn mark(last: Option<&mut Value>, cache: bool) {
    if let Some(last) = last.filter(|_| cache) {
        last["cache_control"] = json!({ "type": "ephemeral" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_models_take_an_effort() {
        for model in [
            "claude-opus-4-6",
            "claude-sonnet-4-6",
            "claude-opus-4-7",
            "claude-opus-5",
            "claude-sonnet-5-1-20270101",
            "claude-mythos-preview",
        ] {
            assert!(is_adaptive(model), "{model}");
        }
        for model in [
            "claude-3-7-sonnet-20250219",
            "claude-sonnet-4-20250514",
            "claude-opus-4-1-20250805",
            "claude-haiku-4-5-20251001",
            "somebody-elses",
        ] {
            assert!(!is_adaptive(model), "{model}");
        }
    }
}
