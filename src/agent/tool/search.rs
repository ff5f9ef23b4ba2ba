//! `file.search`

use std::io;
use std::ops::ControlFlow;

use globset::GlobMatcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkMatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::glob::{below, compile};
use super::{Answer, How, Tool, card, folder};
use crate::agent::path::RelPath;
use crate::agent::place::{Kind, Place};
use crate::agent::registry::Entry;
use crate::agent::text::{ANSWER, LARGEST, start};
use crate::agent::walk::{Walk, canceled};
use crate::agent::world::World;
use crate::model::tool::{Capability, Card, Subject, ToolError, ToolId};

const ID: ToolId = ToolId::fixed("file.search");
/// Limits of the expression, in bytes: as it is written, and compiled.
const LONGEST: usize = 4096;
const LARGEST_REGEX: usize = 2 << 20;
const MOST_CONTEXT: usize = 10;
const MOST_LINES: usize = 400;
const LONGEST_LINE: usize = 400;

/// What to look for, and where.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::agent) struct Args {
    /// A regular expression in the syntax of Rust's regex crate, matched line by line.
    #[schemars(length(min = 1, max = 4096))]
    pattern: String,
    /// The file or folder to look in; the root of the worktree unless said otherwise.
    #[serde(default)]
    path: Option<RelPath>,
    /// Only files whose path, counted from `path`, matches this glob, such as `**/*.rs`.
    #[serde(default)]
    glob: Option<String>,
    /// Whether `pattern` is a plain text instead; false unless said otherwise.
    #[serde(default)]
    literal: Option<bool>,
    /// Whether capitals and small letters are the same; false unless said otherwise.
    #[serde(default)]
    ignore_case: Option<bool>,
    /// How many lines around each match are told, 0 to 10; 0 unless said otherwise.
    #[serde(default)]
    #[schemars(range(max = 10))]
    context: Option<u32>,
    /// Whether what `.gitignore` files name is looked at as well; false unless said otherwise.
    #[serde(default)]
    ignored: Option<bool>,
}

/// What was found.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::agent) struct Output {
    /// File by file.
    files: Vec<Hits>,
    /// How many lines match in them.
    matches: usize,
    /// Whether there may be more than that.
    more: bool,
    /// How many files were left out because they are too large.
    too_large: usize,
}

/// What was found in one file.
#[derive(Debug, Serialize, JsonSchema)]
struct Hits {
    /// The file.
    path: RelPath,
    /// The lines, in their order.
    lines: Vec<Hit>,
}

/// A line.
#[derive(Debug, Serialize, JsonSchema)]
struct Hit {
    /// Its number.
    line: u64,
    /// Its text.
    text: String,
    /// Whether it stands there only because a line near it matches.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    context: bool,
}

/// One call.
#[derive(Debug)]
pub(in crate::agent) struct Search {
    path: RelPath,
    matcher: RegexMatcher,
    only: Option<GlobMatcher>,
    context: usize,
    ignored: bool,
}

impl Tool for Search {
    type Args = Args;
    type Output = Output;

    fn card() -> Card {
        card(
            ID,
            "Searches the lines of files for a regular expression, without binary files and what \
             `.gitignore` files name. At most 400 lines are told; where there are more, narrow the \
             search by `path` or `glob`.",
            &[Capability::FileRead],
        )
    }

    fn example() -> Value {
        json!({ "pattern": r"fn \w+_test\(", "path": "src", "glob": "**/*.rs", "context": 1 })
    }

    fn prepare(args: Args, entry: &Entry, place: &Place) -> Result<Self, ToolError> {
        if args.pattern.is_empty() || args.pattern.len() > LONGEST {
            return Err(entry.refuse("pattern", "1 to 4096 bytes are wanted"));
        }
        let context = args.context.unwrap_or(0) as usize;
        if context > MOST_CONTEXT {
            return Err(entry.refuse("context", "a number from 0 to 10 is wanted"));
        }
        let matcher = RegexMatcherBuilder::new()
            .fixed_strings(args.literal.unwrap_or(false))
            .case_insensitive(args.ignore_case.unwrap_or(false))
            .line_terminator(Some(b'\n'))
            .size_limit(LARGEST_REGEX)
            .dfa_size_limit(LARGEST_REGEX)
            .build(&args.pattern);
        let matcher = matcher.map_err(|error| entry.refuse("pattern", &error.to_string()))?;
        let only = args.glob.as_deref().map(compile).transpose();
        Ok(Self {
            path: place.settle(&args.path.unwrap_or_default())?,
            matcher,
            only: only.map_err(|why| entry.refuse("glob", &why))?,
            context,
            ignored: args.ignored.unwrap_or(false),
        })
    }

    fn subjects(&self) -> Vec<Subject> {
        vec![folder(&self.path)]
    }

    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Output>, ToolError> {
        let mut found = Found::default();
        let mut searcher = SearcherBuilder::new()
            .line_number(true)
            .before_context(self.context)
            .after_context(self.context)
            .binary_detection(BinaryDetection::quit(0))
            .build();
        let files = vec![self.path.clone()];
        let kind = world.place.look(&self.path)?.map(|(kind, _)| kind);
        if kind == Some(Kind::File) {
            self.file(&self.path, world, &mut searcher, &mut found);
        } else {
            let walk = Walk {
                world,
                closed: how.closed,
                depth: usize::MAX,
                ignored: self.ignored,
            };
            let is_whole = walk.each(&self.path, |path, kind| {
                let name = below(&self.path, path);
                let is_meant = self.only.as_ref().is_none_or(|only| only.is_match(name));
                if kind == Kind::File && is_meant {
                    self.file(path, world, &mut searcher, &mut found);
                }
                match found.is_full() || world.is_canceled() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })?;
            found.output.more |= !is_whole;
        }
        if world.is_canceled() {
            return Err(canceled());
        }
        let output = found.output;
        Ok(Answer::of(output, files))
    }
}

impl Search {
    /// Files that vanish or cannot be opened are left out.
    fn file(&self, path: &RelPath, world: &World, searcher: &mut Searcher, found: &mut Found) {
        use crate::agent::place::PlaceError;
        let bytes = match world.place.read(path, LARGEST) {
            Ok(file) => file.bytes,
            Err(PlaceError::TooLarge { .. }) => {
                found.output.too_large += 1;
                return;
            }
            Err(_) => return,
        };
        found.lines.clear();
        if let Err(error) = searcher.search_slice(&self.matcher, &bytes, &mut *found) {
            tracing::debug!("{path}: {error}");
        }
        let lines = std::mem::take(&mut found.lines);
        if !lines.is_empty() {
            let path = path.clone();
            found.output.files.push(Hits { path, lines });
        }
    }
}

/// What was found up to now.
#[derive(Default)]
struct Found {
    output: Output,
    /// Of the file that is being searched.
    lines: Vec<Hit>,
    told: usize,
    bytes: usize,
}

impl Found {
    fn is_full(&self) -> bool {
        self.told >= MOST_LINES || self.bytes >= ANSWER
    }

    /// Whether there is room for another line.
    fn take(&mut self, line: Option<u64>, bytes: &[u8], context: bool) -> bool {
        if self.is_full() {
            self.output.more = true;
            return false;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = match start(text.trim_end_matches(['\r', '\n']), LONGEST_LINE) {
            (all, false) => all.to_owned(),
            (part, true) => format!("{part}…"),
        };
        self.told += 1;
        self.bytes += text.len() + 40;
        self.output.matches += usize::from(!context);
        let line = line.unwrap_or(0);
        self.lines.push(Hit {
            line,
            text,
            context,
        });
        true
    }
}

impl Sink for &mut Found {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> Result<bool, io::Error> {
        Ok(self.take(found.line_number(), found.bytes(), false))
    }

    fn context(&mut self, _: &Searcher, found: &SinkContext<'_>) -> Result<bool, io::Error> {
        Ok(self.take(found.line_number(), found.bytes(), true))
    }
}
