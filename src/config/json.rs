//! JSON, read as the same values as TOML, so that its mistakes are found and told in the same way.

use std::borrow::Cow;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::reader::{Problems, quoted};

/// The root table, or `None` after at least one problem was added.
pub(super) fn parse_json<'i>(text: &'i str, problems: &Problems) -> Option<Spanned<DeTable<'i>>> {
    // This one knows all of the rules, depth included; what follows may rely on them.
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let offset = offset_of(text, error.line(), error.column());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        problems.add(offset, message, None);
        return None;
    }
    let mut reader = Reader {
        text,
        at: 0,
        problems,
    };
    let value = reader.value();
    if !problems.is_empty() {
        return None;
    }
    let span = value.span();
    match value.into_inner() {
        DeValue::Table(table) => Some(Spanned::new(span, table)),
        _ => {
            problems.add(span.start, "expected a table in braces", None);
            None
        }
    }
}

/// The place of a line and a column in bytes, both from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let before: usize = before.map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// Goes through a text that is known to be JSON.
struct Reader<'i, 'p> {
    text: &'i str,
    at: usize,
    problems: &'p Problems,
}

impl<'i> Reader<'i, '_> {
    fn value(&mut self) -> Spanned<DeValue<'i>> {
        self.space();
        let start = self.at;
        let value = match self.peek() {
            b'{' => DeValue::Table(self.table()),
            b'[' => DeValue::Array(self.array()),
            b'"' => DeValue::String(self.string()),
            _ => self.plain(),
        };
        Spanned::new(start..self.at, value)
    }

    fn table(&mut self) -> DeTable<'i> {
        let mut table = DeTable::new();
        while self.goes_on(b'}') {
            let start = self.at;
            let key = Spanned::new(start..start, self.string());
            // The colon.
            self.space();
            self.at += 1;
            self.space();
            if self.text[self.at..].starts_with("null") {
                // Nothing was said.
                self.at += "null".len();
                continue;
            }
            let value = self.value();
            if table.contains_key(key.get_ref().as_ref()) {
                let message = format!("{} stands here twice", quoted(key.get_ref()));
                self.problems.add(start, message, None);
            }
            table.insert(key, value);
        }
        table
    }

    fn array(&mut self) -> DeArray<'i> {
        let mut array = DeArray::new();
        while self.goes_on(b']') {
            let value = self.value();
            array.push(value);
        }
        array
    }

    /// Over what begins a list, or stands between two of its members, to the next one; false at its end.
    fn goes_on(&mut self, end: u8) -> bool {
        self.space();
        if self.peek() != end {
            // An opening bracket or a comma.
            self.at += 1;
            self.space();
        }
        let is_over = self.peek() == end;
        self.at += usize::from(is_over);
        !is_over
    }

    fn string(&mut self) -> Cow<'i, str> {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let written = &rest[..end.map_or(rest.len(), |end| end + 2)];
        self.at += written.len();
        let inner = written
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        match inner {
            Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
            _ => Cow::Owned(serde_json::from_str(written).unwrap_or_default()),
        }
    }

    /// A number, true, false or null.
    fn plain(&mut self) -> DeValue<'i> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| ",]}".contains(c) || c.is_ascii_whitespace());
        let written = &rest[..end.unwrap_or(rest.len())];
        let start = self.at;
        self.at += written.len();
        match DeValue::parse(written) {
            Ok(value) => value.into_inner(),
            Err(_) => {
                let message = format!("{} has no meaning here", quoted(written));
                self.problems.add(start, message, None);
                DeValue::Boolean(false)
            }
        }
    }

    fn space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b'}')
    }
}
