//! What a request must be like before it is translated.

use crate::model::chat::{Block, ChatRequest, Image, ProviderCapabilities, Role, ToolChoice};

use super::error::ProviderError;
use super::names;

/// The pictures that all providers with eyes see.
const PICTURES: [&str; 4] = ["image/gif", "image/jpeg", "image/png", "image/webp"];

/// Refuses what the provider could not do, or would do otherwise than it was asked.
pub(super) fn check(
    request: &ChatRequest,
    can: &ProviderCapabilities,
) -> Result<(), ProviderError> {
    check_form(request)?;
    check_tools(request)?;
    check_pictures(request)?;
    let needs = [
        (can.supports_streaming, true, "streaming"),
        (can.supports_tool_calling, has_tools(request), "tools"),
        (
            can.supports_structured_output,
            request.output_schema.is_some(),
            "structured output",
        ),
        (
            can.supports_multi_turn,
            request.messages.len() > 1,
            "conversations of more than one turn",
        ),
        (
            can.supports_vision,
            pictures(request).count() > 0,
            "pictures",
        ),
        (
            can.supports_thinking,
            request.thinking.is_some(),
            "thinking",
        ),
    ];
    match needs.iter().find(|(has, needed, _)| *needed && !has) {
        Some((.., what)) => Err(ProviderError::not_supported(what)),
        None if request.max_output_tokens > can.max_output_tokens => {
            let (asked, most) = (request.max_output_tokens, can.max_output_tokens);
            Err(ProviderError::not_supported(format!(
                "answers of {asked} tokens; {most} are the most"
            )))
        }
        None => Ok(()),
    }
}

fn check_form(request: &ChatRequest) -> Result<(), ProviderError> {
    let invalid = |what: &str| Err(ProviderError::invalid(what));
    if request.model.is_empty() {
        return invalid("no model is named");
    }
    if request.max_output_tokens == 0 {
        return invalid("an answer of no tokens is none");
    }
    if request
        .temperature
        .is_some_and(|t| !(0.0..=2.0).contains(&t))
    {
        return invalid("a temperature is a number from 0 to 2");
    }
    match request.messages.last() {
        Some(last) if last.role == Role::User && !last.content.is_empty() => Ok(()),
        _ => invalid("the last message must be the user's, and not be empty"),
    }
}

fn check_tools(request: &ChatRequest) -> Result<(), ProviderError> {
    for tool in &request.tools {
        names::told(&tool.name)?;
        if !tool.schema.is_object() {
            let name = &tool.name;
            return Err(ProviderError::invalid(format!(
                "the schema of {name} is not an object"
            )));
        }
    }
    let known = match &request.tool_choice {
        ToolChoice::Auto | ToolChoice::None => true,
        ToolChoice::Required => !request.tools.is_empty(),
        ToolChoice::Only(name) => request.tools.iter().any(|tool| tool.name == *name),
    };
    match known {
        true => Ok(()),
        false => Err(ProviderError::invalid(
            "a tool must be called that is not among the tools",
        )),
    }
}

fn check_pictures(request: &ChatRequest) -> Result<(), ProviderError> {
    let in_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let sound = |picture: &Image| {
        PICTURES.contains(&picture.media_type.as_str())
            && !picture.data.is_empty()
            && picture.data.bytes().all(in_base64)
    };
    match pictures(request).all(sound) {
        true => Ok(()),
        false => Err(ProviderError::invalid(
            "a picture is a GIF, JPEG, PNG or WebP in base64",
        )),
    }
}

/// Tools in the conversation count too: most providers refuse it when none is declared.
fn has_tools(request: &ChatRequest) -> bool {
    let blocks = request.messages.iter().flat_map(|m| &m.content);
    !request.tools.is_empty()
        || blocks
            .into_iter()
            .any(|block| matches!(block, Block::ToolCall(_) | Block::ToolResult(_)))
}

fn pictures(request: &ChatRequest) -> impl Iterator<Item = &Image> {
    let blocks = request.messages.iter().flat_map(|m| &m.content);
    blocks.filter_map(|block| match block {
        Block::Image(image) => Some(image),
        _ => None,
    })
}
