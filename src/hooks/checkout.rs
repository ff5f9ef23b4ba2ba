//! The hooks of a person's checkout: no commit made here touches what a session holds. In a worktree
//! that a session adopted, they are that session's.

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use gix::ObjectId;
use gix::bstr::BString;

use super::error::HookError;
use super::history::{Paths, at_once, common_change, new_commits};
use super::holders::{Holder, holders};
use super::overrides::{allows, spend};
use super::place::{open, tip};
use super::refusal::{Decision, Refusal, named, words};
use super::session::Session;
use super::staged::{not_taken_back, staged_here};
use super::updates::{To, Update};
use crate::git::changed_by;
use crate::model::code::Code;
use crate::model::scope::{Fold, ScopeLanguage};
use crate::model::session::SessionState;
use crate::store::Store;

/// What came out when nothing is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Nothing that is held is touched.
    Free,
    /// It could not be checked, for this reason. A person's own commit is let through: landing checks
    /// for itself.
    Unknown(String),
}

/// Decides for the hook `name`, with what git gives it to read.
///
/// # Errors
/// Why the commit is refused.
pub fn checkout(name: &str, args: &[OsString], input: &[u8]) -> Result<Checked, Refusal> {
    let adopted = Session::here().transpose();
    if let Some(session) = adopted {
        let decided = session.and_then(|session| session.decide(name, args, input));
        let decided = decided.unwrap_or_else(|error| Err(Refusal::undecided(&error)));
        return decided.map(|()| Checked::Free);
    }
    let decided = match name {
        "prepare-commit-msg" | "pre-commit" | "pre-merge-commit" => before_commit(),
        "reference-transaction" => before_refs(input),
        "commit-msg" | "pre-push" => Ok(Ok(())),
        _ => Err(HookError::Arguments),
    };
    match decided {
        Ok(Ok(())) => Ok(Checked::Free),
        Ok(Err(refusal)) => Err(refusal),
        Err(error) => Ok(Checked::Unknown(error.to_string())),
    }
}

fn before_commit() -> Decision {
    let repo = open()?;
    let (held, staged) = Held::read_during(&repo, || staged_here(&repo));
    let Some(held) = held? else {
        return Ok(Ok(()));
    };
    let taken = not_taken_back(&repo, held.of(staged?), |taken| &taken.path)?;
    if taken.is_empty() {
        return Ok(Ok(()));
    }
    let paths: Vec<&BString> = taken.iter().map(|taken| &taken.path).collect();
    match allows(&held.store.overrides()?, &paths) {
        true => Ok(Ok(())),
        false => Ok(Err(refusal("this commit changes", &taken))),
    }
}

fn before_refs(input: &[u8]) -> Decision {
    let updates = Update::of_branches(input)?;
    let moves = updates.iter().filter_map(|update| match &update.to {
        To::Object(new) => Some((update.name.as_str(), *new)),
        To::Ref(_) | To::Nothing => None,
    });
    let moves: Vec<(&str, ObjectId)> = moves.collect();
    if moves.is_empty() {
        return Ok(Ok(()));
    }
    let repo = open()?;
    let near = || changed_here(&repo, &moves, Depth::Near);
    let (held, changed) = Held::read_during(&repo, near);
    let mut changed = changed?;
    if changed.is_empty() {
        return Ok(Ok(()));
    }
    let Some(held) = held? else {
        return Ok(Ok(()));
    };
    // A look at every ref is for those that would be refused.
    if !held.of(changed.clone()).is_empty() {
        changed = changed_here(&repo, &moves, Depth::Everywhere)?;
    }
    let taken = held.of(changed);
    if taken.is_empty() {
        return Ok(Ok(()));
    }
    let paths: Vec<&BString> = taken.iter().map(|taken| &taken.path).collect();
    match spend(&held.state_dir, &held.store, &paths)? {
        true => Ok(Ok(())),
        false => Ok(Err(refusal("new commits change", &taken))),
    }
}

/// Where commits are looked for that were there before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// On the branch itself and at HEAD, which is enough for an ordinary commit.
    Near,
    /// At every ref, and in what was fetched.
    Everywhere,
}

/// What commits that were not there before change on branches. Fetched ones, and what another
/// branch has, were made elsewhere.
fn changed_here(
    repo: &gix::Repository,
    moves: &[(&str, ObjectId)],
    depth: Depth,
) -> Result<Paths, HookError> {
    let mut found = Paths::new();
    for (name, new) in moves {
        let now = tip(repo, name);
        // A detached HEAD is where a rebase has made its commits.
        let head = tip(repo, "HEAD").filter(|_| !repo.head().is_ok_and(|head| head.is_detached()));
        let near: Vec<ObjectId> = [now, head].into_iter().flatten().collect();
        let commits = match at_once(repo, *new, &near)? {
            Some(commits) if depth == Depth::Near => commits,
            _ => new_commits(repo, *new, &everywhere(repo)?)?,
        };
        let mut changed = Paths::new();
        for id in commits {
            changed.extend(changed_by(repo, id)?);
        }
        // An amended message, or a commit that was only moved, leaves its files as they were.
        if let Some(now) = now.filter(|_| !changed.is_empty()) {
            let differs = common_change(repo, &[now], *new)?;
            changed.retain(|path| differs.contains(path));
        }
        found.extend(changed);
    }
    Ok(found)
}

fn everywhere(repo: &gix::Repository) -> Result<Vec<ObjectId>, HookError> {
    let refs = repo.references().map_err(HookError::library("list refs"))?;
    let all = refs.all().map_err(HookError::library("list refs"))?;
    let commit = |mut reference: gix::Reference<'_>| Some(reference.peel_to_commit().ok()?.id);
    let mut known: Vec<ObjectId> = all.flatten().filter_map(commit).collect();
    let fetched = std::fs::read_to_string(repo.git_dir().join("FETCH_HEAD")).unwrap_or_default();
    let ids = fetched.lines().filter_map(|line| line.get(..40));
    known.extend(ids.filter_map(|hex| ObjectId::from_hex(hex.as_bytes()).ok()));
    known.sort();
    known.dedup();
    Ok(known)
}

/// A path, and who holds it.
struct Taken<'a> {
    path: BString,
    holder: &'a Holder,
}

/// What all but those at home here hold.
struct Held {
    state_dir: PathBuf,
    store: Store,
    holders: Vec<(Holder, ScopeLanguage)>,
}

impl Held {
    /// Reads it while something else is done, which takes about as long.
    fn read_during<T>(
        repo: &gix::Repository,
        other: impl FnOnce() -> T,
    ) -> (Result<Option<Self>, HookError>, T) {
        let state_dir = repo.common_dir().join("treeyard");
        let settings = repo.config_snapshot();
        let is_set = |key: &str| settings.boolean(key) == Some(true);
        let fold = Fold {
            ignore_case: is_set("core.ignoreCase"),
            precompose: is_set("core.precomposeUnicode"),
        };
        let here = repo.workdir().and_then(|path| path.canonicalize().ok());
        let read = || Self::read(&state_dir, fold, here.as_deref());
        thread::scope(|scope| {
            // Without one more thread it is done in turn.
            let Ok(reader) = thread::Builder::new().spawn_scoped(scope, read) else {
                return (read(), other());
            };
            let done = other();
            let read = reader.join();
            (read.unwrap_or_else(|panic| resume_unwind(panic)), done)
        })
    }

    fn read(state_dir: &Path, fold: Fold, here: Option<&Path>) -> Result<Option<Self>, HookError> {
        let Some(store) = Store::open_to_read(state_dir)? else {
            return Ok(None);
        };
        let others = holders(&store)?
            .into_iter()
            .filter(|holder| here.is_none() || holder.place.as_deref() != here);
        let read = |holder: Holder| {
            let language = ScopeLanguage::new(&holder.scope, fold)?;
            Ok((holder, language))
        };
        let holders = others.map(read).collect::<Result<Vec<_>, HookError>>()?;
        Ok((!holders.is_empty()).then_some(Self {
            state_dir: state_dir.to_owned(),
            store,
            holders,
        }))
    }

    fn of(&self, paths: Paths) -> Vec<Taken<'_>> {
        let taken = |path: BString| {
            let mut all = self.holders.iter();
            let (holder, _) = all.find(|(_, scope)| scope.contains(&path))?;
            Some(Taken { path, holder })
        };
        paths.into_iter().filter_map(taken).collect()
    }
}

fn refusal(what: &str, taken: &[Taken<'_>]) -> Refusal {
    let paths: Vec<BString> = taken.iter().map(|taken| taken.path.clone()).collect();
    let mut sessions: Vec<&Holder> = Vec::new();
    for taken in taken {
        if !sessions
            .iter()
            .any(|held| held.party.is(&taken.holder.party))
        {
            sessions.push(taken.holder);
        }
    }
    let said = |holder: &&Holder| {
        let scope = &holder.scope;
        let name = &holder.name;
        match (holder.party.session_id(), holder.state) {
            (Some(id), Some(state)) => {
                format!(
                    "session {name} ({}, {}, scope {scope})",
                    id.short(),
                    state.name()
                )
            }
            _ => format!("{name} (claim {}, scope {scope})", holder.token),
        }
    };
    let held: Vec<String> = sessions.iter().take(2).map(said).collect();
    let more = match sessions.len().saturating_sub(2) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let many = match paths.len() {
        1 => "a path that somebody else holds".to_owned(),
        count => format!("{count} paths that others hold"),
    };
    let way_out = sessions
        .first()
        .map_or(String::new(), |holder| way_out(holder));
    Refusal::new(
        Code::ScopeConflict,
        format!("{what} {many}"),
        [
            ("files", named(&paths)),
            ("holder", format!("{}{more}", held.join(", "))),
            ("do", way_out),
            (
                "",
                format!(
                    "or once: treeyard locks override --once {} --reason '…'",
                    words(&paths)
                ),
            ),
        ],
    )
}

fn way_out(holder: &Holder) -> String {
    let name = &holder.name;
    match holder.state {
        None => format!(
            "wait until the claim ends, or `treeyard release {}`",
            holder.token
        ),
        Some(SessionState::Completed) => {
            format!("`treeyard land {name}`, then commit on top of it")
        }
        Some(_) => format!("wait until it has landed, or `treeyard cancel {name}`"),
    }
}
