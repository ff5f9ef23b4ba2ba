//! OpenAI's Chat Completions (`POST /chat/completions` below `/v1`; platform.openai.com/docs/api-reference/chat), as OpenAI
//! speaks it and as vLLM, the server of llama.cpp and LM Studio do: `request` writes, `stream` reads.

mod request;
mod stream;

pub(super) use super::openai_error::failure;
pub(super) use request::{Dialect, outgoing};
pub(super) use stream::decoder;
