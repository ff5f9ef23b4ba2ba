//! `git.diff`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, folders};
use crate::agent::git::{SOON, fields, git, literal, without};
use crate::agent::path::RelPath;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::text::{ANSWER, start};
use crate::agent::world::World;
use crate::model::code::Code;
use crate::model::tool::{Capability, Card, ErrorKind, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("git.diff");
const MOST_PATHS: usize = 100;

/// What to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// Files and folders, from the root of the worktree; everything unless said otherwise.
    #[serde(default)]
    #[schemars(length(max = 100))]
    paths: Vec<RelPath>,
    /// Whether what the next commit would have is compared, instead of the worktree; false unless said
    /// otherwise.
    #[serde(default)]
    staged: Option<bool>,
    /// Whether it is compared with the commit that this session began from, so that its commits are told
    /// too; false unless said otherwise.
    #[serde(default)]
    base: Option<bool>,
}

/// How it differs.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// A unified diff; empty when nothing differs.
    diff: String,
    /// How many bytes of it are left out at the end.
    omitted_bytes: u64,
    /// Whether there is more than 4 MiB of it: what is behind that is nowhere. Name fewer paths.
    more: bool,
    /// The hash of all of it, where something is left out; `artifact.get` reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact: Option<String>,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct GitDiff(Args);

impl Tool for GitDiff {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Tells how the worktree differs from the index, or what is staged from the last commit, as a \
             unified diff. Files that git does not know are not in it; `git.status` names them. With \
             `base` all that the session has changed is told, its commits included.",
            &[Capability::GitRead],
        )
    }

    fn example() -> Value {
        json!({ "paths": ["src"], "base": true })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        match args.paths.len() > MOST_PATHS {
            true => Err(entry.refuse("paths", "there are more than 100; name folders")),
            false => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        folders(&self.0.paths)
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let what = self.what(world)?;
        let mut paths: Vec<String> = self.0.paths.iter().map(literal).collect();
        if !how.closed.is_empty() {
            let words = words(&["--name-only", "-z", "--no-renames"], &what, &paths);
            let said = git(&words, SOON, world)?.done("git diff", world)?;
            if !said.is_whole {
                // Some of what is to be left out would not be known.
                let message = "too many files differ; name fewer paths".to_owned();
                return Err(ToolError::new(Code::GitFailed, ErrorKind::Tool, message));
            }
            let is_closed = |path: &String| how.closed.iter().any(|one| one.has_path(path));
            let closed: Vec<_> = fields(&said.output).filter(is_closed).collect();
            paths.extend(closed.iter().map(|path| without(path)));
        }
        let said = git(&words(&["--no-color"], &what, &paths), SOON, world)?;
        let said = said.done("git diff", world)?;
        let text = world.redacted(&String::from_utf8_lossy(&said.output));
        let (told, is_cut) = start(&text, ANSWER);
        let mut kept = Vec::new();
        if is_cut && said.is_whole {
            let artifacts = world.artifacts()?;
            kept.push(artifacts.keep(text.as_bytes(), "diff", "text/x-diff", world)?);
        }
        let output = Output {
            diff: told.to_owned(),
            omitted_bytes: (text.len() - told.len()) as u64,
            more: !said.is_whole,
            artifact: kept.first().map(|kept| kept.hash.to_string()),
        };
        Ok(Answer::of(output, self.0.paths.clone()).with_artifacts(kept))
    }
}

impl GitDiff {
    fn what(&self, world: &World) -> Result<Vec<String>, ToolError> {
        let mut what = Vec::new();
        if self.0.staged == Some(true) {
            what.push("--cached".to_owned());
        }
        if self.0.base == Some(true) {
            what.push(world.session()?.base()?.to_string());
        }
        Ok(what)
    }
}

/// The session's own settings name programs, which would print anything.
fn words<'a>(form: &[&'a str], what: &'a [String], paths: &'a [String]) -> Vec<&'a str> {
    let mut words = vec!["diff", "--no-ext-diff", "--no-textconv"];
    words.extend([
        "--src-prefix=a/",
        "--dst-prefix=b/",
        "--ignore-submodules=all",
    ]);
    words.extend(form);
    words.extend(what.iter().map(String::as_str));
    words.push("--");
    words.extend(paths.iter().map(String::as_str));
    words
}
