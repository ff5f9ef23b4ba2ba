//! Whose a job is. One symbolic link in the job's folder: made by one call that fails when it is
//! there, it comes into being with its content, and whoever makes it first decides.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::error::ProcError;
use super::owner::Owner;

const CLAIM_FILE: &str = "owner";
const NOBODY: &str = "nobody";

/// Who has a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// This supervisor.
    By(Owner),
    /// No supervisor, for good.
    Nobody,
}

impl Claim {
    /// Makes this claim. Whether it was the first.
    pub(super) fn stake(&self, job_dir: &Path) -> Result<bool, ProcError> {
        let path = job_dir.join(CLAIM_FILE);
        let text = match self {
            Self::By(owner) => owner.to_string(),
            Self::Nobody => NOBODY.to_owned(),
        };
        match symlink(text, &path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(ProcError::io(&path)(error)),
        }
    }

    /// The claim that stands, if one was made.
    pub(super) fn read(job_dir: &Path) -> Result<Option<Self>, ProcError> {
        let path = job_dir.join(CLAIM_FILE);
        let text = match std::fs::read_link(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ProcError::io(&path)(error)),
        };
        if text.as_os_str() == NOBODY {
            return Ok(Some(Self::Nobody));
        }
        let owner = text.to_string_lossy().parse();
        owner
            .map(|owner| Some(Self::By(owner)))
            .map_err(ProcError::io(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_claim_stands() {
        let dir = tempfile::tempdir().unwrap();
        let own = Claim::By(Owner::current().unwrap());
        assert_eq!(Claim::read(dir.path()).unwrap(), None);
        assert!(own.stake(dir.path()).unwrap());
        assert!(!Claim::Nobody.stake(dir.path()).unwrap());
        assert_eq!(Claim::read(dir.path()).unwrap(), Some(own.clone()));

        let dir = tempfile::tempdir().unwrap();
        assert!(Claim::Nobody.stake(dir.path()).unwrap());
        assert!(!own.stake(dir.path()).unwrap());
        assert_eq!(Claim::read(dir.path()).unwrap(), Some(Claim::Nobody));
    }

    #[test]
    fn a_claim_of_no_process_is_refused() {
        for text in ["", "12", "12 x y", "a b c", "1 2 3 4"] {
            let dir = tempfile::tempdir().unwrap();
            if symlink(text, dir.path().join(CLAIM_FILE)).is_ok() {
                assert!(Claim::read(dir.path()).is_err(), "{text}");
            }
        }
        assert!(Claim::Nobody.stake(Path::new("/nonexistent/job")).is_err());
    }
}
