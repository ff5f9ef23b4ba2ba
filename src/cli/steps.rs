//! The steps of a landing, told from the event log as they begin.

use std::collections::{HashMap, HashSet};

use super::format::clean;
use super::table::shorten;
use crate::model::event::Event;
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobKind, Outcome};
use crate::store::SessionRow;

/// Follows the landings of some sessions.
#[derive(Debug, Default)]
pub struct Steps {
    landings: HashMap<SessionId, Landing>,
    gates: HashSet<JobId>,
}

#[derive(Debug)]
struct Landing {
    target: String,
    /// How many gates its task has.
    gates: usize,
    /// How many of them have begun.
    begun: usize,
}

impl Steps {
    /// For these sessions.
    pub fn of(sessions: &[SessionRow]) -> Self {
        let landing = |row: &SessionRow| Landing {
            target: clean(&row.target),
            gates: row.spec().map_or(0, |spec| spec.gate.len()),
            begun: 0,
        };
        Self {
            landings: sessions.iter().map(|row| (row.id, landing(row))).collect(),
            gates: HashSet::new(),
        }
    }

    /// The step that begins with this event of the session, if one does.
    pub fn begun_by(&mut self, session: SessionId, event: &Event) -> Option<String> {
        let landing = self.landings.get_mut(&session)?;
        match event {
            Event::LandingStarted { .. } => {
                landing.begun = 0;
                Some(format!("landing: merge with {}", landing.target))
            }
            Event::JobQueued {
                job_id,
                kind: JobKind::Gate,
                command,
                ..
            } => {
                landing.begun += 1;
                self.gates.insert(*job_id);
                let (n, m) = (landing.begun, landing.gates.max(landing.begun));
                let command = shorten(&clean(&command.to_string()), 48);
                Some(format!("landing: gate {n} of {m}, {command}"))
            }
            Event::CommandExecuted {
                job_id,
                outcome: Outcome::Exited { code: 0 },
                ..
            } if self.gates.contains(job_id) && landing.begun >= landing.gates => {
                Some(format!("landing: publish on {}", landing.target))
            }
            _ => None,
        }
    }

    /// Whether the job is a gate of one of the landings.
    pub fn is_gate(&self, job: &JobId) -> bool {
        self.gates.contains(job)
    }
}
