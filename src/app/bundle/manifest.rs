//! What the file says of itself.

use serde::{Deserialize, Serialize};

use crate::app::failure::Failure;
use crate::model::code::Code;
use crate::model::ids::{CommitId, ContentHash, SessionId};

/// What such a file is.
pub const FORMAT: &str = "treeyard session";
/// The version that this program writes. It reads all up to it.
pub const VERSION: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const EVENTS: &str = "events.jsonl";
pub(super) const REPOSITORY: &str = "repo.bundle";
pub(super) const ARTIFACTS: &str = "artifacts/";

/// What the file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// The version of the format.
    pub version: u32,
    /// The version of treeyard that wrote it.
    pub treeyard: String,
    /// When, in milliseconds since the epoch.
    pub exported_ms: i64,
    /// The session.
    pub session_id: SessionId,
    /// Its name.
    pub name: String,
    /// The commit that it started from.
    pub base: CommitId,
    /// Whether all that comes before `base` is in it. Without, the other repository has to have that commit.
    pub has_history: bool,
    /// Events.
    pub events: u64,
    /// The hash of `events.jsonl`.
    pub events_hash: ContentHash,
    /// The hash of `repo.bundle`.
    pub repository_hash: ContentHash,
    /// Artifacts.
    pub artifacts: u64,
    /// Artifacts and events out of which secrets were taken for this file. They are not as they were.
    pub redacted: u64,
}

impl Manifest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none, or of a version to come.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Failure> {
        /// What all versions have.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(invalid)?;
        if head.format != FORMAT {
            return Err(invalid(format!("its format is {:?}", head.format)));
        }
        if head.version > VERSION {
            let (theirs, ours) = (head.version, VERSION);
            let message = format!(
                "it has version {theirs} of the format, and this treeyard reads up to {ours}"
            );
            return Err(Failure::new(Code::BundleNewer, message));
        }
        serde_json::from_slice(bytes).map_err(invalid)
    }
}

/// What is wrong with the file.
pub(super) fn invalid(why: impl std::fmt::Display) -> Failure {
    Failure::new(
        Code::BundleInvalid,
        format!("this is no exported session: {why}"),
    )
}
