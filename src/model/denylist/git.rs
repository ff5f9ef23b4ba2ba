//! `git`: its own options, then a command or an alias.

use std::path::{Path, PathBuf};

use super::options::{self, Options};
use super::verdict::{Denial, Place, Rule};
use super::words::{shell_commands, split};
use super::{DEEPEST, judge_at};

/// Git's own options that take the next word, unless a `=` is written behind them.
const WITH_VALUE: [&str; 6] = [
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--attr-source",
    "--config-env",
];
const HOOKS_PATH: &str = "core.hooksPath";
/// What a rebase that has begun is told. Whoever began it was allowed to.
const GO_ON: [&str; 6] = [
    "abort",
    "continue",
    "skip",
    "quit",
    "show-current-patch",
    "edit-todo",
];

/// Git's own options, and what comes after them.
pub(in crate::model) struct Line<'w> {
    /// Settings for this one run.
    pub settings: Vec<(String, String)>,
    /// Where it runs.
    pub folder: PathBuf,
    /// Whether it names the repository, instead of finding the one around.
    pub names_repository: bool,
    own: &'w [String],
    /// The command and its arguments.
    pub rest: &'w [String],
}

/// Whether it may be run with these words.
pub(super) fn judge(words: &[String], place: &Place<'_>, depth: u32) -> Option<Denial> {
    let line = read(words, place.cwd, |name| place.around.variable(name));
    let is_off = line.settings.iter().any(|(key, _)| is_hooks_path(key));
    let (command, args) = line.rest.split_first()?;
    let denial = match command.as_str() {
        _ if is_off => Denial::new(Rule::HooksPath, format!("git -c {HOOKS_PATH}=…")),
        "reset" => reset(args),
        "clean" => clean(args, &line, place),
        "rebase" => rebase(args),
        "push" => return push(args),
        "worktree" => return worktree(args),
        "config" => config(args, place),
        _ => alias(&line, place, depth),
    };
    denial.filter(|denial| !stays_in_scratch(denial, &line, place))
}

/// Whether all of it happens in a repository that is the session's own. What is pushed goes elsewhere,
/// and so does what is written for all repositories.
fn stays_in_scratch(denial: &Denial, line: &Line<'_>, place: &Place<'_>) -> bool {
    let is_local = match denial.rule {
        Rule::ResetHard | Rule::Clean | Rule::Rebase => true,
        Rule::HooksPath => {
            let wide = ["--glob", "--sys", "--file", "-f"];
            let goes_wide = |word: &String| wide.iter().any(|start| word.starts_with(start));
            !line.rest.iter().any(goes_wide)
        }
        _ => false,
    };
    let named = line.names_repository || place.around.variable("GIT_DIR").is_some();
    is_local && !named && place.is_scratch(&line.folder)
}

/// Takes git's own options off. `variable` is asked for a variable of the environment.
pub(in crate::model) fn read<'w>(
    words: &'w [String],
    cwd: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Line<'w> {
    let mut line = Line {
        settings: Vec::new(),
        folder: cwd.to_owned(),
        names_repository: false,
        own: &[],
        rest: &[],
    };
    let mut at = 0;
    while let Some(word) = words.get(at).filter(|word| word.starts_with('-')) {
        let next = words.get(at + 1).map_or("", String::as_str);
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value)),
            _ => (word.as_str(), None),
        };
        let takes_next = matches!(name, "-C" | "-c") || WITH_VALUE.contains(&name);
        match name {
            "-C" => line.folder.push(next),
            "-c" => {
                // Without a `=` it is true.
                let (key, value) = next.split_once('=').unwrap_or((next, "true"));
                line.settings.push((key.to_owned(), value.to_owned()));
            }
            "--config-env" => {
                let said = value.unwrap_or(next);
                let (key, name) = said.rsplit_once('=').unwrap_or_default();
                let value = variable(name).unwrap_or_default();
                line.settings.push((key.to_owned(), value));
            }
            "--git-dir" | "--work-tree" => line.names_repository = true,
            _ => {}
        }
        at += if takes_next && value.is_none() { 2 } else { 1 };
    }
    (line.own, line.rest) = words.split_at(at.min(words.len()));
    line
}

fn reset(args: &[String]) -> Option<Denial> {
    let options = options::read(args, "", &["pathspec-from-file"]);
    match options.has_long("hard", "h") {
        true => Denial::new(Rule::ResetHard, "git reset --hard"),
        false => None,
    }
}

fn clean(args: &[String], line: &Line<'_>, place: &Place<'_>) -> Option<Denial> {
    let options = options::read(args, "e", &["exclude"]);
    if options.has_letter("n") || options.has_long("dry-run", "d") {
        return None;
    }
    let forced = options.has_letter("fi")
        || options.has_long("force", "f")
        || options.has_long("interactive", "i");
    // By this setting it needs no force.
    let key = "clean.requireForce";
    let said = line
        .settings
        .iter()
        .rev()
        .find(|(name, _)| name.eq_ignore_ascii_case(key));
    let said = said
        .map(|(_, value)| value.clone())
        .or_else(|| place.around.setting(&line.folder, key));
    let is_off = |value: String| {
        let value = value.to_ascii_lowercase();
        ["false", "no", "off", "0", ""].contains(&value.as_str())
    };
    match forced || said.is_some_and(is_off) {
        true => Denial::new(Rule::Clean, "git clean"),
        false => None,
    }
}

fn rebase(args: &[String]) -> Option<Denial> {
    match args {
        [one]
            if one
                .strip_prefix("--")
                .is_some_and(|name| GO_ON.contains(&name)) =>
        {
            None
        }
        _ => Denial::new(Rule::Rebase, "git rebase"),
    }
}

fn push(args: &[String]) -> Option<Denial> {
    let with_value = ["push-option", "repo", "receive-pack", "exec"];
    let options = options::read(args, "o", &with_value);
    let forced = options.has_letter("f")
        || options
            .long
            .iter()
            .any(|(name, _)| name.starts_with("forc"))
        || options.has_long("mirror", "m");
    if forced {
        return Denial::new(Rule::ForcePush, "git push --force");
    }
    let plus = options.rest.iter().find(|word| word.starts_with('+'))?;
    Denial::new(Rule::ForcePush, format!("git push {plus}"))
}

fn worktree(args: &[String]) -> Option<Denial> {
    match options::read(args, "", &[]).rest.first()?.as_str() {
        "remove" => Denial::new(Rule::WorktreeRemove, "git worktree remove"),
        _ => None,
    }
}

fn config(args: &[String], place: &Place<'_>) -> Option<Denial> {
    let with_value = ["file", "blob", "type", "default", "comment", "value", "url"];
    let options = options::read(args, "ft", &with_value);
    if !writes(&options) {
        return None;
    }
    if let Some(file) = options.value('f', "file")
        && place.file(file).starts_with(place.state)
    {
        return Denial::new(Rule::RunnerState, format!("git config --file {file}"));
    }
    let hits = |word: &String| is_hooks_path(word) || takes_section(&options, word);
    // Only the first words name keys; what comes after is a value.
    match options.rest.iter().take(2).any(hits) {
        true => Denial::new(Rule::HooksPath, format!("git config {HOOKS_PATH}")),
        false => None,
    }
}

/// Whether it changes a file. One key alone is read.
fn writes(options: &Options) -> bool {
    let is = |name: &str, least: &str| options.has_long(name, least);
    if options.long.iter().any(|(name, _)| name.starts_with("get")) {
        return false;
    }
    let acts = is("unset", "un") || is("unset-all", "un") || is("add", "ad");
    let acts = acts || is("replace-all", "rep") || is("rename-section", "ren");
    if acts || is("remove-section", "rem") {
        return true;
    }
    match options.rest.first().map(String::as_str) {
        Some("get" | "list" | "get-color" | "get-colorbool") => false,
        _ => options.rest.len() > 1,
    }
}

/// Whether it renames or removes the section that the setting stands in.
fn takes_section(options: &Options, word: &str) -> bool {
    let by_option =
        options.has_long("rename-section", "ren") || options.has_long("remove-section", "rem");
    let verb = options.rest.first().map(String::as_str);
    let by_verb = matches!(verb, Some("rename-section" | "remove-section"));
    (by_option || by_verb) && word.eq_ignore_ascii_case("core")
}

/// Section and name of a setting are the same in any case.
pub(in crate::model) fn is_hooks_path(key: &str) -> bool {
    key.eq_ignore_ascii_case(HOOKS_PATH)
}

/// Git's own commands cannot be aliases; that one is given the name of such a command is not told
/// apart, as nobody does it.
fn alias(line: &Line<'_>, place: &Place<'_>, depth: u32) -> Option<Denial> {
    let (name, args) = line.rest.split_first().filter(|_| depth < DEEPEST)?;
    let key = format!("alias.{name}");
    let mut given = line.settings.iter().rev();
    let given = given.find(|(found, _)| found.eq_ignore_ascii_case(&key));
    let given = given.map(|(_, value)| value.clone());
    let text = given.or_else(|| place.around.setting(&line.folder, &key))?;
    let Some(script) = text.strip_prefix('!') else {
        let words = [line.own, &split(&text)?, args].concat();
        return judge(&words, place, depth + 1);
    };
    // What is given to the alias comes after the last command of the line.
    let mut commands = shell_commands(script);
    commands.last_mut()?.extend_from_slice(args);
    let there = Place {
        cwd: &line.folder,
        ..*place
    };
    let mut commands = commands.iter();
    commands.find_map(|words| judge_at(words, &there, depth + 1))
}
