//! Programs that a plan names without a shell, so that a missing one is known before anything
//! starts. A `setup` command may still bring it: that is worth a warning, and no error.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Cursor, Problem};

/// The program of one command of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub name: String,
    /// Where it stands, in bytes.
    pub offset: usize,
    /// The task's own `PATH`.
    pub path: Option<String>,
}

/// The programs in `value`: a command, or with `many` a list of commands. What a shell runs is not
/// known.
pub(super) fn programs_in(value: &Spanned<DeValue<'_>>, many: bool) -> Vec<Program> {
    let list = value.get_ref().as_array();
    let items = list.into_iter().flat_map(|list| list.iter());
    if many {
        return items.flat_map(|item| programs_in(item, false)).collect();
    }
    let program = |item: &Spanned<DeValue<'_>>| {
        Some(Program {
            name: item.get_ref().as_str()?.to_owned(),
            offset: item.span().start,
            path: None,
        })
    };
    items.take(1).filter_map(program).collect()
}

/// What is not there when jobs search `path`, each with its place in `text`.
pub(super) fn missing(programs: &[Program], path: Option<&OsStr>, text: &str) -> Vec<Problem> {
    let mut known: HashMap<(&str, Option<&str>), bool> = HashMap::new();
    let mut cursor = Cursor::new(text);
    let mut found = Vec::new();
    for program in programs {
        let key = (program.name.as_str(), program.path.as_deref());
        let there = known.entry(key).or_insert_with(|| {
            let own = program.path.as_ref().map(OsString::from);
            may_be_there(&program.name, own.as_deref().or(path))
        });
        if !*there {
            let message = format!(
                "there is no program {} now",
                super::reader::quoted(&program.name)
            );
            let hint = "its job fails unless `setup` brings it".to_owned();
            found.push(cursor.problem(program.offset, message, Some(hint)));
        }
    }
    found
}

/// Whether it is there, or that cannot be told: relative paths start in a worktree to come.
fn may_be_there(program: &str, path: Option<&OsStr>) -> bool {
    if program.contains('/') {
        return !program.starts_with('/') || is_executable(Path::new(program));
    }
    let Some(path) = path else { return true };
    std::env::split_paths(path).any(|dir| dir.is_relative() || is_executable(&dir.join(program)))
}

fn is_executable(file: &Path) -> bool {
    let found = std::fs::metadata(file);
    found.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
