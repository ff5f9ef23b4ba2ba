//! Commands of settings and plans, and tasks that ask for less than they should.

use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice};

use super::check::{Checked, Seen};
use crate::app::failure::Failure;
use crate::config::{Plan, Settings, read_plan_file};
use crate::git::Repo;
use crate::model::denylist::quoted;
use crate::model::guardrail::{Around, Signal, Signals, line_signals};
use crate::model::ids::CommitId;
use crate::model::redact::Redactor;
use crate::model::task::{Command, TaskSpec};
use crate::model::work::Work;

/// The root of a worktree whose place is not known yet.
const WORKTREE: &str = "/worktree";
const LARGEST: u64 = 1024 * 1024;
const SETTINGS: &str = "treeyard.toml";

/// Looks at the project's settings, at plans that were given, and at those that a commit has.
pub(super) fn plans(
    repo: &Repo,
    settings: &Settings,
    (head, given): (Option<&CommitId>, &[PathBuf]),
    checked: &mut Checked,
) -> Result<(), Failure> {
    checked.looked_at.push(SETTINGS.to_owned());
    for (key, commands) in [
        ("setup", settings.setup()),
        ("land.gate", settings.land_gate()),
    ] {
        note_commands(SETTINGS, key, commands, checked);
    }
    for file in given {
        let bytes = read_plan_file(file).map_err(|error| Failure::io(file, &error))?;
        let plan = Plan::decode(&bytes, file, settings)?;
        note_plan(&file.display().to_string(), &plan.tasks, checked);
    }
    let Some(head) = head else {
        return Ok(());
    };
    let mut files = repo.files_of(head)?;
    files.retain(|file| file.ends_with(b".toml") && file != SETTINGS);
    files.sort();
    for file in &files {
        if let Some(bytes) = repo.content_of(head, file, LARGEST)? {
            note_found(file, &bytes, settings, checked);
        }
    }
    Ok(())
}

/// A file that has tasks is taken for a plan.
fn note_found(file: &BString, bytes: &[u8], settings: &Settings, checked: &mut Checked) {
    let table = std::str::from_utf8(bytes).ok();
    let table = table.and_then(|text| text.parse::<toml::Table>().ok());
    let tasks = table
        .as_ref()
        .and_then(|table| table.get("task")?.as_array());
    let is_task = |task: &toml::Value| {
        let has = |key: &str| task.get(key).is_some();
        has("name") && (has("run") || has("prompt"))
    };
    if !tasks.is_some_and(|tasks| !tasks.is_empty() && tasks.iter().all(is_task)) {
        return;
    }
    let name = file.to_str_lossy().into_owned();
    match Plan::decode(bytes, Path::new(&name), settings) {
        Ok(plan) => note_plan(&name, &plan.tasks, checked),
        Err(_) => checked.passed_over.push(format!(
            "{name}: it is wrong as a plan (treeyard plan check)"
        )),
    }
}

fn note_plan(name: &str, tasks: &[TaskSpec], checked: &mut Checked) {
    checked.looked_at.push(name.to_owned());
    for task in tasks {
        let place = format!("task {}", task.name);
        if let Some(reason) = &task.unconfined {
            checked.note(Seen {
                place: format!("{name}: {place}"),
                detail: format!("without the sandbox: {}", shown(reason)),
                signals: Signals::from([Signal::SandboxOff]),
                ..Seen::default()
            });
        }
        if let Work::Command(command) = &task.run {
            note_commands(
                name,
                &format!("{place}, run"),
                std::slice::from_ref(command),
                checked,
            );
        }
        note_commands(name, &format!("{place}, setup"), &task.setup, checked);
        note_commands(name, &format!("{place}, gate"), &task.gate, checked);
    }
}

fn note_commands(file: &str, place: &str, commands: &[Command], checked: &mut Checked) {
    let worktree = PathBuf::from(WORKTREE);
    let around = Around {
        guarded: vec![worktree.join(".git")],
        worktree,
        ..Around::default()
    };
    for command in commands {
        let line = match command {
            Command::Shell(line) => line.clone(),
            Command::Argv(words) => quoted(words),
        };
        checked.note(Seen {
            place: format!("{file}: {place}"),
            signals: line_signals(&line, Some(&around.worktree), &around),
            detail: shown(&line),
            ..Seen::default()
        });
    }
}

/// One line without secrets.
pub(super) fn shown(text: &str) -> String {
    let text = Redactor::patterns().redact_text(text).into_owned();
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(200)
        .collect();
    line.trim().to_owned()
}
