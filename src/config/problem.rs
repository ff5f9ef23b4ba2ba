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

    /// `file:line:column: message`, the source line with a caret, and the hint. Plain text; the
    /// source line is cut around the column to fit 80 columns.
    pub fn render(&self, source: &str, file: &Path) -> String {
        let line = source.split('\n').nth(self.line - 1).unwrap_or_default();
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let room = WIDTH.saturating_sub(number.len() + 3);
        let (shown, caret) = cut(line, self.column - 1, room);
        let mut text = format!(
            "{}:{}:{}: {}\n{margin} |\n",
            clean(&file.display().to_string()),
            self.line,
            self.column,
            clean(&self.message)
        );
        text.push_str(format!("{number} | {shown}").trim_end());
        let _ = write!(text, "\n{margin} | {}^\n", " ".repeat(caret));
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {}", clean(hint));
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

fn clean(text: &str) -> String {
    text.chars().map(visible).collect()
}
