//! Which signals a command line gives, as far as that can be told from its words without running it. What a program
//! does inside of itself is not seen, nor what variables and aliases stand for.

mod elsewhere;
mod git;
mod install;
mod network;
mod programs;
mod writes;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::signal::{Signal, Signals};
use crate::model::denylist::shell_parts;
use programs::{Command, command, line_of, runs_its_input};

/// What a line's paths are compared with. All paths are absolute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The root of the worktree.
    pub worktree: PathBuf,
    /// What only the runner and git itself change, with all below.
    pub guarded: Vec<PathBuf>,
    /// What is others', with all below, but for the session's own.
    pub others: Vec<PathBuf>,
    /// What is the session's own besides its worktree.
    pub own: Vec<PathBuf>,
}

/// A line in a line (`sh -c '…'`) may hold another one; so deep.
const DEEPEST: u32 = 10;

/// What a line for a shell gives that starts in `cwd`, if that is known.
pub fn line_signals(line: &str, cwd: Option<&Path>, around: &Around) -> Signals {
    let mut reading = Reading {
        around,
        cwd: cwd.map(Path::to_owned),
        exported: BTreeMap::new(),
        seen: Signals::new(),
    };
    reading.line(line, 0);
    reading.seen
}

/// What changing a file gives, by its path from the root of the worktree. Every spelling of `.git` counts.
pub fn write_signals(path: &str, around: &Around) -> Signals {
    let mut reading = Reading {
        around,
        cwd: Some(around.worktree.clone()),
        exported: BTreeMap::new(),
        seen: Signals::new(),
    };
    reading.note_write(path, false);
    let plain = plain(Path::new(path));
    let first = plain.components().next();
    if first.is_some_and(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        reading.seen.insert(Signal::RunnerState);
    }
    reading.seen
}

/// How far a line was read.
struct Reading<'a> {
    around: &'a Around,
    /// Where the next command runs; nobody knows after `cd "$X"`.
    cwd: Option<PathBuf>,
    exported: BTreeMap<String, String>,
    seen: Signals,
}

impl Reading<'_> {
    fn line(&mut self, line: &str, depth: u32) {
        if depth > DEEPEST {
            return;
        }
        let (mut fetched, mut reads_file) = (false, false);
        for part in shell_parts(line) {
            let is_piped = part.joint.contains('|') && !part.joint.contains("||");
            let fills_file = reads_file && part.joint.starts_with('(');
            fetched &= is_piped;
            self.note_redirections(&part.words);
            let words = writes::without_redirections(&part.words);
            let command = command(&words);
            let fetches = network::fetches(&command);
            if (fetched && is_piped && runs_its_input(&command)) || (fills_file && fetches) {
                self.seen.insert(Signal::InstallPiped);
            }
            fetched |= fetches;
            reads_file =
                programs::runs_file(&command) && part.words.last().is_some_and(|w| w == "<");
            self.command(&command, depth);
        }
    }

    fn command(&mut self, command: &Command<'_>, depth: u32) {
        if let Some(inner) = line_of(command) {
            self.inner(&inner, depth + 1);
            return;
        }
        match command.program {
            "" => {}
            "cd" | "pushd" => self.go(command.args.first().map(String::as_str)),
            "export" | "declare" | "typeset" => {
                let set = command
                    .args
                    .iter()
                    .filter_map(|word| programs::assignment(word));
                self.exported.extend(set);
            }
            "git" => self.git(command),
            "treeyard" if elsewhere::bypasses(command.args) => {
                self.seen.insert(Signal::BypassSwitch);
            }
            _ => {}
        }
        if install::is_unpinned(command.program, command.args) {
            self.seen.insert(Signal::InstallUnpinned);
        }
        if network::reaches(command.program, command.args) {
            self.seen.insert(Signal::ReachesNetwork);
        }
        for word in writes::written(command.program, command.args) {
            self.note_write(&word, writes::takes_folders(command.program));
        }
    }

    /// A line for another shell. What it begins with may be the output of a program.
    fn inner(&mut self, line: &str, depth: u32) {
        let text = line.trim_start();
        if text.starts_with("$(") || text.starts_with('`') {
            let mut parts = shell_parts(text).into_iter();
            if parts.any(|part| network::fetches(&command(&part.words))) {
                self.seen.insert(Signal::InstallPiped);
            }
        }
        self.line(line, depth);
    }

    fn git(&mut self, command: &Command<'_>) {
        let cwd = self.cwd.clone();
        let mut variables = self.exported.clone();
        variables.extend(command.variables.clone());
        let found = git::look(command.args, cwd.as_deref(), &variables);
        let is_elsewhere = found.folder.is_some_and(|folder| !self.is_ours(&folder));
        if found.bypasses && !is_elsewhere {
            self.seen.insert(Signal::HooksBypassed);
        }
        if found.commits && !is_elsewhere {
            self.seen.insert(Signal::Commits);
        }
        if let Some(file) = found.config_file {
            self.note_write(&file, false);
        }
    }

    fn go(&mut self, folder: Option<&str>) {
        self.cwd = folder.and_then(|folder| self.resolve(folder));
    }

    /// The path that a word names, by its text alone.
    fn resolve(&self, word: &str) -> Option<PathBuf> {
        if word.starts_with(['~', '$', '-']) || word.is_empty() {
            return None;
        }
        let path = match word.starts_with('/') {
            true => PathBuf::from(word),
            false => self.cwd.as_ref()?.join(word),
        };
        Some(plain(&path))
    }

    /// Whether a folder lies in the worktree or in what is others'.
    fn is_ours(&self, folder: &Path) -> bool {
        let mut places = self.around.guarded.iter().chain(&self.around.others);
        folder.starts_with(&self.around.worktree) || places.any(|place| folder.starts_with(place))
    }

    fn note_redirections(&mut self, words: &[String]) {
        for word in writes::redirected(words) {
            self.note_write(&word, false);
        }
    }

    /// A file, and with `below` all in it, is changed.
    fn note_write(&mut self, word: &str, below: bool) {
        let Some(path) = self.resolve(word) else {
            return;
        };
        let is_in = |place: &PathBuf| path.starts_with(place) || below && place.starts_with(&path);
        let around = self.around;
        if around.guarded.iter().any(is_in) {
            self.seen.insert(Signal::RunnerState);
            return;
        }
        let own = std::iter::once(&around.worktree).chain(&around.own);
        let depth = |place: &&PathBuf| place.components().count();
        let nearest = |places: &mut dyn Iterator<Item = &PathBuf>| {
            let within = places.filter(|place| path.starts_with(place));
            within.map(|place| depth(&place)).max()
        };
        let (mine, theirs) = (
            nearest(&mut own.into_iter()),
            nearest(&mut around.others.iter()),
        );
        if theirs > mine {
            self.seen.insert(Signal::OtherWorktree);
        }
    }
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(found.pop()),
            Component::CurDir => {}
            part => found.push(part),
        }
    }
    found
}
