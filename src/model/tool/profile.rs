//! Capabilities that are granted together, by one name.

use serde::{Deserialize, Serialize};

use super::capability::{Capabilities, Capability};

/// What a session is for. Each profile has all that the one before it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// It looks, and changes nothing.
    ReadOnly,
    /// It changes files.
    Edit,
    /// It also runs programs.
    Build,
    /// It also commits.
    Full,
}

impl Profile {
    /// All of them, the narrowest first.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Edit, Self::Build, Self::Full];

    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Edit => "edit",
            Self::Build => "build",
            Self::Full => "full",
        }
    }

    /// What it grants.
    pub fn capabilities(self) -> Capabilities {
        let profiles = Self::ALL.into_iter().filter(|profile| *profile <= self);
        profiles.flat_map(Self::adds).copied().collect()
    }

    /// What it has and the one before it has not.
    fn adds(self) -> &'static [Capability] {
        use Capability::*;
        match self {
            Self::ReadOnly => &[FileRead, GitRead, ArtifactRead, TodoRead, TodoWrite],
            Self::Edit => &[FileWrite, ScopeRequest, ArtifactWrite],
            Self::Build => &[CommandRun],
            Self::Full => &[GitCommit],
        }
    }
}
