//! Which calls a rule is about: a glob for the tool, and one for what the call touches.

use std::fmt;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::id::ToolId;

/// The longest glob, in bytes.
const LONGEST: usize = 1024;

/// By which a shell tells where another command begins, or a file.
const JOINTS: &str = ";&|<>()$`\n\r";

/// What a call touches, in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A file, by its path from the root of the worktree, links followed.
    File(String),
    /// A folder with all that is below it. The root is the empty path.
    Folder(String),
    /// A command line.
    Command(String),
}

/// Why a text is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern {glob:?} cannot be read: {why}")]
pub struct InvalidGlob {
    glob: String,
    why: String,
}

/// A glob for the id of a tool and one for what it is called with. In paths `*` stays within a
/// component and `**` does not; in command lines `*` is anything.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Pattern(Arc<Globs>);

/// Both globs, compiled, which is large; rules are copied about.
struct Globs {
    written: Written,
    tool: GlobMatcher,
    argument: Option<Argument>,
}

/// One glob, read in both ways.
struct Argument {
    path: GlobMatcher,
    command: GlobMatcher,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    tool: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    argument: Option<String>,
}

impl Pattern {
    /// Reads both globs. Without one for the argument, every call of the tool is meant.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(tool: &str, argument: Option<&str>) -> Result<Self, InvalidGlob> {
        let both = |glob: &str| {
            Ok(Argument {
                path: compile(glob, true)?,
                command: compile(glob, false)?,
            })
        };
        Ok(Self(Arc::new(Globs {
            tool: compile(tool, false)?,
            argument: argument.map(both).transpose()?,
            written: Written {
                tool: tool.to_owned(),
                argument: argument.map(str::to_owned),
            },
        })))
    }

    /// Reads it as it is told: `tool`, or `tool(argument)`.
    ///
    /// # Errors
    /// When a glob cannot be read.
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        let split = text.strip_suffix(')').and_then(|text| text.split_once('('));
        match split {
            Some((tool, argument)) => Self::new(tool, Some(argument)),
            None => Self::new(text, None),
        }
    }

    /// Whether it is about all of a call.
    pub(super) fn covers(&self, tool: &ToolId, subjects: &[Subject]) -> bool {
        let Some(argument) = self.argument_for(tool) else {
            return self.is_for(tool);
        };
        !subjects.is_empty() && subjects.iter().all(|subject| argument.has_all(subject))
    }

    /// Whether it is about anything of a call.
    pub(super) fn touches(&self, tool: &ToolId, subjects: &[Subject]) -> bool {
        let Some(argument) = self.argument_for(tool) else {
            return self.is_for(tool);
        };
        subjects.iter().any(|subject| argument.has(subject))
    }

    /// Itself, if it is about some calls of a tool and not about all of them.
    pub(super) fn part_of(&self, tool: &ToolId) -> Option<Self> {
        self.argument_for(tool).map(|_| self.clone())
    }

    /// Whether a file or folder is one that it is about.
    pub fn has_path(&self, path: &str) -> bool {
        let file = Subject::File(path.to_owned());
        self.0.argument.as_ref().is_some_and(|one| one.has(&file))
    }

    fn is_for(&self, tool: &ToolId) -> bool {
        self.0.tool.is_match(tool.as_str())
    }

    fn argument_for(&self, tool: &ToolId) -> Option<&Argument> {
        self.0.argument.as_ref().filter(|_| self.is_for(tool))
    }
}

impl Argument {
    /// Whether it is about a subject, or about a folder that it is in: what a pattern denies of a
    /// folder, it denies of all that is in it.
    fn has(&self, subject: &Subject) -> bool {
        match subject {
            Subject::File(path) | Subject::Folder(path) => {
                let above = path.match_indices('/').map(|(at, _)| &path[..at]);
                above
                    .chain([path.as_str()])
                    .any(|path| self.path.is_match(path))
            }
            Subject::Command(line) => self.command.is_match(line),
        }
    }

    /// Whether it is about all of a subject. Of what is below a folder nothing is known, so that only
    /// a pattern which ends in `/**` has all of it. A line in which one command may follow another, or print
    /// elsewhere, is had only by a pattern which says so itself: `git log*` is not about `git log; rm x`.
    fn has_all(&self, subject: &Subject) -> bool {
        match subject {
            Subject::File(path) => self.path.is_match(path),
            Subject::Command(line) => {
                let glob = self.command.glob().glob();
                let goes_on = |c: char| JOINTS.contains(c) && !glob.contains(c);
                let is_one = glob == "*" || !line.contains(goes_on);
                is_one && self.command.is_match(line)
            }
            Subject::Folder(path) => {
                let glob = self.path.glob().glob();
                let base = glob.strip_suffix("/**").filter(|base| {
                    let is_plain = !base.contains(['*', '?', '[', '{', '\\']);
                    is_plain && (path == base || path.starts_with(&format!("{base}/")))
                });
                glob == "**" || base.is_some()
            }
        }
    }
}

/// Case counts for nobody: where it does not for the file system, another spelling would slip past
/// a rule that denies.
fn compile(glob: &str, is_path: bool) -> Result<GlobMatcher, InvalidGlob> {
    let invalid = |why: String| InvalidGlob {
        glob: glob.chars().take(80).collect(),
        why,
    };
    if glob.is_empty() || glob.len() > LONGEST {
        return Err(invalid(format!("it has to have 1 to {LONGEST} bytes")));
    }
    let built = GlobBuilder::new(glob)
        .literal_separator(is_path)
        .backslash_escape(true)
        .case_insensitive(true)
        .build();
    let built = built.map_err(|error| invalid(error.kind().to_string()))?;
    Ok(built.compile_matcher())
}

impl TryFrom<Written> for Pattern {
    type Error = InvalidGlob;

    fn try_from(written: Written) -> Result<Self, InvalidGlob> {
        Self::new(&written.tool, written.argument.as_deref())
    }
}

impl From<Pattern> for Written {
    fn from(pattern: Pattern) -> Self {
        pattern.0.written.clone()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.written == other.0.written
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.written.fmt(f)
    }
}

/// As `tool`, or `tool(argument)`.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.written.argument {
            None => f.write_str(&self.0.written.tool),
            Some(argument) => write!(f, "{}({argument})", self.0.written.tool),
        }
    }
}
