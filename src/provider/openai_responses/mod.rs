//! OpenAI's Responses (`POST /responses` below `/v1`; platform.openai.com/docs/api-reference/responses and -streaming): `request`
//! writes, `stream` reads the events of `event`. Nothing is kept by the provider (`store: false`): thoughts come encrypted, and go back so.

mod event;
mod request;
mod stream;

pub(super) use super::openai_error::failure;
pub(super) use request::outgoing;
pub(super) use stream::decoder;
