//! Secrets on their way to a job, and back when it has ended.

use std::path::{Path, PathBuf};

use super::error::RunnerError;
use super::serve::{Notice, Runner};
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobState, Outcome};
use crate::model::secret::{SecretName, SecretValue};
use crate::model::session::SessionState;
use crate::proc::{OUTPUT_FILE, job_dir};
use crate::secrets::{SecretError, is_there, pass, take_back};
use crate::store::{JobRow, SessionRow};

/// The values that a job is to find, or why there are none.
pub(super) type Fetched = Result<Vec<(SecretName, SecretValue)>, SecretError>;

impl Runner {
    /// Asks for the values that a dispatched job needs, off this thread: a password manager may wait
    /// for its person.
    pub(super) fn fetch_secrets(&self, session: SessionId, job: JobId, names: Vec<SecretName>) {
        let vault = self.config.policy.secrets.clone();
        self.elsewhere(session, move || {
            Notice::Fetched(session, job, vault.resolve(&names))
        });
    }

    /// The values are there: they are written to files, and the job starts.
    pub(super) fn fetched(
        &mut self,
        session: SessionId,
        job: JobId,
        fetched: Fetched,
    ) -> Result<(), RunnerError> {
        let (Some(row), Some(job)) = (self.store.session(session)?, self.store.job(job)?) else {
            self.free(session);
            return Ok(());
        };
        if job.state != JobState::Running {
            self.free(session);
            return Ok(());
        }
        if row.state == SessionState::Cancelled {
            return self.settle(&job, &Outcome::Cancelled, 0);
        }
        let git_dir = PathBuf::from(row.git_dir.clone().unwrap_or_default());
        let passed = fetched.and_then(|values| Ok((pass(&git_dir, &values)?, values)));
        match passed {
            Ok((folder, values)) => {
                self.know_secrets();
                self.note_passed(&job, &values)?;
                self.launch(&row, &job, Some(&folder))
            }
            Err(error) => self.not_started(&job, (error.code(), &error)),
        }
    }

    fn note_passed(
        &mut self,
        job: &JobRow,
        values: &[(SecretName, SecretValue)],
    ) -> Result<(), RunnerError> {
        let event = Event::SecretsPassed {
            job_id: job.id,
            names: values.iter().map(|(name, _)| name.to_string()).collect(),
        };
        let session = Some(job.session_id);
        self.store
            .write(|tx| tx.append(Actor::System, session, event).map(drop))?;
        Ok(())
    }

    /// What an earlier runner passed to a job that may still run.
    pub(super) fn learn_secrets(&mut self, row: &SessionRow) -> Result<(), RunnerError> {
        let names = row.spec()?.secrets;
        if let Some(git_dir) = row.git_dir.as_deref().filter(|_| !names.is_empty()) {
            self.config.policy.secrets.learn(Path::new(git_dir), &names);
            self.know_secrets();
        }
        Ok(())
    }

    /// From now on no message has them.
    fn know_secrets(&mut self) {
        let redactor = self.config.policy.secrets.redactor_of_all();
        self.store.redact_with(redactor);
    }

    /// The job has ended. Its output goes first: whoever reads it finds the values that are to be
    /// taken out of it for as long as it is there.
    pub(super) fn take_secrets_back(&self, row: &SessionRow, job_dir: &Path, is_kept: bool) {
        if is_kept {
            // There is none when it did not start.
            let _ = std::fs::remove_file(job_dir.join(OUTPUT_FILE));
        }
        remove(row);
    }

    /// An earlier runner may have ended right after a job did, or right before. Then the files are
    /// there, and so may be output of which all is stored.
    pub(super) fn sweep_secrets(&self) -> Result<(), RunnerError> {
        for row in self.store.sessions_with_worktree()? {
            let has_secrets = row
                .git_dir
                .as_deref()
                .is_some_and(|dir| is_there(Path::new(dir)));
            if !has_secrets || row.is_adopted() || self.active.contains_key(&row.id) {
                continue;
            }
            for job in self.store.jobs_of(row.id)? {
                if job.output.is_some() {
                    let dir = job_dir(&self.config.policy.jobs, job.id);
                    let _ = std::fs::remove_dir_all(dir);
                }
            }
            remove(&row);
        }
        Ok(())
    }
}

fn remove(row: &SessionRow) {
    let Some(git_dir) = &row.git_dir else {
        return;
    };
    if let Err(error) = take_back(Path::new(git_dir)) {
        tracing::warn!(%error, session = %row.id, "the files of its secrets were not removed");
    }
}
