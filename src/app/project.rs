//! What every command begins with: the repository, its settings, its store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::inside;
use crate::cas::Cas;
use crate::config::Settings;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::ids::ContentHash;
use crate::store::{DATABASE, SessionRow, Store, StoreError};

/// An opened repository with treeyard's own state beside it.
pub struct Project {
    /// The repository.
    pub repo: Repo,
    /// Every setting with its origin.
    pub settings: Settings,
    /// Events and tables.
    pub store: Store,
    /// Outputs, reports and patches.
    pub cas: Cas,
    /// The settings of the command line.
    pub flags: Vec<(String, String)>,
}

impl Project {
    /// Finds the repository that `start` lies in and opens what belongs to it.
    ///
    /// # Errors
    /// No repository, wrong configuration, a store that cannot be opened, or not from inside a session.
    pub fn open(start: &Path, flags: &[(String, String)]) -> Result<Self, Failure> {
        Self::open_outside(start, flags).map_err(inside::explain)
    }

    fn open_outside(start: &Path, flags: &[(String, String)]) -> Result<Self, Failure> {
        let repo = Repo::discover(start)?;
        inside::refuse_own(&repo)?;
        let borrowed: Vec<(&str, &str)> = flags
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let settings = Settings::load(Some(repo.main_root()), user_config().as_deref(), &borrowed)?;
        let store = open_store(&repo)?;
        let cas = Cas::open(&cas_root(&repo))?;
        Ok(Self {
            repo,
            settings,
            store,
            cas,
            flags: flags.to_vec(),
        })
    }

    /// What an artifact has in it, as JSON.
    ///
    /// # Errors
    /// It is damaged or gone, or something else.
    pub(super) fn json_of<T: DeserializeOwned>(&self, hash: &ContentHash) -> Result<T, Failure> {
        let damaged = |error| Failure::new(Code::ArtifactDamaged, format!("{hash}: {error}"));
        serde_json::from_slice(&self.cas.bytes(hash)?).map_err(damaged)
    }

    /// The one session that `selector` means: a task's name (the newest of that name), or the
    /// start of an id.
    pub fn session(&self, selector: &str) -> Result<SessionRow, Failure> {
        let mut found = self.store.sessions_matching(selector)?;
        if let Some(named) = found.iter().position(|session| session.name == selector) {
            return Ok(found.swap_remove(named));
        }
        match found.len() {
            0 => {
                let message = format!("no session matches {selector:?}");
                let failure = Failure::new(Code::SessionUnknown, message);
                Err(match selector.contains(['/', '*']) {
                    true => failure.hint("a session is meant, not files; `treeyard locks ls` says which session holds which"),
                    false => failure,
                })
            }
            1 => Ok(found.swap_remove(0)),
            _ => {
                let choices: Vec<String> = found
                    .iter()
                    .take(8)
                    .map(|session| format!("{} {}", session.id.short(), session.name))
                    .collect();
                Err(Failure::new(
                    Code::SessionAmbiguous,
                    format!("{} sessions match {selector:?}", found.len()),
                )
                .hint(format!(
                    "give more digits; it could be: {}",
                    choices.join(", ")
                )))
            }
        }
    }

    /// The session whose worktree the command was started in.
    ///
    /// # Errors
    /// It was started elsewhere.
    pub fn session_here(&self) -> Result<SessionRow, Failure> {
        let here = self.repo.work_dir();
        let is_here = |row: &SessionRow| row.worktree_path.as_deref().map(Path::new) == here;
        let mut rows = self.store.sessions_with_worktree()?.into_iter();
        rows.find(is_here).ok_or_else(|| {
            Failure::new(Code::Usage, "no session is named")
                .hint("`treeyard ls` lists them; inside a session's worktree that session is meant")
        })
    }

    /// The one artifact that `text` means: its hash or the start of it, with or without `blake3:`.
    ///
    /// # Errors
    /// None or several that begin so.
    pub fn artifact(&self, text: &str) -> Result<ContentHash, Failure> {
        let start = text.strip_prefix("blake3:").unwrap_or(text);
        if let Ok(hash) = ContentHash::from_hex(start) {
            return Ok(hash);
        }
        let rows = self.store.artifacts(None)?.into_iter();
        let found: BTreeSet<_> = rows
            .map(|row| row.hash)
            .filter(|hash| !start.is_empty() && hash.hex().starts_with(start))
            .collect();
        let failed = |message| Err(Failure::new(Code::ArtifactUnknown, message));
        match found.len() {
            0 => failed(format!("no artifact's hash begins with {start:?}")),
            1 => found
                .into_iter()
                .next()
                .map_or_else(|| failed(String::new()), Ok),
            several => failed(format!(
                "{several} artifacts begin with {start:?}; give more digits"
            )),
        }
    }

    /// Where a job's supervisor keeps its files.
    pub fn jobs_dir(&self) -> PathBuf {
        self.repo.state_dir().join("jobs")
    }
}

/// The settings where `start` is, in a repository or not.
///
/// # Errors
/// Wrong configuration.
pub fn settings_at(start: &Path, flags: &[(String, String)]) -> Result<Settings, Failure> {
    let root = Repo::discover(start).ok();
    let root = root.as_ref().map(Repo::main_root);
    let flags: Vec<(&str, &str)> = flags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    Ok(Settings::load(root, user_config().as_deref(), &flags)?)
}

/// The database of a repository. Its own errors do not say which file they are about.
///
/// # Errors
/// See [`StoreError`].
pub fn open_store(repo: &Repo) -> Result<Store, Failure> {
    Store::open(&repo.state_dir()).map_err(|error| {
        let is_own = matches!(error, StoreError::Io { .. });
        let failure = Failure::from(error);
        if is_own {
            return failure;
        }
        let file = repo.state_dir().join(DATABASE);
        let message = format!("{}: {}", file.display(), failure.message);
        Failure { message, ..failure }
    })
}

/// The artifact store of a repository.
pub fn cas_root(repo: &Repo) -> PathBuf {
    repo.state_dir().join("cas")
}

/// The person's own configuration file, wherever the platform keeps it.
pub fn user_config() -> Option<PathBuf> {
    use etcetera::BaseStrategy;
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("treeyard").join("config.toml"))
}
