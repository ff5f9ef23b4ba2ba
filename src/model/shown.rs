//! Text from outside, so that a terminal shows all of it and does nothing else.
//!
//! No escape sequence is read: one that nothing ends would take along what stands behind it. Each character that a
//! terminal would act on, or not show, has another in its place.

/// What becomes of line breaks and tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// They stay.
    Kept,
    /// They become spaces.
    Spaces,
    /// They are shown like other control characters, where it matters that they are there.
    Marked,
}

/// The text with a mark for each character that does something other than to be seen: `␛` and its like for control
/// characters, `<U+202E>` for those beyond ASCII and for what is invisible or changes the direction of a line.
pub fn shown(text: &str, breaks: Breaks) -> String {
    // Nearly everything is plain, and lists are long.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match (c, breaks) {
            ('\n' | '\t', Breaks::Kept) => out.push(c),
            ('\n' | '\t', Breaks::Spaces) => out.push(' '),
            _ => push_mark(&mut out, c),
        }
    }
    out
}

/// The text without what only colours it (`SGR` of ECMA-48: `ESC [`, digits, `;` and `:`, `m`). One that is not whole stays, so
/// that nothing else goes with it.
pub fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || ";:".contains(c));
        match rest.strip_prefix('m') {
            Some(rest) => out.push_str(rest),
            None => out.extend(["\x1b[", part]),
        }
    }
    out
}

fn push_mark(out: &mut String, c: char) {
    match c {
        '\0'..='\u{1f}' => out.extend(char::from_u32(0x2400 + u32::from(c))),
        '\u{7f}' => out.push('␡'),
        c if c.is_control() || is_hidden(c) => out.push_str(&format!("<U+{:04X}>", u32::from(c))),
        c => out.push(c),
    }
}

/// Whether nobody sees it, or it changes where the text around it is seen. The joiners of scripts and of pictures are
/// none of these.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_character_has_one_in_its_place() {
        for (text, expected) in [
            ("a\x1b[31mb", "a␛[31mb"),
            // Nothing ends it, and nothing is lost behind it.
            ("a\x1b]0;title\nrest\n", "a␛]0;title\nrest\n"),
            ("a\u{9d}0;title\nrest", "a<U+009D>0;title\nrest"),
            ("a\x1bP q\nrest\x1b\\", "a␛P q\nrest␛\\"),
            ("one\r\n\ttwo\x08\x07\0\x7f", "one␍\n\ttwo␈␇␀␡"),
            ("x\u{202e}y\u{2066}z\u{61c}", "x<U+202E>y<U+2066>z<U+061C>"),
            ("a\u{2028}b\u{85}c\u{200b}d", "a<U+2028>b<U+0085>c<U+200B>d"),
            ("\u{e0041}", "<U+E0041>"),
            ("grün ✓ 👩\u{200d}💻", "grün ✓ 👩\u{200d}💻"),
        ] {
            assert_eq!(shown(text, Breaks::Kept), expected, "{text:?}");
        }
        assert_eq!(shown("a\n\tb\r", Breaks::Spaces), "a  b␍");
        assert_eq!(shown("a\n\tb", Breaks::Marked), "a␊␉b");
    }

    #[test]
    fn colours_go_and_nothing_else_does() {
        for (text, expected) in [
            ("\x1b[1;31merror\x1b[0m: \x1b[38:5:1mx\x1b[m", "error: x"),
            ("a\x1b[31", "a\x1b[31"),
            ("a\x1b[\x1b[31mb\x1b[3", "a\x1b[b\x1b[3"),
            ("a\x1b[2Kb\x1b]0;m\x1b[?25l", "a\x1b[2Kb\x1b]0;m\x1b[?25l"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_colours(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_vanishes_and_nothing_acts(text in ".{0,60}", tail in "[ -~]{1,20}") {
            let all = format!("{text}\x1b]{text}{tail}");
            let seen = shown(&all, Breaks::Kept);
            prop_assert!(seen.ends_with(&tail));
            prop_assert!(seen.chars().count() >= all.chars().count());
            let acts = |c: char| (c.is_control() && !"\n\t".contains(c)) || is_hidden(c);
            prop_assert!(!seen.chars().any(acts));
        }
    }
}
