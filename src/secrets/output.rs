//! What a job printed, on its way into the artifacts.

use std::path::Path;

use super::error::SecretError;
use super::reader::RedactingReader;
use crate::cas::{Cas, CasError, Stored};
use crate::model::redact::{Findings, Redactor};

/// Output without secrets.
#[derive(Debug)]
pub struct KeptOutput {
    /// As it is stored.
    pub stored: Stored,
    /// What is not in it.
    pub redacted: Findings,
}

/// Stores what stands in `path`, without secrets. When it is not known what to take out, it is not
/// stored: a text that says so takes its place.
///
/// # Errors
/// The file cannot be read, or the store cannot take it.
pub fn keep_output(
    cas: &Cas,
    path: &Path,
    redactor: Result<Redactor, SecretError>,
) -> Result<KeptOutput, CasError> {
    let redactor = match redactor {
        Ok(redactor) => redactor,
        Err(error) => {
            tracing::warn!(%error, "output was not stored, because it may hold a secret");
            let text =
                format!("treeyard: this output may hold a secret, and was not kept: {error}\n");
            return Ok(KeptOutput {
                stored: cas.put_bytes(text.as_bytes())?,
                redacted: Findings::default(),
            });
        }
    };
    let mut reader = RedactingReader::new(cas.open_input(path)?, &redactor);
    Ok(KeptOutput {
        stored: cas.put_reader(&mut reader)?,
        redacted: reader.findings().clone(),
    })
}
