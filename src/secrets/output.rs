//! What a job printed, on its way into the artifacts.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use super::error::SecretError;
use super::reader::RedactingReader;
use crate::cas::{Cas, CasError, Stored};
use crate::model::redact::{Findings, Redactor};
use crate::proc::{OUTPUT_FILE, lost_output};

/// Output without secrets.
#[derive(Debug)]
pub struct KeptOutput {
    /// As it is stored.
    pub stored: Stored,
    /// What is not in it.
    pub redacted: Findings,
}

/// Stores what the job of a folder printed, without secrets, and with a word where the end of it was lost. When it is not
/// known what to take out, it is not stored: a text that says so takes its place. `None` when it printed nothing.
///
/// # Errors
/// The file cannot be read, or the store cannot take it.
pub fn keep_output(
    cas: &Cas,
    job_dir: &Path,
    redactor: impl FnOnce() -> Result<Redactor, SecretError>,
) -> Result<Option<KeptOutput>, CasError> {
    let path = job_dir.join(OUTPUT_FILE);
    let lost = lost_output(job_dir).unwrap_or_default();
    let length = fs::metadata(&path).map_or(0, |found| found.len());
    if length == 0 && lost.is_empty() {
        return Ok(None);
    }
    let redactor = match redactor() {
        Ok(redactor) => redactor,
        Err(error) => {
            tracing::warn!(%error, "output was not stored, because it may hold a secret");
            let text =
                format!("treeyard: this output may hold a secret, and was not kept: {error}\n");
            return Ok(Some(KeptOutput {
                stored: cas.put_bytes(text.as_bytes())?,
                redacted: Findings::default(),
            }));
        }
    };
    let printed: Box<dyn Read> = match length {
        0 => Box::new(io::empty()),
        _ => Box::new(cas.open_input(&path)?),
    };
    let mut reader = RedactingReader::new(printed.chain(lost.as_bytes()), &redactor);
    Ok(Some(KeptOutput {
        stored: cas.put_reader(&mut reader)?,
        redacted: reader.findings().clone(),
    }))
}
