//! Scripts: expected requests and what is answered to them, as people write them and recordings are written.
//!
//! `text` is what stands in a file, `read` checks it, `expected` compares a request with a step, `choose` says which step answers.
//!
//! ```toml
//! format = 1
//!
//! [[step]]
//! expect = { user = "the readme", tools = ["file.read"] }
//! say = [{ text = "Let me look." }, { call = "file.read", arguments = { path = "README.md" } }]
//!
//! [[step]]
//! expect = { results = [{ tool = "file.read", content = "treeyard" }] }
//! text = "It is about treeyard."
//! ```

mod choose;
mod expected;
mod read;
mod text;

#[cfg(test)]
mod tests;

pub(super) use choose::{Progress, choose};
pub(super) use expected::results;
pub use read::ScriptError;
pub(super) use read::{Script, Step, read_script};
pub(super) use text::{
    ErrorText, ExpectText, FORMAT, PartText, ResultText, StepText, WordsTable, WordsText, kind_name,
};
