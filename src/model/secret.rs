//! What a secret is called, and the value that nobody prints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// A secret's name: that of its file, and what stands in output in place of its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SecretName(String);

/// Why a text cannot name a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} cannot name a secret: use 1 to 60 letters, digits, `_` or `-`, starting with a letter or `_`"
)]
pub struct InvalidSecretName(String);

impl SecretName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SecretName {
    type Err = InvalidSecretName;

    fn from_str(text: &str) -> Result<Self, InvalidSecretName> {
        let sound = (1..=60).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        match sound {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidSecretName(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// The bytes of a secret. They cannot be shown or stored by accident: it has no `Display`, is not
/// serialized, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Takes the bytes as they are.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// For the one file that they are written to, and for the redactor.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_files_and_output() {
        for good in ["NPM_TOKEN", "a", "_x", "deploy-key-2"] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "a.b", "a/b", "..", "a b", "ä", &"x".repeat(61)] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_is_not_shown() {
        let value = SecretValue::new(b"hunter2222".to_vec());
        assert!(!format!("{value:?}").contains("hunter"));
    }
}
