//! `file.delete`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, changing, file};
use crate::agent::path::RelPath;
use crate::agent::place::{Change, Place};
use crate::agent::registry::Entry;
use crate::agent::tool::relocate::known;
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.delete");

/// One file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The file, from the root of the worktree.
    path: RelPath,
}

/// What is gone.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The file.
    path: RelPath,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Delete(Args);

impl Tool for Delete {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        changing(card(
            ID,
            "Deletes one file. Folders go when nothing is in them any more and the work is committed.",
            &[Capability::FileWrite],
        ))
    }

    fn example() -> Value {
        json!({ "path": "src/old.rs" })
    }

    fn prepare(args: Args, _: &Entry, _: &Place) -> Result<Self, ToolError> {
        Ok(Self(args))
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![file(&self.0.path)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let path = self.0.path.clone();
        world.place.check_scope(&path)?;
        let over = known(&world.place, &path)?;
        if !how.dry_run {
            let path = path.clone();
            world.place.apply(&[Change::Remove { path, over }])?;
        }
        let files = vec![path.clone()];
        let output = Output { path };
        Ok(Answer::of(output, files))
    }
}
