//! Taking a worktree that is there already for a session's.

use std::path::{Path, PathBuf};

use super::claims::{Claim, process};
use super::control::{Word, apply};
use super::explain::refused;
use super::failure::Failure;
use super::hooks;
use super::project::Project;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::guard::{GUARD_VERSION, Guard};
use crate::model::ids::{CommitId, PlanId, SessionId};
use crate::model::lock::{Lease, LockTable, LockToken, Party};
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::model::task::{Command, Lane, OnCrash, Retries, TaskName, TaskSpec};
use crate::proc::moment;
use crate::sessions::locks::{self, Answer, LockError, Request};
use crate::sessions::move_session;
use crate::store::{ADOPTED, SessionRow};
use crate::workspace::{self, Located, OWN};

/// What a person asks for.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The worktree.
    pub path: PathBuf,
    /// The session's name; that of the folder otherwise.
    pub name: Option<String>,
    /// The branch that its work lands on; configuration or the current branch otherwise.
    pub target: Option<String>,
    /// What it may change, and for how long. No pattern: everything.
    pub claim: Claim,
}

/// What it became.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// The session.
    pub session: SessionRow,
    /// Its lock.
    pub token: LockToken,
    /// What it may change.
    pub scope: Scope,
    /// Whether the hooks of this repository were installed for it.
    pub hooks_installed: bool,
}

/// Gives a worktree a session, a lock and hooks. Its files and its branch stay as they are.
///
/// # Errors
/// No linked worktree of this repository, one that has a session already, a detached HEAD, or
/// somebody else holds some of the files.
pub fn adopt(project: &mut Project, asked: &Adoption) -> Result<Adopted, Failure> {
    let found = examine(project, asked)?;
    let scope = match asked.claim.patterns.as_slice() {
        [] => Scope::whole_repository(),
        patterns => Scope::new(patterns.to_vec()).map_err(LockError::from)?,
    };
    let session = SessionId::new();
    let token = record(project, asked, &found, session, &scope)?;
    let lease = project.store.lock_of(session)?.and_then(|lock| lock.lease);
    let guard = guard(&project.repo, &found, session, &scope, (token, lease));
    let enforced = workspace::adopt(&project.repo, &found.place, &guard)
        .map_err(Failure::from)
        .and_then(|()| hooks::install_for_adopted(&project.repo));
    let hooks_installed = match enforced {
        Ok(installed) => installed,
        Err(failure) => {
            // Files that are held and not guarded would only be in the way.
            apply(project, &session.to_string(), Word::Cancel)?;
            return Err(failure);
        }
    };
    Ok(Adopted {
        session: project.session(&session.to_string())?,
        token,
        scope,
        hooks_installed,
    })
}

/// A worktree that can be adopted.
struct Found {
    name: TaskName,
    place: Located,
    target: String,
}

fn examine(project: &Project, asked: &Adoption) -> Result<Found, Failure> {
    let refused =
        |what: &str| Failure::new(Code::Usage, format!("{}: {what}", asked.path.display()));
    let path = match asked.path.as_os_str().is_empty() {
        true => Path::new("."),
        false => &asked.path,
    };
    let repo = Repo::discover(path)?;
    let root = repo
        .work_dir()
        .ok_or_else(|| refused("there are no files checked out"))?;
    if repo.common_dir() != project.repo.common_dir() {
        return Err(refused("it is a repository of its own").hint(
            "only worktrees of this repository, made by `git worktree add`, can be adopted",
        ));
    }
    if root == project.repo.main_root() {
        return Err(
            refused("it is the main checkout").hint("hold files there by `treeyard claim PATTERN`")
        );
    }
    let is_there = |row: &SessionRow| row.worktree_path.as_deref().map(Path::new) == Some(root);
    if let Some(row) = project
        .store
        .sessions_with_worktree()?
        .iter()
        .find(|row| is_there(row))
    {
        return Err(refused(&format!(
            "it is the worktree of session {} already",
            row.name
        )));
    }
    let git = repo.gix();
    let head = git
        .head_name()
        .ok()
        .flatten()
        .map(|name| name.as_bstr().to_string());
    let branch = head.ok_or_else(|| {
        refused("its HEAD is detached").hint("give its work a branch there: git switch -c NAME")
    })?;
    if branch.starts_with(OWN) {
        return Err(refused("its branch is one of treeyard's own"));
    }
    let target = match asked
        .target
        .clone()
        .or_else(|| project.settings.target().clone())
    {
        Some(target) => target,
        None => Repo::discover(project.repo.main_root())?.current_branch()?,
    };
    if branch == format!("refs/heads/{target}") {
        return Err(refused(&format!(
            "its branch {target} is the one that work lands on"
        ))
        .hint("name another target with --target, or switch to a branch of its own"));
    }
    let base = base(&project.repo, &branch, &target)?
        .ok_or_else(|| refused(&format!("its branch has nothing in common with {target}")))?;
    Ok(Found {
        name: name(asked, root)?,
        place: Located {
            path: root.to_owned(),
            git_dir: git
                .git_dir()
                .canonicalize()
                .map_err(|e| Failure::io(root, &e))?,
            branch,
            base,
        },
        target,
    })
}

/// Where its own commits begin.
fn base(repo: &Repo, branch: &str, target: &str) -> Result<Option<CommitId>, Failure> {
    let (Some(tip), Some(onto)) = (repo.branch_tip(branch)?, repo.branch_tip(target)?) else {
        return Err(Failure::new(
            Code::NoTarget,
            format!("there is no branch {target:?}"),
        ));
    };
    Ok(repo.merge_base(&tip, &onto)?)
}

fn name(asked: &Adoption, root: &Path) -> Result<TaskName, Failure> {
    let folder = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let text = asked.name.clone().or(folder).unwrap_or_default();
    text.parse()
        .map_err(|error: crate::model::task::InvalidTaskName| {
            Failure::new(Code::Usage, error.to_string()).hint("give it another name with --name")
        })
}

/// All of it, or nothing: a session without its files would only be in the way.
fn record(
    project: &mut Project,
    asked: &Adoption,
    found: &Found,
    session: SessionId,
    scope: &Scope,
) -> Result<LockToken, Failure> {
    let now = moment().map_err(LockError::from)?;
    let process = asked.claim.pid.map(process).transpose()?;
    let for_ms = asked.claim.for_ms;
    let request = Request {
        party: Party::session(session),
        name: found.name.to_string(),
        scope: scope.clone(),
        lease: (for_ms.is_some() || process.is_some()).then(|| Lease::new(&now, for_ms, process)),
        goes_on_from: None,
        replaces: None,
    };
    let created = Event::SessionCreated {
        plan_id: PlanId::new(),
        spec: Box::new(spec(found, scope)),
        after: Vec::new(),
        branch: found.place.branch.clone(),
        target: found.target.clone(),
        auto_land: false,
    };
    let ready = Event::WorkspaceReady {
        path: found.place.path.display().to_string(),
        git_dir: found.place.git_dir.display().to_string(),
        base: found.place.base.clone(),
        method: ADOPTED.to_owned(),
        took_ms: 0,
    };
    let mut table = LockTable::new(project.repo.fold());
    let recorded = project.store.write(|tx| {
        tx.append(Actor::Human, Some(session), created)?;
        let token = match locks::request(tx, &mut table, &now, Actor::Human, &request)? {
            Answer::Granted(token) => token,
            Answer::Refused(conflict) => return Err(LockError::Conflict(conflict)),
        };
        let (from, to) = (SessionState::Created, SessionState::Active);
        move_session(
            tx,
            Actor::Human,
            session,
            from,
            to,
            "worked in from outside",
        )?;
        tx.append(Actor::Human, Some(session), ready)?;
        Ok(token)
    });
    match recorded {
        Err(LockError::Conflict(conflict)) => {
            let less = "name less with --scope, or wait until it is free: treeyard locks ls";
            Err(refused(project, *conflict, less)?)
        }
        recorded => Ok(recorded?),
    }
}

/// Nothing is run in it.
fn spec(found: &Found, scope: &Scope) -> TaskSpec {
    TaskSpec {
        name: found.name.clone(),
        scope: scope.clone(),
        run: Command::Argv(Vec::new()).into(),
        run_again: None,
        prompt: None,
        after: Vec::new(),
        gate: Vec::new(),
        setup: Vec::new(),
        timeout_ms: None,
        retries: Retries::default(),
        priority: 50,
        lane: Lane::default(),
        env: Default::default(),
        on_crash: OnCrash::default(),
        group: None,
        unconfined: None,
        secrets: Vec::new(),
    }
}

fn guard(
    repo: &Repo,
    found: &Found,
    session: SessionId,
    scope: &Scope,
    (token, lease): (LockToken, Option<Lease>),
) -> Guard {
    let fold = repo.fold();
    Guard {
        version: GUARD_VERSION,
        session,
        task: found.name.to_string(),
        scope: scope.clone(),
        branch: found.place.branch.clone(),
        target: found.target.clone(),
        base: found.place.base.clone(),
        ignore_case: fold.ignore_case,
        precompose: fold.precompose,
        identity: None,
        lock_token: Some(token),
        lost: false,
        lease,
    }
}
