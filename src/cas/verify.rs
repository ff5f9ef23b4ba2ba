//! Checking every object against its name.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::read::Found;
use super::stream::{self, Digest};
use super::{Cas, CasError};
use crate::model::ids::ContentHash;

/// How far a verification has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Objects read so far.
    pub checked: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects to read altogether.
    pub total: u64,
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Objects read.
    pub checked: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects whose bytes did not match their name, in order. They are in `quarantine/` now.
    pub damaged: Vec<ContentHash>,
    /// Entries below `objects/` that cannot be objects, in order. They are left alone.
    pub foreign: Vec<PathBuf>,
}

impl Cas {
    /// Reads every object, on all cores, and quarantines those that are damaged. `progress` is
    /// called on this thread after each object.
    pub fn verify(&self, mut progress: impl FnMut(Progress)) -> Result<VerifyReport, CasError> {
        let (objects, mut foreign) = self.survey()?;
        foreign.sort();
        let mut report = VerifyReport {
            foreign,
            ..VerifyReport::default()
        };
        let total = objects.len() as u64;
        self.check_all(&objects, |hash, outcome| {
            match outcome {
                Outcome::Gone => return,
                Outcome::Sound(size) => report.bytes += size,
                Outcome::Damaged(size) => {
                    report.bytes += size;
                    report.damaged.push(hash.clone());
                }
            }
            report.checked += 1;
            progress(Progress {
                checked: report.checked,
                bytes: report.bytes,
                total,
            });
        })?;
        report.damaged.sort();
        Ok(report)
    }

    fn survey(&self) -> Result<(Vec<ContentHash>, Vec<PathBuf>), CasError> {
        let (mut objects, mut foreign) = (Vec::new(), Vec::new());
        for found in self.scan()? {
            match found? {
                Found::Object(hash) => objects.push(hash),
                Found::Foreign(path) => foreign.push(path),
            }
        }
        Ok((objects, foreign))
    }

    /// Checks the objects on all cores and gives each outcome to `each` on this thread. The first
    /// error stops the work.
    fn check_all(
        &self,
        objects: &[ContentHash],
        mut each: impl FnMut(&ContentHash, Outcome),
    ) -> Result<(), CasError> {
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let (done, outcomes) = mpsc::sync_channel(64);
        thread::scope(|scope| {
            for _ in 0..workers(objects.len()) {
                let (next, failure, done) = (&next, &failure, done.clone());
                scope.spawn(move || {
                    let mut buffer = Vec::new();
                    while let Some(hash) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match self.check(hash, &mut buffer) {
                            Ok(outcome) => {
                                if done.send((hash, outcome)).is_err() {
                                    return;
                                }
                            }
                            Err(e) => {
                                next.store(objects.len(), Ordering::Relaxed);
                                *failure.lock().unwrap_or_else(|lock| lock.into_inner()) = Some(e);
                            }
                        }
                    }
                });
            }
            drop(done);
            for (hash, outcome) in outcomes {
                each(hash, outcome);
            }
        });
        let failure = failure
            .into_inner()
            .unwrap_or_else(|lock| lock.into_inner());
        failure.map_or(Ok(()), Err)
    }

    fn check(&self, hash: &ContentHash, buffer: &mut Vec<u8>) -> Result<Outcome, CasError> {
        match self.digest_object(hash, buffer)? {
            Outcome::Damaged(_) => self.quarantine_if_damaged(hash),
            fine => Ok(fine),
        }
    }

    /// Looks once more while nobody can put the object anew, so that what is moved aside is what
    /// was found damaged.
    pub(super) fn quarantine_if_damaged(&self, hash: &ContentHash) -> Result<Outcome, CasError> {
        let _lock = self.lock_to_remove()?;
        let outcome = self.digest_object(hash, &mut Vec::new())?;
        if let Outcome::Damaged(_) = outcome {
            self.quarantine(hash)?;
        }
        Ok(outcome)
    }

    fn digest_object(&self, hash: &ContentHash, buffer: &mut Vec<u8>) -> Result<Outcome, CasError> {
        let object = match self.open_object(hash) {
            Ok(object) => object,
            Err(CasError::Unknown(_) | CasError::Damaged { .. }) => return Ok(Outcome::Gone),
            Err(e) => return Err(e),
        };
        match digest_of(&object, buffer) {
            Ok(found) if found.hash == *hash => Ok(Outcome::Sound(found.size)),
            Ok(found) => Ok(Outcome::Damaged(found.size)),
            // The disk cannot give these bytes back: that is damage, not a reason to stop.
            Err(e) if e.raw_os_error() == Some(EIO) => Ok(Outcome::Damaged(0)),
            Err(e) => Err(CasError::at("read", &self.object_path(hash))(e)),
        }
    }
}

const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

/// What one object turned out to be, with its length in bytes.
pub(super) enum Outcome {
    Sound(u64),
    Damaged(u64),
    /// Removed since it was listed.
    Gone,
}

fn digest_of(object: &File, buffer: &mut Vec<u8>) -> io::Result<Digest> {
    stream::digest(object, buffer, |e| e, |_| Ok(()))
}

fn workers(objects: usize) -> usize {
    thread::available_parallelism()
        .map_or(1, |cores| cores.get())
        .min(objects)
}
