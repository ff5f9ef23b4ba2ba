//! What tools and calls are called.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::ids::{InvalidId, JobId, SessionId};

/// The longest id of a tool or of a call, in bytes. Providers make ids of some thirty.
const LONGEST: usize = 128;

/// The id of a tool: at least two words of lower-case letters, digits and `_`, with dots between
/// them, such as `file.read`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ToolId(Cow<'static, str>);

/// The version of a tool, by the rules of semantic versioning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ToolVersion(semver::Version);

/// What a result refers to: the provider's id of a call, or a made one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CallId(String);

impl ToolId {
    /// Its first word, such as `file`.
    pub fn group(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }

    /// One that stands in the program. In a constant, a wrong one does not compile.
    pub const fn fixed(text: &'static str) -> Self {
        assert!(is_tool_id(text.as_bytes()), "not a tool id");
        Self(Cow::Borrowed(text))
    }
}

const fn is_tool_id(text: &[u8]) -> bool {
    let (mut at, mut dots, mut word) = (0, 0, 0);
    while at < text.len() {
        match text[at] {
            b'a'..=b'z' | b'0'..=b'9' | b'_' => word += 1,
            b'.' if word > 0 => (dots, word) = (dots + 1, 0),
            _ => return false,
        }
        at += 1;
    }
    dots > 0 && word > 0 && text.len() <= LONGEST
}

impl FromStr for ToolId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match is_tool_id(text.as_bytes()) {
            true => Ok(Self(Cow::Owned(text.to_owned()))),
            false => Err(InvalidId::new(text, "a tool id, such as file.read")),
        }
    }
}

impl FromStr for CallId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let sound = |byte: u8| byte.is_ascii_graphic();
        match !text.is_empty() && text.len() <= LONGEST && text.bytes().all(sound) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidId::new(text, "an id of a call")),
        }
    }
}

impl CallId {
    /// The job that the program of this call is: the same for whoever goes on with its session.
    pub fn program(&self, session: SessionId) -> JobId {
        JobId::derived(&format!("{session} {self}"))
    }
}

impl FromStr for ToolVersion {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let version = semver::Version::parse(text);
        let version = version.map_err(|_| InvalidId::new(text, "a version, such as 1.0.0"))?;
        Ok(Self(version))
    }
}

impl ToolVersion {
    /// A version without parts for what comes before it or how it was built.
    pub const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self(semver::Version::new(major, minor, patch))
    }

    /// Whether a caller that was told of this version can be served by `ours`: the same major
    /// version and no older one (below 1, the same minor version).
    pub fn is_served_by(&self, ours: &Self) -> bool {
        let (asked, ours) = (&self.0, &ours.0);
        let same = asked.major == ours.major && (asked.major > 0 || asked.minor == ours.minor);
        same && asked <= ours
    }
}

macro_rules! as_text {
    ($($name:ident),*) => {
        $(
            impl $name {
                /// As it is written.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl TryFrom<String> for $name {
                type Error = InvalidId;

                fn try_from(text: String) -> Result<Self, InvalidId> {
                    text.parse()
                }
            }

            impl From<$name> for String {
                fn from(id: $name) -> Self {
                    id.0.into()
                }
            }
        )*
    };
}

as_text!(ToolId, CallId);

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
