//! What commits change.

use std::collections::HashSet;
use std::path::PathBuf;

use gix::bstr::ByteSlice;

use super::check::{Checked, Seen};
use super::plans::shown;
use super::script::{is_script, script_lines};
use crate::app::failure::Failure;
use crate::git::{Brought, Flaw, Repo, Standard, object_id, unsound_commit};
use crate::model::guardrail::{Around, Signal, Signals, line_signals};
use crate::model::ids::CommitId;
use crate::model::redact::Redactor;

/// The largest file that is looked into, in bytes.
const LARGEST: u64 = 8 * 1024 * 1024;
/// Files that say what hooks do, or what treeyard may do.
const CONFIGS: [&str; 8] = [
    ".pre-commit-config.yaml",
    ".pre-commit-config.yml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".overcommit.yml",
    "treeyard.toml",
];
const CONFIG_FOLDERS: [&str; 2] = [".husky/", ".githooks/"];

/// Looks at each commit that `head` has and `base` has not.
pub(super) fn changes(
    repo: &Repo,
    base: &CommitId,
    head: &CommitId,
    checked: &mut Checked,
) -> Result<(), Failure> {
    let commits = repo.commits_between(base, head)?;
    let count = commits.len();
    let plural = if count == 1 { "" } else { "s" };
    checked.looked_at.push(format!("{count} commit{plural}"));
    for commit in &commits {
        if let Some(seen) = unsound(repo, commit)? {
            checked.note(seen);
        }
        for file in repo.brought_by(commit, LARGEST)? {
            look(commit, &file, checked);
        }
    }
    Ok(())
}

/// The first entry that would not land.
fn unsound(repo: &Repo, commit: &CommitId) -> Result<Option<Seen>, Failure> {
    let found = unsound_commit(&repo.gix(), object_id(commit)?, Standard::Landable)?;
    Ok(found.map(|found| {
        let signal = match &found.flaw {
            Flaw::LeavingLink(_) | Flaw::GitLink(_) | Flaw::BrokenLink | Flaw::LongLink(_) => {
                Signal::LinkLeadsOut
            }
            _ => Signal::UnsoundEntry,
        };
        Seen {
            commit: Some(commit.clone()),
            detail: shown(&found.flaw.to_string()),
            signals: Signals::from([signal]),
            place: found.path,
        }
    }))
}

fn look(commit: &CommitId, file: &Brought, checked: &mut Checked) {
    let path = file.path.to_str_lossy().into_owned();
    let seen = |place: String, detail: String, signals| Seen {
        commit: Some(commit.clone()),
        place,
        detail,
        signals,
    };
    let in_folder = CONFIG_FOLDERS.iter().any(|folder| path.starts_with(folder));
    if in_folder || CONFIGS.contains(&path.as_str()) {
        let signals = Signals::from([Signal::HooksConfig]);
        checked.note(seen(path.clone(), "changed".to_owned(), signals));
    }
    if file.is_large {
        let short = commit.short();
        let why = format!("{path} in {short}: more than 8 MiB");
        checked.passed_over.push(why);
    }
    // What is no text has no lines.
    let Some(now) = file.now.as_ref().filter(|now| !now.contains(&0)) else {
        return;
    };
    let before = file.before.as_deref().unwrap_or_default();
    let before: HashSet<&[u8]> = before.lines().collect();
    let added: Vec<&[u8]> = now.lines().filter(|line| !before.contains(line)).collect();
    let names = secrets(&added.join(&b'\n'));
    if !names.is_empty() {
        let signals = Signals::from([Signal::SecretAdded]);
        checked.note(seen(path.clone(), names.join(", "), signals));
    }
    let text = String::from_utf8_lossy(now);
    if !is_script(&path, &text) {
        return;
    }
    let around = around();
    let is_new = |line: &str| !before.contains(line.as_bytes());
    let lines: Vec<&str> = text.lines().collect();
    for line in script_lines(&text) {
        let own = lines.iter().skip(line.number - 1).take(line.lines);
        if own.into_iter().any(|line| is_new(line)) {
            let signals = line_signals(&line.text, Some(&around.worktree), &around);
            let place = format!("{path}:{}", line.number);
            checked.note(seen(place, shown(&line.text), signals));
        }
    }
}

/// Names of the rules by which something in a text is a secret.
fn secrets(text: &[u8]) -> Vec<String> {
    let mut stream = Redactor::patterns().stream();
    let mut without = Vec::new();
    stream.push(text, &mut without);
    stream.finish(&mut without);
    stream.findings().names.iter().cloned().collect()
}

/// Scripts of a project change its git directory, as to install hooks; the runner's part of it is not theirs.
fn around() -> Around {
    let worktree = PathBuf::from("/worktree");
    Around {
        guarded: vec![worktree.join(".git/treeyard")],
        worktree,
        ..Around::default()
    }
}
