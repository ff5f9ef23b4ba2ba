//! Identifiers. Each is checked where it is made, so that holding one means it is well formed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidId {
    text: String,
    wanted: &'static str,
}

impl InvalidId {
    /// `text` is not `wanted`, said with its article. A long text is cut short.
    pub(crate) fn new(text: &str, wanted: &'static str) -> Self {
        let text = text.chars().take(80).collect();
        Self { text, wanted }
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by the time it was made (UUIDv7, RFC 9562).
            #[expect(clippy::new_without_default, reason = "two calls differ, so it is no default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The last eight hex digits. The leading digits of a UUIDv7 are its time, so ids made
            /// together would share any short prefix; the tail is random.
            pub fn short(&self) -> String {
                let text = self.0.simple().to_string();
                text[text.len() - 8..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| InvalidId { text: text.to_owned(), wanted: $wanted })
            }
        }
    };
}

uuid_id!(
    /// One session: a worktree, a branch, a scope and its jobs.
    SessionId,
    "a session id"
);
uuid_id!(
    /// One attempt at running one command.
    JobId,
    "a job id"
);
uuid_id!(
    /// One row of the event log.
    EventId,
    "an event id"
);
uuid_id!(
    /// The tasks that were submitted together.
    PlanId,
    "a plan id"
);

uuid_id!(
    /// One message of a session's thread.
    MessageId,
    "a message id"
);
uuid_id!(
    /// One call of a model.
    ModelCallId,
    "an id of a model's call"
);
uuid_id!(
    /// One checkpoint of a session.
    CheckpointId,
    "an id of a checkpoint"
);

impl JobId {
    /// The one that belongs to this text, and to no other: whoever derives it again finds what there is of it.
    pub fn derived(text: &str) -> Self {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// A content hash, written `blake3:<64 hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    const PREFIX: &'static str = "blake3:";

    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let hex = blake3::hash(bytes).to_hex();
        Self(format!("{}{hex}", Self::PREFIX))
    }

    /// From the 64 lower-case hex digits alone.
    pub fn from_hex(hex: &str) -> Result<Self, InvalidId> {
        if hex.len() == 64 && is_lower_hex(hex) {
            Ok(Self(format!("{}{hex}", Self::PREFIX)))
        } else {
            Err(InvalidId {
                text: hex.to_owned(),
                wanted: "a BLAKE3 hash in hex",
            })
        }
    }

    /// The 64 hex digits without the prefix.
    pub fn hex(&self) -> &str {
        &self.0[Self::PREFIX.len()..]
    }

    /// With the prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let hex = text.strip_prefix(Self::PREFIX).ok_or_else(|| InvalidId {
            text: text.to_owned(),
            wanted: "a hash of the form blake3:<hex>",
        })?;
        Self::from_hex(hex)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A git object id of a SHA-1 repository: 40 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CommitId(String);

impl CommitId {
    /// The 40 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for CommitId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() == 40 && is_lower_hex(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId {
                text: text.to_owned(),
                wanted: "a full git object id",
            })
        }
    }
}

impl<'de> Deserialize<'de> for CommitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text_form() {
        let hash = ContentHash::from_hex(&"0a".repeat(32)).unwrap();
        assert_eq!(hash.to_string().parse::<ContentHash>().unwrap(), hash);
        assert_eq!(hash.hex().len(), 64);
    }

    #[test]
    fn malformed_ids_are_refused_also_by_serde() {
        for bad in [
            "",
            "blake3:",
            "blake3:../../etc/passwd",
            "sha256:00",
            &"A0".repeat(32),
        ] {
            assert!(bad.parse::<ContentHash>().is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<ContentHash>("\"blake3:zz\"").is_err());
        assert!(serde_json::from_str::<CommitId>("\"HEAD\"").is_err());
        assert!("g".repeat(40).parse::<CommitId>().is_err());
    }

    #[test]
    fn short_ids_of_a_burst_differ() {
        let ids: std::collections::HashSet<String> =
            (0..200).map(|_| SessionId::new().short()).collect();
        assert_eq!(ids.len(), 200);
    }
}
