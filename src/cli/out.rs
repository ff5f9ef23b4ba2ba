//! Standard output and standard error: text for people, JSON for programs.

use std::io::{self, ErrorKind, Write};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::format::{clean, clean_lines};
use crate::app::failure::Failure;
use crate::model::code::{Code, Exit};
use crate::model::door::{Print, Reply};
use crate::model::session::SessionState;

/// A plan of thousands of tasks may lack one program in each.
const MOST_WARNINGS: usize = 5;

/// The version of every JSON document; it rises when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// How this run prints.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    /// One JSON document instead of text.
    pub json: bool,
    /// Results only.
    pub quiet: bool,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u32,
    kind: &'a str,
    #[serde(flatten)]
    body: T,
}

impl Terminal {
    /// Prints a result: `body` (a map) as JSON of `kind`, or the text.
    ///
    /// # Errors
    /// When standard output takes nothing; a closed pipe is not one.
    pub fn result<T: Serialize>(
        &self,
        kind: &str,
        body: T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            self.document(kind, body)
        } else {
            self.text(&text())
        }
    }

    /// Prints one JSON document on one line.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn document<T: Serialize>(&self, kind: &str, body: T) -> Result<(), Failure> {
        self.documents(kind, std::iter::once(body))
    }

    /// Prints JSON documents of one kind, one a line.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn documents<T: Serialize>(
        &self,
        kind: &str,
        bodies: impl Iterator<Item = T>,
    ) -> Result<(), Failure> {
        let mut lines = Vec::new();
        for body in bodies {
            let document = Document {
                schema_version: SCHEMA_VERSION,
                kind,
                body,
            };
            serde_json::to_writer(&mut lines, &document)
                .map_err(|error| Failure::new(Code::Io, format!("standard output: {error}")))?;
            lines.push(b'\n');
        }
        write_all(&lines)
    }

    /// Prints text, which must be clean but for its own styles, with a final newline.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let end = if text.ends_with('\n') { "" } else { "\n" };
        // Into memory first: standard output writes line by line, and a list may be long.
        let choice = AutoStream::choice(&io::stdout());
        let mut out = AutoStream::new(Vec::new(), choice);
        settle(write!(out, "{text}{end}"))?;
        write_all(&out.into_inner())
    }

    /// Says something beside the result, on standard error.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            // Nobody reads it when standard error is gone; the result is what counts.
            let _unread = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Warns, on standard error; a JSON document has a field for it.
    pub fn warn(&self, warnings: &[String]) {
        if self.json {
            return;
        }
        let label = paint(AnsiColor::Yellow.on_default().bold(), "warning");
        for text in warnings.iter().take(MOST_WARNINGS) {
            self.note(&format!("{label}: {}", clean(text)));
        }
        let more = warnings.len().saturating_sub(MOST_WARNINGS);
        if more > 0 {
            self.note(&format!("{label}: and {more} more"));
        }
    }

    /// How somebody else is to print for this run.
    pub fn print(&self) -> Print {
        Print {
            json: self.json,
            quiet: self.quiet,
            color: AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        }
    }

    /// Prints what somebody else would have printed, and gives their exit code.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn reply(&self, reply: &Reply) -> Result<Exit, Failure> {
        // Nobody reads it when standard error is gone; the exit code says it.
        let _unread = io::stderr().lock().write_all(reply.stderr.as_bytes());
        write_all(reply.stdout.as_bytes())?;
        Ok(Exit::of(reply.exit).unwrap_or(Exit::System))
    }

    /// Prints a failure.
    pub fn failure(&self, failure: &Failure) {
        let hints: Vec<String> = failure.advice().iter().map(|hint| clean(hint)).collect();
        // What was asked for is so already: that is no error.
        let is_error = failure.code.exit() != Exit::Ok;
        let kind = if is_error { "error" } else { "note" };
        if self.json {
            let error = serde_json::json!({ kind: {
                "code": failure.code.id(),
                "message": failure.message,
                "hints": failure.advice(),
                "exit": failure.code.exit() as u8,
                "details": failure.details,
            }});
            // Standard output may be what failed.
            if self.document(kind, error).is_ok() {
                return;
            }
        }
        let mut text = format!(
            "{}: {}\n  code: {}\n",
            paint(
                if is_error {
                    red().bold()
                } else {
                    Style::new().bold()
                },
                kind
            ),
            clean_lines(&failure.message).trim_end(),
            failure.code.id()
        );
        for hint in hints {
            text.push_str(&format!(
                "  {}: {hint}\n",
                paint(AnsiColor::Cyan.on_default(), "hint")
            ));
        }
        let _unread = write!(anstream::stderr(), "{text}");
    }
}

/// Writes bytes to standard output as they are.
///
/// # Errors
/// When it takes nothing; a closed pipe ends the process silently, as other tools do.
pub fn write_all(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    settle(out.write_all(bytes).and_then(|()| out.flush()))
}

fn settle(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new(
            Code::of_system(&error),
            format!("standard output: {error}"),
        )),
        Ok(()) => Ok(()),
    }
}

fn red() -> Style {
    AnsiColor::Red.on_default()
}

/// Text in a style.
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text that stands back.
pub fn dim(text: &str) -> String {
    paint(Style::new().dimmed(), text)
}

/// Text that stands out.
pub fn bold(text: &str) -> String {
    paint(Style::new().bold(), text)
}

/// The colour of a session's state.
pub fn state_style(state: SessionState) -> Style {
    match state {
        SessionState::Created => Style::new().dimmed(),
        SessionState::Active => AnsiColor::Cyan.on_default(),
        SessionState::Paused => AnsiColor::Yellow.on_default(),
        SessionState::Blocked => AnsiColor::Magenta.on_default(),
        SessionState::Completed => AnsiColor::Green.on_default(),
        SessionState::Failed => red(),
        SessionState::Cancelled => Style::new().dimmed(),
    }
}
