//! Words of a command line: taken apart as a shell does it, and written for one.

/// A command of a shell line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::model) struct Part {
    /// Its words.
    pub words: Vec<String>,
    /// What stands between it and the one before, without spaces, such as `&&` or `|`.
    pub joint: String,
}

/// The words of a git alias. Quotes and backslashes count as they do in a shell; `None` when a quote
/// is open at the end.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let parts = parts(text, false)?;
    Some(parts.into_iter().flat_map(|part| part.words).collect())
}

/// The commands of a shell line, each as its words, as far as that can be said without running it.
pub(super) fn shell_commands(text: &str) -> Vec<Vec<String>> {
    let parts = shell_parts(text).into_iter();
    parts.map(|part| part.words).collect()
}

/// The same, with what joins them.
pub(in crate::model) fn shell_parts(text: &str) -> Vec<Part> {
    parts(text, true).unwrap_or_default()
}

fn parts(text: &str, shell: bool) -> Option<Vec<Part>> {
    let (mut done, mut part, mut word) = (Vec::new(), Part::default(), None::<String>);
    let (mut quote, mut escaped) = (None::<char>, false);
    for c in text.chars() {
        let ends = shell && ";|&(){}`\n".contains(c);
        match (quote, c) {
            _ if escaped => {
                word.get_or_insert_default().push(c);
                escaped = false;
            }
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, _) if ends => {
                part.words.extend(word.take());
                if !part.words.is_empty() {
                    done.push(std::mem::take(&mut part));
                }
                part.joint.push(c);
            }
            (None, _) if c.is_whitespace() => part.words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    part.words.extend(word);
    if !part.words.is_empty() {
        done.push(part);
    }
    quote.is_none().then_some(done)
}

/// The words as a person would type them.
pub fn quoted(words: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@=:,~^%".contains(c);
    let one = |word: &String| match word.chars().all(plain) && !word.is_empty() {
        // A shell takes a `~` at the start for somebody's home.
        true if !word.starts_with('~') => word.clone(),
        _ => format!("'{}'", word.replace('\'', "'\\''")),
    };
    words.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// The words without what stands before the `@` of an address: it may be a password, and the log
/// keeps everything.
pub fn redacted(words: &[String]) -> Vec<String> {
    let one = |word: &String| {
        let (scheme, rest) = word.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (_, host) = host.rsplit_once('@')?;
        Some(format!("{scheme}://…@{host}{path}"))
    };
    words
        .iter()
        .map(|word| one(word).unwrap_or_else(|| word.clone()))
        .collect()
}
