//! Where a model runs, and how large it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// On this machine, or one that a person says is theirs: nothing that is sent needs consent.
    Local,
    /// Elsewhere.
    Cloud,
}

impl Backend {
    /// As it is written in events and lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cloud => "cloud",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no backend; there are local and cloud")]
pub struct UnknownBackend(String);

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(text: &str) -> Result<Self, UnknownBackend> {
        let found = [Self::Local, Self::Cloud].into_iter();
        let mut found = found.filter(|one| one.name() == text);
        let unknown = || UnknownBackend(text.chars().take(40).collect());
        found.next().ok_or_else(unknown)
    }
}

/// How many parameters a model has, roughly. What is unknown counts as the smallest: nothing says that it can do more.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
pub enum ParameterClass {
    /// Nobody said.
    #[default]
    PUnknown,
    /// Up to 10 thousand million.
    P7B,
    /// Up to 20.
    P13B,
    /// Up to 50.
    P32B,
    /// Up to 90.
    P72B,
    /// More.
    P110B,
}

impl ParameterClass {
    /// All of them, the smallest first.
    pub const ALL: [Self; 6] = [
        Self::PUnknown,
        Self::P7B,
        Self::P13B,
        Self::P32B,
        Self::P72B,
        Self::P110B,
    ];

    /// As it is written in settings, events and lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::PUnknown => "PUnknown",
            Self::P7B => "P7B",
            Self::P13B => "P13B",
            Self::P32B => "P32B",
            Self::P72B => "P72B",
            Self::P110B => "P110B",
        }
    }

    /// What a model's name says: `qwen3:30b` and `llama-3.3-70b-instruct` have their size in it.
    pub fn of_name(model: &str) -> Self {
        let parts = model.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let sizes = parts.filter_map(|part| {
            let number = part.strip_suffix(['b', 'B'])?;
            number
                .parse::<f32>()
                .ok()
                .filter(|size| size.is_finite() && *size > 0.0)
        });
        match sizes.reduce(f32::max) {
            None => Self::PUnknown,
            Some(size) if size <= 10.0 => Self::P7B,
            Some(size) if size <= 20.0 => Self::P13B,
            Some(size) if size <= 50.0 => Self::P32B,
            Some(size) if size <= 90.0 => Self::P72B,
            Some(_) => Self::P110B,
        }
    }
}

impl fmt::Display for ParameterClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_say_how_large_a_model_is() {
        for (name, class) in [
            ("qwen3:30b", ParameterClass::P32B),
            ("qwen3:30b-a3b", ParameterClass::P32B),
            ("llama-3.3-70b-instruct", ParameterClass::P72B),
            ("Meta-Llama-3.1-405B", ParameterClass::P110B),
            ("gemma3:4b", ParameterClass::P7B),
            ("phi4:14b", ParameterClass::P13B),
            ("qwen2.5-coder:0.5b", ParameterClass::P7B),
            ("claude-opus-5", ParameterClass::PUnknown),
            ("gpt-4b2", ParameterClass::PUnknown),
            ("b", ParameterClass::PUnknown),
            ("infb", ParameterClass::PUnknown),
        ] {
            assert_eq!(ParameterClass::of_name(name), class, "{name}");
        }
    }

    #[test]
    fn names_are_those_of_the_contracts() {
        for class in ParameterClass::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.name());
        }
        assert!(ParameterClass::PUnknown < ParameterClass::P7B);
        assert_eq!(serde_json::to_value(Backend::Cloud).unwrap(), "cloud");
    }
}
