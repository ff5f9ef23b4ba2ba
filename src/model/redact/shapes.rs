//! The shapes of secrets: each looks at bytes that begin with its rule's anchor, up to the end of
//! the line, and says which of them are the secret.

use std::ops::Range;

use super::encodings::LABEL;
use super::random::looks_random;

/// How the line before a private key begins, but for dashes: many lines have nothing else.
pub(super) const BEGIN: &str = "-BEGIN ";
/// The shortest line of a private key.
pub(super) const KEY_LINE: usize = 32;

/// A place where a secret may begin.
pub(super) struct Site<'a> {
    /// The byte before it.
    pub before: u8,
    /// From the anchor on. No shape goes beyond the end of the line.
    pub rest: &'a [u8],
}

/// What was found there.
pub(super) enum Found {
    /// The secret, and what goes on with it as long as bytes are of this class.
    Secret(Range<usize>, Class),
    /// The lines after this one are a private key.
    KeyFollows,
    /// No secret: so many bytes are not looked into.
    Stays(usize),
}

/// A kind of byte.
pub(super) type Class = fn(u8) -> bool;

pub(super) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(super) fn is_base64url(byte: u8) -> bool {
    is_token(byte) || byte == b'-'
}

/// Standard base64.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What may follow `Bearer`.
fn is_credential(byte: u8) -> bool {
    is_base64(byte) || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// What may be assigned without quotes.
fn is_assigned(byte: u8) -> bool {
    is_credential(byte) || b"!@#$%^&*".contains(&byte)
}

fn nothing(_: u8) -> bool {
    false
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'\\')
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// How many bytes from `from` on are of a class.
fn run(bytes: &[u8], from: usize, class: Class) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| class(**byte)).count()
}

/// The place behind all bytes of a class.
fn skip(bytes: &[u8], from: usize, class: Class) -> usize {
    from + run(bytes, from, class)
}

/// At least `least` bytes of a class behind an anchor of `anchor` bytes that begins a word.
pub(super) fn token(site: &Site<'_>, anchor: usize, least: usize, class: Class) -> Option<Found> {
    let length = run(site.rest, anchor, class);
    let found = length >= least && !site.before.is_ascii_alphanumeric();
    found.then_some(Found::Secret(0..anchor + length, class))
}

/// The same for anchors that ordinary words have too.
pub(super) fn random_token(site: &Site<'_>, anchor: usize, least: usize) -> Option<Found> {
    let length = run(site.rest, anchor, is_base64url);
    let body = &site.rest[anchor..anchor + length];
    let found = length >= least && !is_base64url(site.before) && looks_random(body);
    found.then_some(Found::Secret(0..anchor + length, is_base64url))
}

/// Sixteen capital letters and digits, and no more.
pub(super) fn aws_id(site: &Site<'_>) -> Option<Found> {
    let length = run(site.rest, 0, is_token);
    let id = &site.rest[..length];
    let capital = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let found = length == 20 && id.iter().all(capital) && !is_token(site.before);
    found.then_some(Found::Secret(0..length, nothing))
}

/// Three parts in base64, of which the first two are JSON.
pub(super) fn jwt(site: &Site<'_>) -> Option<Found> {
    let header = skip(site.rest, 0, is_base64url);
    let second = site.rest.get(header..)?.strip_prefix(b".eyJ")?;
    let claims = run(second, 0, is_base64url);
    let found = header >= 10 && claims >= 7 && !site.before.is_ascii_alphanumeric();
    let class: Class = |byte| is_base64url(byte) || byte == b'.';
    found.then(|| Found::Secret(0..skip(site.rest, header, class), class))
}

/// `user:password@`, or a random user alone. What only stands for a password is none.
pub(super) fn url(site: &Site<'_>) -> Option<Found> {
    let class: Class = |byte| byte > b' ' && !b"/:@<>[".contains(&byte) && !is_quote(byte);
    // A webhook is no user: it has a path.
    let is_webhook = site.rest[3..].starts_with(b"[redacted:slack-webhook]");
    let user = if is_webhook {
        0
    } else {
        replacement(&site.rest[3..])
    };
    let start = 3 + user;
    let end = skip(site.rest, start, class);
    match site.rest.get(end)? {
        b'@' => {
            let is_secret = looks_random(&site.rest[start..end]);
            is_secret.then_some(Found::Secret(start..end, nothing))
        }
        b':' => {
            let from = end + 1;
            let class: Class = |byte| byte > b' ' && !b"/@<>".contains(&byte) && !is_quote(byte);
            let to = skip(site.rest, from, class);
            let password = &site.rest[from..to];
            let stands_for = [&b"$"[..], b"{", b"%", b"*", LABEL];
            let is_secret = !password.is_empty()
                && site.rest.get(to) == Some(&b'@')
                && !stands_for.iter().any(|start| password.starts_with(start));
            is_secret.then_some(Found::Secret(from..to, nothing))
        }
        _ => None,
    }
}

/// What was replaced before. Nothing begins in it, and nothing hides there.
pub(super) fn replaced(site: &Site<'_>) -> Option<Found> {
    let length = replacement(site.rest);
    (length > 0).then_some(Found::Stays(length))
}

/// The length of a replacement that stands here, or 0.
fn replacement(bytes: &[u8]) -> usize {
    let name = bytes.strip_prefix(LABEL).unwrap_or_default();
    let length = run(name, 0, is_base64url);
    match name.get(length) {
        Some(b']') if !looks_random(&name[..length]) => LABEL.len() + length + 1,
        _ => 0,
    }
}

/// `Authorization: Bearer …`, as a header, in JSON or in a command line.
pub(super) fn header(site: &Site<'_>) -> Option<Found> {
    let from = value_of(site.rest, "authorization".len())?;
    let scheme = skip(site.rest, from, |byte| byte.is_ascii_alphabetic());
    let known = ["bearer", "basic", "token", "apikey", "negotiate"];
    let is_scheme = |word: &str| site.rest[from..scheme].eq_ignore_ascii_case(word.as_bytes());
    if known.iter().any(|word| is_scheme(word)) && run(site.rest, scheme, is_blank) > 0 {
        return credential(site, skip(site.rest, scheme, is_blank), |text| {
            let has = |is: fn(&u8) -> bool| text.iter().any(is);
            let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
            text.len() >= 16 || text.len() >= 6 && (mixed || has(u8::is_ascii_digit))
        });
    }
    credential(site, from, looks_random)
}

/// `Bearer …` without the header's name.
pub(super) fn bearer(site: &Site<'_>) -> Option<Found> {
    scheme_alone(site, "bearer".len())
}

/// `Basic …` without the header's name.
pub(super) fn basic(site: &Site<'_>) -> Option<Found> {
    scheme_alone(site, "basic".len())
}

fn scheme_alone(site: &Site<'_>, anchor: usize) -> Option<Found> {
    let blanks = run(site.rest, anchor, is_blank);
    let is_word = blanks > 0 && !is_base64url(site.before);
    let from = is_word.then_some(anchor + blanks)?;
    credential(site, from, |text| text.len() >= 16 && looks_random(text))
}

fn credential(site: &Site<'_>, from: usize, is_secret: fn(&[u8]) -> bool) -> Option<Found> {
    let to = skip(site.rest, from, is_credential);
    is_secret(&site.rest[from..to]).then_some(Found::Secret(from..to, is_credential))
}

/// `name = value` with a random value. An expression is none.
pub(super) fn assigned(site: &Site<'_>, anchor: usize) -> Option<Found> {
    let suffix = run(site.rest, anchor, is_base64url);
    let from = value_of(site.rest, anchor + suffix)?;
    let to = skip(site.rest, from, is_assigned);
    let value = &site.rest[from..to];
    let quoted = from > 0 && is_quote(site.rest[from - 1]);
    let is_call = matches!(site.rest.get(to), Some(b'(' | b'[' | b':'));
    let is_secret =
        suffix <= 32 && !value.starts_with(b"$") && (quoted || !is_call) && looks_random(value);
    is_secret.then_some(Found::Secret(from..to, is_assigned))
}

/// The same for `pwd`, but for a shell's own working folder, `PWD=/…` or `OLDPWD=/…`.
pub(super) fn pwd(site: &Site<'_>) -> Option<Found> {
    let is_own_name = !is_base64url(site.before) || site.before == b'D';
    let is_folder = is_own_name && site.rest.starts_with(b"PWD=/");
    (!is_folder).then(|| assigned(site, 3)).flatten()
}

/// Where the value begins of which the name ends at `at`.
fn value_of(bytes: &[u8], at: usize) -> Option<usize> {
    let at = skip(bytes, at, |byte| is_quote(byte) || byte == b']');
    let at = skip(bytes, at, is_blank);
    let signs = run(bytes, at, |byte| matches!(byte, b'=' | b':' | b'>'));
    let is_path = bytes.get(at..)?.starts_with(b"::");
    let assigns = (1..=2).contains(&signs) && !is_path;
    let at = assigns.then(|| skip(bytes, at + signs, is_blank))?;
    Some(skip(bytes, at, is_quote))
}

/// A private key in one line, with its line ends escaped or made blanks; or the line before one.
pub(super) fn key_block(site: &Site<'_>) -> Option<Found> {
    let class: Class = |byte| byte.is_ascii_alphanumeric() || byte == b' ';
    let end = skip(site.rest, BEGIN.len(), class);
    let kind = &site.rest[BEGIN.len()..end];
    let is_key = kind.ends_with(b"PRIVATE KEY") || kind.ends_with(b"PRIVATE KEY BLOCK");
    let body = site.rest.get(end..)?.strip_prefix(b"-----")?;
    if !is_key || site.before != b'-' {
        return None;
    }
    let body = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if body.trim_ascii().is_empty() {
        return Some(Found::KeyFollows);
    }
    let class: Class = |byte| is_base64(byte) || matches!(byte, b'\\' | b' ');
    let length = run(body, 0, class);
    // A backslash at the end escapes what follows.
    let text = body[..length].trim_ascii_end();
    let kept = text
        .iter()
        .rposition(|byte| *byte != b'\\')
        .map_or(0, |last| last + 1);
    let mut words = text[..kept].split(|byte| matches!(byte, b'\\' | b' '));
    let is_key = words.any(|word| word.len() >= KEY_LINE);
    let from = end + 5;
    is_key.then_some(Found::Secret(from..from + kept, is_base64))
}

/// What a line is after the one that says that a private key follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyLine {
    /// These bytes of it belong to the key.
    Secret(Range<usize>),
    /// It stands among them, as a header does.
    Beside,
    /// In the place of its last word stands this name of a secret.
    Redacted(Range<usize>),
    /// The key is over, or there is none.
    Over,
}

/// `in_key`: a line of the key came before. Each may have words before it, as in a log.
pub(super) fn key_line(line: &[u8], in_key: bool) -> KeyLine {
    let text = line.trim_ascii_end();
    let words = text.iter().rposition(|byte| byte.is_ascii_whitespace());
    let start = words.map_or(0, |last| last + 1);
    let word = &text[start..];
    let alone = text[..start].trim_ascii().is_empty();
    let is_key = !word.is_empty() && word.iter().all(|byte| is_base64(*byte));
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    match is_key && (word.len() >= KEY_LINE || in_key && alone) {
        true => KeyLine::Secret(start..text.len()),
        false if has(b"-----END") => KeyLine::Over,
        false if replacement(word) == word.len() && !word.is_empty() => {
            KeyLine::Redacted(start + LABEL.len()..text.len() - 1)
        }
        false if text.is_empty() || is_header(text) => KeyLine::Beside,
        false => KeyLine::Over,
    }
}

/// `Name: value`. The colon of a replacement was not there before.
fn is_header(text: &[u8]) -> bool {
    let colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':');
    let mut places = colons.map(|(at, _)| at);
    places.any(|at| !text[..=at].ends_with(LABEL))
}
