//! Scopes: which files a session may change, as sets of paths.
//!
//! # What a pattern matches
//!
//! The rules are those of gitignore and of git's wildmatch, byte by byte.
//!
//! - Patterns are taken in their order, and the last one that matches a path decides: `!` takes out.
//! - A pattern that matches a folder matches all that is below. With a slash at its end it matches
//!   folders only, so not a file of that name.
//! - A slash before that ties it to the repository root. Other patterns match at any depth.
//! - `*`, `?` and brackets stay within a component. `**` crosses components where it is one itself
//!   (`**/a`, `a/**/b`, `a/**`), and is a plain `*` elsewhere.
//! - Brackets hold single bytes: ranges, `!` or `^` for all others, POSIX classes, backslash escapes.
//!   They never match a slash.
//! - A backslash takes the meaning from what follows. Trailing spaces count only when escaped.
//!
//! # Where scopes differ from `.gitignore`, and why
//!
//! - A negation re-includes also below a folder that is taken out: no walk is to be spared here.
//! - `#` at the beginning is itself: a list of strings has no comments.
//! - A scope cannot be absolute, so `./name` is what `/name` is to git: at the root only.
//! - What git would read and let match nothing (a `[` that is not closed, an unknown character class,
//!   a lone backslash) is refused, with the character where it goes wrong.
//! - `a**/b` does not match `ab`. In git it does, against its own documentation.
//! - Where case is ignored, all of Unicode is folded, not ASCII only, and brackets are folded like
//!   everything else (git's `[A]` matches no letter then). See [`Fold`].
//!
//! # Overlap
//!
//! [`overlap`] walks the automata of two scopes side by side, shortest paths first, along what can
//! be a path in git. So "disjoint" is a proof, for files that do not exist yet as well.
//! [`within`] asks of the same walk whether one scope is a part of the other.
//!
//! `*.md` and `*.rs` overlap, in `a.md/b.rs`: a folder may have any name. `["*.md", "!*.md/"]` means
//! files only, and is disjoint from its like.
//!
//! A file of one scope and a folder of the same name in another (`a` and `a/b`) are no common path
//! and thus no overlap; merging finds such a pair, as git does. Mostly there is a common path as
//! well, since `a` includes what is below.
//!
//! Where case is ignored or letters are composed, the walk may, besides folded paths, see bytes that
//! no folded path has, and then find an overlap, or what is not within, where there is none, never the
//! other way. It takes two scopes that have nothing but capitals beyond ASCII in common, or a scope
//! that has nothing else of its own, by brackets or `?`.

mod automaton;
mod class;
mod component;
mod cursor;
mod declared;
mod files;
mod fold;
mod folders;
mod index;
mod language;
mod overlap;
mod paths;
mod pattern;
mod search;
#[cfg(test)]
mod tests;
mod within;

pub use cursor::FlawKind;
pub use declared::{InvalidScope, Scope};
pub use files::{Files, Shared, shared};
pub use fold::Fold;
pub use index::ScopeIndex;
pub use language::ScopeLanguage;
pub use overlap::{Overlap, overlap};
pub use within::{Within, within};
