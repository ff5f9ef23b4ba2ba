//! Reads TOML by hand, so that every problem is found in one pass, each with its place.

use std::cell::RefCell;
use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;

/// Collects what is wrong with one text.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<(usize, String, Option<String>)>>);

impl Problems {
    pub(super) fn add(&self, offset: usize, message: impl Into<String>, hint: Option<String>) {
        self.0.borrow_mut().push((offset, message.into(), hint));
    }

    /// In the order of the text.
    pub(super) fn finish(self, source: &str) -> Vec<Problem> {
        let mut found = self.0.into_inner();
        found.sort();
        found.dedup();
        found
            .into_iter()
            .map(|(offset, message, hint)| Problem::at(source, offset, message, hint))
            .collect()
    }
}

/// The root table, or `None` when the text is not TOML; then every syntax error is a problem.
pub(super) fn parse<'i>(text: &'i str, problems: &Problems) -> Option<Spanned<DeTable<'i>>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        problems.add(offset, error.message(), None);
    }
    errors.is_empty().then_some(table)
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
            wrong_type(value, "a table", problems);
        }
        table.map(|table| Section::new(table, problems))
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            if !self.asked.contains(key.get_ref().as_ref()) {
                unknown(
                    key.span().start,
                    "key",
                    key.get_ref(),
                    &self.asked,
                    self.problems,
                );
            }
        }
    }
}

/// Reports a name that is not among `known`, with the nearest of them.
pub(super) fn unknown<'k>(
    offset: usize,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'k &'k str>,
    problems: &Problems,
) {
    let known: Vec<&str> = known.into_iter().copied().collect();
    let hint = nearest(name, &known)
        .map(|near| format!("did you mean `{near}`?"))
        .or_else(|| {
            (known.len() <= 30 && !known.is_empty())
                .then(|| format!("one of: {}", known.join(", ")))
        });
    problems.add(offset, format!("unknown {what} {}", quoted(name)), hint);
}

pub(super) fn wrong_type(value: &Spanned<DeValue<'_>>, wanted: &str, problems: &Problems) {
    let found = value.get_ref().type_str();
    problems.add(
        value.span().start,
        format!("expected {wanted}, found {found}"),
        None,
    );
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

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > 80 {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two texts (Levenshtein), one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
