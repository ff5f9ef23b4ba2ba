//! Files that a command changes, as far as its words name them.

/// Programs that change all that they name.
const ALL: [&str; 22] = [
    "rm", "rmdir", "unlink", "shred", "mv", "tee", "touch", "mkdir", "mkfifo", "chmod", "chown",
    "chgrp", "truncate", "sqlite3", "vi", "vim", "nvim", "nano", "ed", "ex", "emacs", "patch",
];
/// Programs that change what they name last.
const LAST: [&str; 4] = ["cp", "install", "rsync", "ln"];
/// Programs that change what they name when they are told to do it in place.
const IN_PLACE: [&str; 3] = ["sed", "perl", "ruby"];

/// Words that name what a program changes.
pub(super) fn written(program: &str, args: &[String]) -> Vec<String> {
    let operands = || args.iter().filter(|word| !word.starts_with('-')).cloned();
    let in_place = || {
        args.iter().any(|word| {
            let letters = word.strip_prefix('-').unwrap_or_default();
            word.starts_with("--in-place") || !word.starts_with("--") && letters.contains('i')
        })
    };
    match program {
        "dd" => args
            .iter()
            .filter_map(|word| word.strip_prefix("of=").map(str::to_owned))
            .collect(),
        program if ALL.contains(&program) => operands().collect(),
        program if LAST.contains(&program) => operands().next_back().into_iter().collect(),
        program if IN_PLACE.contains(&program) && in_place() => operands().collect(),
        _ => Vec::new(),
    }
}

/// Whether what it names goes with all below.
pub(super) fn takes_folders(program: &str) -> bool {
    matches!(program, "rm" | "mv")
}

/// Words that name files which a shell writes into.
pub(super) fn redirected(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let Some((_, behind)) = word.rsplit_once('>') else {
            continue;
        };
        match behind {
            "" => found.extend(words.peek().map(|next| (*next).clone())),
            file => found.push(file.to_owned()),
        }
    }
    found
}

/// The words without redirections and the files that these name.
pub(super) fn without_redirections(words: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let sign = word.trim_start_matches(|c: char| c.is_ascii_digit());
        match sign.trim_start_matches(['<', '>']) {
            "" if !sign.is_empty() => drop(words.next()),
            _ if sign.starts_with(['<', '>']) => {}
            _ => kept.push(word.clone()),
        }
    }
    kept
}
