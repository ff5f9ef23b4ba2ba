//! Making git directories: the session's private one, and those that the runner itself uses.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use crate::git::{GitError, Repo};

/// The settings of the main repository that decide how files are written and compared.
const COPIED: &[(&str, &str)] = &[
    ("core", "autocrlf"),
    ("core", "eol"),
    ("core", "safecrlf"),
    ("core", "ignorecase"),
    ("core", "precomposeunicode"),
    ("core", "symlinks"),
    ("core", "filemode"),
    ("core", "sparseCheckout"),
    ("core", "sparseCheckoutCone"),
    ("core", "protectHFS"),
    ("core", "protectNTFS"),
];

/// The files of the main repository that decide what is ignored, how files are written, and where
/// history ends.
const SHARED: [&str; 4] = [
    "info/exclude",
    "info/attributes",
    "info/sparse-checkout",
    "shallow",
];

/// What a git directory is made for.
pub(super) struct Layout<'a> {
    /// The worktree it belongs to.
    pub work_tree: &'a Path,
    /// The content of `HEAD`, without newline.
    pub head: String,
    /// Where its objects are borrowed from, best first.
    pub alternates: &'a [&'a Path],
    /// Name and address of author and committer.
    pub identity: (&'a str, &'a str),
}

/// Makes a git directory without hooks and returns the text of its configuration.
pub(super) fn make(repo: &Repo, dir: &Path, layout: &Layout<'_>) -> Result<String, WorkspaceError> {
    make_with_hooks(repo, dir, layout, &dir.join("hooks"))
}

/// Makes a git directory whose hooks are in another folder.
pub(super) fn make_with_hooks(
    repo: &Repo,
    dir: &Path,
    layout: &Layout<'_>,
    hooks: &Path,
) -> Result<String, WorkspaceError> {
    for part in [
        "objects/info",
        "objects/pack",
        "refs/heads",
        "hooks",
        "info",
    ] {
        let path = dir.join(part);
        fs::create_dir_all(&path).map_err(WorkspaceError::io(&path))?;
    }
    let config = config(repo, layout, hooks)?;
    borrow_objects(dir, layout.alternates)?;
    write(&dir.join("HEAD"), &format!("{}\n", layout.head))?;
    write(&dir.join("config"), &config)?;
    for file in SHARED {
        copy_if_there(&repo.common_dir().join(file), &dir.join(file))?;
    }
    Ok(config)
}

/// Names the object folders that `dir` uses besides its own, best first.
pub(super) fn borrow_objects(dir: &Path, from: &[&Path]) -> Result<(), WorkspaceError> {
    let mut alternates = String::new();
    for path in from {
        // What these borrow in turn is named too: git does not follow a relative path further.
        for path in [path.to_path_buf()].iter().chain(&borrowed(path)?) {
            alternates.push_str(plain(path)?);
            alternates.push('\n');
        }
    }
    write(&dir.join("objects/info/alternates"), &alternates)
}

/// The object folders that one borrows from in turn.
pub(super) fn borrowed(objects: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    gix::odb::alternate::resolve(objects.to_path_buf(), objects)
        .map_err(|error| GitError::library("read the alternates")(error).into())
}

fn config(repo: &Repo, layout: &Layout<'_>, hooks: &Path) -> Result<String, WorkspaceError> {
    let main = repo.gix();
    let settings = main.config_snapshot();
    let mut text = String::from("[core]\n\trepositoryformatversion = 0\n\tbare = false\n");
    let mut set = |key: &str, value: &str| {
        let value = quoted(value);
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "\t{key} = \"{value}\"");
    };
    set("worktree", plain(layout.work_tree)?);
    set("hooksPath", plain(hooks)?);
    set("logAllRefUpdates", "true");
    for (key, name) in [("excludesFile", "ignore"), ("attributesFile", "attributes")] {
        if let Some(path) = personal_file(&settings, key, name) {
            set(key, plain(&path)?);
        }
    }
    for (section, key) in COPIED {
        let value = settings.string(format!("{section}.{key}").as_str());
        if let Some(value) = value.filter(|v| !v.iter().any(u8::is_ascii_control)) {
            set(key, &value.to_string());
        }
    }
    let (name, email) = layout.identity;
    if format!("{name}{email}").chars().any(char::is_control) {
        return Err(WorkspaceError::Unusable(
            "the author's name has control characters".to_owned(),
        ));
    }
    // Hooks find the tree that git has noted behind the entries without passing them.
    text.push_str("[index]\n\trecordEndOfIndexEntries = true\n");
    let _infallible = write!(
        text,
        "[user]\n\tname = \"{}\"\n\temail = \"{}\"\n",
        quoted(name),
        quoted(email)
    );
    Ok(text)
}

/// A value as it stands between quotation marks in a configuration.
pub(super) fn quoted(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A file of patterns that the person keeps for all repositories: where `core.<key>` says, or
/// where git looks otherwise.
pub(super) fn personal_file(
    settings: &gix::config::Snapshot<'_>,
    key: &str,
    name: &str,
) -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let path = match settings.trusted_path(format!("core.{key}").as_str()) {
        Ok(Some(path)) => path,
        Err(_) => return None,
        Ok(None) => {
            let base = etcetera::choose_base_strategy().ok()?;
            base.config_dir().join("git").join(name)
        }
    };
    path.is_file().then_some(path)
}

/// A path that can stand in git's own files.
pub(super) fn plain(path: &Path) -> Result<&str, WorkspaceError> {
    path.to_str()
        .filter(|p| !p.chars().any(char::is_control))
        .ok_or_else(|| {
            WorkspaceError::Unusable(format!(
                "{} is not plain text, which git's own files need",
                path.display()
            ))
        })
}

pub(super) fn write(path: &Path, text: &str) -> Result<(), WorkspaceError> {
    fs::write(path, text).map_err(WorkspaceError::io(path))
}

pub(super) fn copy_if_there(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    match fs::copy(from, to) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(WorkspaceError::io(from)(e)),
    }
}
