//! Whether models are used at all.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whether models are used at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuntimeMode {
    /// No model is called; everything else works.
    DocsOnly,
    /// Models are called once one is ready.
    AiEnabled,
}

impl RuntimeMode {
    /// As it is written in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::DocsOnly => "DOCS_ONLY",
            Self::AiEnabled => "AI_ENABLED",
        }
    }
}

impl fmt::Display for RuntimeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
