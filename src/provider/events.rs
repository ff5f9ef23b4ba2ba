//! What the decoders have in common.

use serde::de::DeserializeOwned;

use crate::model::chat::{Block, FinishReason, Piece};

use super::error::ProviderError;

/// As much as is shown of an event that cannot be read, in characters.
const SHOWN: usize = 200;

/// Reads what an event says.
pub(super) fn read<T: DeserializeOwned>(data: &str) -> Result<T, ProviderError> {
    serde_json::from_str(data).map_err(|e| {
        let shown: String = data.chars().take(SHOWN).collect();
        ProviderError::protocol(format!("an event that cannot be read ({e}): {shown}"))
    })
}

/// Hands on what is not empty.
pub(super) fn tell(text: &str, piece: fn(String) -> Piece, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(piece(text.to_owned()));
    }
}

/// Adds to a text, and hands on what was added.
pub(super) fn append(
    whole: &mut String,
    text: &str,
    piece: fn(String) -> Piece,
    pieces: &mut Vec<Piece>,
) {
    whole.push_str(text);
    tell(text, piece, pieces);
}

/// The reason with what was said in view: some servers say that the model is done when it waits for tools.
pub(super) fn settled(reason: FinishReason, content: &[Block]) -> FinishReason {
    let calls = content
        .iter()
        .any(|block| matches!(block, Block::ToolCall(_)));
    match reason {
        FinishReason::Stop if calls => FinishReason::ToolUse,
        other => other,
    }
}
