//! Checkpoints that grow old become fewer, and those of sessions that are over go.

use std::collections::{HashMap, HashSet};

use super::failure::Failure;
use super::gc::Mode;
use super::project::Project;
use crate::model::checkpoint::{Kept, thin};
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::store::{CheckpointRow, SessionRow};
use crate::workspace::snapshot::{Checkpoint, drop as forget, kept_at, list_all};

/// A snapshot is recorded right after it is kept; in this time at the latest, in seconds.
const RECORDED_AFTER: i64 = 3600;

/// Removes them, and gives their number: those that thinning takes, all of work that landed and did not change since
/// `before_ms`, and refs that nothing on record speaks of.
///
/// # Errors
/// They cannot be read or removed.
pub(super) fn checkpoints(
    project: &mut Project,
    mode: Mode,
    before_ms: i64,
) -> Result<u64, Failure> {
    // First: what is recorded after this look has its ref already.
    let refs = list_all(&project.repo)?;
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let mut known: HashMap<SessionId, HashSet<u64>> = HashMap::new();
    let mut dropped: HashMap<SessionId, Vec<u64>> = HashMap::new();
    for session in project.store.sessions(i64::MIN)? {
        let rows = project.store.checkpoints(session.id)?;
        let numbers = rows.iter().map(|row| row.checkpoint.number);
        known.insert(session.id, numbers.collect());
        let old = old_ones(&session, &rows, (now_ms, before_ms));
        if !old.is_empty() {
            dropped.insert(session.id, old);
        }
    }
    let is_recorded = |session: &SessionId, number: u64| match known.get(session) {
        Some(numbers) => numbers.contains(&number),
        None => false,
    };
    let mut gone = dropped.values().map(|numbers| numbers.len() as u64).sum();
    for (session, numbers) in &dropped {
        if mode == Mode::Remove {
            let numbers = numbers.clone();
            let event = Event::CheckpointsDropped { numbers };
            let append =
                |tx: &mut crate::store::Tx<'_>| tx.append(Actor::Human, Some(*session), event);
            project.store.write(append)?;
        }
    }
    // The clock may have been set since: whoever works may still record what it kept.
    let running = project.store.jobs_in(JobState::Running)?;
    let at_work: HashSet<SessionId> = running.iter().map(|job| job.session_id).collect();
    for (session, kept) in refs {
        let is_dropped = dropped
            .get(&session)
            .is_some_and(|numbers| numbers.contains(&kept.number));
        let is_stray = !is_recorded(&session, kept.number)
            && !at_work.contains(&session)
            && is_stray(project, known.contains_key(&session), (&kept, now_ms))?;
        gone += u64::from(is_stray);
        if (is_dropped || is_stray) && mode == Mode::Remove {
            forget(&project.repo, &session, &kept)?;
        }
    }
    Ok(gone)
}

/// One of a session that is not known any more; or an old one, since whoever was to record it is dead.
fn is_stray(
    project: &Project,
    is_known: bool,
    (kept, now_ms): (&Checkpoint, i64),
) -> Result<bool, Failure> {
    if !is_known {
        return Ok(true);
    }
    let at = kept_at(&project.repo, &kept.commit)?;
    Ok((now_ms / 1000).saturating_sub(at) > RECORDED_AFTER)
}

fn old_ones(
    session: &SessionRow,
    rows: &[CheckpointRow],
    (now_ms, before_ms): (i64, i64),
) -> Vec<u64> {
    let has_landed = session.state.is_terminal() && session.landed_commit.is_some();
    if has_landed && session.updated_ms <= before_ms {
        return rows.iter().map(|row| row.checkpoint.number).collect();
    }
    let before = [None]
        .into_iter()
        .chain(rows.iter().map(|row| Some(&row.checkpoint)));
    let kept: Vec<Kept> = rows
        .iter()
        .zip(before)
        .map(|(row, before)| Kept {
            number: row.checkpoint.number,
            at_ms: row.at_ms,
            only_said: row.checkpoint.only_said_since(before),
        })
        .collect();
    thin(&kept, now_ms)
}
