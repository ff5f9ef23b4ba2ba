//! The one place that spawns git.
//!
//! The environment is cleared, system and user configuration are not read, and everything that
//! could run a program out of a configuration is off: hooks, fsmonitor, external diff, pagers,
//! signing. So is the file that says what is in commits. Filters of the person's configuration are not seen either, so an LFS pointer stays a
//! pointer.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use super::error::GitError;
use super::repo::filter_drivers;
use crate::model::shown::{Breaks, shown};

const SAFE: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.commitGraph=false",
    "core.pager=cat",
    "diff.external=",
    "gc.auto=0",
    "maintenance.auto=false",
    "commit.gpgsign=false",
    "tag.gpgsign=false",
    "submodule.recurse=false",
    "protocol.allow=never",
];

/// What a git process printed.
#[derive(Debug, Clone)]
pub struct Output {
    /// Standard output, as it came.
    pub stdout: Vec<u8>,
}

impl Output {
    /// Standard output as text without the final newline.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout)
            .trim_end_matches('\n')
            .to_owned()
    }
}

/// One git process to be run.
#[derive(Debug)]
pub struct Git {
    dir: PathBuf,
    git_dir: Option<PathBuf>,
    work_tree: Option<PathBuf>,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    stdin: Vec<u8>,
    settings: Vec<String>,
    /// What stands before it on the command line; git itself otherwise.
    through: Vec<OsString>,
}

impl Git {
    /// Runs in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            git_dir: None,
            work_tree: None,
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            settings: Vec::new(),
            through: vec!["git".into()],
        }
    }

    /// Runs in a person's checkout, with the filters of its own configuration off as well.
    pub fn in_checkout(dir: &Path) -> Self {
        let off = |driver: String| {
            ["clean=", "smudge=", "process=", "required=false"]
                .map(|setting| format!("filter.{driver}.{setting}"))
        };
        let mut git = Self::new(dir);
        git.settings = filter_drivers(dir).into_iter().flat_map(off).collect();
        git
    }

    /// Uses this git directory, whatever a `.git` in the working directory says.
    pub fn git_dir(mut self, git_dir: &Path) -> Self {
        self.git_dir = Some(git_dir.to_owned());
        self
    }

    /// Uses this worktree.
    pub fn work_tree(mut self, path: &Path) -> Self {
        self.work_tree = Some(path.to_owned());
        self
    }

    /// Starts it by these words, of which the last is its name, instead of by its name alone.
    pub fn through(self, words: impl IntoIterator<Item = OsString>) -> Self {
        let through = words.into_iter().collect();
        Self { through, ..self }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Adds a variable to the otherwise cleared environment.
    pub fn env(mut self, key: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key, value.as_ref().to_owned()));
        self
    }

    /// Gives it these bytes to read.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When git is missing or exits with anything but 0.
    pub fn run(self) -> Result<Output, GitError> {
        let mut child = self.command().spawn().map_err(|e| self.spawn_error(e))?;
        let output = self.feed(&mut child).and_then(|writer| {
            let output = child.wait_with_output().map_err(GitError::io("git"))?;
            // A process that failed early closes its input: its own message says more.
            writer.map(|w| w.join());
            Ok(output)
        })?;
        self.judge(output)
    }

    /// Runs it to its end, with a file as its input.
    ///
    /// # Errors
    /// When git is missing or exits with anything but 0.
    pub fn run_reading(self, input: File) -> Result<Output, GitError> {
        let child = self.command().stdin(input).spawn();
        let output = child.and_then(std::process::Child::wait_with_output);
        let output = output.map_err(|error| self.spawn_error(error))?;
        self.judge(output)
    }

    fn feed(
        &self,
        child: &mut std::process::Child,
    ) -> Result<Option<std::thread::JoinHandle<()>>, GitError> {
        let Some(mut input) = child.stdin.take() else {
            return Ok(None);
        };
        let bytes = self.stdin.clone();
        Ok(Some(std::thread::spawn(move || {
            let _closed_early = input.write_all(&bytes);
        })))
    }

    fn command(&self) -> Command {
        let (program, words) = self
            .through
            .split_first()
            .map_or((OsStr::new("git"), &[][..]), |(first, rest)| {
                (first.as_os_str(), rest)
            });
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.dir).env_clear();
        for key in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        command
            .env("LANG", "C")
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .envs(self.env.iter().map(|(k, v)| (k, v)));
        for setting in SAFE {
            command.arg("-c").arg(setting);
        }
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        if let Some(git_dir) = &self.git_dir {
            command.arg("--git-dir").arg(git_dir);
        }
        if let Some(path) = &self.work_tree {
            command.arg("--work-tree").arg(path);
        }
        command
            .args(&self.args)
            .stdin(if self.stdin.is_empty() {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn judge(&self, output: process::Output) -> Result<Output, GitError> {
        match output.status.success() {
            true => Ok(Output {
                stdout: output.stdout,
            }),
            false => Err(GitError::Command {
                action: self.action(),
                stderr: why(output.status, &output.stderr),
            }),
        }
    }

    fn spawn_error(&self, source: std::io::Error) -> GitError {
        if source.kind() == std::io::ErrorKind::NotFound && self.dir.is_dir() {
            GitError::GitMissing
        } else {
            GitError::Io {
                path: self.dir.clone(),
                source,
            }
        }
    }

    fn action(&self) -> String {
        self.args
            .first()
            .map(|a| a.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}

/// What git said, as text from outside that is safe to show, in one line; 2,000 characters at most. One that was ended in the
/// middle says nothing.
fn why(status: process::ExitStatus, said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let text: String = text.trim().chars().take(2000).collect();
    match (shown(&text, Breaks::Spaces), status.signal()) {
        (text, _) if !text.is_empty() => text,
        (_, Some(signal)) => format!("it was ended by signal {signal}"),
        (_, None) => "it gave no reason".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_was_killed_says_so() {
        let killed = process::ExitStatus::from_raw(9);
        assert_eq!(why(killed, b" "), "it was ended by signal 9");
        assert_eq!(why(killed, b"fatal: no\n"), "fatal: no");
        let failed = process::ExitStatus::from_raw(1 << 8);
        assert_eq!(why(failed, b""), "it gave no reason");
    }
}
