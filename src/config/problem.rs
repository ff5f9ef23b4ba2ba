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

impl Problem {
    /// A problem at a byte offset of `source`.
    pub(super) fn at(source: &str, offset: usize, message: String, hint: Option<String>) -> Self {
        let mut offset = offset.min(source.len());
        while !source.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &source[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            message,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            hint,
        }
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
