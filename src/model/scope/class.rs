//! Bracket expressions: `[a-z]`, `[!x]`, `[[:alpha:]]`. Of single bytes, as in git.

use regex_syntax::hir::{ClassBytes, ClassBytesRange};

use super::cursor::{Cursor, Flaw, FlawKind};
use super::fold::Fold;

/// Reads what follows the `[` that stands at `open`. A folder boundary is never in the class.
pub(super) fn parse(cursor: &mut Cursor<'_>, open: usize, fold: Fold) -> Result<ClassBytes, Flaw> {
    let unclosed = Flaw::new(open, FlawKind::UnclosedBracket);
    let negated = matches!(cursor.peek(), Some(b'!' | b'^'));
    if negated {
        cursor.take();
    }
    let mut class = ClassBytes::empty();
    // The byte that a range can begin with.
    let mut previous = None;
    let start = cursor.at();
    loop {
        let at = cursor.at();
        previous = match (cursor.take().ok_or(unclosed)?, previous) {
            (b']', _) if at > start => break,
            (b'-', Some(low)) if !matches!(cursor.peek(), None | Some(b']')) => {
                let high = cursor.take_escaped().ok_or(unclosed)?;
                add_range(&mut class, low, high);
                None
            }
            (b'[', _) if cursor.peek() == Some(b':') => match take_name(cursor).ok_or(unclosed)? {
                Some(name) => {
                    let named = posix(name).ok_or(Flaw::new(at, FlawKind::UnknownClass))?;
                    class.union(&named);
                    None
                }
                None => Some(add(&mut class, b'[')),
            },
            (b'\\', _) => Some(add(&mut class, cursor.take().ok_or(unclosed)?)),
            (byte, _) => Some(add(&mut class, byte)),
        };
    }
    Ok(finished(class, negated, fold))
}

fn add(class: &mut ClassBytes, byte: u8) -> u8 {
    class.push(ClassBytesRange::new(byte, byte));
    byte
}

/// A range from high to low adds nothing to its first byte; the library would turn it round.
fn add_range(class: &mut ClassBytes, low: u8, high: u8) {
    if low <= high {
        class.push(ClassBytesRange::new(low, high));
    }
}

fn finished(mut class: ClassBytes, negated: bool, fold: Fold) -> ClassBytes {
    if fold.ignore_case {
        class.case_fold_simple();
    }
    if negated {
        class.negate();
    }
    let never = [0, b'/'].map(|byte| ClassBytesRange::new(byte, byte));
    class.difference(&ClassBytes::new(never));
    class
}

/// The name in `[:name:]`, whose `[` was read. `Some(None)` if it only begins like one and its
/// `[` stands for itself; nothing if no bracket closes.
fn take_name<'t>(cursor: &mut Cursor<'t>) -> Option<Option<&'t [u8]>> {
    let rest = cursor.rest().get(1..)?;
    let length = rest.iter().position(|byte| *byte == b']')?;
    let Some(name) = rest[..length].strip_suffix(b":") else {
        return Some(None);
    };
    cursor.skip(1 + length + 1);
    Some(Some(name))
}

/// The ASCII classes as git has them: no vertical tab and no form feed among the spaces.
fn posix(name: &[u8]) -> Option<ClassBytes> {
    let holds: fn(&u8) -> bool = match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    };
    let bytes = (0..=127).filter(holds);
    Some(ClassBytes::new(
        bytes.map(|byte| ClassBytesRange::new(byte, byte)),
    ))
}
