//! `file.read`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, file};
use crate::agent::path::RelPath;
use crate::agent::place::Place;
use crate::agent::registry::Entry;
use crate::agent::text::{ANSWER, read, start};
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.read");
const MOST_LINES: usize = 2000;
/// The most bytes of one line.
const LONGEST_LINE: usize = 2000;

/// Which lines of which file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The file, from the root of the worktree.
    path: RelPath,
    /// The first line to read; the first of the file is 1.
    #[serde(default)]
    #[schemars(range(min = 1))]
    start_line: Option<u32>,
    /// How many lines to read; 2000 at most, which is also the default.
    #[serde(default)]
    #[schemars(range(min = 1, max = 2000))]
    lines: Option<u32>,
    /// Whether each line begins with its number and a tab; true unless said otherwise.
    #[serde(default)]
    numbered: Option<bool>,
}

/// Lines of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The file, with links followed.
    path: RelPath,
    /// The lines.
    content: String,
    /// The number of the first one.
    first_line: usize,
    /// How many lines the file has.
    total_lines: usize,
    /// From where to read on; nothing at the end of the file.
    next_line: Option<usize>,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Read {
    args: Args,
    path: RelPath,
}

impl Tool for Read {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Reads a file of text, by default its first 2000 lines with their numbers. The numbers and \
             the tabs behind them are not part of the file. Long files are read in parts: `next_line` \
             says from where to go on. Lines of more than 2000 bytes are cut.",
            &[Capability::FileRead],
        )
    }

    fn example() -> Value {
        json!({ "path": "src/main.rs", "start_line": 120, "lines": 40 })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        let most = 1..=MOST_LINES as u32;
        if args.lines.is_some_and(|lines| !most.contains(&lines)) {
            return Err(entry.refuse("lines", "a number from 1 to 2000 is wanted"));
        }
        if args.start_line == Some(0) {
            return Err(entry.refuse("start_line", "lines are counted from 1"));
        }
        let path = place.settle(&args.path)?;
        Ok(Self { args, path })
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![file(&self.path)]
    }

    fn act(&self, world: &World, _: How<'_>) -> Result<Answer<Output>, ToolError> {
        let text = read(&world.place, &self.path)?.text;
        let total_lines = text.lines().count();
        let first_line = self.args.start_line.unwrap_or(1) as usize;
        let wanted = self.args.lines.map_or(MOST_LINES, |lines| lines as usize);
        let numbered = self.args.numbered.unwrap_or(true);
        let mut content = String::new();
        let mut next = first_line;
        for line in text.lines().skip(first_line - 1).take(wanted) {
            let shown = match start(line, LONGEST_LINE) {
                (all, false) => all.to_owned(),
                (part, true) => format!("{part}… ({} more bytes)", line.len() - part.len()),
            };
            if content.len() + shown.len() > ANSWER {
                break;
            }
            match numbered {
                true => content.push_str(&format!("{next:>6}\t{shown}\n")),
                false => content.push_str(&format!("{shown}\n")),
            }
            next += 1;
        }
        let output = Output {
            path: self.path.clone(),
            content,
            first_line,
            total_lines,
            next_line: Some(next).filter(|next| *next <= total_lines),
        };
        let files = vec![self.path.clone()];
        Ok(Answer::of(output, files))
    }
}
