//! The request.

use serde_json::{Map, Value, json};

use crate::model::chat::{
    Block, ChatRequest, Effort, Message, ProviderCapabilities, Role, ToolCall, ToolChoice,
    ToolResult,
};
use crate::provider::error::ProviderError;
use crate::provider::framing::Framing;
use crate::provider::names;
use crate::provider::wire::Outgoing;

use super::schema;
use super::signed::{self, Signed};

/// What Google's documentation wants on a call that it did not make, where one without a signature is
/// refused: from version 3 on, on the first call of a message.
const NOT_OURS: &str = "skip_thought_signature_validator";

pub(in crate::provider) fn outgoing(
    request: &ChatRequest,
    can: &ProviderCapabilities,
) -> Result<Outgoing, ProviderError> {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    let system = request.system.iter().filter(|part| !part.is_empty());
    let system: Vec<Value> = system.map(|text| json!({ "text": text })).collect();
    if !system.is_empty() {
        set("systemInstruction", json!({ "parts": system }));
    }
    set("contents", contents(request, can));
    if !request.tools.is_empty() {
        set(
            "tools",
            json!([{ "functionDeclarations": tools(request)? }]),
        );
        let calling = calling(&request.tool_choice)?;
        set("toolConfig", json!({ "functionCallingConfig": calling }));
    }
    set("generationConfig", generation(request));
    Ok(Outgoing {
        path: path(&request.model)?,
        headers: Vec::new(),
        body: Value::Object(body),
        framing: Framing::ServerSentEvents,
    })
}

/// The model is a part of the address: what could lead elsewhere is not sent.
fn path(model: &str) -> Result<String, ProviderError> {
    let folder = match model.split_once('/') {
        Some(("models" | "tunedModels", _)) => "",
        _ => "models/",
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let name = model
        .trim_start_matches("models/")
        .trim_start_matches("tunedModels/");
    match !name.is_empty() && name.chars().all(plain) && !name.starts_with('.') {
        true => Ok(format!(
            "/v1beta/{folder}{model}:streamGenerateContent?alt=sse"
        )),
        false => Err(ProviderError::invalid(format!(
            "{model:?} cannot be a model of Gemini"
        ))),
    }
}

fn tools(request: &ChatRequest) -> Result<Value, ProviderError> {
    let told = request.tools.iter().map(|tool| {
        Ok(json!({
            "name": names::told(&tool.name)?,
            "description": tool.description,
            "parametersJsonSchema": schema::taken(&tool.schema),
        }))
    });
    told.collect()
}

fn calling(choice: &ToolChoice) -> Result<Value, ProviderError> {
    Ok(match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Only(name) => {
            json!({ "mode": "ANY", "allowedFunctionNames": [names::told(name)?] })
        }
    })
}

fn generation(request: &ChatRequest) -> Value {
    let mut config = json!({ "maxOutputTokens": request.max_output_tokens });
    if let Some(temperature) = request.temperature {
        config["temperature"] = names::decimal(temperature);
    }
    if let Some(schema) = &request.output_schema {
        config["responseMimeType"] = json!("application/json");
        config["responseJsonSchema"] = schema::taken(schema);
    }
    if let Some(thinking) = thinking(request) {
        config["thinkingConfig"] = thinking;
    }
    config
}

/// From version 3 on models take a level, and older ones a number of tokens, which is a part of the
/// longest answer. Of those that can do without, the ones of version 2.5 think unless they are told not to.
fn thinking(request: &ChatRequest) -> Option<Value> {
    let model = request.model.as_str();
    let Some(effort) = request.thinking else {
        let can_do_without = model.contains("gemini-2.5-flash");
        return can_do_without.then(|| json!({ "thinkingBudget": 0 }));
    };
    if is_new(model) {
        return Some(json!({ "includeThoughts": true, "thinkingLevel": effort }));
    }
    let wanted = match effort {
        Effort::Low => 2048,
        Effort::Medium => 8192,
        Effort::High => 24_576,
    };
    // A quarter is left for the answer itself.
    let budget = wanted.min(request.max_output_tokens / 4 * 3);
    Some(json!({ "includeThoughts": true, "thinkingBudget": budget }))
}

/// Whether a model is of version 3 or later, as all are whose name has none.
fn is_new(model: &str) -> bool {
    let version = model
        .split_once("gemini-")
        .map_or("", |(_, version)| version);
    let digits = version.split(|c: char| !c.is_ascii_digit()).next();
    digits
        .and_then(|digits| digits.parse::<u32>().ok())
        .is_none_or(|major| major >= 3)
}

fn contents(request: &ChatRequest, can: &ProviderCapabilities) -> Value {
    let is_new = is_new(&request.model);
    let contents = request.messages.iter().filter_map(|message| {
        let (role, parts) = match message.role {
            Role::User => ("user", user(message)),
            Role::Assistant => ("model", assistant(message, can, is_new)),
        };
        // A content without parts is refused.
        (!parts.is_empty()).then(|| json!({ "role": role, "parts": parts }))
    });
    contents.collect()
}

/// Results come right after the calls.
fn user(message: &Message) -> Vec<Value> {
    let is_result = |block: &&Block| matches!(block, Block::ToolResult(_));
    let (results, others): (Vec<&Block>, Vec<&Block>) = message.content.iter().partition(is_result);
    let part = |block: &Block| match block {
        Block::Text { text } if text.is_empty() => None,
        Block::Text { text } => Some(json!({ "text": text })),
        Block::Image(image) => Some(json!({
            "inlineData": { "mimeType": image.media_type, "data": image.data },
        })),
        Block::ToolResult(result) => Some(tool_result(result)),
        Block::Thinking { .. } | Block::ToolCall(_) => None,
    };
    results.into_iter().chain(others).filter_map(part).collect()
}

fn tool_result(result: &ToolResult) -> Value {
    let field = if result.is_error { "error" } else { "output" };
    let mut told = json!({
        "name": names::mentioned(&result.name),
        "response": { field: result.content },
    });
    if let Some(id) = id(&result.call_id) {
        told["id"] = id;
    }
    json!({ "functionResponse": told })
}

fn assistant(message: &Message, can: &ProviderCapabilities, is_new: bool) -> Vec<Value> {
    let mut parts: Vec<Value> = Vec::new();
    let mut of_next_call = None;
    let mut first_call = true;
    for block in &message.content {
        match block {
            Block::Text { text } if text.is_empty() => {}
            Block::Text { text } => parts.push(json!({ "text": text })),
            Block::Thinking { .. } if can.requires_thinking_block_scrubbing => {}
            Block::Thinking {
                text, signature, ..
            } => {
                match signature.as_deref().and_then(signed::read) {
                    Some(Signed::Thought(signature)) => parts.push(json!({
                        "text": text, "thought": true, "thoughtSignature": signature,
                    })),
                    Some(Signed::Words(signature)) => sign_words(&mut parts, signature),
                    Some(Signed::Call(signature)) => of_next_call = Some(signature),
                    // Not Gemini's, or not signed: it takes neither.
                    None => {}
                }
            }
            Block::ToolCall(call) => {
                let mut part = json!({ "functionCall": tool_call(call) });
                let foreign = (is_new && first_call).then_some(NOT_OURS);
                if let Some(signature) = of_next_call.take().or(foreign) {
                    part["thoughtSignature"] = json!(signature);
                }
                first_call = false;
                parts.push(part);
            }
            // The model does not say these.
            Block::Image(_) | Block::ToolResult(_) => {}
        }
    }
    parts
}

/// The signature of words came with their last piece, or alone.
fn sign_words(parts: &mut Vec<Value>, signature: &str) {
    let words = parts.last_mut().filter(|part| {
        let thought = part.get("thought").is_some();
        !thought && part.get("text").is_some() && part.get("thoughtSignature").is_none()
    });
    match words {
        Some(words) => words["thoughtSignature"] = json!(signature),
        None => parts.push(json!({ "text": "", "thoughtSignature": signature })),
    }
}

fn tool_call(call: &ToolCall) -> Value {
    let mut told = json!({
        "name": names::mentioned(&call.name),
        "args": names::sent_arguments(&call.arguments),
    });
    if let Some(id) = id(&call.id) {
        told["id"] = id;
    }
    told
}

/// Older models give no ids: then results are found by name and order, and made ids are not sent.
fn id(id: &str) -> Option<Value> {
    let number = id.strip_prefix("call_");
    let made = number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    (!made).then(|| json!(names::plain_id(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_one_part_of_the_address() {
        assert_eq!(
            path("m-1.5_x").unwrap(),
            "/v1beta/models/m-1.5_x:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            path("models/m").unwrap(),
            "/v1beta/models/m:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            path("tunedModels/m").unwrap(),
            "/v1beta/tunedModels/m:streamGenerateContent?alt=sse"
        );
        for model in [
            "",
            "..",
            "a/b",
            "models/",
            "models/../x",
            "a?b",
            "a:b",
            "a b",
            "a%2fb",
            "ä",
            "models/a/b",
        ] {
            assert!(path(model).is_err(), "{model}");
        }
    }

    #[test]
    fn models_of_version_three_take_a_level() {
        for model in [
            "gemini-3-pro",
            "gemini-3.8-flash",
            "models/gemini-10",
            "gemini-flash-latest",
            "other",
        ] {
            assert!(is_new(model), "{model}");
        }
        for model in [
            "gemini-2.5-pro",
            "gemini-1.5-flash-002",
            "models/gemini-2.0-flash",
        ] {
            assert!(!is_new(model), "{model}");
        }
    }
}
