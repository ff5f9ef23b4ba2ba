//! `file.patch`

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::edit::{TOLD, mismatch, nearest};
use super::hunks::{FilePatch, Hunk, parse};
use super::{Answer, How, Tool, card, changing, file};
use crate::agent::path::RelPath;
use crate::agent::place::{Change, Place, PlaceError};
use crate::agent::registry::Entry;
use crate::agent::text::{LARGEST, diff, line_of, read, unsuitable, with_ends_of};
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.patch");

/// A patch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// A unified diff of one file or several, with `--- a/FILE` and `+++ b/FILE` before the hunks of
    /// each; `/dev/null` stands for a file that is not there. Lines around the changes have to be as
    /// they are in the file.
    #[schemars(length(min = 1))]
    patch: String,
}

/// What was changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// File by file.
    files: Vec<Patched>,
    /// Of a dry run: what would change.
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

/// One file.
#[derive(Debug, Serialize, JsonSchema)]
struct Patched {
    /// Which.
    path: RelPath,
    /// What became of it.
    change: Kind,
}

/// What became of a file.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Created,
    Changed,
    Deleted,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Patch(Vec<FilePatch>);

impl FilePatch {
    fn path(&self) -> &RelPath {
        match self {
            Self::Create(path, _) | Self::Delete(path, _) | Self::Change(path, _) => path,
        }
    }
}

impl Tool for Patch {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        changing(card(
            ID,
            "Applies a unified diff to one file or several: all of it, or nothing where a part does not \
             fit. Line numbers in the heads of the hunks may be wrong, the lines themselves may not. Each hunk needs \
             a line that is in the file already, and so many that one place fits best.",
            &[Capability::FileRead, Capability::FileWrite],
        ))
    }

    fn example() -> Value {
        let patch = "--- a/src/main.rs\n+++ b/src/main.rs\n@@ -3,2 +3,2 @@\n fn limit() -> u32 {\n-    10\n+    20\n";
        json!({ "patch": patch })
    }

    fn prepare(args: Args, entry: &Entry, _: &Place) -> Result<Self, ToolError> {
        let refuse = |why: &str| entry.refuse("patch", why);
        if args.patch.len() as u64 > LARGEST {
            return Err(refuse("it has more than 4 MiB"));
        }
        let files = parse(&args.patch).map_err(|error| refuse(&error.to_string()))?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = files.iter().find(|file| !seen.insert(file.path())) {
            return Err(refuse(&format!("{} is in it twice", twice.path())));
        }
        match files.iter().any(|file| file.path().is_root()) {
            true => Err(refuse("it names the root of the worktree")),
            false => Ok(Self(files)),
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        self.0.iter().map(|one| file(one.path())).collect()
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let (mut changes, mut files, mut diffs) = (Vec::new(), Vec::new(), String::new());
        for one in &self.0 {
            world.place.check_scope(one.path())?;
            let (change, patched, diff) = changed(one, &world.place)?;
            changes.push(change);
            files.push(patched);
            diffs.push_str(&diff);
        }
        if !how.dry_run {
            world.place.apply(&changes)?;
        }
        let touched = self.0.iter().map(|one| one.path().clone()).collect();
        let output = Output {
            files,
            diff: how.dry_run.then_some(diffs),
        };
        Ok(Answer::of(output, touched))
    }
}

/// What becomes of one file.
fn changed(one: &FilePatch, place: &Place) -> Result<(Change, Patched, String), ToolError> {
    let path = one.path().clone();
    let patched = |change| Patched {
        path: path.clone(),
        change,
    };
    match one {
        FilePatch::Create(_, text) => {
            if place.look(&path)?.is_some() {
                return Err(PlaceError::Exists(path).into());
            }
            let diff = diff(&path, None, Some(text));
            let change = Change::Write {
                path: path.clone(),
                bytes: text.clone().into_bytes(),
                over: None,
            };
            Ok((change, patched(Kind::Created), diff))
        }
        FilePatch::Delete(_, hunks) => {
            let found = read(place, &path)?;
            let left = apply(&path, &found.text, hunks)?;
            if !hunks.is_empty() && !left.is_empty() {
                let why =
                    format!("{path} has more lines than the patch takes out; nothing was changed");
                return Err(mismatch(why));
            }
            let over = found.stamp;
            let diff = diff(&path, Some(&found.text), None);
            let change = Change::Remove {
                path: path.clone(),
                over,
            };
            Ok((change, patched(Kind::Deleted), diff))
        }
        FilePatch::Change(_, hunks) => {
            let found = read(place, &path)?;
            let text = apply(&path, &found.text, hunks)?;
            if text.len() as u64 > LARGEST {
                let why = format!("{path} would have more than {LARGEST} bytes");
                return Err(unsuitable(why));
            }
            let diff = diff(&path, Some(&found.text), Some(&text));
            let change = Change::Write {
                path: path.clone(),
                bytes: text.into_bytes(),
                over: Some(found.stamp),
            };
            Ok((change, patched(Kind::Changed), diff))
        }
    }
}

/// The file after all hunks, one after the other from its beginning to its end.
fn apply(path: &RelPath, text: &str, hunks: &[Hunk]) -> Result<String, ToolError> {
    let mut made = String::with_capacity(text.len());
    let mut from = 0;
    for hunk in hunks {
        let old = with_ends_of(text, &hunk.old);
        let new = with_ends_of(text, &hunk.new);
        let found = place_of((text, from), (&old, &new), hunk.at)
            .map_err(|why| mismatch(misfit(path, (text, from), hunk, &why)))?;
        made.push_str(&text[from..found.from]);
        made.push_str(&new);
        if found.lacks_break {
            // The patch does not speak of it, so the last line goes on without.
            made.truncate(without_break(&made).len());
        }
        from = found.to;
    }
    made.push_str(&text[from..]);
    Ok(made)
}

/// Where the old lines of a hunk stand, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    from: usize,
    to: usize,
    /// Whether the last of them is the last of the file and has no line break there.
    lacks_break: bool,
}

/// Why a hunk has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Misfit {
    /// Its lines are not there.
    Absent,
    /// They are there more than once, and nothing says which is meant.
    Several(Vec<usize>),
    /// It has only new lines, and its number may be wrong.
    Nowhere,
}

/// The place of whole lines behind `from`, the nearest to the line that the hunk names.
fn place_of(
    (text, from): (&str, usize),
    (old, new): (&str, &str),
    line: Option<usize>,
) -> Result<Found, Misfit> {
    if old.is_empty() {
        let end = Found {
            from: text.len(),
            to: text.len(),
            lacks_break: false,
        };
        return text.is_empty().then_some(end).ok_or(Misfit::Nowhere);
    }
    let is_start = |at: usize| at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
    // A line without a break ends the file, before as after.
    let is_last = [old, new]
        .iter()
        .any(|side| !side.is_empty() && !side.ends_with('\n'));
    let rest = &text[from..];
    let whole = rest.match_indices(old).map(|(at, _)| Found {
        from: from + at,
        to: from + at + old.len(),
        lacks_break: false,
    });
    let whole = whole.filter(|one| !is_last || one.to == text.len());
    // The last line of a file may lack its break, which the hunk does not say. No line is empty then.
    let open = without_break(old);
    let is_open = open.len() < old.len() && !open.is_empty() && !open.ends_with('\n');
    let open = (is_open && rest.ends_with(open)).then(|| Found {
        from: text.len() - open.len(),
        to: text.len(),
        lacks_break: new.is_empty() || new.ends_with('\n'),
    });
    let places = whole.chain(open).filter(|one| is_start(one.from));
    let places: Vec<(usize, Found)> = places
        .map(|one| {
            let here = line_of(text, one.from);
            (line.map_or(0, |line| here.abs_diff(line)), one)
        })
        .collect();
    let least = places.iter().map(|(distance, _)| *distance).min();
    let mut best = places
        .iter()
        .filter(|(distance, _)| Some(*distance) == least);
    match (best.next(), best.next()) {
        (Some((_, one)), None) => Ok(*one),
        (None, _) => Err(Misfit::Absent),
        (Some(_), Some(_)) => Err(Misfit::Several(
            places.iter().map(|(_, one)| one.from).collect(),
        )),
    }
}

/// Without the line break at its end.
fn without_break(text: &str) -> &str {
    let line = text.strip_suffix('\n').unwrap_or(text);
    match line.len() < text.len() {
        true => line.strip_suffix('\r').unwrap_or(line),
        false => text,
    }
}

fn misfit(path: &RelPath, (text, from): (&str, usize), hunk: &Hunk, why: &Misfit) -> String {
    let line = hunk.line;
    let why = match why {
        Misfit::Absent => return absent(path, text, from, hunk),
        Misfit::Several(places) => {
            let lines = places.iter().take(TOLD);
            let lines: Vec<_> = lines.map(|at| line_of(text, *at).to_string()).collect();
            format!(
                "its lines are in {path} {} times, in lines {}; take in more of what is around the place \
                 that is meant",
                places.len(),
                lines.join(", ")
            )
        }
        Misfit::Nowhere => format!(
            "it has only new lines, and {path} is not empty; take in a line that stands before or behind \
             them, with a space in front"
        ),
    };
    format!(
        "the hunk in line {line} of the patch has no certain place, so nothing was changed: {why}"
    )
}

fn absent(path: &RelPath, text: &str, from: usize, hunk: &Hunk) -> String {
    let near = match nearest(&text[from..], &hunk.old) {
        None => "nothing like it is in the file behind the hunks before it".to_owned(),
        Some((first, lines)) => {
            let first = first + line_of(text, from) - 1;
            let shown: String = lines.iter().map(|line| format!("\n{line}")).collect();
            format!("the nearest is at line {first}:{shown}")
        }
    };
    let line = hunk.line;
    format!(
        "the hunk in line {line} of the patch does not fit {path}, so nothing was changed; {near}"
    )
}
