//! A session's thread: what was said in it, what is to happen next, and what its model is told of it.
//!
//! The thread is all that a running model has for a memory. What happens next is a pure function of
//! it, so that a job that goes on with a thread and one that began it do the same.

mod conversation;
mod message;
mod redact;
mod said;
mod spoken;

#[cfg(test)]
mod tests;

pub use conversation::{Conversation, told};
pub use message::{MessageRecord, MessageRole};
pub use said::{Malformed, Said};
pub use spoken::{Next, Pending, Spoken, Thread};
