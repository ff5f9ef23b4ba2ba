//! Why a secret cannot be passed.

use std::io;
use std::path::PathBuf;

use crate::model::code::Code;
use crate::model::redact::Unredactable;
use crate::model::secret::SecretName;

/// What is wrong, with which secret. None of these says anything of its value.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The person's file does not have it, any more or yet.
    #[error("secret {0} is not configured, or was not yet when the runner started")]
    Unknown(SecretName),
    /// The runner does not have the variable.
    #[error("secret {name}: the runner's environment has no variable {variable}")]
    Unset {
        /// Its name.
        name: SecretName,
        /// The variable.
        variable: String,
    },
    /// The system's reason.
    #[error("secret {name}: cannot read {}: {source}", .path.display())]
    Unreadable {
        /// Its name.
        name: SecretName,
        /// Its file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is no secret from the others on this machine.
    #[error(
        "secret {name}: others may read {}; take that from them with `chmod go-rwx`", .path.display()
    )]
    Exposed {
        /// Its name.
        name: SecretName,
        /// Its file.
        path: PathBuf,
    },
    /// Its program gave no value. What it printed is not told: it may be part of one.
    #[error("secret {name}: {program} {why}")]
    Program {
        /// Its name.
        name: SecretName,
        /// The program.
        program: String,
        /// How it ended.
        why: String,
    },
    /// Output could not be kept free of it.
    #[error("secret {name}: {why}")]
    Unfit {
        /// Its name.
        name: SecretName,
        /// Why.
        why: Unredactable,
    },
    /// Its file could not be made.
    #[error("secret {name}: cannot write {}: {source}", .path.display())]
    Unwritable {
        /// Its name.
        name: SecretName,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl SecretError {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::SecretMissing
    }
}
