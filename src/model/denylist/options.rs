//! Options, as git and `rm` read them.

/// One command's words, told apart.
#[derive(Debug, Default)]
pub(in crate::model) struct Options {
    /// Long options without their dashes, as far as they are written, and what follows their `=`.
    pub long: Vec<(String, Option<String>)>,
    /// Letters of short options, with what is written behind those that take a value.
    pub short: Vec<(char, Option<String>)>,
    /// Everything else, in its order.
    pub rest: Vec<String>,
}

/// Reads words of which the letters in `with_value`, and the long options in `long_with_value`, take
/// the next word for their value when none is written behind them.
pub(in crate::model) fn read(
    words: &[String],
    with_value: &str,
    long_with_value: &[&str],
) -> Options {
    let mut found = Options::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            found.rest.extend(words.cloned());
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, mut value) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            if value.is_none() && long_with_value.contains(&name) {
                value = words.next().cloned();
            }
            found.long.push((name.to_owned(), value));
        } else if let Some(letters) = word.strip_prefix('-').filter(|text| !text.is_empty()) {
            let takes = letters.find(|letter| with_value.contains(letter));
            let plain = &letters[..takes.unwrap_or(letters.len())];
            found
                .short
                .extend(plain.chars().map(|letter| (letter, None)));
            if let Some(letter) = takes.and_then(|at| letters[at..].chars().next()) {
                let behind = &letters[plain.len() + letter.len_utf8()..];
                let value = match behind.is_empty() {
                    true => words.next().cloned(),
                    false => Some(behind.to_owned()),
                };
                found.short.push((letter, value));
            }
        } else {
            found.rest.push(word.clone());
        }
    }
    found
}

impl Options {
    pub(in crate::model) fn has_letter(&self, letters: &str) -> bool {
        self.short
            .iter()
            .any(|(letter, _)| letters.contains(*letter))
    }

    /// Whether the option `name` is there, written in full or cut short to no less than `least`. Both
    /// git and `rm` take the start of a long option for it when it can be no other.
    pub(in crate::model) fn has_long(&self, name: &str, least: &str) -> bool {
        let means = |written: &str| name.starts_with(written) && written.starts_with(least);
        self.long.iter().any(|(written, _)| means(written))
    }

    /// The value of an option, by its letter or its name.
    pub(in crate::model) fn value(&self, letter: char, name: &str) -> Option<&str> {
        let short = self.short.iter().filter(|(found, _)| *found == letter);
        let long = self.long.iter().filter(|(found, _)| found == name);
        let values = short
            .map(|(_, value)| value)
            .chain(long.map(|(_, value)| value));
        values.flatten().next_back().map(String::as_str)
    }
}
