//! The second pass: what looks like a secret, line by line.

use std::ops::Range;

use super::encodings::label;
use super::prefilter::WINDOW;
use super::redactor::Findings;
use super::rules::{RULES, Rule, rule_names};
use super::shapes::{Class, Found, KeyLine, Site, key_line};

/// How much of a line is looked at from one place. A line that does not end is held back in memory
/// up to here.
const SIGHT: usize = 16 * 1024;

/// The rule for private keys.
const KEY: &str = "private-key";

/// Where the stream is between the lines of a private key.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Key {
    /// No key was announced.
    #[default]
    None,
    /// In a line before one that may belong to the key.
    Before { in_key: bool },
    /// At the start of a line that may belong to the key.
    Line { in_key: bool },
}

/// A place, the name of a rule, and what it found there.
type Hit = (usize, &'static str, Found);

/// The pass over one stream.
#[derive(Debug, Default)]
pub(super) struct LineStream {
    /// Not decided yet.
    held: Vec<u8>,
    /// The byte before those.
    before: u8,
    /// The next bytes of this class belong to what was replaced already.
    swallowed: Option<Class>,
    key: Key,
}

impl LineStream {
    /// Appends what is decided now to `out`: whole lines, unless they are very long.
    pub(super) fn push(
        &mut self,
        input: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        findings: &mut Findings,
    ) {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(input);
        let decided = decided(&bytes, last);
        let (mut at, mut copied) = (0, 0);
        while at < decided || self.swallowed.is_some() && at < bytes.len() {
            if let Some(class) = self.swallowed {
                at += bytes[at..].iter().take_while(|byte| class(**byte)).count();
                copied = at;
                self.swallowed = (at == bytes.len()).then_some(class);
                continue;
            }
            let Some((hit, rule, found)) = self.find(&bytes, at, decided) else {
                at = self.horizon(&bytes, at, decided);
                self.end_line(&bytes[..at]);
                continue;
            };
            match found {
                Found::KeyFollows => {
                    self.key = Key::Before { in_key: false };
                    at = hit + 1;
                }
                Found::Stays(length) => at = hit + length,
                Found::Secret(secret, class) => {
                    out.extend_from_slice(&bytes[copied..hit]);
                    let seen = &bytes[..hit + sight(&bytes, hit).len()];
                    self.lead(seen, hit..hit + secret.start, out, findings);
                    out.extend_from_slice(&label(rule));
                    findings.add(rule);
                    self.swallowed = Some(class);
                    at = hit + secret.end;
                    copied = at;
                }
            }
        }
        out.extend_from_slice(&bytes[copied..at]);
        self.before = at.checked_sub(1).map_or(self.before, |last| bytes[last]);
        bytes.drain(..at);
        self.held = bytes;
    }

    /// What stands between the place where a secret was found and the secret, without secrets that end there: the user
    /// of a URL with a password, the words before the line of a key.
    fn lead(&self, bytes: &[u8], lead: Range<usize>, out: &mut Vec<u8>, findings: &mut Findings) {
        let (mut at, mut copied) = (lead.start, lead.start);
        while let Some((hit, rule, found)) = self.first(bytes, at, lead.end) {
            at = match found {
                Found::KeyFollows => hit + 1,
                Found::Stays(length) => hit + length,
                Found::Secret(secret, _) if hit + secret.end > lead.end => hit + 1,
                Found::Secret(secret, class) => {
                    out.extend_from_slice(&bytes[copied..hit]);
                    self.lead(bytes, hit..hit + secret.start, out, findings);
                    out.extend_from_slice(&label(rule));
                    findings.add(rule);
                    let more = bytes[hit + secret.end..lead.end].iter();
                    copied = hit + secret.end + more.take_while(|byte| class(**byte)).count();
                    copied
                }
            };
        }
        out.extend_from_slice(&bytes[copied..lead.end]);
    }

    /// The next secret, the place it was found at, and its rule's name.
    fn find(&mut self, bytes: &[u8], at: usize, decided: usize) -> Option<Hit> {
        if let Key::Line { in_key } = self.key
            && let Some(found) = self.key_line(sight(bytes, at), in_key)
        {
            return Some((at, KEY, found));
        }
        let end = self.horizon(bytes, at, decided);
        self.first(&bytes[..bytes.len().min(end + SIGHT)], at, end)
    }

    /// The first place from `from` on and before `end` at which a rule finds something.
    fn first(&self, bytes: &[u8], mut from: usize, end: usize) -> Option<Hit> {
        let places = &bytes[..bytes.len().min(end + WINDOW - 1)];
        while let Some(hit) = RULES.starts.next(places, from) {
            if let Some((rule, found)) = self.at(bytes, hit) {
                return Some((hit, rule.name, found));
            }
            from = hit + 1;
        }
        None
    }

    fn at(&self, bytes: &[u8], hit: usize) -> Option<(&'static Rule, Found)> {
        let site = Site {
            before: hit.checked_sub(1).map_or(self.before, |last| bytes[last]),
            rest: sight(bytes, hit),
        };
        let rules = RULES.starts.at(site.rest).iter();
        let mut begun = rules
            .map(|place| &RULES.all[*place])
            .filter(|rule| rule.begins(site.rest));
        begun.find_map(|rule| Some((rule, (rule.shape)(&site)?)))
    }

    /// A line that may belong to a key; whatever it is, it is a line like others from there on.
    fn key_line(&mut self, sight: &[u8], in_key: bool) -> Option<Found> {
        let end = sight.iter().position(|byte| *byte == b'\n');
        let line = match end {
            None if sight.len() == SIGHT => KeyLine::Over,
            _ => key_line(&sight[..end.unwrap_or(sight.len())], in_key),
        };
        let line = match line {
            KeyLine::Redacted(name) if is_of_another_kind(&sight[name.clone()]) => KeyLine::Over,
            line => line,
        };
        let in_key = in_key || matches!(line, KeyLine::Secret(_) | KeyLine::Redacted(_));
        self.key = match line {
            KeyLine::Over => Key::None,
            _ => Key::Before { in_key },
        };
        match line {
            KeyLine::Secret(secret) => Some(Found::Secret(secret, |_| false)),
            _ => None,
        }
    }

    /// How far to look at once: what follows the end of a line may be a key's next one.
    fn horizon(&self, bytes: &[u8], at: usize, decided: usize) -> usize {
        let newline = match self.key {
            Key::None => None,
            _ => bytes[at..decided].iter().position(|byte| *byte == b'\n'),
        };
        newline.map_or(decided, |newline| at + newline + 1)
    }

    fn end_line(&mut self, line: &[u8]) {
        if let (Key::Before { in_key }, Some(b'\n')) = (self.key, line.last()) {
            self.key = Key::Line { in_key };
        }
    }
}

/// What a rule replaced that has nothing to do with keys was no line of one. A value that was passed
/// may have been one.
fn is_of_another_kind(name: &[u8]) -> bool {
    rule_names().any(|rule| rule != KEY && rule.as_bytes() == name)
}

/// What can be seen from `at`. All that is looked for there ends with the line, if not before.
fn sight(bytes: &[u8], at: usize) -> &[u8] {
    &bytes[at..bytes.len().min(at + SIGHT)]
}

/// From how many of the places all can be seen that there is to see.
fn decided(bytes: &[u8], last: bool) -> usize {
    if last {
        return bytes.len();
    }
    let newline = bytes.iter().rposition(|byte| *byte == b'\n');
    let lines = newline.map_or(0, |newline| newline + 1);
    lines.max((bytes.len() + 1).saturating_sub(SIGHT))
}
