//! To be written.

use crate::model::chat::{ChatRequest, ChatResponse, Piece, ProviderCapabilities};

use super::error::{ErrorKind, ProviderError};
use super::framing::Event;
use super::wire::{Decoder, Outgoing};

pub(super) fn outgoing(
    _request: &ChatRequest,
    _can: &ProviderCapabilities,
) -> Result<Outgoing, ProviderError> {
    Err(ProviderError::not_supported("this interface yet"))
}

pub(super) fn decoder(_request: &ChatRequest) -> Box<dyn Decoder> {
    Box::new(Unwritten)
}

pub(super) fn failure(status: u16, body: &[u8]) -> ProviderError {
    ProviderError::new(ErrorKind::of_status(status), String::from_utf8_lossy(body))
}

struct Unwritten;

impl Decoder for Unwritten {
    fn event(&mut self, _event: &Event, _pieces: &mut Vec<Piece>) -> Result<(), ProviderError> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<ChatResponse, ProviderError> {
        Err(ProviderError::truncated())
    }
}
