//! `git.log`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card};
use crate::agent::git::{SOON, fields, git};
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::text::{ANSWER, start};
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("git.log");
const USUAL: u32 = 20;
const MOST: u32 = 100;
const LONGEST_MESSAGE: usize = 2000;

/// How many commits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The most commits to tell, 1 to 100; 20 unless said otherwise.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    max_count: Option<u32>,
}

/// The history.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// Commits, the newest first; none on a branch without any.
    commits: Vec<Commit>,
}

/// One commit.
#[derive(Debug, Serialize, JsonSchema)]
struct Commit {
    /// Its id.
    id: String,
    /// When it was made.
    time: String,
    /// By whom.
    author: String,
    /// Its message, the first 2000 bytes.
    message: String,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct GitLog {
    count: u32,
}

impl Tool for GitLog {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Tells the last commits of the session's branch, the newest first.",
            &[Capability::GitRead],
        )
    }

    fn example() -> Value {
        json!({ "max_count": 5 })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        let count = args.max_count.unwrap_or(USUAL);
        match (1..=MOST).contains(&count) {
            true => Ok(Self { count }),
            false => Err(entry.refuse("max_count", "a number from 1 to 100 is wanted")),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        Vec::new()
    }

    fn act(&self, world: &World, _: How<'_>) -> Result<Answer<Output>, ToolError> {
        let count = format!("--max-count={}", self.count);
        let form = "--format=tformat:%H%n%aI%n%an%n%B";
        let said = git(
            &[
                "log",
                "-z",
                "--no-color",
                "--no-show-signature",
                "--encoding=UTF-8",
                &count,
                form,
            ],
            SOON,
            world,
        )?;
        let head = ["rev-parse", "--quiet", "--verify", "HEAD"];
        let output = match said.code {
            0 => said.output,
            // A branch without commits has no history.
            _ if git(&head, SOON, world)?.code == 1 => Vec::new(),
            _ => return Err(said.failure("git log", world)),
        };
        let mut left = ANSWER;
        let commits = fields(&output).filter_map(|record| commit(&record, world));
        let commits = commits.take_while(|commit| {
            let size = commit.message.len() + commit.author.len() + 100;
            left.checked_sub(size).map(|rest| left = rest).is_some()
        });
        let output = Output {
            commits: commits.collect(),
        };
        Ok(Answer::of(output, Vec::new()))
    }
}

fn commit(record: &str, world: &World) -> Option<Commit> {
    let mut lines = record.splitn(4, '\n');
    let (id, time, author) = (lines.next()?, lines.next()?, lines.next()?);
    let (message, _) = start(lines.next()?.trim_end(), LONGEST_MESSAGE);
    Some(Commit {
        id: id.to_owned(),
        time: time.to_owned(),
        author: start(author, 200).0.to_owned(),
        message: world.redacted(message),
    })
}
