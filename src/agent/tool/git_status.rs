//! `git.status`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, folder};
use crate::agent::git::{SOON, fields, git};
use crate::agent::path::RelPath;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("git.status");
/// Files that are told.
const MOST: usize = 300;

/// Nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {}

/// How the worktree differs from its last commit.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The branch; nothing when a commit is checked out without one.
    branch: Option<String>,
    /// The last commit; nothing before the first.
    commit: Option<String>,
    /// Files that differ.
    files: Vec<Changed>,
    /// Whether there are more than these.
    more: bool,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Changed {
    /// The file, from the root of the worktree.
    pub path: String,
    /// What the index has for the next commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staged: Option<Kind>,
    /// What the worktree has besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unstaged: Option<Kind>,
    /// Where a renamed or copied file was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// In what way a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// It is new.
    Added,
    /// Its content or its mode is another.
    Modified,
    /// It is gone.
    Deleted,
    /// It had another name.
    Renamed,
    /// It is a copy.
    Copied,
    /// It was of another kind, such as a link.
    TypeChanged,
    /// A merge did not come to an end.
    Conflicted,
    /// Git does not know it.
    Untracked,
}

/// All that git tells.
#[derive(Debug, Default)]
pub(super) struct Status {
    branch: Option<String>,
    commit: Option<String>,
    pub files: Vec<Changed>,
    is_whole: bool,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct GitStatus;

impl Tool for GitStatus {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Tells the branch, the last commit and the files that differ from it, those that git does not \
             know yet as well. At most 300 are told.",
            &[Capability::GitRead],
        )
    }

    fn example() -> Value {
        json!({})
    }

    fn prepare(Args {}: Args, _: &Entry, _: &Place) -> Result<Self, ToolError> {
        Ok(Self)
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![folder(&RelPath::root())]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let mut status = status(world)?;
        let is_closed = |file: &Changed| how.closed.iter().any(|one| one.has_path(&file.path));
        status.files.retain(|file| !is_closed(file));
        let more = status.files.len() > MOST || !status.is_whole;
        status.files.truncate(MOST);
        let output = Output {
            branch: status.branch,
            commit: status.commit,
            files: status.files,
            more,
        };
        Ok(Answer::of(output, Vec::new()))
    }
}

/// Asks git.
pub(super) fn status(world: &World) -> Result<Status, ToolError> {
    let words = ["status", "--porcelain=v2", "--branch", "-z"];
    let words = [
        &words[..],
        &["--untracked-files=all", "--ignore-submodules=all"],
    ]
    .concat();
    let said = git(&words, SOON, world)?.done("git status", world)?;
    Ok(Status {
        is_whole: said.is_whole,
        ..read(fields(&said.output))
    })
}

/// Reads the second version of the format that git keeps for programs.
fn read(mut fields: impl Iterator<Item = String>) -> Status {
    let mut status = Status::default();
    while let Some(field) = fields.next() {
        let (sign, rest) = field.split_once(' ').unwrap_or((&field, ""));
        // In front of the path stands as much as there is for a file of this sign.
        let path = |before: usize| rest.splitn(before + 1, ' ').nth(before).map(str::to_owned);
        let kinds = (rest.chars().next(), rest.chars().nth(1));
        let changed = |path, from| Changed {
            path,
            staged: kinds.0.and_then(Kind::of),
            unstaged: kinds.1.and_then(Kind::of),
            from,
        };
        let all = |path, kind| Changed {
            path,
            staged: None,
            unstaged: Some(kind),
            from: None,
        };
        match sign {
            "#" => status.note(rest),
            "1" => status.files.extend(path(7).map(|path| changed(path, None))),
            "2" => {
                let from = fields.next();
                status.files.extend(path(8).map(|path| changed(path, from)));
            }
            "u" => {
                let path = path(9);
                status
                    .files
                    .extend(path.map(|path| all(path, Kind::Conflicted)));
            }
            "?" => status.files.push(all(rest.to_owned(), Kind::Untracked)),
            _ => {}
        }
    }
    status
}

impl Status {
    fn note(&mut self, line: &str) {
        let known = |value: &str| Some(value.to_owned()).filter(|value| !value.starts_with('('));
        match line.split_once(' ') {
            Some(("branch.oid", value)) => self.commit = known(value),
            Some(("branch.head", value)) => self.branch = known(value),
            _ => {}
        }
    }
}

impl Kind {
    fn of(letter: char) -> Option<Self> {
        Some(match letter {
            'A' => Self::Added,
            'M' => Self::Modified,
            'D' => Self::Deleted,
            'R' => Self::Renamed,
            'C' => Self::Copied,
            'T' => Self::TypeChanged,
            'U' => Self::Conflicted,
            _ => return None,
        })
    }
}
