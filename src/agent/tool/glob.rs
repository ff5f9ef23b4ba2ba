//! `file.glob`

use std::ops::ControlFlow;

use globset::{GlobBuilder, GlobMatcher};
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

const ID: ToolId = ToolId::fixed("file.glob");
const LONGEST: usize = 1024;
const MOST: usize = 500;

/// Which files.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// What the path of a file is to match, counted from `path`, such as `**/*.rs`. `*` stays within a
    /// folder and `**` does not.
    #[schemars(length(min = 1, max = 1024))]
    pattern: String,
    /// The folder to look in; the root of the worktree unless said otherwise.
    #[serde(default)]
    path: Option<RelPath>,
    /// Whether what `.gitignore` files name is looked at as well; false unless said otherwise.
    #[serde(default)]
    ignored: Option<bool>,
}

/// The files that match.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// From the root of the worktree.
    files: Vec<RelPath>,
    /// Whether there is more than that.
    more: bool,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Glob {
    path: RelPath,
    wanted: GlobMatcher,
    ignored: bool,
}

impl Tool for Glob {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Finds files whose paths match a glob, in the order of their paths, without what `.gitignore` \
             files name. At most 500 are told.",
            &[Capability::FileRead],
        )
    }

    fn example() -> Value {
        json!({ "pattern": "**/*_test.rs", "path": "src" })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        let wanted = compile(&args.pattern).map_err(|why| entry.refuse("pattern", &why))?;
        Ok(Self {
            path: place.settle(&args.path.unwrap_or_default())?,
            wanted,
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
            depth: usize::MAX,
            ignored: self.ignored,
        };
        let mut files = Vec::new();
        let is_whole = walk.each(&self.path, |path, kind| {
            let is_file = matches!(kind, Kind::File | Kind::Link);
            if is_file && self.wanted.is_match(below(&self.path, path)) {
                if files.len() == MOST {
                    return ControlFlow::Break(());
                }
                files.push(path.clone());
            }
            ControlFlow::Continue(())
        })?;
        let more = !is_whole;
        let output = Output { files, more };
        let files = vec![self.path.clone()];
        Ok(Answer::of(output, files))
    }
}

/// A glob for paths.
///
/// # Errors
/// Why it is none.
pub(super) fn compile(pattern: &str) -> Result<GlobMatcher, String> {
    if pattern.is_empty() || pattern.len() > LONGEST {
        return Err(format!("1 to {LONGEST} bytes are wanted"));
    }
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

/// A path as it is counted from a folder that it is in.
pub(super) fn below<'p>(folder: &RelPath, path: &'p RelPath) -> &'p str {
    let rest = path.as_str().strip_prefix(folder.as_str());
    rest.unwrap_or(path.as_str()).trim_start_matches('/')
}
