//! One thing wrong in a file, and how it is shown.

use std::fmt::Write;
use std::path::Path;

const WIDTH: usize = 80;

/// One thing wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What may help.
    pub hint: Option<String>,
}

/// Goes through a text once, however many problems it has.
pub(super) struct Cursor<'s> {
    source: &'s str,
    offset: usize,
    line: usize,
    column: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self {
            source,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// A problem at a byte offset, which is not before the last one.
    pub(super) fn problem(
        &mut self,
        offset: usize,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        let mut end = offset.clamp(self.offset, self.source.len());
        while !self.source.is_char_boundary(end) {
            end -= 1;
        }
        for c in self.source[self.offset..end].chars() {
            (self.line, self.column) = match c {
                '\n' => (self.line + 1, 1),
                _ => (self.line, self.column + 1),
            };
        }
        self.offset = end;
        Problem {
            message,
            line: self.line,
            column: self.column,
            hint,
        }
    }
}

impl Problem {
    /// A problem at a byte offset of `source`.
    pub(super) fn at(source: &str, offset: usize, message: String, hint: Option<String>) -> Self {
        Cursor::new(source).problem(offset, message, hint)
    }

    /// `file:line:column: message`, the source line with a caret, and the hint. Plain text of at
    /// most 80 columns: the source line is cut around the column, the rest is wrapped.
    pub fn render(&self, source: &str, file: &Path) -> String {
        let line = source.split('\n').nth(self.line - 1).unwrap_or_default();
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let room = WIDTH.saturating_sub(number.len() + 3);
        let (shown, caret) = cut(line, self.column - 1, room);
        let (file, column) = (file.display(), self.column);
        let head = format!("{file}:{number}:{column}: {}", self.message);
        let mut text = format!("{}\n{margin} |\n", wrapped(&head));
        text.push_str(format!("{number} | {shown}").trim_end());
        let _ = write!(text, "\n{margin} | {}^\n", " ".repeat(caret));
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "{}", wrapped(&format!("hint: {hint}")));
        }
        text
    }
}

/// The part of `line` around character `column` that fits `room` columns, and the caret's column.
fn cut(line: &str, column: usize, room: usize) -> (String, usize) {
    let shown: Vec<char> = line.trim_end_matches('\r').chars().map(visible).collect();
    let column = column.min(shown.len());
    let whole = shown.iter().map(|c| width(*c)).sum::<usize>() < room;
    let mut start = 0;
    while !whole && columns(&shown[start..column]) > room / 2 {
        start += 1;
    }
    let lead = if start > 0 { "..." } else { "" };
    let mut text = lead.to_owned();
    let mut used = lead.len();
    for c in &shown[start..] {
        if !whole && used + width(*c) > room - 3 {
            text.push_str("...");
            break;
        }
        used += width(*c);
        text.push(*c);
    }
    (text, lead.len() + columns(&shown[start..column]))
}

fn columns(text: &[char]) -> usize {
    text.iter().map(|c| width(*c)).sum()
}

/// Columns on a terminal; from Hangul Jamo on counted as wide, which errs to the short side.
fn width(c: char) -> usize {
    if c >= '\u{1100}' { 2 } else { 1 }
}

/// Control and text-direction characters could disguise what a terminal shows.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c if c.is_control() => '?',
        c => c,
    }
}

/// Visible text broken at spaces where it can be; further lines are indented by two columns.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let word: Vec<char> = word.chars().map(visible).collect();
        let fits = used + columns(&word) <= WIDTH + usize::from(word.ends_with(&[' ']));
        if !fits && used > 2 {
            lines.push_str("\n  ");
            used = 2;
        }
        for c in word {
            if used + width(c) > WIDTH && c != ' ' {
                lines.push_str("\n  ");
                used = 2;
            }
            used += width(c);
            lines.push(c);
        }
    }
    let trimmed: Vec<&str> = lines.split('\n').map(str::trim_end).collect();
    trimmed.join("\n")
}

/// More of them would push the first ones off the screen.
const MOST_SHOWN: usize = 20;

/// The problems of one file, the first of them in full.
pub(super) fn render_all(problems: &[Problem], source: &str, file: &Path) -> String {
    let shown = problems.iter().take(MOST_SHOWN);
    let rendered: Vec<_> = shown.map(|p| p.render(source, file)).collect();
    let mut text = rendered.join("\n").trim_end().to_owned();
    let more = problems.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        let _ = write!(
            text,
            "\n\nand {more} more problem{}",
            if more == 1 { "" } else { "s" }
        );
    }
    text
}

/// The text of a file without a byte order mark, or where it is not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, (String, Problem)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let lossy = String::from_utf8_lossy(bytes).into_owned();
        let hint = Some("save the file as UTF-8".to_owned());
        let message = "the text is not UTF-8".to_owned();
        let problem = Problem::at(&lossy, error.valid_up_to(), message, hint);
        (lossy, problem)
    })
}
