//! Why queued sessions wait, by the same function that the runner decides with.

use std::collections::HashMap;

use super::failure::Failure;
use super::project::Project;
use super::setup::limits;
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::proc::runner_owner;
use crate::runner::buckets;
use crate::runner::dispatch::{Lanes, Slot, decide};

/// What each session that has something queued waits for, for a person.
///
/// # Errors
/// The store cannot be read.
pub fn reasons(project: &Project) -> Result<HashMap<SessionId, String>, Failure> {
    let queue = project.store.queue()?;
    if queue.is_empty() {
        return Ok(HashMap::new());
    }
    let mut slots: Vec<Slot> = Vec::new();
    for job in project.store.jobs_in(JobState::Running)? {
        if let Some(session) = project.store.session(job.session_id)?
            && slots.iter().all(|slot| slot.session != session.id)
        {
            slots.push(Slot {
                session: session.id,
                group: session.spec()?.group,
                starting: false,
            });
        }
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let limits = limits(&project.settings);
    let buckets = buckets(&project.store, &limits.groups, &queue, now)?;
    let decision = decide(&queue, &slots, &limits, buckets, &mut Lanes::default(), now);
    let start = match runner_owner(&project.repo.state_dir()) {
        Some(_) => "starts now",
        None => "no runner is active; start it with treeyard up",
    };
    let mut reasons: HashMap<SessionId, String> = decision
        .waiting
        .into_iter()
        .map(|(session, wait)| (session, wait.describe(now)))
        .collect();
    reasons.extend(
        decision
            .start
            .into_iter()
            .map(|(session, _)| (session, start.to_owned())),
    );
    let doomed = decision.doomed.into_iter();
    reasons.extend(doomed.map(|(session, name)| (session, format!("{name} did not succeed"))));
    Ok(reasons)
}
