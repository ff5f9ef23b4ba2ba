//! A look at everything. No check ends the look: what cannot be read is a finding too.

use std::path::Path;

use super::artifacts::missing;
use super::failure::Failure;
use super::forgotten::claims;
use super::git_locks::stale_locks;
use super::landings::landings;
use super::project::{cas_root, open_store, user_config};
use super::repair::worktrees;
use super::setup::{limits, root_of};
use crate::cas::Cas;
use crate::config::Settings;
use crate::git::{Git, GitError, Repo};
use crate::model::resource::bytes;
use crate::proc::{MachineRoom, Wake, last_runner};
use crate::store::Store;

const LOW_DISK: u64 = 1 << 30;
/// Artifacts read by one look; `treeyard artifacts verify` reads all.
const SAMPLE: usize = 50;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Something to know.
    Warn,
    /// Something to repair.
    Fail,
    /// It was wrong and is repaired.
    Fixed,
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Check {
    /// How it ended.
    pub status: Status,
    /// What was looked at, one word.
    pub name: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Whether to repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only look.
    Look,
    /// Repair what can be repaired without losing anything.
    Fix,
}

pub(super) fn check(status: Status, name: &'static str, detail: impl Into<String>) -> Check {
    Check {
        status,
        name,
        detail: detail.into(),
        advice: None,
    }
}

impl Check {
    pub(super) fn advice(mut self, text: impl Into<String>) -> Self {
        self.advice = Some(text.into());
        self
    }
}

pub(super) fn failed(name: &'static str, failure: impl Into<Failure>) -> Check {
    let failure = failure.into();
    let advice = failure.advice().join("; ");
    check(Status::Fail, name, failure.message).advice(advice)
}

/// Looks at everything around `start`, with settings from `flags`.
pub fn examine(start: &Path, flags: &[(String, String)], mode: Mode) -> Vec<Check> {
    let mut found = vec![git_version(start)];
    let repo = match Repo::discover(start) {
        Ok(repo) => repo,
        Err(error) => {
            found.push(failed("repo", error));
            return found;
        }
    };
    found.push(repository(&repo));
    let borrowed: Vec<_> = flags
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    let loaded = Settings::load(Some(repo.main_root()), user_config().as_deref(), &borrowed);
    let settings = match loaded {
        Ok(settings) => {
            found.push(check(Status::Ok, "config", "every key is known"));
            settings
        }
        Err(error) => {
            found.push(failed("config", error));
            Settings::default()
        }
    };
    found.push(runner(&repo));
    found.push(disk(&repo, &settings));
    found.push(sandbox(&settings));
    found.extend(stale_locks(&repo));
    found.extend(super::hooks::examine(&repo, mode));
    let cas = match Cas::open(&cas_root(&repo)) {
        Ok(cas) => {
            found.push(artifacts(&cas));
            Some(cas)
        }
        Err(error) => {
            found.push(failed("artifacts", error));
            None
        }
    };
    match open_store(&repo) {
        Ok(mut store) => {
            found.extend(cas.and_then(|cas| missing_artifacts(&store, &cas)));
            with_store(&repo, &settings, &mut store, mode, &mut found);
        }
        Err(error) => found.push(failed("store", error)),
    }
    found
}

fn git_version(start: &Path) -> Check {
    match Git::new(start).arg("--version").run() {
        Ok(output) => check(Status::Ok, "git", output.text().trim()),
        Err(error) => failed("git", error),
    }
}

fn repository(repo: &Repo) -> Check {
    let place = repo.main_root().display();
    match repo.current_branch() {
        Err(error @ GitError::Unborn(_)) => {
            check(Status::Warn, "repo", format!("{place}: {error}")).advice(error.code().hint())
        }
        _ => check(Status::Ok, "repo", place.to_string()),
    }
}

fn runner(repo: &Repo) -> Check {
    match last_runner(&repo.state_dir()) {
        Some(owner) if owner.is_alive() => {
            let busy = match Wake::is_heard(&repo.state_dir()) {
                true => "",
                false => ", and takes nothing in now: it begins, or waits for space on a full disk",
            };
            let detail = format!("process {} is active{busy}", owner.pid);
            check(Status::Ok, "runner", detail)
        }
        Some(owner) => {
            let detail = format!("process {} ended without signing off", owner.pid);
            check(Status::Warn, "runner", detail)
                .advice("nothing is locked; the next `treeyard up` or `run` takes its jobs over")
        }
        None => check(Status::Ok, "runner", "none is active"),
    }
}

/// The disk of the repository's records, and the one of the worktrees, which may be another.
fn disk(repo: &Repo, settings: &Settings) -> Check {
    const ADVICE: &str = "free space; `treeyard gc` removes what is no longer needed";
    let free_at = |folder: &Path| MachineRoom::now(folder).disk;
    let worktrees = root_of(repo, settings).ok().and_then(|root| free_at(&root));
    let floor = limits(settings).floors.disk;
    let begins = |free: &u64| floor.is_none_or(|floor| *free >= floor);
    if let (Some(free), Some(floor)) = (worktrees.filter(|free| !begins(free)), floor) {
        let (free, floor) = (bytes(free), bytes(floor));
        let detail = format!(
            "no session starts: the disk of the worktrees has {free} left, less than {floor} (limits.min_free_disk)"
        );
        return check(Status::Warn, "disk", detail).advice(ADVICE);
    }
    let least = free_at(repo.common_dir())
        .into_iter()
        .chain(worktrees)
        .min();
    match least {
        Some(free) if free < LOW_DISK => {
            check(Status::Warn, "disk", format!("{} MiB are free", free >> 20)).advice(ADVICE)
        }
        Some(free) => check(Status::Ok, "disk", format!("{} GiB are free", free >> 30)),
        None => check(Status::Warn, "disk", "nobody can tell how much is free"),
    }
}

fn sandbox(settings: &Settings) -> Check {
    match super::sandbox::reached(settings) {
        Ok(level) => check(Status::Ok, "sandbox", format!("level {level} is reached")),
        Err(failure) => check(Status::Warn, "sandbox", failure.message.clone())
            .advice(failure.advice().join("; ")),
    }
}

fn artifacts(cas: &Cas) -> Check {
    let mut read = 0;
    let listed = match cas.list() {
        Ok(listed) => listed,
        Err(error) => return failed("artifacts", error),
    };
    for hash in listed.take(SAMPLE) {
        let sound = hash.and_then(|hash| cas.read_to(&hash, &mut std::io::sink()));
        if let Err(error) = sound {
            return failed("artifacts", error);
        }
        read += 1;
    }
    check(Status::Ok, "artifacts", format!("{read} read, all sound"))
}

fn missing_artifacts(store: &Store, cas: &Cas) -> Option<Check> {
    let missing = match missing(store, cas) {
        Ok(missing) => missing,
        Err(error) => return Some(failed("artifacts", error)),
    };
    let first = missing.first()?;
    let more = match missing.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    let (kind, hash) = (&first.kind, &first.hash.hex()[..12]);
    let detail = format!("on record and not there: {hash} ({kind}){more}");
    let advice = "`treeyard artifacts verify` names all; what needs them is lost, and files are in checkpoints: \
         `treeyard restore S --at N --files`";
    Some(check(Status::Fail, "artifacts", detail).advice(advice))
}

fn with_store(
    repo: &Repo,
    settings: &Settings,
    store: &mut Store,
    mode: Mode,
    found: &mut Vec<Check>,
) {
    found.push(match store.integrity_check() {
        Ok(damage) if damage.is_empty() => check(Status::Ok, "store", "sound"),
        Ok(damage) => check(Status::Fail, "store", damage.join("; "))
            .advice(crate::model::code::Code::StoreDamaged.hint()),
        Err(error) => failed("store", error),
    });
    let sound = store.verify_chain();
    let sound = sound.and_then(|report| store.verify_tables().map(|()| report));
    found.push(match sound {
        Ok(report) => {
            let detail = format!("{} in an unbroken chain", report.events);
            check(Status::Ok, "events", detail)
        }
        Err(error) => failed("events", error),
    });
    found.extend(worktrees(repo, settings, store, mode));
    found.extend(landings(repo, store, mode));
    found.extend(claims(store));
}

/// Whether anything found needs repair.
pub fn is_damaged(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.status == Status::Fail)
}
