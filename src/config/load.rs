//! Finds and layers the settings files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::models::check_models;
use super::problem::{Problem, decode};
use super::profiles::check_profiles;
use super::providers::check_providers;
use super::reader::{Problems, Section, parse, quoted};
use super::secrets::read_secrets;
use super::settings::{Origin, SECTIONS, Settings};
use super::shown::PERSONAL;
use crate::model::code::Code;

const LARGEST: u64 = 1024 * 1024;
const LARGEST_PLAN: u64 = 16 * LARGEST;

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file says something that is not a setting.
    #[error("{}", super::problem::render_all(.problems, .text, .file))]
    Invalid {
        /// The file, or `--set` for a flag.
        file: PathBuf,
        /// What it says.
        text: String,
        /// Everything wrong with it.
        problems: Vec<Problem>,
    },
    /// A file could not be read.
    #[error("cannot read {}: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

impl ConfigError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Invalid { .. } => Code::ConfigInvalid,
            Self::Unreadable { .. } => Code::Io,
        }
    }
}

/// The person's own settings file, whether it exists or not; `None` without a home directory.
pub fn user_file() -> Option<PathBuf> {
    let base = etcetera::base_strategy::Xdg::new().ok()?;
    Some(base.config_dir().join("treeyard").join("config.toml"))
}

impl Settings {
    /// Built-in values, then the user file, then `treeyard.toml` in `repo_root`, then flags. A file
    /// that does not exist sets nothing. A flag is a dotted key and a TOML value or plain text.
    pub fn load(
        repo_root: Option<&Path>,
        user_file: Option<&Path>,
        flags: &[(&str, &str)],
    ) -> Result<Self, ConfigError> {
        let mut settings = Self::default();
        if let Some(file) = user_file {
            settings.apply_file(file, &Origin::User(file.to_owned()))?;
        }
        if let Some(root) = repo_root {
            let file = root.join("treeyard.toml");
            settings.apply_file(&file, &Origin::Repository(file.clone()))?;
        }
        for (key, value) in flags {
            settings.apply_flag(key, value)?;
        }
        Ok(settings)
    }

    fn apply_file(&mut self, file: &Path, origin: &Origin) -> Result<(), ConfigError> {
        let unreadable = |error| ConfigError::Unreadable {
            file: file.to_owned(),
            error,
        };
        match read_bounded(file, LARGEST) {
            Ok(bytes) => self.apply_bytes(&bytes, file, origin),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(unreadable(error)),
        }
    }

    fn apply_bytes(
        &mut self,
        bytes: &[u8],
        file: &Path,
        origin: &Origin,
    ) -> Result<(), ConfigError> {
        match decode(bytes) {
            Ok(text) => self.apply_text(text, file, origin),
            Err((text, problem)) => Err(ConfigError::Invalid {
                file: file.to_owned(),
                text,
                problems: vec![problem],
            }),
        }
    }

    fn apply_flag(&mut self, key: &str, value: &str) -> Result<(), ConfigError> {
        let file = Path::new("--set");
        if key.is_empty() || key.contains(|c: char| c.is_control() || "=#".contains(c)) {
            let message = format!("{} is not a setting", quoted(key));
            let hint = Some("write a dotted key, such as `limits.grace_seconds`".to_owned());
            return Err(ConfigError::Invalid {
                file: file.to_owned(),
                text: key.to_owned(),
                problems: vec![Problem::at(key, 0, message, hint)],
            });
        }
        let typed = format!("{key} = {value}");
        let plain = format!("{key} = {}", serde_json::Value::from(value));
        let as_plain = |this: &mut Self| this.apply_text(&plain, file, &Origin::Flag);
        if value.contains('\n') {
            return as_plain(self);
        }
        let is_written_out = value.trim_start().starts_with(['[', '{', '"', '\'']);
        match self.apply_text(&typed, file, &Origin::Flag) {
            Ok(()) => Ok(()),
            Err(error) if is_written_out => as_plain(self).map_err(|_| error),
            Err(_) => as_plain(self),
        }
    }

    /// All or nothing: with any problem, no value is taken over.
    pub(super) fn apply_text(
        &mut self,
        text: &str,
        file: &Path,
        origin: &Origin,
    ) -> Result<(), ConfigError> {
        let problems = Problems::default();
        let mut next = self.clone();
        if let Some(root) = parse(text, &problems) {
            let mut top = Section::new(root.get_ref(), &problems);
            for name in SECTIONS {
                if name.is_empty() {
                    if matches!(origin, Origin::Repository(_)) {
                        refuse_personal(name, &top, &problems);
                    }
                    next.apply_section(name, &mut top, origin);
                } else if let Some(mut section) = top.section(name) {
                    if matches!(origin, Origin::Repository(_)) {
                        refuse_personal(name, &section, &problems);
                    }
                    next.apply_section(name, &mut section, origin);
                    section.finish();
                }
            }
            if let Some(value) = top.raw("secrets")
                && let Some(secrets) = read_secrets(value, origin, &problems)
            {
                next.secrets = secrets;
            }
            if problems.is_empty() {
                next.check_names(&top, &problems);
            }
            top.finish();
        }
        let problems = problems.finish(text);
        if problems.is_empty() {
            *self = next;
            return Ok(());
        }
        Err(ConfigError::Invalid {
            file: file.to_owned(),
            text: text.to_owned(),
            problems,
        })
    }
}

impl Settings {
    /// Whether what a file names is there, in it or in one before it.
    fn check_names(&self, top: &Section<'_, '_>, problems: &Problems) {
        if let Some(value) = top.get("providers") {
            check_providers(value, self, problems);
        }
        if let Some(value) = top.get("models") {
            check_models(value, self, problems);
        }
        if let Some(agent) = top
            .get("agent")
            .and_then(|agent| agent.get_ref().as_table())
        {
            check_profiles(agent, self, problems);
        }
    }
}

fn refuse_personal(name: &str, section: &Section<'_, '_>, problems: &Problems) {
    for (_, key) in PERSONAL.iter().filter(|(section, _)| *section == name) {
        if let Some(value) = section.get(key) {
            let dotted = [name, ".", key].concat();
            let dotted = dotted.trim_start_matches('.');
            let message = format!("`{dotted}` is not for a repository to set");
            let hint = "set it in your own settings file, or by --set".to_owned();
            problems.add(value.span().start, message, Some(hint));
        }
    }
}

/// The content of a plan file, for [`Plan::decode`](super::Plan::decode).
///
/// # Errors
/// The system's reason, and a file larger than 16 MiB.
pub fn read_plan_file(file: &Path) -> io::Result<Vec<u8>> {
    read_bounded(file, LARGEST_PLAN)
}

pub(super) fn read_bounded(file: &Path, largest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(largest + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        let message = format!("larger than {} MiB", largest / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}
