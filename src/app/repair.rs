//! The part of `doctor` that looks at worktrees, and puts right what can be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::doctor::{Check, Mode, Status, check, failed};
use super::failure::Failure;
use super::setup::root_of;
use crate::config::Settings;
use crate::git::Repo;
use crate::landing::located;
use crate::merge::LandingLock;
use crate::model::event::{Actor, Event};
use crate::store::{SessionRow, Store};
use crate::workspace::{
    GATE, Health, Located, Released, discard, forget, gates, inspect, is_moved, leftovers, repair,
    sweep,
};

const NAME: &str = "worktrees";
/// What a killed process left is left alone for so long: making a worktree takes seconds.
const YOUNG: Duration = Duration::from_secs(3600);

/// Every worktree, what belongs to none, and what killed processes left.
pub(super) fn worktrees(
    repo: &Repo,
    settings: &Settings,
    store: &mut Store,
    mode: Mode,
) -> Vec<Check> {
    let root = match root_of(repo, settings) {
        Ok(root) => root,
        Err(failure) => return vec![failed(NAME, failure)],
    };
    let sessions = match store.sessions_with_worktree() {
        Ok(sessions) => sessions,
        Err(error) => return vec![failed(NAME, error)],
    };
    let (adopted, sessions): (Vec<_>, Vec<_>) =
        sessions.into_iter().partition(SessionRow::is_adopted);
    let (absent, sessions): (Vec<_>, Vec<_>) = sessions
        .into_iter()
        .partition(|session| is_root_missing(repo, &root, session));
    let mut found = missing_roots(&absent);
    found.extend(adopted.iter().filter_map(gone));
    for session in &sessions {
        found.extend(worktree(repo, &root, store, session, mode));
    }
    // Read again: repairing changes the paths.
    match store.sessions_with_worktree() {
        Ok(sessions) => found.extend(unowned(&root, &sessions)),
        Err(error) => found.push(failed(NAME, error)),
    }
    found.extend(swept(repo, &root, mode));
    if found.is_empty() {
        let detail = format!("{} as they were made", sessions.len());
        found.push(check(Status::Ok, NAME, detail));
    }
    found
}

/// An adopted worktree that was removed: its session holds files for nobody.
fn gone(session: &SessionRow) -> Option<Check> {
    let path = located(session)?.path;
    let detail = format!("{}: the worktree is gone: {}", session.name, path.display());
    let advice = format!("`treeyard cancel {}` gives up what it holds", session.name);
    (!path.exists()).then(|| check(Status::Warn, NAME, detail).advice(advice))
}

/// A disk that is not mounted comes back, and what its worktrees had with it.
fn is_root_missing(repo: &Repo, root: &Path, session: &SessionRow) -> bool {
    located(session).is_some_and(|place| {
        !is_moved(repo, root, &place) && matches!(inspect(repo, &place), Ok(Health::RootMissing))
    })
}

fn missing_roots(sessions: &[SessionRow]) -> Vec<Check> {
    let mut roots: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for place in sessions.iter().filter_map(located) {
        let root = place.path.parent().map(Path::to_owned);
        *roots.entry(root.unwrap_or(place.path)).or_default() += 1;
    }
    let said = |(root, worktrees): (PathBuf, usize)| {
        let detail = format!(
            "{} of {worktrees} worktree{}: {}",
            root.display(),
            if worktrees == 1 { "" } else { "s" },
            Health::RootMissing
        );
        let gone = root.join(".git-private");
        check(Status::Warn, NAME, detail).advice(format!(
            "mount it; if it is gone for good, say so by `mkdir -p '{}'`, and `treeyard doctor \
             --fix` takes them off the list",
            gone.display()
        ))
    };
    roots.into_iter().map(said).collect()
}

fn worktree(
    repo: &Repo,
    root: &Path,
    store: &mut Store,
    session: &SessionRow,
    mode: Mode,
) -> Option<Check> {
    let place = located(session)?;
    let said = |status, what: &str, path: &Path| {
        let detail = format!("{}: {what}: {}", session.name, path.display());
        check(status, NAME, detail)
    };
    if is_moved(repo, root, &place) {
        let what = "it or the repository was moved, or is no longer listed";
        if mode == Mode::Look {
            let fix = "`treeyard doctor --fix` corrects the paths";
            return Some(said(Status::Warn, what, &place.path).advice(fix));
        }
        return Some(match follow(repo, root, store, session, &place) {
            Ok(now) => said(Status::Fixed, "its paths are right again", &now.path),
            Err(failure) => failed(NAME, failure),
        });
    }
    match inspect(repo, &place) {
        Ok(Health::Ok) => None,
        Ok(Health::Missing) if mode == Mode::Fix => {
            Some(match give_up(repo, store, session, &place) {
                Ok(saved) => {
                    let more = saved.map_or(String::new(), |saved| {
                        format!("; what only its git directory had is {saved}")
                    });
                    let advice = format!("its commits are on {}{more}", session.branch);
                    said(Status::Fixed, "no longer registered", &place.path).advice(advice)
                }
                Err(failure) => failed(NAME, failure),
            })
        }
        Ok(Health::Missing) => Some(
            said(Status::Warn, "the worktree is gone", &place.path)
                .advice("`treeyard doctor --fix` takes it off the list"),
        ),
        // A session may configure its own git directory; a person should know before using it.
        Ok(health @ (Health::ConfigChanged | Health::HooksChanged)) => Some(
            said(Status::Warn, &health.to_string(), &place.path)
                .advice("git runs what it names, so look at it before calling git there"),
        ),
        Ok(health) => Some(
            said(Status::Fail, &health.to_string(), &place.path)
                .advice("look at it without calling git in it, and take what you need"),
        ),
        Err(error) => Some(failed(NAME, error)),
    }
}

fn follow(
    repo: &Repo,
    root: &Path,
    store: &mut Store,
    session: &SessionRow,
    place: &Located,
) -> Result<Located, Failure> {
    let now = repair(repo, root, place)?;
    store.write(|tx| {
        let ready = Event::WorkspaceReady {
            path: now.path.display().to_string(),
            git_dir: now.git_dir.display().to_string(),
            base: now.base.clone(),
            method: "moved".to_owned(),
            took_ms: 0,
        };
        tx.append(Actor::Human, Some(session.id), ready)?;
        let detail = format!("the paths of {} were corrected", session.name);
        tx.append(Actor::Human, Some(session.id), reconciled(detail))?;
        Ok::<_, Failure>(())
    })?;
    Ok(now)
}

/// Takes a worktree that is gone off the list; gives the ref of what was saved.
pub(super) fn give_up(
    repo: &Repo,
    store: &mut Store,
    session: &SessionRow,
    place: &Located,
) -> Result<Option<String>, Failure> {
    let saved = forget(repo, place, &session.id)?;
    let reference = saved.as_ref().map(|saved| saved.reference.clone());
    let released = Released {
        salvaged: saved,
        pooled: false,
    };
    store.write(|tx| {
        for event in released.events() {
            tx.append(Actor::Human, Some(session.id), event)?;
        }
        let detail = format!("the worktree of {} was gone", session.name);
        tx.append(Actor::Human, Some(session.id), reconciled(detail))?;
        Ok::<_, Failure>(())
    })?;
    Ok(reference)
}

fn reconciled(detail: String) -> Event {
    Event::Recovered {
        action: "reconciled".to_owned(),
        detail,
    }
}

/// Worktrees without a session, and git directories without either.
fn unowned(root: &Path, sessions: &[SessionRow]) -> Vec<Check> {
    let is = |known: &Option<String>, path: &Path| known.as_deref().map(Path::new) == Some(path);
    let worktrees = folders(root).into_iter().filter(|path| {
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && !sessions.iter().any(|s| is(&s.worktree_path, path))
    });
    let private = folders(&root.join(".git-private"));
    let private = private.into_iter().filter(|path| {
        let has_worktree = path
            .file_name()
            .is_some_and(|name| root.join(name).exists());
        !has_worktree && !sessions.iter().any(|s| is(&s.git_dir, path))
    });
    let is_gate = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(GATE))
    };
    let unowned = worktrees.chain(private).filter(|path| !is_gate(path));
    unowned
        .map(|path| {
            let detail = format!("{} belongs to no session", path.display());
            check(Status::Warn, NAME, detail).advice("look at it, then remove it yourself")
        })
        .collect()
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.is_dir()).collect()
}

fn swept(repo: &Repo, root: &Path, mode: Mode) -> Option<Check> {
    let found = match left_behind(repo, root, mode == Mode::Fix) {
        Ok(found) if found.is_empty() => return None,
        Ok(found) => found,
        Err(failure) => return Some(failed(NAME, failure)),
    };
    let detail = format!("{} that killed processes left", count(found.len()));
    Some(match mode {
        Mode::Look => check(Status::Warn, NAME, detail)
            .advice("`treeyard doctor --fix` or `treeyard gc` removes what holds no work"),
        Mode::Fix => check(Status::Fixed, NAME, format!("{detail}, removed")),
    })
}

/// What killed processes left and nobody uses, and away with it if asked.
pub(super) fn left_behind(repo: &Repo, root: &Path, act: bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = leftovers(repo, root, YOUNG)?;
    if act && !found.is_empty() {
        sweep(repo, root, YOUNG)?;
    }
    // Gates run during landings: as long as none goes on, none of their worktrees is in use.
    if let Ok(_no_landing) = LandingLock::acquire(&repo.state_dir(), Duration::ZERO) {
        for gate in gates(root) {
            if act {
                discard(repo, &gate)?;
            }
            found.push(gate);
        }
    }
    Ok(found)
}

fn count(folders: usize) -> String {
    format!("{folders} folder{}", if folders == 1 { "" } else { "s" })
}
