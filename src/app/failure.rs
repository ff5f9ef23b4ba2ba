//! The one failure type at the edge: a stable code, a message, and what to do about it.

use crate::config::ConfigError;
use crate::model::code::Code;

/// Why a command did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What kind, for programs.
    pub code: Code,
    /// What happened, for a person.
    pub message: String,
    /// What to do, the most specific first; the code's own hint when empty.
    pub hints: Vec<String>,
    /// More, for programs.
    pub details: Option<Box<serde_json::Value>>,
}

impl Failure {
    /// With the hint that belongs to the code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
            details: None,
        }
    }

    /// With a hint of its own.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With more for programs.
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// What to tell the person: the failure's own hints, or the code's.
    pub fn advice(&self) -> Vec<String> {
        if self.hints.is_empty() {
            vec![self.code.hint().to_owned()]
        } else {
            self.hints.clone()
        }
    }

    /// A file that could not be read or written.
    pub fn io(path: &std::path::Path, source: &std::io::Error) -> Self {
        let code = match source.kind() {
            std::io::ErrorKind::NotFound => Code::FileMissing,
            std::io::ErrorKind::ReadOnlyFilesystem => Code::StoreReadOnly,
            _ => Code::of_system(source),
        };
        Self::new(code, format!("{}: {source}", path.display()))
    }
}

macro_rules! from_coded {
    ($($error:ty),* $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::new(error.code(), error.to_string())
            }
        })*
    };
}

from_coded!(
    crate::agent::RunError,
    crate::store::StoreError,
    crate::cas::CasError,
    crate::git::GitError,
    crate::proc::LockError,
    crate::workspace::WorkspaceError,
    crate::config::PlanError,
    crate::config::RootRefused,
    crate::landing::LandError,
    crate::merge::MergeError,
    crate::sessions::ControlError,
    crate::sessions::locks::LockError,
    crate::proc::ProcError,
    crate::runner::RunnerError,
    crate::secrets::SecretError,
);

/// A flag has neither lines nor columns.
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match &error {
            ConfigError::Invalid {
                file,
                text,
                problems,
            } if file.as_os_str() == "--set" => {
                let key = text.split(" = ").next().unwrap_or_default();
                let messages: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
                let message = format!("--set {key}: {}", messages.join("; "));
                Self {
                    hints: problems.iter().filter_map(|p| p.hint.clone()).collect(),
                    ..Self::new(error.code(), message)
                }
            }
            _ => Self::new(error.code(), error.to_string()),
        }
    }
}
