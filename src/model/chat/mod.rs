//! A conversation with a model, in the terms that all providers share. What a provider has besides stays
//! in its adapter.

mod capabilities;
mod message;
mod picture;
mod request;
mod response;
mod wire;

pub use capabilities::ProviderCapabilities;
pub use message::{Block, Image, Message, Role, ToolCall, ToolResult};
pub use picture::NoPicture;
pub use request::{ChatRequest, Effort, ToolChoice, ToolSpec};
pub use response::{ChatResponse, FinishReason, Piece, Usage};
pub use wire::{UnknownWire, Wire};
