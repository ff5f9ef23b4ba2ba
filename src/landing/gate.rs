//! The gate: checks on the merged tree, in a worktree of its own.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::LandError;
use super::land::Landing;
use crate::merge::Candidate;
use crate::model::event::{Actor, Event};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::redact::Findings;
use crate::model::task::Command;
use crate::proc::{Ended, JobSpec, ProcError, Supervisor, job_dir, sweep};
use crate::secrets::keep_output;
use crate::sessions::{JobEnd, record_end, take_out};
use crate::store::SessionRow;
use crate::workspace::{self, Bounds, Isolation, Keep, Request, Workspace, equip};

/// Runs every gate command in its order; the first that fails ends it.
pub(super) fn check(
    landing: &mut Landing<'_>,
    session: &SessionRow,
    candidate: &Candidate,
    gates: &[Command],
) -> Result<(), LandError> {
    if gates.is_empty() {
        return Ok(());
    }
    // Its own id: the gate's worktree and branch are not the session's.
    let id = SessionId::new();
    let place = workspace::create(&Request {
        repo: landing.repo,
        root: &landing.policy.worktrees,
        name: workspace::GATE,
        short_id: &id.short(),
        base: &candidate.commit,
        isolation: Isolation::Private,
        identity: (&landing.policy.identity.0, &landing.policy.identity.1),
        include: true,
        hooks: None,
    })?;
    let verdict = run_all(landing, session, &place, gates);
    let released = workspace::release(
        landing.repo,
        &place.located(),
        &id,
        Keep::Pool {
            max: landing.policy.pool,
        },
    );
    if released.is_ok() {
        // What a gate leaves in its worktree is nobody's work, and its branch points at a
        // candidate that may never land.
        let _ = landing
            .repo
            .delete_ref(&place.branch, crate::git::Expected::Any);
        let saved = format!("refs/treeyard/salvage/{id}");
        let _ = landing.repo.delete_ref(&saved, crate::git::Expected::Any);
    }
    verdict
}

fn run_all(
    landing: &mut Landing<'_>,
    session: &SessionRow,
    place: &Workspace,
    gates: &[Command],
) -> Result<(), LandError> {
    for (position, command) in gates.iter().enumerate() {
        run_one(landing, session, place, command, position as u32)?;
    }
    Ok(())
}

fn run_one(
    landing: &mut Landing<'_>,
    session: &SessionRow,
    place: &Workspace,
    command: &Command,
    position: u32,
) -> Result<(), LandError> {
    let job_id = JobId::new();
    let queued = Event::JobQueued {
        job_id,
        kind: JobKind::Gate,
        // After every job of the session itself.
        position: 1_000_000 + position,
        attempt: 1,
        command: command.clone().into(),
        not_before_ms: 0,
    };
    landing.store.write(|tx| {
        tx.append(Actor::System, Some(session.id), queued)?;
        tx.append(
            Actor::System,
            Some(session.id),
            Event::JobDispatched { job_id },
        )
    })?;
    let dir = job_dir(&landing.policy.jobs, job_id);
    let extra = BTreeMap::from([
        ("TREEYARD_SESSION".to_owned(), session.id.to_string()),
        ("TREEYARD_TASK".to_owned(), session.name.clone()),
    ]);
    let task = session.spec()?;
    let (repo, sharing) = (landing.repo, &landing.policy.sharing);
    let bounds = Bounds {
        unconfined: task.unconfined.as_deref(),
        scope: None,
    };
    let equipment = equip(repo, &place.located(), sharing, extra, bounds)?;
    let spec = JobSpec {
        argv: command.argv(),
        cwd: place.path.clone(),
        confinement: equipment.confinement,
        budget: equipment.budget,
        env: equipment.env,
        timeout_ms: landing.policy.gate_timeout_ms,
        grace_ms: landing.policy.grace_ms,
        runner_dir: None,
        door: None,
    };
    let ended = match landing.launcher.spawn(&dir, &spec) {
        Ok(supervisor) => watch(&supervisor, &dir),
        Err(error) => Gate::not_started(&error),
    };
    record(landing, session, job_id, &dir, command, &ended)
}

/// How a gate ended, and how many milliseconds it ran.
struct Gate {
    outcome: Outcome,
    duration_ms: u64,
}

impl Gate {
    fn not_started(error: &ProcError) -> Self {
        Self {
            outcome: Outcome::NotStarted {
                error: error.to_string(),
            },
            duration_ms: 0,
        }
    }
}

fn watch(supervisor: &Supervisor, dir: &Path) -> Gate {
    let ended = supervisor.wait_blocking().unwrap_or_else(|error| {
        tracing::warn!(%error, "how a gate ended is not known");
        Ended::unknown(&error)
    });
    if ended.is_lost()
        && let Err(error) = sweep(dir)
    {
        tracing::warn!(%error, "a lost gate left processes");
    }
    Gate {
        outcome: ended.outcome(),
        duration_ms: ended.duration_ms(),
    }
}

fn record(
    landing: &mut Landing<'_>,
    session: &SessionRow,
    job_id: JobId,
    dir: &Path,
    command: &Command,
    ended: &Gate,
) -> Result<(), LandError> {
    let redactor = landing.redactor(session)?;
    let stored = keep_output(landing.cas, dir, || Ok(redactor));
    // Output that the store could not take is only there.
    let kept = stored.is_ok();
    let stored = stored.ok().flatten();
    let output = stored.as_ref().map(|kept| kept.stored.hash.clone());
    landing.store.write(|tx| {
        let end = JobEnd {
            outcome: &ended.outcome,
            duration_ms: ended.duration_ms,
            output: stored.as_ref().map(|kept| (&kept.stored, "gate_output")),
            redacted: stored
                .as_ref()
                .map_or_else(Findings::default, |kept| kept.redacted.clone()),
        };
        record_end(tx, session.id, job_id, &end)?;
        match tx.job(job_id)? {
            // A person who resumes the session does not resume the landing.
            Some(job) if job.state == JobState::Stalled => {
                take_out(tx, Actor::System, &job, "the landing begins anew")
            }
            _ => Ok(()),
        }
    })?;
    if kept {
        let _ = std::fs::remove_dir_all(dir);
    }
    if ended.outcome.is_success() {
        return Ok(());
    }
    Err(LandError::Gate {
        command: command.to_string(),
        how: ended.outcome.describe(),
        output,
    })
}
