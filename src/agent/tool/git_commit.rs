//! `git.commit`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::git_status::status;
use super::{Answer, How, Tool, card, changing, folders};
use crate::agent::git::{LATER, SOON, fields, git, literal};
use crate::agent::path::RelPath;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::world::World;
use crate::model::code::Code;
use crate::model::tool::{Capability, Card, ErrorKind, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("git.commit");
const MOST_PATHS: usize = 500;
const LONGEST_MESSAGE: usize = 16 * 1024;
/// Files that are told.
const MOST_TOLD: usize = 300;

/// What to commit.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The message: a short first line, and if there is more to say, an empty line and the rest.
    #[schemars(length(min = 1))]
    message: String,
    /// Files and folders of which every change goes in, besides what is staged already; everything unless
    /// said otherwise.
    #[serde(default)]
    #[schemars(length(max = 500))]
    paths: Vec<RelPath>,
}

/// What was committed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The new commit; nothing for a dry run.
    commit: Option<String>,
    /// The files that it changes, 300 at most.
    files: Vec<String>,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct GitCommit(Args);

impl Tool for GitCommit {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        changing(card(
            ID,
            "Commits changes on the session's branch, new and deleted files included: those of `paths` and \
             what is staged, or all. Hooks may refuse it; what they say is told.",
            &[Capability::GitCommit],
        ))
    }

    fn example() -> Value {
        json!({ "message": "Read limits from the environment", "paths": ["src/limits.rs"] })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        let text = &args.message;
        if text.trim().is_empty() || text.len() > LONGEST_MESSAGE || text.contains('\0') {
            let why = "some text of no more than 16 KiB and without NUL bytes is wanted";
            return Err(entry.refuse("message", why));
        }
        match args.paths.len() > MOST_PATHS {
            true => Err(entry.refuse("paths", "there are more than 500; name folders")),
            false => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        folders(&self.0.paths)
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        if how.dry_run {
            return Ok(answer(None, self.preview(world)?));
        }
        let mut add = vec!["add", "--all", "--"];
        let paths: Vec<String> = self.0.paths.iter().map(literal).collect();
        add.extend(paths.iter().map(String::as_str));
        git(&add, SOON, world)?.done("git add", world)?;
        let message = format!("--message={}", self.0.message);
        let said = git(&["commit", "--quiet", &message], LATER, world)?;
        if said.code != 0 {
            let staged = git(&["diff", "--cached", "--quiet"], SOON, world)?;
            return Err(match staged.code {
                0 => nothing(),
                _ => said.failure("the commit", world),
            });
        }
        let head = git(&["rev-parse", "--verify", "HEAD"], SOON, world)?;
        let head = head.done("git rev-parse", world)?;
        let commit = String::from_utf8_lossy(&head.output).trim().to_owned();
        let names = [
            "diff-tree",
            "--root",
            "--no-commit-id",
            "--name-only",
            "-r",
            "-z",
            "-m",
        ];
        let names = [&names[..], &["--first-parent", &commit]].concat();
        let names = git(&names, SOON, world)?.done("git diff-tree", world)?;
        Ok(answer(Some(commit), fields(&names.output).collect()))
    }
}

impl GitCommit {
    /// What would go in, and whether anything would.
    fn preview(&self, world: &World) -> Result<Vec<String>, ToolError> {
        let is_named = |path: &str| {
            let below = |one: &RelPath| {
                let rest = path.strip_prefix(one.as_str());
                one.is_root() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            self.0.paths.is_empty() || self.0.paths.iter().any(below)
        };
        let mut files = status(world)?.files;
        files.retain(|file| file.staged.is_some() || is_named(&file.path));
        match files.is_empty() {
            true => Err(nothing()),
            false => Ok(files.into_iter().map(|file| file.path).collect()),
        }
    }
}

fn nothing() -> ToolError {
    let message = "there is nothing to commit: the files do not differ from the last commit, or git \
                   ignores them; `git.status` tells what differs";
    ToolError::new(Code::GitFailed, ErrorKind::Tool, message)
}

fn answer(commit: Option<String>, mut paths: Vec<String>) -> Answer<Output> {
    // A name that no tool takes is told, and no file of any tool.
    let files = paths.iter().filter_map(|path| path.parse().ok()).collect();
    paths.truncate(MOST_TOLD);
    Answer::of(
        Output {
            commit,
            files: paths,
        },
        files,
    )
}
