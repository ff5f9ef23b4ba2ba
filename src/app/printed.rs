//! What a job printed so far, without secrets, read piece by piece while it runs and afterwards.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::failure::Failure;
use super::project::Project;
use crate::model::redact::{RedactStream, Redactor};
use crate::proc::{OUTPUT_FILE, job_dir, lost_output};
use crate::secrets::{SecretError, Vault};
use crate::store::JobRow;

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// How far one job's output was read.
#[derive(Default)]
pub struct Printed {
    source: Option<Source>,
    /// Bytes that came out. What is stored when the job has ended begins with the same ones.
    told: u64,
    /// Whether all came out.
    over: bool,
}

/// What is read at the moment.
struct Source {
    place: Place,
    /// Bytes read of it.
    read: u64,
    stream: RedactStream,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The job's folder.
    Folder,
    /// The artifacts.
    Stored,
}

impl Printed {
    /// Appends what is new and decided to `out`; how many bytes were read for it.
    ///
    /// # Errors
    /// Output that is damaged, or that may hold a secret of which the value is not known here.
    pub fn read_on(
        &mut self,
        project: &Project,
        vault: &Vault,
        job: &JobRow,
        out: &mut Vec<u8>,
    ) -> Result<u64, Failure> {
        let Some(mut file) = self.open(project, vault, job)? else {
            return Ok(0);
        };
        let Some(source) = &mut self.source else {
            return Ok(0);
        };
        let mut bytes = Vec::new();
        let before = out.len();
        file.seek(SeekFrom::Start(source.read))
            .and_then(|_| file.take(CHUNK).read_to_end(&mut bytes))
            .map_err(|error| Failure::io(Path::new(OUTPUT_FILE), &error))?;
        source.stream.push(&bytes, out);
        source.read += bytes.len() as u64;
        self.told += (out.len() - before) as u64;
        Ok(bytes.len() as u64)
    }

    /// Appends what was held back: the job prints nothing more.
    pub fn finish(&mut self, project: &Project, job: &JobRow, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        let before = out.len();
        if let Some(source) = &mut self.source {
            source.stream.finish(out);
        }
        // What is stored says it itself.
        if !self.is_at(Place::Stored)
            && let Some(lost) = lost_output(&job_dir(&project.jobs_dir(), job.id))
        {
            out.extend_from_slice(lost.as_bytes());
        }
        self.told += (out.len() - before) as u64;
    }

    /// While a job runs its output is in its folder, afterwards in the artifacts.
    fn open(
        &mut self,
        project: &Project,
        vault: &Vault,
        job: &JobRow,
    ) -> Result<Option<File>, Failure> {
        let live = job_dir(&project.jobs_dir(), job.id).join(OUTPUT_FILE);
        if let Ok(file) = File::open(&live) {
            if self.is_at(Place::Folder) {
                return Ok(Some(file));
            }
            let redactor = redactor(project, vault, job)?;
            // It goes before the files of the secrets do: while it is there, they were too.
            if live.exists() {
                let redactor = redactor.map_err(|error| in_job(job, error.into()))?;
                self.begin(Place::Folder, 0, &redactor);
                return Ok(Some(file));
            }
        }
        let now = match &job.output {
            Some(_) => None,
            None => project.store.job(job.id)?,
        };
        let Some(hash) = &now.as_ref().unwrap_or(job).output else {
            return Ok(None);
        };
        // Once is enough: what is read on is the same file.
        let opened = match self.is_at(Place::Stored) {
            true => project.cas.open_object(hash),
            false => project.cas.open_checked(hash),
        };
        let file = opened.map_err(|error| in_job(job, error.into()))?;
        if !self.is_at(Place::Stored) {
            // What older versions stored was not redacted.
            self.begin(Place::Stored, self.told, &Redactor::patterns());
        }
        Ok(Some(file))
    }

    fn is_at(&self, place: Place) -> bool {
        self.source
            .as_ref()
            .is_some_and(|source| source.place == place)
    }

    fn begin(&mut self, place: Place, read: u64, redactor: &Redactor) {
        let stream = redactor.stream();
        self.source = Some(Source {
            place,
            read,
            stream,
        });
    }
}

/// What is to be taken out of the job's output while it runs.
fn redactor(
    project: &Project,
    vault: &Vault,
    job: &JobRow,
) -> Result<Result<Redactor, SecretError>, Failure> {
    let Some(session) = project.store.session(job.session_id)? else {
        return Ok(Ok(Redactor::patterns()));
    };
    let names = session.spec()?.secrets;
    if let Some(git_dir) = &session.git_dir {
        vault.learn(Path::new(git_dir), &names);
    }
    Ok(vault.redactor(&names))
}

fn in_job(job: &JobRow, failure: Failure) -> Failure {
    let message = format!("job {}: {}", job.id.short(), failure.message);
    Failure { message, ..failure }
}
