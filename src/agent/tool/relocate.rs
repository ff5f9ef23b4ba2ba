//! `file.move`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, changing, file};
use crate::agent::path::RelPath;
use crate::agent::place::{Change, Kind, Place, PlaceError, Stamp};
use crate::agent::registry::Entry;
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.move");

/// One file, and where it is to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The file, from the root of the worktree.
    from: RelPath,
    /// Its new path, at which nothing may be. Missing folders are made.
    to: RelPath,
}

/// What was moved.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// Where it was.
    from: RelPath,
    /// Where it is.
    to: RelPath,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Move(Args);

impl Tool for Move {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        changing(card(
            ID,
            "Moves one file to another path, or gives it another name. Nothing is overwritten.",
            &[Capability::FileWrite],
        ))
    }

    fn example() -> Value {
        json!({ "from": "src/util.rs", "to": "src/text/mod.rs" })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        match args.from == args.to || args.to.is_root() {
            true => Err(entry.refuse("to", "it is no other path")),
            false => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![file(&self.0.from), file(&self.0.to)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let (from, to) = (self.0.from.clone(), self.0.to.clone());
        world.place.check_scope(&from)?;
        world.place.check_scope(&to)?;
        let over = known(&world.place, &from)?;
        if world.place.look(&to)?.is_some() {
            return Err(PlaceError::Exists(to).into());
        }
        if !how.dry_run {
            let (from, to) = (from.clone(), to.clone());
            world.place.apply(&[Change::Move { from, to, over }])?;
        }
        let files = vec![from.clone(), to.clone()];
        let output = Output { from, to };
        Ok(Answer::of(output, files))
    }
}

/// The file that is there.
///
/// # Errors
/// When there is none.
pub(super) fn known(place: &Place, path: &RelPath) -> Result<Stamp, ToolError> {
    match place.look(path)? {
        Some((Kind::File, stamp)) => Ok(stamp),
        Some((Kind::Folder, _)) => Err(PlaceError::IsFolder(path.clone()).into()),
        Some((Kind::Link, _)) => {
            let (path, to) = (path.clone(), String::new());
            Err(PlaceError::Link { path, to }.into())
        }
        Some((Kind::Special, _)) => Err(PlaceError::Special(path.clone()).into()),
        None => Err(PlaceError::Missing(path.clone()).into()),
    }
}
