//! What a session's model says, as it comes.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::app::failure::Failure;
use crate::app::printed::Printed;
use crate::app::project::Project;
use crate::cli::format::clean_lines;
use crate::cli::out::write_all;
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobKind;
use crate::secrets::Vault;

const LOOK: Duration = Duration::from_millis(60);
/// What is printed is there a moment after the log says that it was said.
const PATIENCE: Duration = Duration::from_secs(5);
/// What every job ends with that has nothing else to tell.
const ANSWERED: &str = "[it answered]";

/// Follows a session from now on.
pub struct Tail {
    session: SessionId,
    /// What ended before.
    old: HashSet<JobId>,
    jobs: HashMap<JobId, Shown>,
}

#[derive(Default)]
struct Shown {
    printed: Printed,
    held: Held,
    over: bool,
}

impl Tail {
    /// What was said up to now is not said again.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(project: &Project, session: SessionId) -> Result<Self, Failure> {
        let jobs = project.store.jobs_of(session)?.into_iter();
        let ended = jobs.filter(|job| job.ended_ms.is_some());
        Ok(Self {
            session,
            old: ended.map(|job| job.id).collect(),
            jobs: HashMap::new(),
        })
    }

    /// Prints what comes until `over`, and then what is left.
    ///
    /// # Errors
    /// The store cannot be read, or standard output takes nothing.
    pub fn follow(&mut self, project: &Project, over: &AtomicBool) -> Result<(), Failure> {
        let vault = Vault::new(project.settings.secrets().clone());
        let mut since = None;
        loop {
            let is_over = over.load(Ordering::Acquire);
            let runs = self.look(project, &vault)?;
            if is_over {
                let since = since.get_or_insert_with(Instant::now);
                if !runs || since.elapsed() > PATIENCE {
                    return Ok(());
                }
            }
            std::thread::park_timeout(LOOK);
        }
    }

    /// Whether anything still runs.
    fn look(&mut self, project: &Project, vault: &Vault) -> Result<bool, Failure> {
        let mut runs = false;
        for job in project.store.jobs_of(self.session)? {
            let begun = job.started_ms.is_some() && job.kind == JobKind::ModelRun;
            if !begun || self.old.contains(&job.id) {
                continue;
            }
            let shown = self.jobs.entry(job.id).or_default();
            if shown.over {
                continue;
            }
            let mut bytes = Vec::new();
            while shown.printed.read_on(project, vault, &job, &mut bytes)? > 0 {}
            shown.over = job.ended_ms.is_some();
            runs |= !shown.over;
            if shown.over {
                shown.printed.finish(project, &job, &mut bytes);
            }
            let text = shown.held.push(&bytes, shown.over);
            write_all(clean_lines(&text).as_bytes())?;
        }
        Ok(runs)
    }
}

/// What was read and not shown yet: half a character, or a line that may be the last one.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    in_a_line: bool,
}

impl Held {
    /// What can be shown now.
    fn push(&mut self, bytes: &[u8], all: bool) -> String {
        self.bytes.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.bytes) {
            Err(error) if error.error_len().is_none() && !all => error.valid_up_to(),
            _ => self.bytes.len(),
        };
        let taken: Vec<u8> = self.bytes.drain(..whole).collect();
        let text = String::from_utf8_lossy(&taken);
        let mut shown = String::new();
        for line in text.split_inclusive('\n') {
            let may_be_last = !self.in_a_line && ANSWERED.starts_with(line.trim_end());
            let is_whole = line.ends_with('\n') || all;
            if may_be_last && !is_whole {
                self.bytes.splice(0..0, line.bytes());
                break;
            }
            if may_be_last && line.trim_end() == ANSWERED {
                continue;
            }
            self.in_a_line = !line.ends_with('\n');
            shown.push_str(line);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_at_once_and_the_last_line_not_at_all() {
        let said = "grün [it answered]\n[it is] so\n\n[it answered]\n";
        for cut in 1..said.len() {
            let mut held = Held::default();
            let mut shown = String::new();
            for piece in said.as_bytes().chunks(cut) {
                shown.push_str(&held.push(piece, false));
            }
            shown.push_str(&held.push(b"", true));
            assert_eq!(shown, "grün [it answered]\n[it is] so\n\n", "{cut}");
        }
        let mut held = Held::default();
        assert_eq!(held.push("gr\u{fc}".as_bytes(), false), "grü");
        assert_eq!(held.push(&[0xc3], false), "");
        assert_eq!(held.push(&[0xbc], false), "ü");
    }
}
