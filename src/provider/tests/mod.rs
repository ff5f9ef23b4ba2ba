//! One suite over all adapters: what each provider sends is in `fixtures`, and what all of them have to
//! do with it is here. `pure` needs no connection, `wired` speaks to a server on this machine.

mod fixtures;
mod pure;
mod reaching;
mod recorded;
mod server;
mod wired;

use serde_json::json;

use crate::model::chat::{
    Block, ChatRequest, ChatResponse, Effort, Image, Message, Piece, ProviderCapabilities, Role,
    ToolCall, ToolChoice, ToolResult, ToolSpec,
};

use super::error::ProviderError;
use super::framing::{Framer, Framing};
use super::wire::Adapter;
use crate::model::chat::Wire;
use fixtures::Fixture;

/// A provider that can do everything, with the quirks that its interface has.
fn able() -> ProviderCapabilities {
    ProviderCapabilities {
        supports_streaming: true,
        supports_tool_calling: true,
        supports_structured_output: true,
        supports_multi_turn: true,
        supports_vision: true,
        supports_thinking: true,
        max_context_window: 200_000,
        max_output_tokens: 64_000,
        requires_tool_id_sanitization: true,
        requires_thinking_block_scrubbing: false,
    }
}

/// Two words, and no more.
fn plain(model: &str) -> ChatRequest {
    ChatRequest {
        model: model.to_owned(),
        system: Vec::new(),
        messages: vec![Message::user("Say it.")],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: 1000,
        temperature: None,
        thinking: None,
        output_schema: None,
        cache: false,
    }
}

fn tool(name: &str, description: &str, argument: &str) -> ToolSpec {
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        schema: json!({ "type": "object", "properties": { argument: { "type": "string" } } }),
    }
}

/// A tool must be called, with some chance, and the answer follows a schema.
fn forced(model: &str) -> ChatRequest {
    ChatRequest {
        tools: vec![tool("git.log", "Lists commits.", "from")],
        tool_choice: ToolChoice::Only("git.log".to_owned()),
        temperature: Some(0.7),
        output_schema: Some(json!({ "type": "object" })),
        ..plain(model)
    }
}

/// The turn after two calls: one came to something, the other could not be read. Thoughts of this and of
/// another provider are among what was said.
fn conversation(wire: Wire, model: &str) -> ChatRequest {
    let other = match wire {
        Wire::Gemini => Wire::AnthropicMessages,
        _ => Wire::Gemini,
    };
    let thought = |text: &str, wire: Wire, redacted| Block::Thinking {
        text: text.to_owned(),
        signature: Some(wire.seal("c2ln")),
        redacted,
    };
    let call = |id: &str, name: &str, arguments| {
        Block::ToolCall(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            arguments,
        })
    };
    let result = |id: &str, name: &str, content: &str, is_error| {
        Block::ToolResult(ToolResult {
            call_id: id.to_owned(),
            name: name.to_owned(),
            content: content.to_owned(),
            is_error,
        })
    };
    let picture = Block::Image(Image {
        media_type: "image/png".to_owned(),
        data: "iVBORw0KGgo=".to_owned(),
    });
    ChatRequest {
        system: vec!["You write code.".to_owned(), "Be brief.".to_owned()],
        messages: vec![
            Message {
                role: Role::User,
                content: vec![Block::text("What is this?"), picture],
            },
            Message::assistant(vec![
                thought("Elsewhere.", other, false),
                thought("I look.", wire, false),
                Block::text("I look at both."),
                call("call_1", "file.read", json!({ "path": "a.rs" })),
                call("call_2", "no such tool", json!("{\"n\":")),
            ]),
            Message {
                role: Role::User,
                content: vec![
                    result("call_1", "file.read", "fn main() {}", false),
                    result("call_2", "no such tool", "there is none", true),
                    Block::text("Go on."),
                ],
            },
        ],
        tools: vec![
            tool("file.read", "Reads a file.", "path"),
            tool("git.log", "Lists commits.", "from"),
        ],
        thinking: Some(Effort::Medium),
        cache: true,
        ..plain(model)
    }
}

/// What comes of a body that arrives in these parts.
fn decoded(
    fixture: &Fixture,
    parts: &[&[u8]],
) -> Result<(ChatResponse, Vec<Piece>), ProviderError> {
    let request = plain(fixture.model);
    let mut decoder = fixture.wire.decoder(&request);
    let mut framer = Framer::new(framing(fixture), 1 << 20);
    let mut pieces = Vec::new();
    for part in parts {
        for event in framer.push(part)? {
            decoder.event(&event, &mut pieces)?;
        }
    }
    if let Some(event) = framer.finish()? {
        decoder.event(&event, &mut pieces)?;
    }
    Ok((decoder.finish()?, pieces))
}

fn framing(fixture: &Fixture) -> Framing {
    let outgoing = fixture.wire.outgoing(&plain(fixture.model), &able());
    outgoing.unwrap().framing
}
