//! The hooks of a person's checkouts: put in front of what is there, and taken away without a trace.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::doctor::{Check, Mode, Status as State, check, failed};
use super::failure::Failure;
use crate::git::{HookFolder, HooksPath, Repo, open_checkout, shims};
use crate::model::code::Code;
use crate::proc::own_program;
use crate::workspace::GATE;

const NAME: &str = "hooks";
const SCRIPT: &str = include_str!("../../hooks/checkout.sh");

/// The hooks that decide.
const DECIDING: [&str; 2] = ["prepare-commit-msg", "reference-transaction"];
/// Those that decide in front of a person's own, so that a refusal comes before it. Behind each git reads
/// the whole index once more, so they are there only when the person has them.
const IN_FRONT: [&str; 2] = ["pre-commit", "pre-merge-commit"];
/// Those that decide only in a worktree that a session adopted.
const IN_ADOPTED: [&str; 2] = ["commit-msg", "pre-push"];
/// Those that only start a person's own.
const PASSING: [&str; 16] = [
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "post-rewrite",
    "pre-auto-gc",
    "sendemail-validate",
    "pre-receive",
    "update",
    "post-receive",
    "post-update",
];
/// That one of these exists changes what git does, or costs time at every `git status`, so they are
/// there only when the person has them.
const ASKED_FOR: [&str; 8] = [
    "push-to-checkout",
    "proc-receive",
    "post-index-change",
    "fsmonitor-watchman",
    "p4-changelist",
    "p4-prepare-changelist",
    "p4-post-changelist",
    "p4-pre-submit",
];

/// Where hooks are installed: one configuration file, and the folder that it leads to.
#[derive(Debug, Clone)]
pub struct Place {
    /// The configuration file.
    pub config: PathBuf,
    /// The folder with treeyard's hooks.
    pub folder: PathBuf,
    /// The person's own hooks, as git would find them without treeyard; may be relative to the root of
    /// the worktree.
    pub behind: String,
    /// Where those are now: seen from this worktree, when it is relative.
    pub own: PathBuf,
    /// Whether the configuration file leads to the folder.
    pub installed: bool,
    /// What is wrong with it, when it is installed.
    pub damage: Option<String>,
}

/// How things are.
#[derive(Debug, Clone)]
pub struct Status {
    /// Every place, the one that all worktrees share first.
    pub places: Vec<Place>,
    /// The hooks folder that git uses in this worktree.
    pub used: String,
}

impl Status {
    /// Whether it is installed anywhere.
    pub fn is_installed(&self) -> bool {
        self.places.iter().any(|place| place.installed)
    }

    /// Whether git runs it in this worktree.
    pub fn is_active(&self) -> bool {
        let leads = |place: &Place| place.installed && Path::new(&self.used) == place.folder;
        self.places.iter().any(leads)
    }

    /// What a person has to know, when something is not right.
    pub fn damage(&self) -> Option<String> {
        if self.is_installed() && !self.is_active() {
            return Some(format!("git runs the hooks in {} and not these", self.used));
        }
        self.places.iter().find_map(|place| place.damage.clone())
    }
}

/// How things are here.
///
/// # Errors
/// When configuration cannot be read.
pub fn status(repo: &Repo) -> Result<Status, Failure> {
    let places = configs(repo).into_iter().enumerate();
    let places = places.map(|(index, config)| place(repo, index, config));
    let here = repo.work_dir().unwrap_or(repo.common_dir());
    let used = hooks_path(here, |_| true)?;
    Ok(Status {
        places: places
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect(),
        used: used.unwrap_or_else(|| plain_hooks(repo)),
    })
}

/// Installs, or puts right what is installed. Gives what is there then.
///
/// # Errors
/// When something cannot be written; what is there then is not in use, or as it was.
pub fn install(repo: &Repo) -> Result<Status, Failure> {
    for place in &status(repo)?.places {
        HooksPath::new(&place.config).take_out()?;
    }
    // Without its own lines, each place shows what is behind.
    for place in status(repo)?.places {
        folder(&place)?.rewrite()?;
        HooksPath::new(&place.config).put(&place.folder)?;
    }
    status(repo)
}

/// Installs what is not installed, and the hooks that only an adopted worktree needs. Whether
/// anything was installed for it.
///
/// # Errors
/// When something cannot be written.
pub fn install_for_adopted(repo: &Repo) -> Result<bool, Failure> {
    let before = status(repo)?;
    let is_new = !before.is_active();
    let found = if is_new { install(repo)? } else { before };
    for place in found.places.iter().filter(|place| place.installed) {
        folder(place)?.start(&IN_ADOPTED)?;
    }
    Ok(is_new)
}

/// Takes everything away again.
///
/// # Errors
/// [`Code::HooksMissing`] when nothing is installed, or when something cannot be written.
pub fn uninstall(repo: &Repo) -> Result<Vec<Place>, Failure> {
    let found = status(repo)?;
    if !found.is_installed() {
        return Err(Failure::new(
            Code::HooksMissing,
            "no hooks of treeyard are installed in this repository",
        ));
    }
    for place in &found.places {
        HooksPath::new(&place.config).take_out()?;
        // Nothing leads there any more; a git that is at work may still run what it has found.
        if place.folder.exists() {
            let removed = fs::remove_dir_all(&place.folder);
            removed.map_err(|error| Failure::io(&place.folder, &error))?;
        }
    }
    Ok(found.places)
}

/// Both kinds of hooks, for `doctor`: those of a person's checkouts, and those of sessions.
pub(super) fn examine(repo: &Repo, mode: Mode) -> Vec<Check> {
    let checked = [
        checkouts(repo, mode),
        sessions(repo, mode),
        in_front_of_jobs(repo, mode),
    ];
    let found = checked
        .into_iter()
        .map(|check| check.unwrap_or_else(|failure| Some(failed(NAME, failure))));
    found.flatten().collect()
}

fn checkouts(repo: &Repo, mode: Mode) -> Result<Option<Check>, Failure> {
    let found = status(repo)?;
    let Some(damage) = found.damage() else {
        let fine = || check(State::Ok, NAME, "installed, and in use");
        return Ok(found.is_installed().then(fine));
    };
    if mode == Mode::Look {
        let advice = "`treeyard doctor --fix` puts them in front again";
        return Ok(Some(check(State::Warn, NAME, damage).advice(advice)));
    }
    install(repo)?;
    let detail = format!("{damage}; they are as they should be again");
    Ok(Some(check(State::Fixed, NAME, detail)))
}

fn sessions(repo: &Repo, mode: Mode) -> Result<Option<Check>, Failure> {
    let folder = HookFolder::of_sessions(&repo.state_dir(), &program()?);
    // Worktrees that were made for a moment leave the folder behind, or something in it when they are killed.
    let made = repo.state_dir().join("workspaces").read_dir();
    let mut made = made.into_iter().flatten().flatten();
    let wanted = made.any(|one| !one.file_name().to_string_lossy().starts_with(GATE));
    let without = "sessions cannot commit, or unchecked";
    repaired(&folder, wanted, "the hooks of sessions", without, mode)
}

fn in_front_of_jobs(repo: &Repo, mode: Mode) -> Result<Option<Check>, Failure> {
    let folder = shims(&repo.state_dir(), &program()?);
    let wanted = folder.path().exists();
    let without = "jobs are not told of commands that need a person's word";
    repaired(&folder, wanted, "the shims of jobs", without, mode)
}

fn repaired(
    folder: &HookFolder,
    wanted: bool,
    what: &str,
    without: &str,
    mode: Mode,
) -> Result<Option<Check>, Failure> {
    let Some(damage) = folder.damage().filter(|_| wanted) else {
        return Ok(None);
    };
    if mode == Mode::Look {
        let advice = format!("{without}; `treeyard doctor --fix` repairs it");
        return Ok(Some(check(State::Warn, NAME, damage).advice(advice)));
    }
    folder.rewrite()?;
    let detail = format!("{damage}; {what} are as they should be again");
    Ok(Some(check(State::Fixed, NAME, detail)))
}

fn program() -> Result<PathBuf, Failure> {
    own_program().map_err(|error| Failure::io(Path::new("treeyard"), &error))
}

/// The configuration that all worktrees share, and those that single worktrees have.
fn configs(repo: &Repo) -> Vec<PathBuf> {
    let common = repo.common_dir();
    let worktrees = fs::read_dir(common.join("worktrees")).into_iter().flatten();
    let mut own: Vec<PathBuf> = worktrees
        .flatten()
        .map(|entry| entry.path().join("config.worktree"))
        .collect();
    own.sort();
    let main = [common.join("config"), common.join("config.worktree")];
    let all = main.into_iter().chain(own);
    all.filter(|path| path.is_file()).collect()
}

/// `None` for a worktree's configuration that says nothing of hooks.
fn place(repo: &Repo, index: usize, config: PathBuf) -> Result<Option<Place>, Failure> {
    let leads = HooksPath::new(&config).leads_to()?;
    let is_shared = index == 0;
    let behind = match is_shared {
        true => Some(shared_behind(repo, leads.as_deref())?),
        false => said_in(&config, leads.as_deref())?,
    };
    let Some(behind) = behind else {
        return Ok(None);
    };
    let name = match is_shared {
        true => "checkout".to_owned(),
        false => format!("checkout-{}", worktree_id(repo, &config)),
    };
    let mut place = Place {
        folder: repo.state_dir().join("hooks").join(name),
        own: repo.work_dir().unwrap_or(repo.common_dir()).join(&behind),
        behind,
        installed: leads.is_some(),
        damage: None,
        config,
    };
    if let Some(leads) = leads {
        place.damage = match Path::new(&leads) == place.folder {
            true => folder(&place)?.damage(),
            false => Some(format!(
                "core.hooksPath leads to {leads:?} and not to these"
            )),
        };
    }
    Ok(Some(place))
}

fn worktree_id(repo: &Repo, config: &Path) -> String {
    let dir = config.parent().filter(|dir| *dir != repo.common_dir());
    let id = dir.and_then(Path::file_name);
    id.map_or("main".to_owned(), |id| id.to_string_lossy().into_owned())
}

fn folder(place: &Place) -> Result<HookFolder, Failure> {
    let program = program()?;
    let behind = format!("'{}'", place.behind.replace('\'', "'\\''"));
    let own = &place.own;
    let is_there = |name: &&str| {
        let found = own.join(name).metadata();
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let asked = ASKED_FOR.into_iter().chain(IN_FRONT).filter(is_there);
    let script = SCRIPT.replace("@BEHIND@", &behind);
    let with = |names: Vec<&str>| {
        let names = names.into_iter().map(str::to_owned).collect();
        HookFolder::new(place.folder.clone(), script, names, &program).allowing(&IN_FRONT)
    };
    let names = DECIDING.into_iter().chain(asked);
    // A link would not lead from the root of the worktree, as a relative path does here.
    Ok(match Path::new(&place.behind).is_absolute() {
        true => with(names.collect()).passing(&PASSING, own),
        false => with(names.chain(PASSING).collect()),
    })
}

/// What the shared configuration, or that of the person or the system, says without treeyard.
fn shared_behind(repo: &Repo, own: Option<&str>) -> Result<String, Failure> {
    let said = hooks_path(repo.common_dir(), |value| Some(value) != own)?;
    Ok(said.unwrap_or_else(|| plain_hooks(repo)))
}

fn plain_hooks(repo: &Repo) -> String {
    repo.common_dir().join("hooks").display().to_string()
}

fn said_in(config: &Path, own: Option<&str>) -> Result<Option<String>, Failure> {
    let text = fs::read_to_string(config).map_err(|error| Failure::io(config, &error))?;
    let read = gix::config::File::from_bytes_no_includes(
        text.as_bytes(),
        gix::config::file::Metadata::from(gix::config::Source::Worktree),
        Default::default(),
    );
    let read = read.map_err(crate::git::GitError::library(
        "read a worktree's configuration",
    ))?;
    let values = read.strings("core.hooksPath").unwrap_or_default();
    let mut values = values.iter().rev().map(|value| value.to_string());
    Ok(values.find(|value| Some(value.as_str()) != own).map(home))
}

/// The last `core.hooksPath` that counts, as git would take it from `dir`.
fn hooks_path(dir: &Path, counts: impl Fn(&str) -> bool) -> Result<Option<String>, Failure> {
    let opened = open_checkout(dir)?;
    let settings = opened.config_snapshot();
    let values = settings.plumbing().strings("core.hooksPath");
    let values = values.unwrap_or_default();
    let mut values = values.iter().rev().map(|value| value.to_string());
    Ok(values.find(|value| counts(value)).map(home))
}

fn home(value: String) -> String {
    match (value.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => value,
    }
}
