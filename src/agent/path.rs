//! Paths as tools are given them: from the root of the worktree, in one spelling.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::git::component_flaw;

/// The longest path and the longest part of one that systems take, in bytes.
const LONGEST: usize = 4095;
const LONGEST_PART: usize = 255;
/// More folders in one another than anybody has.
const MOST_PARTS: usize = 128;

/// A path below the root of the worktree, or the root itself. It has no `.`, no `..` and no `.git` in
/// it, in no spelling that any file system takes for that, and no slash too many.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// Why a text is no path of the worktree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Nothing.
    #[error("the path is empty; write \".\" for the root of the worktree")]
    Empty,
    /// From the root of the file system, or a home.
    #[error("{0:?} is absolute; write it from the root of the worktree, such as \"src/main.rs\"")]
    Absolute(String),
    /// It climbs.
    #[error(
        "{0:?} has `..` in it; write it from the root of the worktree, such as \"src/main.rs\""
    )]
    Parent(String),
    /// A character that is in no path, or would be taken for a command on a terminal.
    #[error("{0:?} has a control character in it")]
    Control(String),
    /// The git directory, or a name that git would not check out.
    #[error("{path:?} {why}; tools leave git's own files alone")]
    Git {
        /// As it was given.
        path: String,
        /// What git says.
        why: String,
    },
    /// More than any system takes.
    #[error(
        "the path has {0} bytes, more than there can be ({LONGEST}, and {LONGEST_PART} in each part)"
    )]
    TooLong(usize),
}

impl RelPath {
    /// The root of the worktree.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// Whether it is that.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its parts from the root on, with slashes between them; nothing for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its parts from the root on.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The folder that it is in, and its name there; nothing for the root.
    pub fn split(&self) -> Option<(Self, &str)> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Some((Self(folder.to_owned()), name)),
            None if self.is_root() => None,
            None => Some((Self::root(), &self.0)),
        }
    }

    /// What is called `name` in this folder.
    ///
    /// # Errors
    /// When nothing can be called so.
    pub fn join(&self, name: &str) -> Result<Self, InvalidPath> {
        match self.is_root() {
            true => name.parse(),
            false => format!("{}/{name}", self.0).parse(),
        }
    }
}

impl FromStr for RelPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let told = || text.chars().take(200).collect::<String>();
        if text.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if text.starts_with('/') || text == "~" || text.starts_with("~/") {
            return Err(InvalidPath::Absolute(told()));
        }
        if text.contains(char::is_control) {
            return Err(InvalidPath::Control(told()));
        }
        let parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
        let parts: Vec<&str> = parts.collect();
        if parts.contains(&"..") {
            return Err(InvalidPath::Parent(told()));
        }
        let path = parts.join("/");
        let too_many = parts.len() > MOST_PARTS;
        if path.len() > LONGEST || too_many || parts.iter().any(|part| part.len() > LONGEST_PART) {
            return Err(InvalidPath::TooLong(text.len()));
        }
        let flaw = parts
            .iter()
            .find_map(|part| component_flaw(part.as_bytes()));
        match flaw {
            Some(flaw) => Err(InvalidPath::Git {
                path: told(),
                why: flaw.to_string(),
            }),
            None => Ok(Self(path)),
        }
    }
}

impl TryFrom<String> for RelPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        text.parse()
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.to_string()
    }
}

/// The root is `.`.
impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "." } else { &self.0 })
    }
}

impl Default for RelPath {
    fn default() -> Self {
        Self::root()
    }
}

impl JsonSchema for RelPath {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "maxLength": LONGEST })
    }
}
