//! `artifact.get` and `artifact.list`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card};
use crate::agent::artifacts::piece;
use crate::agent::excerpt::without_cut_end;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::session::failed;
use crate::agent::text::ANSWER;
use crate::agent::world::World;
use crate::model::code::Code;
use crate::model::ids::ContentHash;
use crate::model::tool::{Capability, Card, ErrorKind, Subject, ToolError, ToolId};
use crate::store::ArtifactRow;

const GET: ToolId = ToolId::fixed("artifact.get");
const LIST: ToolId = ToolId::fixed("artifact.list");
const USUAL: u32 = 16 * 1024;
/// Artifacts that are told.
const MOST: usize = 100;

/// Which bytes of which one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// Its hash, as a tool or `artifact.list` told it.
    hash: String,
    /// The first byte to read; 0 unless said otherwise.
    #[serde(default)]
    offset: Option<u64>,
    /// How many bytes to read, 4 to 24576; 16384 unless said otherwise.
    #[serde(default)]
    #[schemars(range(min = 4, max = 24576))]
    limit: Option<u32>,
}

/// A part of an artifact.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Part {
    /// What it is.
    #[serde(flatten)]
    artifact: Told,
    /// The part as text; what is not UTF-8 is replaced.
    text: String,
    /// From where to read on; nothing at the end.
    next_offset: Option<u64>,
}

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Nothing {}

/// What there is.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct All {
    /// The newest first.
    artifacts: Vec<Told>,
    /// Whether there are more than these.
    more: bool,
}

/// An artifact.
#[derive(Debug, Serialize, JsonSchema)]
struct Told {
    /// Its hash.
    hash: String,
    /// Its size in bytes.
    size: u64,
    /// What it is, such as `command_output`.
    kind: String,
    /// Its media type.
    media_type: String,
}

/// A call that reads.
#[derive(Debug)]
pub(in crate::agent) struct ArtifactGet {
    hash: ContentHash,
    offset: u64,
    limit: u32,
}

/// A call that lists.
#[derive(Debug)]
pub(in crate::agent) struct ArtifactList;

impl Tool for ArtifactGet {
    type Args = Args;
    type Output = Part;

    fn card() -> Card {
        card(
            GET,
            "Reads a part of what this session stored, such as all that a command printed. `next_offset` \
             says from where to go on.",
            &[Capability::ArtifactRead],
        )
    }

    fn example() -> Value {
        let hash = format!("blake3:{}", "0f".repeat(32));
        json!({ "hash": hash, "offset": 8192, "limit": 4096 })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        let hash = args.hash.parse::<ContentHash>();
        let limit = args.limit.unwrap_or(USUAL);
        if !(4..=ANSWER as u32).contains(&limit) {
            return Err(entry.refuse("limit", "a number from 4 to 24576 is wanted"));
        }
        Ok(Self {
            hash: hash.map_err(|error| entry.refuse("hash", &error.to_string()))?,
            offset: args.offset.unwrap_or(0),
            limit,
        })
    }

    fn subjects(&self) -> Vec<Subject> {
        Vec::new()
    }

    fn act(&self, world: &World, _: How<'_>) -> Result<Answer<Part>, ToolError> {
        let artifacts = world.artifacts()?;
        let mut rows = rows(world)?.into_iter();
        let Some(row) = rows.find(|row| row.hash == self.hash) else {
            let message = format!(
                "this session has no artifact {}; `artifact.list` tells what there is",
                self.hash
            );
            return Err(ToolError::new(
                Code::ArtifactUnknown,
                ErrorKind::Tool,
                message,
            ));
        };
        let mut object = artifacts.open(&self.hash)?;
        let from = self.offset.min(row.size);
        let bytes = piece(&mut object, from, self.limit.into())?;
        let end = from + bytes.len() as u64;
        // A character that is cut is read with the next part.
        let bytes = match end < row.size {
            true => without_cut_end(&bytes),
            false => &bytes,
        };
        let next = from + bytes.len() as u64;
        let output = Part {
            text: String::from_utf8_lossy(bytes).into_owned(),
            next_offset: Some(next).filter(|next| *next < row.size),
            artifact: row.into(),
        };
        Ok(Answer::of(output, Vec::new()))
    }
}

impl Tool for ArtifactList {
    type Args = Nothing;
    type Output = All;

    fn card() -> Card {
        card(
            LIST,
            "Lists what this session stored: what its commands printed, and what `artifact.put` was \
             given. At most 100 are told, the newest.",
            &[Capability::ArtifactRead],
        )
    }

    fn example() -> Value {
        json!({})
    }

    fn prepare(Nothing {}: Nothing, _: &Entry, _: &Place) -> Result<Self, ToolError> {
        Ok(Self)
    }

    fn subjects(&self) -> Vec<Subject> {
        Vec::new()
    }

    fn act(&self, world: &World, _: How<'_>) -> Result<Answer<All>, ToolError> {
        let rows = rows(world)?;
        let more = rows.len() > MOST;
        let artifacts = rows.into_iter().take(MOST).map(Told::from).collect();
        Ok(Answer::of(All { artifacts, more }, Vec::new()))
    }
}

/// Those of this session; of others nothing is told.
fn rows(world: &World) -> Result<Vec<ArtifactRow>, ToolError> {
    let session = world.session()?;
    session.store().artifacts(Some(session.id)).map_err(failed)
}

impl From<ArtifactRow> for Told {
    fn from(row: ArtifactRow) -> Self {
        Self {
            hash: row.hash.to_string(),
            size: row.size,
            kind: row.kind,
            media_type: row.media_type,
        }
    }
}
