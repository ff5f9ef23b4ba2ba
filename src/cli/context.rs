//! What a command is given: where it works, and the terminal.

use std::path::{Component, Path, PathBuf};

use super::args::Global;
use super::out::Terminal;
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::proc::runner_owner;

/// What a command is given.
pub struct Context {
    /// Where it looks for the repository.
    pub directory: PathBuf,
    /// Settings given as flags.
    pub settings: Vec<(String, String)>,
    /// Where it prints.
    pub terminal: Terminal,
}

impl Context {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            directory: global
                .directory
                .clone()
                .unwrap_or_else(|| PathBuf::from(".")),
            settings: global.set.clone(),
            terminal: Terminal {
                json: global.json,
                quiet: global.quiet,
            },
        }
    }

    /// A path of the command line: `-C` also moves the place that relative ones start from.
    pub fn file(&self, path: &Path) -> PathBuf {
        // A leading `./` would only stand in messages.
        self.directory
            .join(path)
            .components()
            .filter(|part| *part != Component::CurDir)
            .collect()
    }

    /// Opens the repository around the directory.
    ///
    /// # Errors
    /// See [`Project::open`].
    pub fn project(&self) -> Result<Project, Failure> {
        Project::open(&self.directory, &self.settings)
    }

    /// What is queued begins when somebody runs it.
    pub fn note_without_runner(&self, project: &Project) {
        if runner_owner(&project.repo.state_dir()).is_none() {
            let note = "no runner is active; `treeyard up` starts one";
            self.terminal.note(note);
        }
    }
}
