//! The rules of scopes once more, as plainly as they can be said and as slowly as that is. Shares
//! nothing with the program.

/// Whether the last pattern that matches includes the path.
pub fn contains(patterns: &[String], path: &[u8]) -> bool {
    let last = patterns.iter().rev().find(|p| applies(p, path));
    last.is_some_and(|pattern| !pattern.starts_with('!'))
}

/// Whether git could track it.
pub fn is_path(path: &[u8]) -> bool {
    let sound = |part: &[u8]| {
        let git = part.eq_ignore_ascii_case(b".git");
        !(part.is_empty() || part == b"." || part == b".." || git)
    };
    !path.contains(&0) && path.split(|byte| *byte == b'/').all(sound)
}

fn applies(pattern: &str, path: &[u8]) -> bool {
    let pattern = pattern.strip_prefix('!').unwrap_or(pattern);
    let (body, folder_only) = match pattern.strip_suffix('/') {
        Some(body) => (body, true),
        None => (pattern, false),
    };
    let folders = (0..path.len()).filter(|at| path[*at] == b'/');
    let itself = (!folder_only).then_some(path.len());
    folders.chain(itself).any(|end| {
        let candidate = &path[..end];
        if body.contains('/') {
            glob(body.as_bytes(), 0, candidate)
        } else {
            let name = candidate.rsplit(|byte| *byte == b'/').next().unwrap();
            glob(body.as_bytes(), 0, name)
        }
    })
}

/// Whether the pattern from `at` on matches all of `text`.
fn glob(pattern: &[u8], at: usize, text: &[u8]) -> bool {
    let rest = &pattern[at..];
    let stars = rest.iter().take_while(|byte| **byte == b'*').count();
    if stars > 0 {
        let component = at == 0 || pattern[at - 1] == b'/';
        let after = &rest[stars..];
        let deep = stars > 1 && component && matches!(after.first(), None | Some(b'/'));
        let skips = deep && !after.is_empty() && glob(pattern, at + stars + 1, text);
        let spans = |length: &usize| deep || !text[..*length].contains(&b'/');
        return skips
            || (0..=text.len())
                .take_while(spans)
                .any(|length| glob(pattern, at + stars, &text[length..]));
    }
    let (Some(wanted), Some(byte)) = (rest.first(), text.first()) else {
        return rest.is_empty() && text.is_empty();
    };
    let (fits, length) = match wanted {
        b'?' => (*byte != b'/', 1),
        b'[' => bracket(rest, *byte),
        literal => (literal == byte, 1),
    };
    fits && glob(pattern, at + length, &text[1..])
}

/// A bracket of letters only, and how long it is.
fn bracket(pattern: &[u8], byte: u8) -> (bool, usize) {
    let close = pattern.iter().position(|byte| *byte == b']').unwrap();
    let fits = match &pattern[1..close] {
        [b'!', set @ ..] => !set.contains(&byte) && byte != b'/',
        set => set.contains(&byte),
    };
    (fits, close + 1)
}
