//! What a command in a worktree is started with: its variables, and what it is held to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::confine::{Sandbox, confine, own_variables};
use super::error::WorkspaceError;
use super::located::{Located, own_folder};
use super::places::lead_past_links;
use crate::git::{Repo, shims};
use crate::model::scope::Scope;
use crate::proc::{Budget, Confinement, job_env, own_program};

/// What commands get of the person who started the runner.
#[derive(Debug, Clone)]
pub struct Sharing {
    /// Variables that are passed besides the allow-list.
    pub variables: Vec<String>,
    /// What they are held to.
    pub sandbox: Sandbox,
    /// What all processes of one together may use, whether they are held back or not.
    pub budget: Budget,
}

/// What a command is started with.
#[derive(Debug, Clone)]
pub struct Equipment {
    /// All of its variables.
    pub env: BTreeMap<String, String>,
    /// What it is held to. `None` only for a task of which a person said so.
    pub confinement: Option<Confinement>,
    /// What all of its processes together may use.
    pub budget: Budget,
}

impl Equipment {
    /// Puts the programs that tell of denied commands before all others. A job without them is told later, by
    /// what holds it in bounds.
    pub fn put_shims_first(&mut self, state_dir: &Path) {
        let put = |program: PathBuf| {
            let folder = shims(state_dir, &program);
            folder.put().map(|()| folder.path().display().to_string())
        };
        let folder = match own_program().map(put) {
            Ok(Ok(folder)) if !folder.contains(':') => folder,
            Ok(Err(error)) => return tracing::warn!(%error, "jobs run without shims"),
            _ => return,
        };
        let path = self.env.get("PATH").map_or("/usr/bin:/bin", String::as_str);
        let path = format!("{folder}:{path}");
        self.env.insert("PATH".to_owned(), path);
    }
}

/// What of its task decides how a command is held back.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// Why it may run without the sandbox.
    pub unconfined: Option<&'a str>,
    /// What it may change, for one that is not to write elsewhere in its worktree.
    pub scope: Option<&'a Scope>,
}

/// What a command in this worktree is started with. `own` are the variables of its task and those by which
/// it knows where it is; they count more than others.
///
/// # Errors
/// [`WorkspaceError::Unconfinable`] when it cannot be held back as far as it has to be.
pub fn equip(
    repo: &Repo,
    ws: &Located,
    sharing: &Sharing,
    own: BTreeMap<String, String>,
    bounds: Bounds<'_>,
) -> Result<Equipment, WorkspaceError> {
    let budget = Budget {
        folders: vec![ws.path.clone(), ws.git_dir.clone(), own_folder(&ws.git_dir)],
        ..sharing.budget.clone()
    };
    if bounds.unconfined.is_some() {
        return Ok(Equipment {
            env: job_env(&sharing.variables, &own),
            confinement: None,
            budget,
        });
    }
    let terms = match &sharing.sandbox {
        Sandbox::Held(terms) => terms,
        Sandbox::Unreached(why) => return Err(WorkspaceError::Unconfinable(why.clone())),
    };
    let mut variables: BTreeMap<String, String> = own_variables(ws, terms).into_iter().collect();
    variables.extend(own);
    let mut env = job_env(&sharing.variables, &variables);
    lead_past_links(&mut env);
    let confinement = Some(confine(repo, ws, terms, &env, bounds.scope)?);
    Ok(Equipment {
        env,
        confinement,
        budget,
    })
}
