//! `file.edit`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Answer, How, Tool, card, changing, file};
use crate::agent::path::RelPath;
use crate::agent::place::{Change, Place};
use crate::agent::registry::Entry;
use crate::agent::text::{LARGEST, diff, line_of, read, unsuitable, with_ends_of};
use crate::agent::world::World;
use crate::model::code::Code;
use crate::model::tool::{Capability, Card, ErrorKind, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.edit");
/// How many places are told, and how many lines are looked for in a file.
pub(super) const TOLD: usize = 10;
const LOOKED_FOR: usize = 200;

/// One text for another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// The file, from the root of the worktree.
    path: RelPath,
    /// The text that is there, exactly, with its indentation and without line numbers. It has to be
    /// there once, so take in lines around it.
    #[schemars(length(min = 1))]
    old: String,
    /// The text that is to be there instead.
    new: String,
    /// Whether every occurrence is to be replaced; false unless said otherwise.
    #[serde(default)]
    all: Option<bool>,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// The file.
    path: RelPath,
    /// How many places were changed.
    replaced: usize,
    /// The number of the line in which the first of them begins.
    first_line: usize,
    /// Of a dry run: what would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Edit(Args);

impl Tool for Edit {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        changing(card(
            ID,
            "Replaces one text of a file by another. The old text has to be in the file exactly as it is \
             given, and once, unless `all` is given.",
            &[Capability::FileRead, Capability::FileWrite],
        ))
    }

    fn example() -> Value {
        json!({ "path": "src/main.rs", "old": "let limit = 10;", "new": "let limit = 20;" })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        if args.old.is_empty() {
            return Err(entry.refuse("old", "it is empty; `file.write` makes new files"));
        }
        match args.old == args.new {
            true => Err(entry.refuse("new", "it is the same as `old`")),
            false => Ok(Self(args)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![file(&self.0.path)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let path = &self.0.path;
        world.place.check_scope(path)?;
        let found = read(&world.place, path)?;
        let old = with_ends_of(&found.text, &self.0.old);
        let new = with_ends_of(&found.text, &self.0.new);
        let places: Vec<usize> = found.text.match_indices(&old).map(|(at, _)| at).collect();
        let Some(first) = places.first() else {
            return Err(mismatch(absent(path, &found.text, &old)));
        };
        if let Some(at) = overlap(&found.text, &old, &places) {
            let line = line_of(&found.text, at);
            return Err(mismatch(format!(
                "`old` is in {path} twice from line {line} on, once in a part of the other; take in more of \
                 what is around the one that is meant"
            )));
        }
        if places.len() > 1 && self.0.all != Some(true) {
            return Err(mismatch(several(path, &found.text, &places)));
        }
        let grown = new
            .len()
            .saturating_sub(old.len())
            .saturating_mul(places.len());
        if (found.text.len().saturating_add(grown)) as u64 > LARGEST {
            return Err(unsuitable(format!(
                "{path} would have more than {LARGEST} bytes"
            )));
        }
        let text = found.text.replace(&old, &new);
        let output = Output {
            path: path.clone(),
            replaced: places.len(),
            first_line: line_of(&found.text, *first),
            diff: how
                .dry_run
                .then(|| diff(path, Some(&found.text), Some(&text))),
        };
        if !how.dry_run {
            let change = Change::Write {
                path: path.clone(),
                bytes: text.into_bytes(),
                over: Some(found.stamp),
            };
            world.place.apply(&[change])?;
        }
        let files = vec![path.clone()];
        Ok(Answer::of(output, files))
    }
}

/// That an edit does not fit.
pub(super) fn mismatch(message: String) -> ToolError {
    ToolError::new(Code::EditMismatch, ErrorKind::Tool, message)
}

/// Where a text begins in the middle of one of its places.
fn overlap(text: &str, old: &str, places: &[usize]) -> Option<usize> {
    let first = old.chars().next().map_or(1, char::len_utf8);
    places.iter().find_map(|at| {
        let rest = text.get(at + first..)?;
        let end = (old.len() - first + old.len() - 1).min(rest.len());
        let end = (0..=end).rev().find(|end| rest.is_char_boundary(*end))?;
        let inside = rest[..end].find(old);
        inside.map(|inside| at + first + inside)
    })
}

fn several(path: &RelPath, text: &str, places: &[usize]) -> String {
    let lines = places
        .iter()
        .take(TOLD)
        .map(|at| line_of(text, *at).to_string());
    let lines: Vec<_> = lines.collect();
    let more = if places.len() > TOLD {
        " and others"
    } else {
        ""
    };
    format!(
        "`old` is in {path} {} times, in lines {}{more}; take in more of what is around the one that \
         is meant, or give `all`",
        places.len(),
        lines.join(", ")
    )
}

fn absent(path: &RelPath, text: &str, old: &str) -> String {
    match nearest(text, old) {
        None => format!("`old` is not in {path}, and nothing like it is"),
        Some((first, lines)) => {
            let shown: String = lines.iter().map(|line| format!("\n{line}")).collect();
            format!(
                "`old` is not in {path} exactly. The nearest are the lines {first} to {}, which read:{shown}",
                first + lines.len().max(1) - 1
            )
        }
    }
}

/// The lines that have most in common with a text, but for spaces at both ends: the number of the
/// first, and all of them. Nothing, if not even half of them do.
pub(super) fn nearest<'t>(text: &'t str, wanted: &str) -> Option<(usize, Vec<&'t str>)> {
    let wanted: Vec<&str> = wanted.lines().take(LOOKED_FOR).map(str::trim).collect();
    let counted = wanted.iter().filter(|line| !line.is_empty()).count();
    let lines: Vec<&str> = text.lines().collect();
    let in_common = |from: &usize| {
        let here = lines[*from..].iter().map(|line| line.trim());
        let pairs = here.zip(&wanted);
        pairs.filter(|(a, b)| !a.is_empty() && a == *b).count()
    };
    // Every start that has a line in common is near one of these.
    let starts =
        (0..lines.len()).filter(|from| wanted.contains(&lines[*from].trim()) || *from == 0);
    let starts = starts
        .take(LOOKED_FOR * TOLD)
        .map(|from| (in_common(&from), from));
    let best = starts.max_by_key(|(count, from)| (*count, std::cmp::Reverse(*from)));
    let (_, from) = best.filter(|(count, _)| *count > 0 && *count * 2 >= counted)?;
    let shown = lines[from..].iter().take(wanted.len().min(TOLD));
    Some((from + 1, shown.copied().collect()))
}
