//! In front of `git` and `rm` inside of a session: what needs a person's word is asked about, or not
//! run. Early, clear words for whoever means well; what holds a session in bounds is elsewhere.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::inside;
use crate::git;
use crate::model::code::Code;
use crate::model::denylist::{Denial, Place, Surroundings, judge, quoted};
use crate::model::door::Request;
use crate::model::shown::{Breaks, shown};
use crate::proc::WORKTREE_VARIABLE;

/// More folders in which a session may do as it likes, separated by `:`.
const OWN_VARIABLE: &str = "TREEYARD_PRIVATE";

/// Why a command is not run: at most five lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Whether `words`, which were started by the shim in `shims`, may be run. A permission is used up.
///
/// # Errors
/// When they may not, with what a session is told.
pub fn check(shims: &Path, words: &[OsString]) -> Result<(), Refused> {
    let worktree = worktree();
    let is_text = words.iter().all(|word| word.to_str().is_some());
    let words: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let Some(denial) = decide(shims, &worktree, &words) else {
        return Ok(());
    };
    match is_text && is_allowed(&worktree, &words, &denial) {
        true => Ok(()),
        false => Err(refusal(&words, &denial)),
    }
}

/// A program that takes all variables but the `PATH` away leaves the one around the current folder.
fn worktree() -> PathBuf {
    if let Some(told) = env::var_os(WORKTREE_VARIABLE) {
        return told.into();
    }
    let here = env::current_dir().unwrap_or_default();
    let root = here.ancestors().find(|above| above.join(".git").exists());
    root.unwrap_or(&here).to_owned()
}

fn decide(shims: &Path, worktree: &Path, words: &[String]) -> Option<Denial> {
    let cwd = env::current_dir().unwrap_or_else(|_| worktree.to_owned());
    let state = shims.parent().unwrap_or(shims);
    let around = Around { cwd: &cwd };
    let place = Place {
        cwd: &cwd,
        worktree: &around.resolve(worktree),
        own: &own_folders(&around),
        others: &others(state, worktree, &around),
        state: &around.resolve(state),
        around: &around,
    };
    judge(words, &place)
}

/// Folders for what is temporary, and those that were made for this session alone.
fn own_folders(around: &Around<'_>) -> Vec<PathBuf> {
    let told = env::var_os(OWN_VARIABLE).unwrap_or_default();
    let temporary = ["/tmp", "/var/tmp"].map(PathBuf::from).into_iter();
    let all = temporary.chain(env::var_os("TMPDIR").map(PathBuf::from));
    all.chain(env::split_paths(&told))
        .filter(|folder| folder.is_absolute())
        .map(|folder| around.resolve(&folder))
        .collect()
}

/// The repository, and the worktrees of the other sessions. Either may lie in a temporary folder.
fn others(state: &Path, worktree: &Path, around: &Around<'_>) -> Vec<PathBuf> {
    let common_dir = state.parent();
    let named = |dir: &&Path| dir.file_name() == Some(OsStr::new(".git"));
    let main_root = common_dir.filter(named).and_then(Path::parent);
    [common_dir, main_root, worktree.parent()]
        .into_iter()
        .flatten()
        .map(|folder| around.resolve(folder))
        .collect()
}

fn is_allowed(worktree: &Path, words: &[String], denial: &Denial) -> bool {
    let cwd = env::current_dir().unwrap_or_default();
    let request = Request::Run {
        words: words.to_vec(),
        rule: denial.rule.id().to_owned(),
        cwd: cwd.to_string_lossy().into_owned(),
    };
    // Whichever folder it stands in, it is this session's door.
    let reply = inside::ask(worktree, &request);
    reply.is_ok_and(|reply| reply.is_some_and(|reply| reply.exit == 0))
}

fn refusal(words: &[String], denial: &Denial) -> Refused {
    let clean = |text: &str| shown(text, Breaks::Marked);
    let session = env::var("TREEYARD_TASK").unwrap_or_else(|_| "SESSION".to_owned());
    let (what, command) = (clean(&denial.what), clean(&quoted(words)));
    let code = Code::CommandDenied.id();
    let (why, instead) = (denial.rule.why(), denial.rule.instead());
    Refused(format!(
        "treeyard: refused: {what} ({code})\n  why    it {why}\n  do     {instead}\n  or     \
         ask a person, who allows it once: treeyard approve {session} -- {command}\n"
    ))
}

/// The next program of this name on the `PATH`, behind the last time that `shims` is named there.
pub fn real_program(shims: &Path, name: &OsStr) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let own = folders.iter().rposition(|folder| folder == shims);
    let behind = &folders[own.map_or(0, |own| own + 1)..];
    // Somebody may have put this folder last.
    let is_shims = |folder: &&PathBuf| *folder == shims || folder.ends_with("treeyard/shims");
    let all = folders.iter().filter(|folder| !is_shims(folder));
    let is_program = |file: &PathBuf| {
        let found = file.metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let mut programs = behind.iter().chain(all).map(|folder| folder.join(name));
    programs.find(is_program)
}

struct Around<'a> {
    cwd: &'a Path,
}

impl Surroundings for Around<'_> {
    fn setting(&self, folder: &Path, key: &str) -> Option<String> {
        git::setting(&self.resolve(folder), key)
    }

    fn variable(&self, name: &str) -> Option<String> {
        env::var(name).ok()
    }

    fn root(&self, folder: &Path) -> Option<PathBuf> {
        let folder = self.resolve(folder);
        let folder = folder.canonicalize().unwrap_or(folder);
        let root = folder.ancestors().find(|above| above.join(".git").exists());
        root.map(Path::to_owned)
    }

    /// What does not exist stands where the folders that do exist put it.
    fn resolve(&self, path: &Path) -> PathBuf {
        let path = self.cwd.join(path);
        let (mut found, mut parts) = (PathBuf::from("/"), path.components().peekable());
        while let Some(part) = parts.next() {
            match part {
                Component::ParentDir => drop(found.pop()),
                Component::Normal(name) => {
                    found.push(name);
                    // A link at the very end is removed, and not followed.
                    let is_last = parts.peek().is_none();
                    if !is_last && let Ok(real) = found.canonicalize() {
                        found = real;
                    }
                }
                _ => {}
            }
        }
        found
    }
}
