//! `file.write`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, changing, file};
use crate::agent::path::RelPath;
use crate::agent::place::{Change, Kind, Place, PlaceError};
use crate::agent::registry::Entry;
use crate::agent::text::{LARGEST, diff};
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Idempotency, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.write");

/// A whole file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The file, from the root of the worktree. Missing folders are made.
    path: RelPath,
    /// All of what is to be in it, with a line break at its end.
    content: String,
    /// Whether a file that is there is to be replaced; false unless said otherwise.
    #[serde(default)]
    overwrite: Option<bool>,
}

/// What was written.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The file.
    path: RelPath,
    /// Whether it was not there before.
    created: bool,
    /// How many bytes it has.
    bytes: usize,
    /// Of a dry run: what would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Write(Args);

impl Tool for Write {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        let card = card(
            ID,
            "Writes a whole file. To change a part of one, use `file.edit` or `file.patch` instead. A \
             file that is there is only replaced with `overwrite`.",
            &[Capability::FileRead, Capability::FileWrite],
        );
        Card {
            idempotency: Idempotency::Idempotent,
            ..changing(card)
        }
    }

    fn example() -> Value {
        json!({ "path": "docs/notes.md", "content": "# Notes\n" })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        if args.content.len() as u64 > LARGEST {
            return Err(entry.refuse("content", "it has more than 4 MiB"));
        }
        match args.path.is_root() {
            true => Err(entry.refuse("path", "this is the root of the worktree")),
            false => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![file(&self.0.path)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let Args { path, content, .. } = &self.0;
        world.place.check_scope(path)?;
        let before = match world.place.look(path)?.map(|(kind, _)| kind) {
            None => None,
            Some(Kind::Folder) => return Err(PlaceError::IsFolder(path.clone()).into()),
            Some(_) => Some(world.place.read(path, LARGEST)?),
        };
        let is_same = |bytes: &[u8]| bytes == content.as_bytes();
        let unchanged = before.as_ref().is_some_and(|found| is_same(&found.bytes));
        if before.is_some() && !unchanged && self.0.overwrite != Some(true) {
            let mut error = ToolError::from(PlaceError::Exists(path.clone()));
            error.message += "; give `overwrite` to replace it, or use `file.edit`";
            return Err(error);
        }
        if !how.dry_run && !unchanged {
            let over = before.as_ref().map(|found| found.stamp);
            let (path, bytes) = (path.clone(), content.as_bytes().to_vec());
            let change = Change::Write { path, bytes, over };
            world.place.apply(&[change])?;
        }
        let old = before
            .as_ref()
            .map(|found| String::from_utf8_lossy(&found.bytes));
        let output = Output {
            path: path.clone(),
            created: before.is_none(),
            bytes: content.len(),
            diff: how
                .dry_run
                .then(|| diff(path, old.as_deref(), Some(content))),
        };
        let files = vec![path.clone()];
        Ok(Answer::of(output, files))
    }
}
