//! The forms in which a value turns up in output, and which values can be told from it.

use std::collections::BTreeSet;

/// How every replacement begins.
pub(super) const LABEL: &[u8] = b"[redacted:";

/// A shorter value would be found all over ordinary output.
const SHORTEST: usize = 6;
/// A longer one is no secret but a file; a value is held back in memory while it may be one.
const LONGEST: usize = 64 * 1024;
/// Lines of a value that are looked for by themselves.
const SHORTEST_LINE: usize = 8;
/// Where the usual programs break the lines of base64.
const BASE64_LINES: [usize; 2] = [64, 76];

/// Why a value cannot be kept out of output. None of these says what the value is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unredactable {
    /// It would be found where it does not stand.
    #[error("its value is shorter than {SHORTEST} bytes, so output could not be kept free of it")]
    TooShort,
    /// It is no secret.
    #[error("its value is larger than 64 KiB")]
    TooLong,
    /// The replacement would say it.
    #[error("its value stands in what would replace it in output")]
    InLabel,
}

/// What stands in place of something.
pub(super) fn label(name: &str) -> Vec<u8> {
    [LABEL, name.as_bytes(), b"]"].concat()
}

/// Every form of a value to look for. `labels` are replacements that must not say it.
pub(super) fn forms(value: &[u8], labels: &[Vec<u8>]) -> Result<BTreeSet<Vec<u8>>, Unredactable> {
    let value = core(value);
    if value.len() < SHORTEST {
        return Err(Unredactable::TooShort);
    }
    if value.len() > LONGEST {
        return Err(Unredactable::TooLong);
    }
    let is_in = |label: &Vec<u8>| label.windows(value.len()).any(|part| part == value);
    if labels.iter().any(is_in) || value.windows(LABEL.len()).any(|part| part == LABEL) {
        return Err(Unredactable::InLabel);
    }
    let mut forms = BTreeSet::new();
    add_encoded(value, &mut forms);
    let lines: Vec<&[u8]> = value.split(|byte| *byte == b'\n').collect();
    if lines.len() > 1 {
        forms.insert(lines.join(&b"\r\n"[..]));
        let trimmed = lines.iter().map(|line| core(line.trim_ascii()));
        // What frames a key is the same for all of them.
        let secret =
            trimmed.filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with(b"-----"));
        secret.for_each(|line| add_encoded(line, &mut forms));
    }
    Ok(forms)
}

/// The value without line ends behind it, which a shell takes off too, and without what could be
/// the start of a replacement: that one may stand right behind it.
fn core(value: &[u8]) -> &[u8] {
    let end = value
        .iter()
        .rposition(|byte| !matches!(byte, b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    let value = &value[..end];
    let heads = (1..LABEL.len()).rev().map(|length| &LABEL[..length]);
    let head = heads.into_iter().find(|head| value.ends_with(head));
    head.map_or(value, |head| &value[..value.len() - head.len()])
}

fn add_encoded(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    forms.insert(value.to_vec());
    add_base64(value, forms);
    for kept in [&b"-._~"[..], b"-._~!'()*"] {
        forms.insert(percent(value, kept, b"0123456789ABCDEF"));
        forms.insert(percent(value, kept, b"0123456789abcdef"));
    }
    let form = percent(value, b"-._*~", b"0123456789ABCDEF");
    forms.insert(replaced(&form, b"%20", b"+"));
    if let Ok(text) = std::str::from_utf8(value) {
        let json = json(text);
        forms.insert(replaced(&json, b"/", b"\\/"));
        forms.insert(ascii(&json));
        forms.insert(json);
    }
}

/// The value may stand anywhere in what was encoded, so it has three forms, less what it shares with
/// its neighbours there.
fn add_base64(value: &[u8], forms: &mut BTreeSet<Vec<u8>>) {
    const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for alphabet in [STANDARD, URL] {
        for before in 0..3 {
            let padded = [&[0, 0][..before], value].concat();
            let encoded = base64(&padded, alphabet);
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            let own = &encoded[first..last];
            forms.insert(own.to_vec());
            if before == 0 {
                let lines = BASE64_LINES.iter().flat_map(|width| own.chunks(*width));
                let long = lines.filter(|line| line.len() >= SHORTEST_LINE);
                forms.extend(long.map(<[u8]>::to_vec));
            }
        }
    }
}

/// Without padding.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 3);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for sextet in 0..=chunk.len() {
            text.push(alphabet[(bits >> (18 - 6 * sextet) & 63) as usize]);
        }
    }
    text
}

fn percent(value: &[u8], kept: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let encode = |byte: &u8| match byte.is_ascii_alphanumeric() || kept.contains(byte) {
        true => vec![*byte],
        false => vec![
            b'%',
            digits[usize::from(byte >> 4)],
            digits[usize::from(byte & 15)],
        ],
    };
    value.iter().flat_map(encode).collect()
}

/// As it stands between the quotes of a JSON string.
fn json(text: &str) -> Vec<u8> {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.as_bytes()[1..quoted.len() - 1].to_vec()
}

/// The same for programs that write nothing but ASCII.
fn ascii(json: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(json);
    let mut escaped = String::new();
    let mut units = [0; 2];
    for c in text.chars() {
        match c.is_ascii() {
            true => escaped.push(c),
            false => {
                let units = c.encode_utf16(&mut units);
                escaped.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    escaped.into_bytes()
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.first() {
        match rest.strip_prefix(from) {
            Some(after) => {
                result.extend_from_slice(to);
                rest = after;
            }
            None => {
                result.push(*byte);
                rest = &rest[1..];
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_from_output_is_refused() {
        let labels = [label("DEPLOY_KEY")];
        let refused = |value: &[u8]| forms(value, &labels).unwrap_err();
        assert_eq!(refused(b"12345\n"), Unredactable::TooShort);
        assert_eq!(refused(b"12345["), Unredactable::TooShort);
        assert_eq!(refused(b"DEPLOY_KEY"), Unredactable::InLabel);
        assert_eq!(refused(b"redacted"), Unredactable::InLabel);
        assert_eq!(refused(b"x[redacted:y"), Unredactable::InLabel);
        assert_eq!(refused(&[b'x'; LONGEST + 1]), Unredactable::TooLong);
        assert!(forms(b"123456\r\n", &labels).is_ok());
    }

    #[test]
    fn the_forms_are_those_of_the_usual_programs() {
        let forms = forms("pa ss/\u{fc}\"1\n".as_bytes(), &[]).unwrap();
        for form in [
            "pa ss/\u{fc}\"1",
            "cGEgc3Mvw7wiM",
            "pa%20ss%2F%C3%BC%221",
            "pa%20ss%2f%c3%bc%221",
            "pa+ss%2F%C3%BC%221",
            "pa ss/\u{fc}\\\"1",
            "pa ss\\/\u{fc}\\\"1",
            "pa ss/\\u00fc\\\"1",
        ] {
            assert!(forms.contains(form.as_bytes()), "{form}");
        }
    }
}
