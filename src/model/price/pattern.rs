//! Which models an entry of a table is for.

use std::fmt;

/// A model's name, in which `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelPattern(String);

impl ModelPattern {
    /// Takes the pattern as it is written.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it means this model, which may also be a dated version of the one that it names:
    /// `gpt-5` is the price of `gpt-5-2025-08-07` too.
    pub fn matches(&self, model: &str) -> bool {
        let dated = || undated(model).is_some_and(|name| glob(&self.0, name));
        glob(&self.0, model) || dated()
    }

    /// How many characters it fixes: of two that match, the one that fixes more is meant.
    pub fn weight(&self) -> usize {
        self.0.chars().filter(|c| *c != '*').count()
    }
}

impl fmt::Display for ModelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Each part between stars is taken where it first occurs, which leaves the most for the rest.
fn glob(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = name.find(part) else {
            return false;
        };
        name = &name[at + part.len()..];
    }
    name.ends_with(tail)
}

/// The name without the date of a version: `-20250807`, `-2025-08-07` or `@20250807`.
fn undated(model: &str) -> Option<&str> {
    let without = |shape: &str| {
        let (name, date) = model.split_at_checked(model.len().checked_sub(shape.len())?)?;
        let fits = |(c, of): (char, char)| match of {
            '0' => c.is_ascii_digit(),
            dash => c == dash,
        };
        let is_date = date.starts_with("20") && date.chars().zip(shape.chars()).all(fits);
        name.strip_suffix(['-', '@']).filter(|_| is_date)
    };
    without("00000000").or_else(|| without("0000-00-00"))
}
