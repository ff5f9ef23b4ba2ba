//! Aligned columns without borders, cut to the width.

use std::borrow::Cow;

use anstyle::Style;

use super::format::clean;

const GAP: usize = 2;
/// The least that a narrow terminal leaves of a long column.
const LAST: usize = 20;

/// One cell: text from anywhere, and how it looks.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// In a style.
    pub fn styled(text: &str, style: Style) -> Self {
        Self {
            text: clean(text),
            style,
        }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text.as_ref(), Style::new())
    }
}

/// Rows below a heading. The last column, and then the widest, give way when the terminal is narrow.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// With these headings.
    pub fn new(headings: &[&str]) -> Self {
        let heading = Style::new().bold();
        Self {
            rows: vec![
                headings
                    .iter()
                    .map(|text| Cell::styled(text, heading))
                    .collect(),
            ],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, none longer than `width` while the columns before the last leave room.
    pub fn render(&self, width: usize) -> String {
        let widths = fitted(self.widths(), width);
        let mut text = String::new();
        for row in &self.rows {
            push_line(&mut text, row, &widths, width);
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells
                    .map(|cell| cell.text.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }
}

/// The widest column before the last gives way so far that the last keeps some room.
fn fitted(mut widths: Vec<usize>, width: usize) -> Vec<usize> {
    let Some((_last, before)) = widths.split_last_mut() else {
        return widths;
    };
    let used: usize = before.iter().map(|column| column + GAP).sum();
    if let Some(widest) = before.iter_mut().max() {
        let over = (used + LAST).saturating_sub(width);
        *widest = (*widest).min((*widest).saturating_sub(over).max(LAST));
    }
    widths
}

/// Into the text of all lines: a list may be long.
fn push_line(text: &mut String, row: &[Cell], widths: &[usize], width: usize) {
    let mut used = 0;
    for (column, cell) in row.iter().enumerate() {
        let last = column + 1 == row.len();
        let shown = if last {
            cut(&cell.text, width.saturating_sub(used).max(8))
        } else {
            cut_inside(&cell.text, widths[column])
        };
        push_styled(text, &shown, cell.style);
        if !last {
            let pad = widths[column].saturating_sub(shown.chars().count()) + GAP;
            text.extend(std::iter::repeat_n(' ', pad));
        }
        used += widths[column] + GAP;
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
}

fn push_styled(text: &mut String, shown: &str, style: Style) {
    if style.is_plain() {
        return text.push_str(shown);
    }
    text.push_str(&style.render().to_string());
    text.push_str(shown);
    text.push_str(&style.render_reset().to_string());
}

/// At most `room` characters, with `…` at the end when it was cut.
pub fn shorten(text: &str, room: usize) -> String {
    cut(text, room).into_owned()
}

fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if text.chars().count() <= room {
        return text.into();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end()).into()
}

/// Like [`cut`], with both ends kept: names differ at their end as often as not.
fn cut_inside(text: &str, room: usize) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= room {
        return text.into();
    }
    let kept = room.saturating_sub(1);
    let head: String = text.chars().take(kept - kept / 2).collect();
    let tail: String = text.chars().skip(count - kept / 2).collect();
    format!("{head}…{tail}").into()
}

/// The width to print in: COLUMNS, or the terminal's. What goes elsewhere is not cut.
pub fn width() -> usize {
    let given = std::env::var("COLUMNS")
        .ok()
        .and_then(|text| text.parse().ok());
    match given.or_else(terminal_width) {
        Some(columns @ 40..=400) => columns,
        Some(_) => 80,
        None => usize::MAX,
    }
}

fn terminal_width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_leaves_room_for_the_last_column() {
        let mut table = Table::new(&["ID", "NAME", "REASON"]);
        table.row(["1".into(), "n".repeat(60).into(), "r".repeat(60).into()]);
        let plain = anstream::adapter::strip_str(&table.render(60)).to_string();
        assert!(
            plain.lines().all(|line| line.chars().count() <= 60),
            "{plain}"
        );
        assert_eq!(plain.matches('…').count(), 2, "{plain}");
    }

    #[test]
    fn both_ends_of_a_name_are_kept() {
        assert_eq!(cut_inside("abcdefgh", 8), "abcdefgh");
        assert_eq!(cut_inside("abcdefgh", 6), "abc…gh");
        assert_eq!(cut_inside("abcdefgh", 0), "…");
    }

    #[test]
    fn columns_align_and_the_last_is_cut() {
        let mut table = Table::new(&["ID", "NAME"]);
        table.row(["1".into(), "a rather long text".into()]);
        table.row(["1000".into(), Cell::from("b\x1b[31m")]);
        let plain = anstream::adapter::strip_str(&table.render(16)).to_string();
        assert_eq!(plain, "ID    NAME\n1     a rather…\n1000  b␛[31m\n");
    }
}
