//! Removing what nothing refers to.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::{Cas, CasError};
use crate::model::ids::ContentHash;

/// What a collection did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Objects removed, in order.
    pub removed: Vec<ContentHash>,
    /// Bytes freed, those of leftover temporary files included.
    pub bytes: u64,
    /// Objects kept.
    pub kept: u64,
    /// Temporary files of dead writers removed.
    pub leftovers: u64,
}

/// Objects removed under one hold of the lock; a `put` waits for so many at most.
const BATCH: usize = 64;

impl Cas {
    /// Removes the objects that are not in `live` and were last put before `older_than`.
    ///
    /// Collect `live` after choosing `older_than`, and choose it further back than any job takes
    /// from storing an object to recording it: then what a running job stores, or finds already
    /// stored, is never removed.
    pub fn gc(
        &self,
        live: &HashSet<ContentHash>,
        older_than: SystemTime,
    ) -> Result<GcReport, CasError> {
        let mut report = GcReport::default();
        self.sweep_tmp(older_than, &mut report)?;
        let mut dead = Vec::new();
        for hash in self.list()? {
            let hash = hash?;
            if live.contains(&hash) {
                report.kept += 1;
            } else {
                dead.push(hash);
            }
        }
        for batch in dead.chunks(BATCH) {
            self.remove(batch, older_than, &mut report)?;
        }
        report.removed.sort();
        Ok(report)
    }

    fn remove(
        &self,
        batch: &[ContentHash],
        older_than: SystemTime,
        report: &mut GcReport,
    ) -> Result<(), CasError> {
        let _lock = self.lock_to_remove()?;
        for hash in batch {
            let path = self.object_path(hash);
            let Some(found) = look(&path)? else { continue };
            if is_older(&found, older_than) {
                fs::remove_file(&path).map_err(CasError::at("remove", &path))?;
                report.bytes += found.len();
                report.removed.push(hash.clone());
            } else {
                report.kept += 1;
            }
        }
        Ok(())
    }

    /// Removes temporary files that no living writer holds.
    fn sweep_tmp(&self, older_than: SystemTime, report: &mut GcReport) -> Result<(), CasError> {
        let dir = self.tmp_dir();
        for entry in fs::read_dir(&dir).map_err(CasError::at("list", &dir))? {
            let path = entry.map_err(CasError::at("list", &dir))?.path();
            let Some(found) = look(&path)? else { continue };
            if found.is_file() && is_older(&found, older_than) && is_abandoned(&path)? {
                remove_if_there(&path)?;
                report.bytes += found.len();
                report.leftovers += 1;
            }
        }
        Ok(())
    }
}

fn look(path: &Path) -> Result<Option<Metadata>, CasError> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(CasError::at("look at", path)(e)),
    }
}

/// A time that cannot be read protects.
fn is_older(found: &Metadata, bound: SystemTime) -> bool {
    found.modified().is_ok_and(|time| time < bound)
}

fn is_abandoned(path: &Path) -> Result<bool, CasError> {
    match File::open(path) {
        Ok(file) => Ok(fs2::FileExt::try_lock_exclusive(&file).is_ok()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(CasError::at("open", path)(e)),
    }
}

fn remove_if_there(path: &Path) -> Result<(), CasError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(CasError::at("remove", path)(e)),
        _ => Ok(()),
    }
}
