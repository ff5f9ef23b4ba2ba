//! What a session may do, in names that a person grants.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that is none of a capability's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no capability; there are {known}", known = Capability::list())]
pub struct UnknownCapability(String);

macro_rules! capabilities {
    ($($variant:ident = $name:literal, $meaning:literal;)*) => {
        /// One thing that a session may be allowed to do. Names are append-only and never change
        /// meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum Capability { $(#[doc = $meaning] $variant),* }

        impl Capability {
            /// All of them.
            pub const ALL: &[Capability] = &[$(Capability::$variant),*];

            /// As it is written in settings and events.
            pub fn name(self) -> &'static str {
                match self { $(Capability::$variant => $name),* }
            }

            /// What it allows.
            pub fn meaning(self) -> &'static str {
                match self { $(Capability::$variant => $meaning),* }
            }
        }
    };
}

capabilities! {
    FileRead = "file.read", "read files of the worktree and list its folders";
    FileWrite = "file.write", "make, change, move and delete files in the scope";
    CommandRun = "command.run", "run programs in the worktree";
    GitRead = "git.read", "look at the state and the history of the session's branch";
    GitCommit = "git.commit", "commit on the session's branch";
    ScopeRequest = "scope.request", "ask for more files";
    ArtifactRead = "artifact.read", "read the session's artifacts";
    ArtifactWrite = "artifact.write", "store artifacts";
    TodoRead = "todo.read", "read the session's own list of what is to do";
    TodoWrite = "todo.write", "write that list";
}

impl Capability {
    fn list() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|one| one.name()).collect();
        names.join(", ")
    }
}

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        let found = Self::ALL.iter().find(|one| one.name() == text);
        let text = || text.chars().take(80).collect();
        found.copied().ok_or_else(|| UnknownCapability(text()))
    }
}

impl TryFrom<String> for Capability {
    type Error = UnknownCapability;

    fn try_from(text: String) -> Result<Self, UnknownCapability> {
        text.parse()
    }
}

impl From<Capability> for String {
    fn from(one: Capability) -> Self {
        one.name().to_owned()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Several capabilities. None at all is the default, and allows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capabilities(BTreeSet<Capability>);

impl Capabilities {
    /// Every one.
    pub fn all() -> Self {
        Capability::ALL.iter().copied().collect()
    }

    /// Whether it is among them.
    pub fn has(&self, one: Capability) -> bool {
        self.0.contains(&one)
    }

    /// What both have.
    pub fn common(&self, other: &Self) -> Self {
        self.0.intersection(&other.0).copied().collect()
    }

    /// Whether all of them are also in `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// One after the other, in the order of [`Capability::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Capability> {
        self.0.iter().copied()
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<T: IntoIterator<Item = Capability>>(all: T) -> Self {
        Self(all.into_iter().collect())
    }
}

/// Names with commas between them.
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(|one| one.name()).collect();
        f.write_str(&names.join(", "))
    }
}
