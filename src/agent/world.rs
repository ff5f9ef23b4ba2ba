//! All that a tool may reach.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Place;

/// What a session's tools work with.
#[derive(Debug)]
pub struct World {
    /// Its worktree.
    pub place: Place,
    /// Its list of what is to do.
    pub todo: Todo,
    canceled: Arc<AtomicBool>,
}

impl World {
    /// With an empty list.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            todo: Todo::default(),
            canceled: Arc::default(),
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

impl Todo {
    /// All of it, in its order.
    pub fn items(&self) -> Vec<TodoItem> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Another list instead of it.
    pub fn replace(&self, items: Vec<TodoItem>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = items;
    }
}
