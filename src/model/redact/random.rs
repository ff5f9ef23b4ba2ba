//! Whether a word was drawn at random, or written by a person.

/// A shorter one cannot be told from a word with a number.
const SHORTEST: usize = 12;
/// Bits a byte. Words of programs have less than random ones of the same length.
const ENTROPY: f64 = 3.0;
/// More would not change the answer.
const ENOUGH: usize = 256;
/// Digits behind a word, as in `version2` or `log2024`.
const COUNTER: usize = 4;

/// Letters and digits mixed as no person does it in names, versions and paths.
pub(super) fn looks_random(text: &[u8]) -> bool {
    let text = &text[..text.len().min(ENOUGH)];
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    text.len() >= SHORTEST
        && has(u8::is_ascii_alphabetic)
        && has(u8::is_ascii_digit)
        && !text
            .split(|byte| !byte.is_ascii_alphanumeric())
            .all(is_word)
        && entropy(text) >= ENTROPY
}

/// Letters, then a few digits.
fn is_word(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let digits = &part[letters..];
    digits.len() <= COUNTER && digits.iter().all(u8::is_ascii_digit)
}

/// Shannon's, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = text.len() as f64;
    let parts = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f64::from(*count) / total;
        -share * share.log2()
    });
    parts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_paths_were_written_by_people() {
        for word in [
            "my_secret_v2",
            "SessionToken2024",
            "parser.next_token",
            "v1.2.3-rc1-x86-64",
            "/run/secrets/db1_pass",
            "aaaaaaaaaaaaaaaaaaaa1a1a",
            "correct-horse-battery-staple",
        ] {
            assert!(!looks_random(word.as_bytes()), "{word}");
        }
        for secret in [
            "Tr0ub4dor&3xyz",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "0123456789abcdef0123456789abcdef",
            "s3cr3tP4ssw0rd",
        ] {
            assert!(looks_random(secret.as_bytes()), "{secret}");
        }
    }
}
