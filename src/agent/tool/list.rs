//! `file.list`

use std::ops::ControlFlow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, folder};
use crate::agent::path::RelPath;
use crate::agent::place::{Kind, Place};
use crate::agent::registry::Entry;
use crate::agent::walk::Walk;
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.list");
const DEEPEST: usize = 10;
const MOST: usize = 500;

/// Which folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The folder, from the root of the worktree; the root itself unless said otherwise.
    #[serde(default)]
    path: Option<RelPath>,
    /// How many folders deep, 1 to 10; 1 unless said otherwise.
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    depth: Option<u32>,
    /// Whether what `.gitignore` files name is listed as well; false unless said otherwise.
    #[serde(default)]
    ignored: Option<bool>,
}

/// What is in it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The folder, with links followed.
    path: RelPath,
    /// What is there.
    entries: Vec<Listed>,
    /// Whether there is more than that.
    more: bool,
}

/// One file or folder.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// From the root of the worktree.
    path: RelPath,
    /// What it is.
    kind: ListedKind,
}

/// What something is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ListedKind {
    File,
    Folder,
    Link,
    Special,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct List {
    path: RelPath,
    depth: usize,
    ignored: bool,
}

impl Tool for List {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Lists what is in a folder, without what `.gitignore` files name. At most 500 names are told. \
             To find files by their names, use `file.glob`.",
            &[Capability::FileRead],
        )
    }

    fn example() -> Value {
        json!({ "path": "src", "depth": 2 })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        let depth = args.depth.unwrap_or(1) as usize;
        if !(1..=DEEPEST).contains(&depth) {
            return Err(entry.refuse("depth", "a number from 1 to 10 is wanted"));
        }
        Ok(Self {
            path: place.settle(&args.path.unwrap_or_default())?,
            depth,
            ignored: args.ignored.unwrap_or(false),
        })
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![folder(&self.path)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let walk = Walk {
            world,
            closed: how.closed,
            depth: self.depth,
            ignored: self.ignored,
        };
        let mut entries = Vec::new();
        let is_whole = walk.each(&self.path, |path, kind| {
            if entries.len() == MOST {
                return ControlFlow::Break(());
            }
            entries.push(Listed {
                path: path.clone(),
                kind: match kind {
                    Kind::File => ListedKind::File,
                    Kind::Folder => ListedKind::Folder,
                    Kind::Link => ListedKind::Link,
                    Kind::Special => ListedKind::Special,
                },
            });
            ControlFlow::Continue(())
        })?;
        let output = Output {
            path: self.path.clone(),
            entries,
            more: !is_whole,
        };
        let files = vec![self.path.clone()];
        Ok(Answer::of(output, files))
    }
}
