//! `git` with its hooks turned off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::plain;
use crate::model::denylist::{GitLine, git_line, is_hooks_path, read_options};

/// Commands that run hooks.
const HOOKED: [&str; 8] = [
    "commit",
    "push",
    "merge",
    "pull",
    "am",
    "rebase",
    "cherry-pick",
    "revert",
];
/// Options of `commit` and its like that take the next word.
const WITH_VALUE: [&str; 13] = [
    "message",
    "file",
    "author",
    "date",
    "template",
    "cleanup",
    "fixup",
    "squash",
    "reuse-message",
    "reedit-message",
    "trailer",
    "pathspec-from-file",
    "strategy",
];
/// Variables by which programs that keep hooks leave them out, with the values that do nothing.
const SWITCHES: [(&str, &[&str]); 7] = [
    ("HUSKY", &["1", "2", "", "true"]),
    ("HUSKY_SKIP_HOOKS", &["0", "", "false"]),
    ("LEFTHOOK", &["1", "", "true"]),
    ("LEFTHOOK_EXCLUDE", &[""]),
    ("OVERCOMMIT_DISABLE", &["0", "", "false"]),
    ("SKIP", &[""]),
    ("PRE_COMMIT_ALLOW_NO_CONFIG", &["0", ""]),
];

/// What a run of git is.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// It runs no hooks, or others.
    pub bypasses: bool,
    /// It makes a commit.
    pub commits: bool,
    /// Where it runs, when that is known and it finds the repository around.
    pub folder: Option<PathBuf>,
    /// The file of settings that it changes.
    pub config_file: Option<String>,
}

/// Looks at what stands behind `git`.
pub(super) fn look(
    args: &[String],
    cwd: Option<&Path>,
    variables: &BTreeMap<String, String>,
) -> Run {
    let here = cwd.unwrap_or(Path::new(""));
    let line = git_line(args, here, |name| variables.get(name).cloned());
    let command = line.rest.first().map_or("", String::as_str);
    let names_repository = line.names_repository || variables.contains_key("GIT_DIR");
    Run {
        bypasses: settings_bypass(&line, variables)
            || HOOKED.contains(&command) && (options_bypass(command, &line) || switched(variables)),
        commits: command == "commit",
        folder: (line.folder.is_absolute() && !names_repository).then(|| plain(&line.folder)),
        config_file: config_file(command, &line),
    }
}

/// A setting for this one run leads to other hooks.
fn settings_bypass(line: &GitLine<'_>, variables: &BTreeMap<String, String>) -> bool {
    let mut keys = variables
        .iter()
        .filter(|(name, _)| name.starts_with("GIT_CONFIG_KEY_"));
    let inherited = variables.get("GIT_CONFIG_PARAMETERS");
    line.settings.iter().any(|(key, _)| is_hooks_path(key))
        || keys.any(|(_, key)| is_hooks_path(key))
        || inherited.is_some_and(|all| all.to_ascii_lowercase().contains("core.hookspath"))
}

fn options_bypass(command: &str, line: &GitLine<'_>) -> bool {
    let options = read_options(&line.rest[1..], "mFCctX", &WITH_VALUE);
    // For others, the letter is another option's.
    let letter = matches!(command, "commit" | "am") && options.has_letter("n");
    letter || options.has_long("no-verify", "no-veri")
}

fn switched(variables: &BTreeMap<String, String>) -> bool {
    SWITCHES.iter().any(|(name, idle)| {
        let value = variables.get(*name);
        value.is_some_and(|value| !idle.contains(&value.as_str()))
    })
}

fn config_file(command: &str, line: &GitLine<'_>) -> Option<String> {
    if command != "config" {
        return None;
    }
    let options = read_options(&line.rest[1..], "ft", &["file", "type", "default", "value"]);
    let writes = options.rest.len() > 1 || options.has_long("unset", "un");
    let file = options.value('f', "file").filter(|_| writes)?;
    Some(file.to_owned())
}
