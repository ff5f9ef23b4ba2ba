//! Commands that a session does not run without a person's word, each time anew: they throw work away,
//! rewrite history that others may have, or take away what keeps a session in bounds.
//!
//! It is early feedback for whoever means well. What is not seen: programs started by their full path,
//! what a program does inside of itself (`find -delete`, a script's own system calls), and git settings
//! from `GIT_CONFIG_*` variables or files that a configuration includes by condition.

mod git;
mod options;
mod remove;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use verdict::{Denial, Place, Rule, Surroundings};
pub use words::{quoted, redacted};

pub(in crate::model) use git::{Line as GitLine, is_hooks_path, read as git_line};
pub(in crate::model) use options::read as read_options;
pub(in crate::model) use words::shell_parts;

/// Whether the program `words[0]` may be run with the rest of `words`; why not, when it may not.
pub fn judge(words: &[String], place: &Place<'_>) -> Option<Denial> {
    judge_at(words, place, 0)
}

/// What an alias or a shell line stands for may be another one; so deep.
const DEEPEST: u32 = 10;

fn judge_at(words: &[String], place: &Place<'_>, depth: u32) -> Option<Denial> {
    let (program, args) = words.split_first()?;
    match Path::new(program).file_name()?.to_str()? {
        _ if depth > DEEPEST => None,
        "git" => git::judge(args, place, depth),
        "rm" => remove::judge(args, place),
        _ => None,
    }
}
