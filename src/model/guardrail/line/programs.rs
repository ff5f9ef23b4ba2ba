//! One command of a line: what stands before its program taken off, and whether it runs something that it is given.

use std::collections::BTreeMap;
use std::path::Path;

/// Programs that run the rest of their words, with their options that take the next word.
const WRAPPERS: [(&str, &[&str]); 14] = [
    ("sudo", &["-u", "-g", "-C", "-D", "-p"]),
    ("doas", &["-u", "-C"]),
    ("env", &["-u", "-C"]),
    ("command", &[]),
    ("builtin", &[]),
    ("exec", &["-a"]),
    ("nohup", &[]),
    ("time", &["-f", "-o"]),
    ("setsid", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("nice", &["-n"]),
    ("ionice", &["-c", "-n"]),
    ("xargs", &["-n", "-P", "-I", "-L", "-d", "-a", "-s"]),
    ("timeout", &["-s", "-k"]),
];
/// Words of a shell after which a command begins.
const KEYWORDS: [&str; 9] = [
    "if", "then", "elif", "else", "while", "until", "do", "!", "coproc",
];
const SHELLS: [&str; 7] = ["sh", "bash", "zsh", "dash", "ksh", "ash", "fish"];
const INTERPRETERS: [&str; 8] = [
    "python", "python3", "python2", "perl", "ruby", "node", "php", "deno",
];

/// A program with its arguments.
#[derive(Debug, Default)]
pub(super) struct Command<'w> {
    /// What is set for it alone.
    pub variables: BTreeMap<String, String>,
    /// Its name, without the folder; empty when there is none.
    pub program: &'w str,
    pub args: &'w [String],
}

/// What is run by these words.
pub(super) fn command(words: &[String]) -> Command<'_> {
    let mut variables = BTreeMap::new();
    let mut rest = words;
    while let Some((first, after)) = rest.split_first() {
        if let Some((name, value)) = assignment(first) {
            variables.insert(name, value);
            rest = after;
            continue;
        }
        if KEYWORDS.contains(&first.as_str()) || first == "$" {
            rest = after;
            continue;
        }
        let name = base_name(first);
        let wrapper = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name);
        let Some((_, with_value)) = wrapper else {
            return Command {
                variables,
                program: name,
                args: after,
            };
        };
        rest = behind_options(after, with_value);
        if name == "timeout" {
            rest = rest.get(1..).unwrap_or_default();
        }
    }
    Command {
        variables,
        ..Command::default()
    }
}

fn base_name(word: &str) -> &str {
    let name = Path::new(word).file_name().and_then(|name| name.to_str());
    name.unwrap_or(word)
}

fn behind_options<'w>(mut words: &'w [String], with_value: &[&str]) -> &'w [String] {
    while let Some((first, rest)) = words
        .split_first()
        .filter(|(word, _)| word.starts_with('-'))
    {
        let takes_next = with_value.contains(&first.as_str());
        words = rest.get(usize::from(takes_next)..).unwrap_or_default();
    }
    words
}

/// `NAME=VALUE`.
pub(super) fn assignment(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (sound && name.chars().all(is_name)).then(|| (name.to_owned(), value.to_owned()))
}

/// The line that a shell is given in a word.
pub(super) fn line_of(command: &Command<'_>) -> Option<String> {
    if command.program == "eval" {
        return Some(command.args.join(" "));
    }
    if !SHELLS.contains(&command.program) {
        return None;
    }
    let is_c = |word: &String| {
        let letters = word.strip_prefix('-').filter(|word| !word.starts_with('-'));
        letters.is_some_and(|letters| letters.contains('c'))
    };
    let at = command.args.iter().position(is_c)?;
    let mut rest = command.args[at + 1..].iter();
    rest.find(|word| !word.starts_with('-')).cloned()
}

/// Whether it is a shell, or another program that runs a file that it is given.
pub(super) fn runs_file(command: &Command<'_>) -> bool {
    let runs = |known: &[&str]| known.contains(&command.program);
    runs(&SHELLS) || runs(&INTERPRETERS) || runs(&["source", "."])
}

/// Whether it runs what it reads from its input.
pub(super) fn runs_its_input(command: &Command<'_>) -> bool {
    let args = || command.args.iter().map(String::as_str);
    let takes_no_file = || args().all(|word| word.starts_with('-'));
    if SHELLS.contains(&command.program) {
        let asked = args().any(|word| word == "-s" || word == "/dev/stdin");
        return asked || (takes_no_file() && line_of(command).is_none());
    }
    let is_program = |word: &str| {
        let letters = word.trim_start_matches('-');
        !word.starts_with("--") && letters.contains(['c', 'm', 'e', 'n', 'p', 'r', 'V', 'v'])
    };
    INTERPRETERS.contains(&command.program) && takes_no_file() && !args().any(is_program)
}
