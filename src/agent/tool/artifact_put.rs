//! `artifact.put`

use std::io::Cursor;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, file};
use crate::agent::artifacts::PLAIN;
use crate::agent::path::RelPath;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, SideEffect, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("artifact.put");
/// The largest file that is stored: 16 MiB.
const LARGEST: u64 = 16 << 20;
const LONGEST_TYPE: usize = 100;
const BINARY: &str = "application/octet-stream";

/// What to store.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// A text. Give this or `path`.
    #[serde(default)]
    text: Option<String>,
    /// A file of the worktree, of 16 MiB at most. Give this or `text`.
    #[serde(default)]
    path: Option<RelPath>,
    /// What it is, such as `text/markdown`; `text/plain` for a text and `application/octet-stream` for a file
    /// unless said otherwise.
    #[serde(default)]
    #[schemars(length(min = 3, max = 100))]
    media_type: Option<String>,
}

/// What was stored.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// Its hash, by which `artifact.get` finds it; nothing for a dry run.
    hash: Option<String>,
    /// Its size in bytes.
    size: u64,
    /// In how many places a secret was taken out of it.
    redacted: u64,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct ArtifactPut {
    source: Source,
    media_type: String,
}

/// Where it comes from.
#[derive(Debug)]
enum Source {
    Text(String),
    File(RelPath),
}

impl Tool for ArtifactPut {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        Card {
            side_effect: SideEffect::Write,
            ..card(
                ID,
                "Stores a text or a file of the worktree for later, with this session as its origin, and \
                 tells its hash. It stays when the worktree goes. Secrets are taken out of it.",
                &[Capability::ArtifactWrite, Capability::FileRead],
            )
        }
    }

    fn example() -> Value {
        json!({ "text": "# What was measured\n…", "media_type": "text/markdown" })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        let (source, usual) = match (args.text, args.path) {
            (Some(text), None) => (Source::Text(text), PLAIN),
            (None, Some(path)) => (Source::File(place.settle(&path)?), BINARY),
            _ => return Err(entry.refuse("text", "one of `text` and `path` is wanted")),
        };
        let media_type = args.media_type.unwrap_or_else(|| usual.to_owned());
        match is_media_type(&media_type) {
            true => Ok(Self { source, media_type }),
            false => Err(entry.refuse("media_type", "it is not of the form `text/plain`")),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        match &self.source {
            Source::Text(_) => Vec::new(),
            Source::File(path) => vec![file(path)],
        }
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let artifacts = world.artifacts()?;
        let (kind, bytes, files) = match &self.source {
            Source::Text(text) => ("note", text.clone().into_bytes(), Vec::new()),
            Source::File(path) => {
                let found = world.place.read(path, LARGEST)?;
                ("file", found.bytes, vec![path.clone()])
            }
        };
        if how.dry_run {
            let output = Output {
                hash: None,
                size: bytes.len() as u64,
                redacted: 0,
            };
            return Ok(Answer::of(output, files));
        }
        let kept = artifacts.keep(Cursor::new(bytes), kind, &self.media_type, world)?;
        let output = Output {
            hash: Some(kept.hash.to_string()),
            size: kept.size,
            redacted: kept.redacted.count,
        };
        Ok(Answer::of(output, files).with_artifacts(vec![kept]))
    }
}

/// Two names with a slash between.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        let sound = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        !name.is_empty() && name.chars().all(sound)
    };
    let names = text.split_once('/');
    text.len() <= LONGEST_TYPE && names.is_some_and(|(one, other)| is_name(one) && is_name(other))
}
