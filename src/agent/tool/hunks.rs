//! Unified diffs as models write them: the text of the hunks counts, and the numbers in their heads are only
//! where to look first.

use crate::agent::path::{InvalidPath, RelPath};

/// How many hunks one patch may have.
const MOST: usize = 1000;

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FilePatch {
    /// A new file.
    Create(RelPath, String),
    /// The file is to have exactly this before it goes; nothing is said of it without hunks.
    Delete(RelPath, Vec<Hunk>),
    /// Changes in a file.
    Change(RelPath, Vec<Hunk>),
}

/// One place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hunk {
    /// The line of the patch in which it begins.
    pub line: usize,
    /// Where the head says it is in the old file; the first line is 1.
    pub at: Option<usize>,
    /// What is there.
    pub old: String,
    /// What is to be there.
    pub new: String,
}

/// Why a text is no patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the patch: {why}")]
pub(super) struct InvalidPatch {
    line: usize,
    why: String,
}

/// The files of a patch, in its order.
pub(super) fn parse(patch: &str) -> Result<Vec<FilePatch>, InvalidPatch> {
    let mut reader = Reader {
        lines: patch.lines().collect(),
        at: 0,
    };
    let mut files = Vec::new();
    let mut hunks = 0;
    while let Some((old, new)) = reader.head()? {
        let line = reader.at;
        let mut found = Vec::new();
        while let Some(hunk) = reader.hunk()? {
            hunks += 1;
            if hunks > MOST {
                return Err(reader.wrong("there are more than 1000 hunks"));
            }
            found.push(hunk);
        }
        let wrong = |why: &str| InvalidPatch {
            line,
            why: why.to_owned(),
        };
        files.push(match (old, new, found) {
            (None, Some(path), found) => match &found[..] {
                [hunk] if hunk.old.is_empty() => FilePatch::Create(path, hunk.new.clone()),
                _ => return Err(wrong("a new file has one hunk, and only lines with `+`")),
            },
            (Some(path), None, found) => FilePatch::Delete(path, found),
            (_, _, found) if found.is_empty() => {
                return Err(wrong("a hunk is wanted here, which begins with `@@`"));
            }
            (Some(old), Some(new), found) if old == new => FilePatch::Change(new, found),
            (Some(_), Some(_), _) => {
                return Err(wrong(
                    "the names differ; `file.move` gives a file another name",
                ));
            }
            (None, None, _) => return Err(wrong("both files are /dev/null")),
        });
    }
    match files.is_empty() {
        true => Err(InvalidPatch {
            line: 1,
            why: "there is no `--- a/FILE` with `+++ b/FILE` behind it".to_owned(),
        }),
        false => Ok(files),
    }
}

/// The file before and after; nothing where there is none.
type Names = (Option<RelPath>, Option<RelPath>);

struct Reader<'p> {
    lines: Vec<&'p str>,
    at: usize,
}

impl<'p> Reader<'p> {
    fn wrong(&self, why: impl Into<String>) -> InvalidPatch {
        InvalidPatch {
            line: self.at + 1,
            why: why.into(),
        }
    }

    fn line(&self) -> Option<&'p str> {
        self.lines.get(self.at).copied()
    }

    /// The names of the next file. What git and people write before that is left out.
    fn head(&mut self) -> Result<Option<Names>, InvalidPatch> {
        while let Some(line) = self.line() {
            if line.starts_with("rename ") || line.starts_with("copy ") {
                return Err(self.wrong("`file.move` gives a file another name, no patch"));
            }
            if line.starts_with("GIT binary patch") || line.starts_with("Binary files ") {
                return Err(self.wrong("binary files are not patched"));
            }
            if line.starts_with("@@") {
                return Err(self.wrong("a hunk without `--- a/FILE` and `+++ b/FILE` before it"));
            }
            let Some(old) = line.strip_prefix("--- ") else {
                self.at += 1;
                continue;
            };
            let old = self.name(old, "a/")?;
            self.at += 1;
            let new = self.line().and_then(|line| line.strip_prefix("+++ "));
            let new = new.ok_or_else(|| self.wrong("`+++ b/FILE` is wanted here"))?;
            let new = self.name(new, "b/")?;
            self.at += 1;
            return Ok(Some((old, new)));
        }
        Ok(None)
    }

    fn name(&self, text: &str, prefix: &str) -> Result<Option<RelPath>, InvalidPatch> {
        // A tab ends a name; times may stand behind it.
        let name = text.split('\t').next().unwrap_or_default().trim_end();
        if name == "/dev/null" {
            return Ok(None);
        }
        let path = name.strip_prefix(prefix).unwrap_or(name);
        let path = path.parse();
        path.map(Some)
            .map_err(|error: InvalidPath| self.wrong(error.to_string()))
    }

    /// The next hunk of this file, if there is one.
    fn hunk(&mut self) -> Result<Option<Hunk>, InvalidPatch> {
        if self.is_next(|line, _| line.starts_with("@@")) {
            self.at += self.blank();
        }
        let Some(head) = self.line().and_then(|line| line.strip_prefix("@@")) else {
            return Ok(None);
        };
        let mut hunk = Hunk {
            line: self.at + 1,
            at: position(head),
            old: String::new(),
            new: String::new(),
        };
        self.at += 1;
        // On which sides the last line was, for a line break that is not there.
        let mut last = (false, false);
        while let Some(line) = self.line() {
            let (sign, text) = match line.chars().next() {
                // Editors take the space from an empty line.
                None => (' ', ""),
                Some(sign) => (sign, &line[sign.len_utf8()..]),
            };
            if is_head(line, self.lines.get(self.at + 1)) {
                break;
            }
            match sign {
                ' ' if line.is_empty() && self.is_end() => break,
                ' ' | '-' | '+' => {
                    last = (sign != '+', sign != '-');
                    push(&mut hunk.old, text, last.0);
                    push(&mut hunk.new, text, last.1);
                }
                '\\' => {
                    let open = |text: &mut String, is_on: bool| {
                        if is_on && text.ends_with('\n') {
                            text.pop();
                        }
                    };
                    open(&mut hunk.old, last.0);
                    open(&mut hunk.new, last.1);
                }
                _ => break,
            }
            self.at += 1;
        }
        match hunk.old.is_empty() && hunk.new.is_empty() {
            true => Err(self.wrong("a line with ` `, `-` or `+` before it is wanted here")),
            false => Ok(Some(hunk)),
        }
    }

    /// How many empty lines are next.
    fn blank(&self) -> usize {
        let rest = self.lines[self.at..].iter();
        rest.take_while(|line| line.is_empty()).count()
    }

    /// Whether the line behind the empty ones, with the one behind it, is so.
    fn is_next(&self, is_so: impl Fn(&str, Option<&&str>) -> bool) -> bool {
        let mut rest = self.lines[self.at + self.blank()..].iter();
        rest.next().is_some_and(|line| is_so(line, rest.next()))
    }

    /// Whether only empty lines are left of this hunk.
    fn is_end(&self) -> bool {
        let is_over = self.at + self.blank() == self.lines.len();
        let begins = |line: &str| line.starts_with("diff ") || line.starts_with("@@");
        is_over || self.is_next(|line, next| begins(line) || is_head(line, next))
    }
}

/// Whether a file begins here, and no removed line that begins with `-- `.
fn is_head(line: &str, next: Option<&&str>) -> bool {
    line.starts_with("--- ") && next.is_some_and(|next| next.starts_with("+++ "))
}

fn push(text: &mut String, line: &str, is_on: bool) {
    if is_on {
        text.push_str(line);
        text.push('\n');
    }
}

/// The first number of ` -12,7 +12,9 @@`.
fn position(head: &str) -> Option<usize> {
    let (_, rest) = head.split_once('-')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}
