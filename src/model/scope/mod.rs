//! Scopes: which files a session may change, as sets of paths.

mod automaton;
mod class;
mod cursor;
mod declared;
mod fold;
mod index;
mod language;
mod overlap;
mod paths;
mod pattern;
#[cfg(test)]
mod tests;

pub use cursor::FlawKind;
pub use declared::{InvalidScope, Scope};
pub use fold::Fold;
pub use index::ScopeIndex;
pub use language::ScopeLanguage;
pub use overlap::{Overlap, overlap};
