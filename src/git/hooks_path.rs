//! `core.hooksPath` in a configuration file, put in front of what is there and taken out again so that
//! not a byte is left. What is there is never rewritten: git takes the last value.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::GitError;
use super::patience::retry;

const BEGIN: &str = "# treeyard hooks: `treeyard hooks uninstall` takes these lines out again";
/// The file did not end with a line break.
const BEGIN_JOINED: &str = "# treeyard hooks: `treeyard hooks uninstall` takes these lines and the line break before out again";
const END: &str = "# end of treeyard hooks";
/// Git holds the lock of a configuration for moments only.
const PATIENCE: Duration = Duration::from_secs(5);

/// A configuration file that may have treeyard's lines.
#[derive(Debug, Clone)]
pub struct HooksPath {
    file: PathBuf,
}

impl HooksPath {
    /// In this file. It need not exist.
    pub fn new(file: &Path) -> Self {
        // A link stays one.
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        Self { file }
    }

    /// Where treeyard's lines lead, `None` when there are none; nowhere (an empty text) when somebody took
    /// the value out of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn leads_to(&self) -> Result<Option<String>, GitError> {
        let text = read(&self.file)?;
        let Some((_, own, _)) = split(&text) else {
            return Ok(None);
        };
        let leads = own.lines().find_map(value).unwrap_or_default();
        Ok(Some(leads.to_owned()))
    }

    /// Puts a folder in front, in place of the one that treeyard's lines name.
    ///
    /// # Errors
    /// When the file is locked or cannot be written, or the path cannot stand in it.
    pub fn put(&self, folder: &Path) -> Result<(), GitError> {
        let path = plain(folder)?;
        self.edit(|text| {
            let mut text = without(text);
            let joined = !(text.is_empty() || text.ends_with('\n'));
            let begin = if joined { BEGIN_JOINED } else { BEGIN };
            let start = if joined { "\n" } else { "" };
            text.push_str(&format!(
                "{start}{begin}\n[core]\n\thooksPath = \"{path}\"\n{END}\n"
            ));
            text
        })
    }

    /// Takes treeyard's lines out. What others added between them stays.
    ///
    /// # Errors
    /// When the file is locked or cannot be written.
    pub fn take_out(&self) -> Result<(), GitError> {
        self.edit(without)
    }

    fn edit(&self, change: impl FnOnce(&str) -> String) -> Result<(), GitError> {
        let mut name = self.file.clone().into_os_string();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let mut file = locked(&lock)?;
        let done = read(&self.file).and_then(|text| {
            let new = change(&text);
            if new == text {
                return fs::remove_file(&lock).map_err(GitError::io(&lock));
            }
            if let Ok(found) = fs::metadata(&self.file) {
                let same = fs::set_permissions(&lock, found.permissions());
                same.map_err(GitError::io(&lock))?;
            }
            let written = file.write_all(new.as_bytes());
            written
                .and_then(|()| file.sync_all())
                .and_then(|()| fs::rename(&lock, &self.file))
                .map_err(GitError::io(&self.file))
        });
        if done.is_err() {
            let _stays_locked = fs::remove_file(&lock);
        }
        done
    }
}

fn locked(lock: &Path) -> Result<fs::File, GitError> {
    let make = || fs::File::create_new(lock);
    let is_held = |made: &std::io::Result<fs::File>| {
        let error = made.as_ref().err();
        error.is_some_and(|error| error.kind() == ErrorKind::AlreadyExists)
    };
    retry(PATIENCE, make, is_held).map_err(GitError::io(lock))
}

/// Bytes that are not UTF-8 would not come back as they were.
fn read(file: &Path) -> Result<String, GitError> {
    match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        text => text.map_err(GitError::io(file)),
    }
}

/// What stands before treeyard's lines, they themselves, and what stands after.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let joined = format!("\n{BEGIN_JOINED}\n");
    let start = match text.find(&joined) {
        Some(at) => at,
        None => text.find(&format!("{BEGIN}\n"))?,
    };
    let end = text[start..].find(END).map_or(text.len(), |at| {
        let after = start + at + END.len();
        after + usize::from(text[after..].starts_with('\n'))
    });
    Some((&text[..start], &text[start..end], &text[end..]))
}

fn without(text: &str) -> String {
    let Some((before, own, after)) = split(text) else {
        return text.to_owned();
    };
    let is_ours = |line: &str| {
        let line = line.trim_end();
        [BEGIN, BEGIN_JOINED, END, "", "[core]"].contains(&line) || value(line).is_some()
    };
    let others: String = own
        .split_inclusive('\n')
        .filter(|line| !is_ours(line))
        .collect();
    match others.is_empty() {
        true => format!("{before}{after}"),
        false => {
            let joined = own.starts_with('\n');
            let start = if joined { "\n" } else { "" };
            let sectioned = match others.trim_start().starts_with('[') {
                true => others,
                false => format!("[core]\n{others}"),
            };
            format!("{before}{start}{sectioned}{after}")
        }
    }
}

fn value(line: &str) -> Option<&str> {
    let value = line.trim().strip_prefix("hooksPath = \"")?;
    value.strip_suffix('"')
}

fn plain(path: &Path) -> Result<&str, GitError> {
    let text = path.to_str();
    let text =
        text.filter(|text| !text.contains(['"', '\\']) && !text.chars().any(char::is_control));
    text.ok_or_else(|| GitError::Unsupported {
        path: path.to_owned(),
        what: "a path that cannot stand in git's configuration".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_byte_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        for text in [
            "",
            "[core]\n\tbare = false\n",
            "[a]\nb = c",
            "\n\n",
            "[core]\n\thooksPath = x",
        ] {
            fs::write(&file, text).unwrap();
            let own = HooksPath::new(&file);
            own.put(Path::new("/one")).unwrap();
            own.put(Path::new("/two")).unwrap();
            assert_eq!(own.leads_to().unwrap().as_deref(), Some("/two"));
            own.take_out().unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn what_others_add_stays() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        fs::write(&file, "[core]\n\tbare = false\n").unwrap();
        let own = HooksPath::new(&file);
        own.put(Path::new("/one")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let added = text.replace("/one\"\n", "/one\"\n\tpager = less\n") + "[user]\n\tname = A\n";
        fs::write(&file, added).unwrap();
        own.take_out().unwrap();
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "[core]\n\tbare = false\n[core]\n\tpager = less\n[user]\n\tname = A\n"
        );
    }

    #[test]
    fn a_held_lock_is_not_broken() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        fs::write(dir.path().join("config.lock"), "").unwrap();
        assert!(HooksPath::new(&file).put(Path::new("/one")).is_err());
        assert!(dir.path().join("config.lock").exists() && !file.exists());
    }
}
