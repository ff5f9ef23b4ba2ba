//! Just enough of Rust's lexical rules.

/// What stands for the literal `"git"` in blanked source; other literals become `""`.
pub const GIT_LITERAL: &str = "\"git\"";

/// The source without comments and without the content of literals.
pub fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let used = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_end(rest)
        } else if let Some((start, end, used)) = string_literal(rest, &out) {
            let is_git = &rest[start..end] == "git";
            out.push_str(if is_git { GIT_LITERAL } else { "\"\"" });
            used
        } else if let Some(used) = char_literal(rest) {
            out.push_str("' '");
            used
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[used..];
    }
    out
}

fn block_comment_end(text: &str) -> usize {
    let (mut nested, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            nested += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            nested -= 1;
            at += 2;
            if nested == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Start and end of the content and the length of the literal that `rest` begins with.
fn string_literal(rest: &str, before: &str) -> Option<(usize, usize, usize)> {
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let prefix = if in_word {
        0
    } else {
        rest.find(|c| !matches!(c, 'b' | 'c' | 'r'))?
    };
    let hashes = rest[prefix..].bytes().take_while(|b| *b == b'#').count();
    let raw = rest[..prefix].ends_with('r');
    let start = prefix + hashes + 1;
    if prefix > 2 || !rest[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        let end = start + rest[start..].find(&close)?;
        return Some((start, end, end + close.len()));
    }
    let mut escaped = false;
    for (at, c) in rest[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((start, start + at, start + at + 1)),
            _ => {}
        }
    }
    None
}

/// The length of a character literal; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return Some(2 + first + escape[first..].find('\'')? + 1);
    }
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(first + 2)
}

/// The identifiers and keywords of the source with their positions.
pub fn words(source: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        at += source[at..].find(is_word)?;
        let start = at;
        at += source[at..]
            .find(|c| !is_word(c))
            .unwrap_or(source.len() - at);
        Some((&source[start..at], start))
    })
}
