//! What a session is held to: its own things, the system, and what a person's tools need of the home
//! directory. Everything else there stays out of reach, and so do other sessions and the runner.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::{Located, is_dir};
use super::own_folders::OwnFolders;
use super::places::{LINKED, MACHINE_SECRETS, SYSTEM, TOOLS, programs};
use super::private::{borrowed, personal_file};
use crate::git::{GitError, Repo, session_hooks, shims_folder};
use crate::model::scope::Scope;
use crate::proc::{Confinement, Limits, Reach, View, own_program};

/// Whether sessions can be held back as far as they have to be.
#[derive(Debug, Clone)]
pub enum Sandbox {
    /// They are.
    Held(Box<Terms>),
    /// They are not, for this reason, and so do not run.
    Unreached(String),
}

/// What a person's settings and machine say of holding sessions back.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What they see.
    pub view: View,
    /// What they reach of the network.
    pub network: Reach,
    /// The home directory of the person.
    pub home: PathBuf,
    /// Whether they may write only in the folders of their scopes, where those can be told.
    pub narrow: bool,
    /// Further places that they may read.
    pub read: Vec<PathBuf>,
    /// Further places that they may change.
    pub write: Vec<PathBuf>,
    /// How much each process may use.
    pub limits: Limits,
}

/// The variables of a session that is held back. What its task sets counts more.
pub fn own_variables(ws: &Located, terms: &Terms) -> Vec<(String, String)> {
    OwnFolders::of(ws).variables(terms.view)
}

/// What a program with this environment is held to in a session's worktree. Makes the folders that it
/// has of its own.
///
/// # Errors
/// A linked worktree, which works in the repository's own git directory; a folder that cannot be made.
pub fn confine(
    repo: &Repo,
    ws: &Located,
    terms: &Terms,
    env: &BTreeMap<String, String>,
    scope: Option<&Scope>,
) -> Result<Confinement, WorkspaceError> {
    if ws.is_linked(repo) {
        return Err(WorkspaceError::Unconfinable(
            "a linked worktree works in the repository's own git directory, so it cannot be held back from it"
                .to_owned(),
        ));
    }
    let own = OwnFolders::of(ws);
    let hidden = hidden(repo, ws, terms);
    let mut read = of_the_repository(repo, ws)?;
    read.extend(LINKED.iter().filter_map(|link| fs::canonicalize(link).ok()));
    read.extend(programs(env, &hidden));
    let tools = TOOLS.iter().map(|tool| terms.home.join(tool));
    let to_read = really_there(tools.chain(terms.read.iter().cloned()));
    let to_write = really_there(terms.write.iter().cloned());
    let granted = to_read.iter().chain(&to_write);
    let at_home = granted.filter_map(|(named, real)| {
        let below = named.strip_prefix(&terms.home).ok()?;
        Some((below.to_owned(), real.clone())).filter(|_| !below.as_os_str().is_empty())
    });
    own.make(&at_home.collect::<Vec<_>>())?;
    read.extend(to_read.into_iter().map(|(_, real)| real));
    let mut write = vec![ws.git_dir.clone(), own.home, own.tmp.clone()];
    match scope.filter(|_| terms.narrow).and_then(Scope::folders) {
        Some(folders) if make_all(&ws.path, &folders) => {
            write.extend(folders.iter().map(|folder| ws.path.join(folder)));
            read.push(ws.path.clone());
        }
        _ => write.push(ws.path.clone()),
    }
    write.extend(to_write.into_iter().map(|(_, real)| real));
    Ok(Confinement {
        system: SYSTEM.map(PathBuf::from).to_vec(),
        hidden,
        read,
        write,
        tmp: Some(own.tmp),
        view: terms.view,
        network: terms.network.clone(),
        limits: terms.limits.clone(),
    })
}

/// Makes folders of a worktree that are not there. Whether all are folders by now, and none leads elsewhere.
fn make_all(root: &Path, folders: &[String]) -> bool {
    folders.iter().all(|folder| {
        let mut path = root.to_owned();
        folder.split('/').all(|part| {
            path.push(part);
            let _there_already = fs::create_dir(&path);
            is_dir(&path)
        })
    })
}

/// What is out of reach even where a folder of the system has it.
fn hidden(repo: &Repo, ws: &Located, terms: &Terms) -> Vec<PathBuf> {
    let explicit = || terms.read.iter().chain(&terms.write);
    let opens_home = explicit().any(|granted| terms.home.starts_with(granted));
    let places = [
        Some(terms.home.as_path()).filter(|_| !opens_home),
        Some(repo.main_root()),
        Some(repo.common_dir()),
        ws.path.parent(),
    ];
    let places = places.into_iter().flatten();
    let real = places.map(|place| place.canonicalize().unwrap_or_else(|_| place.to_owned()));
    real.chain(MACHINE_SECRETS.map(PathBuf::from)).collect()
}

/// What git and the session's hooks read of the repository: objects, patterns of files, what the session
/// may change, and the hooks themselves. Its own `.git` file is not to be led elsewhere.
fn of_the_repository(repo: &Repo, ws: &Located) -> Result<Vec<PathBuf>, WorkspaceError> {
    let objects = repo.common_dir().join("objects");
    let mut read = borrowed(&objects)?;
    let main = repo.gix();
    let settings = main.config_snapshot();
    let patterns = [("excludesFile", "ignore"), ("attributesFile", "attributes")];
    read.extend(
        patterns
            .iter()
            .filter_map(|(key, name)| personal_file(&settings, key, name)),
    );
    let program = own_program().map_err(GitError::library("find this program"))?;
    read.extend([
        objects,
        ws.record(repo)?,
        session_hooks(&repo.state_dir()),
        shims_folder(&repo.state_dir()),
        program,
    ]);
    let git_file = ws.path.join(".git");
    // A link would grant what it leads to. Without a view of its own a session can put one there.
    if fs::symlink_metadata(&git_file).is_ok_and(|found| found.is_file()) {
        read.push(git_file);
    }
    Ok(read)
}

/// Those places that are there, each as it is named and as it really is.
fn really_there(places: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, PathBuf)> {
    let real = |named: PathBuf| {
        let real = named.canonicalize().ok()?;
        Some((named, real))
    };
    places.filter_map(real).collect()
}
