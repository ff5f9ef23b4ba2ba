//! Reads TOML by hand, so that every problem is found in one pass, each with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::advice::{instead_of, instead_of_key};
use super::problem::{Cursor, Problem};

/// Collects what is wrong with one text.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<(usize, String, Option<String>)>>);

impl Problems {
    pub(super) fn add(&self, offset: usize, message: impl Into<String>, hint: Option<String>) {
        self.0.borrow_mut().push((offset, message.into(), hint));
    }

    /// Whether nothing is wrong yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// In the order of the text.
    pub(super) fn finish(self, source: &str) -> Vec<Problem> {
        let mut found = self.0.into_inner();
        found.sort();
        found.dedup();
        let mut cursor = Cursor::new(source);
        found
            .into_iter()
            .map(|(offset, message, hint)| cursor.problem(offset, message, hint))
            .collect()
    }
}

/// The root table, or `None` when the text is not TOML; then every syntax error is a problem.
pub(super) fn parse<'i>(text: &'i str, problems: &Problems) -> Option<Spanned<DeTable<'i>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let offset = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
    let first = errors.iter().min_by_key(|error| offset(error));
    for error in &errors {
        let hint = first.filter(|first| std::ptr::eq(*first, error));
        let hint = hint.and_then(|_| other_language(text));
        problems.add(offset(error), error.message(), hint);
    }
    errors.is_empty().then_some(table)
}

fn other_language(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let language = match first {
        json if json.starts_with('{') => "JSON",
        yaml if yaml.starts_with("---") || yaml.ends_with(':') || yaml.starts_with("- ") => "YAML",
        _ => return None,
    };
    Some(format!("this looks like {language}; it is read as TOML"))
}

/// A value that can be read from TOML.
pub(super) trait Read: Sized {
    /// The value, or `None` after at least one problem was added.
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self>;
}

/// A table being read: what was never asked for is unknown.
pub(super) struct Section<'a, 'i> {
    table: &'a DeTable<'i>,
    problems: &'a Problems,
    asked: BTreeSet<&'static str>,
}

impl<'a, 'i> Section<'a, 'i> {
    pub(super) fn new(table: &'a DeTable<'i>, problems: &'a Problems) -> Self {
        Self {
            table,
            problems,
            asked: BTreeSet::new(),
        }
    }

    /// The raw value of a key.
    pub(super) fn raw(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.asked.insert(key);
        self.table.get(key)
    }

    /// The raw value of a key, without saying that the key is known.
    pub(super) fn get(&self, key: &str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    /// The value of a key, if it is there and sound.
    pub(super) fn take<T: Read>(&mut self, key: &'static str) -> Option<T> {
        let problems = self.problems;
        self.raw(key).and_then(|value| T::read(value, problems))
    }

    /// A table within this one.
    pub(super) fn section(&mut self, key: &'static str) -> Option<Section<'a, 'i>> {
        let problems = self.problems;
        let value = self.raw(key)?;
        let table = value.get_ref().as_table();
        if table.is_none() {
            let hint = value
                .get_ref()
                .as_array()
                .map(|_| format!("write `[{key}]`, once"));
            mistyped(value, "a table", hint, problems);
        }
        table.map(|table| Section::new(table, problems))
    }

    /// The table that a value is, or `None` after its problem was added. `example` is one as it may be.
    pub(super) fn of(
        value: &'a Spanned<DeValue<'i>>,
        example: Option<&str>,
        problems: &'a Problems,
    ) -> Option<Self> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let hint = example.map(|example| format!("such as {example}"));
            mistyped(value, "a table", hint, problems);
        }
        table.map(|table| Section::new(table, problems))
    }

    /// Where its problems are reported.
    pub(super) fn problems(&self) -> &'a Problems {
        self.problems
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        let known: Vec<&str> = self.asked.iter().copied().collect();
        for key in self.table.keys() {
            let name = key.get_ref();
            if !self.asked.contains(name.as_ref()) {
                let message = format!("unknown key {}", quoted(name));
                let hint = instead_of_key(name, &known);
                self.problems.add(key.span().start, message, hint);
            }
        }
    }
}

/// Reports a name that is not among `known`, with the nearest of them.
pub(super) fn unknown(offset: usize, what: &str, name: &str, known: &[&str], problems: &Problems) {
    let message = format!("unknown {what} {}", quoted(name));
    problems.add(offset, message, instead_of(name, known));
}

pub(super) fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &Problems) {
    mistyped(value, wanted, None, problems);
}

/// A value of the wrong type, and what to write instead.
pub(super) fn mistyped(
    value: &Spanned<DeValue<'_>>,
    wanted: &str,
    hint: Option<String>,
    problems: &Problems,
) {
    let found = value.get_ref().type_str();
    let message = format!("expected {wanted}, found {found}");
    problems.add(value.span().start, message, hint);
}

/// A text from the file within a message: escaped and short.
pub(super) fn quoted(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(40).collect();
    let more = if chars.next().is_some() { "..." } else { "" };
    format!("`{}{more}`", head.escape_debug())
}
