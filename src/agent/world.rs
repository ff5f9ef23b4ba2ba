//! All that a tool may reach.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::artifacts::Artifacts;
use super::command::{Commands, Left};
use super::place::Place;
use super::session::SessionAccess;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::ids::JobId;
use crate::model::redact::Redactor;
use crate::model::scope::{Scope, ScopeLanguage};
use crate::model::tool::{ErrorKind, ToolError, ToolId};
use crate::proc::Reach;

/// What a session's tools work with. What is not given to it cannot be used.
#[derive(Debug)]
pub struct World {
    /// Its worktree.
    pub place: Place,
    /// Its list of what is to do.
    pub todo: Todo,
    commands: Option<Commands>,
    artifacts: Option<Artifacts>,
    session: Option<SessionAccess>,
    canceled: Arc<AtomicBool>,
}

impl World {
    /// With an empty list.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            todo: Todo::default(),
            commands: None,
            artifacts: None,
            session: None,
            canceled: Arc::default(),
        }
    }

    /// With programs, which run in the worktree.
    pub fn with_commands(self, commands: Commands) -> Self {
        let commands = Some(commands);
        Self { commands, ..self }
    }

    /// With a store for what is large. Commands need it for what they print.
    pub fn with_artifacts(self, artifacts: Artifacts) -> Self {
        let artifacts = Some(artifacts);
        Self { artifacts, ..self }
    }

    /// With the records of its session.
    pub fn with_session(self, session: SessionAccess) -> Self {
        let session = Some(session);
        Self { session, ..self }
    }

    /// Lets tools change what the session holds by now, as after a request that waited was granted: its
    /// files and its hooks both follow. What that is; nothing when it holds none.
    ///
    /// # Errors
    /// When the session's records are out of reach.
    pub fn follow_scope(&self) -> Result<Option<Scope>, ToolError> {
        let session = self.session()?;
        session.refresh_guard()?;
        let Some(scope) = session.held()? else {
            return Ok(None);
        };
        let language = ScopeLanguage::new(&scope, session.repo.fold()).map_err(|error| {
            ToolError::new(Code::ScopeInvalid, ErrorKind::Tool, error.to_string())
        })?;
        self.place.set_scope(language);
        Ok(Some(scope))
    }

    /// The repository, where the session's records are within reach.
    pub(super) fn repo(&self) -> Option<Repo> {
        self.session.as_ref().map(|session| session.repo.clone())
    }

    /// The next program that a tool runs is this job; see [`end_call`](Self::end_call). With `again` it runs once more where
    /// nobody knows how it went before.
    pub(super) fn begin_call(&self, job: JobId, again: bool) {
        if let Some(commands) = &self.commands {
            commands.begin_call(job, again);
        }
    }

    /// What that program came to is on record.
    pub(super) fn end_call(&self, job: JobId) {
        if let Some(commands) = &self.commands {
            commands.end_call(job);
        }
    }

    /// What is left of it.
    pub(super) fn left_of(&self, job: JobId) -> Left {
        let commands = self.commands.as_ref();
        commands.map_or(Left::Lost, |commands| commands.left_of(job))
    }

    pub(super) fn commands(&self) -> Result<&Commands, ToolError> {
        self.commands
            .as_ref()
            .ok_or_else(|| absent("programs are not run"))
    }

    /// Whether its programs reach all of the network.
    pub(super) fn network_is_open(&self) -> bool {
        self.commands.as_ref().is_some_and(|commands| {
            let confinement = commands.equipment.confinement.as_ref();
            confinement.is_none_or(|held| held.network == Reach::Open)
        })
    }

    pub(super) fn artifacts(&self) -> Result<&Artifacts, ToolError> {
        self.artifacts
            .as_ref()
            .ok_or_else(|| absent("there is no store for artifacts"))
    }

    pub(in crate::agent) fn session(&self) -> Result<&SessionAccess, ToolError> {
        self.session
            .as_ref()
            .ok_or_else(|| absent("the session's records are out of reach"))
    }

    /// A text without secrets.
    pub(super) fn redacted(&self, text: &str) -> String {
        match &self.artifacts {
            Some(artifacts) => artifacts.redactor.redact_text(text).into_owned(),
            None => Redactor::patterns().redact_text(text).into_owned(),
        }
    }

    /// By which somebody else calls off what is running. Tools look at it between files.
    pub fn canceling(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.canceled)
    }

    pub(super) fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Relaxed)
    }
}

/// That a part of the world is not there.
fn absent(what: &str) -> ToolError {
    let message = format!("this tool cannot be used here: {what}");
    ToolError::new(Code::ToolDenied, ErrorKind::Tool, message)
}

/// What a session means to do, in memory.
#[derive(Debug, Default)]
pub struct Todo(Mutex<Vec<TodoItem>>);

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TodoItem {
    /// What, in a few words.
    #[schemars(length(min = 1, max = 500))]
    pub text: String,
    /// How far it is.
    pub state: TodoState,
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TodoState {
    /// Not begun.
    Pending,
    /// Being done.
    InProgress,
    /// Done.
    Done,
}

impl TodoItem {
    /// The tool whose answers have the whole list.
    pub const WRITTEN_BY: ToolId = ToolId::fixed("todo.write");
}

impl Todo {
    /// All of it, in its order.
    pub fn items(&self) -> Vec<TodoItem> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The list that an earlier process left, as `todo.write` answered it.
    pub fn recall(&self, written: Value) {
        #[derive(Deserialize)]
        struct Written {
            items: Vec<TodoItem>,
        }
        match serde_json::from_value::<Written>(written) {
            Ok(written) => self.replace(written.items),
            Err(error) => tracing::warn!(%error, "the list of what is to do is lost"),
        }
    }

    /// Another list instead of it.
    pub fn replace(&self, items: Vec<TodoItem>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = items;
    }
}
