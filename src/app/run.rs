//! Being the runner in the foreground, for one submission.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::awaits::{awaits, word_for};
use super::failure::Failure;
use super::follow::{follow, while_following};
use super::project::Project;
use super::setup::runner_config;
use super::submit::Submitted;
use super::waiting::Outlook;
use crate::config::Settings;
use crate::model::code::Code;
use crate::model::event::{Actor, Record};
use crate::model::ids::{PlanId, SessionId};
use crate::model::job::Outcome;
use crate::model::session::SessionState;
use crate::proc::{Wake, runner_owner};
use crate::runner::{Runner, RunnerError, Until};
use crate::sessions;
use crate::store::{SessionRow, Store, StoreError};

/// How a foreground run ended.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The sessions in the order of the plan, as they are now.
    pub sessions: Vec<SessionRow>,
    /// How the sessions that failed did so.
    pub failures: Vec<Code>,
    /// Why those that did not begin still wait.
    pub waiting: HashMap<SessionId, String>,
    /// What a person can type for those whose models wait for one.
    pub words: Vec<String>,
    /// Whether the person interrupted it.
    pub interrupted: bool,
}

/// Runs a submission to its end: in this process, or by the runner that is active already. Every
/// event meanwhile is handed to `report`.
///
/// # Errors
/// What keeps a runner from starting or going on.
pub fn run(
    project: Project,
    submitted: &Submitted,
    report: &mut (dyn FnMut(&Record) + Send),
) -> Result<Ran, Failure> {
    let state_dir = project.repo.state_dir();
    let plan = submitted.plan_id;
    let interrupted = AtomicBool::new(false);
    let interrupt = interruptions(&state_dir, plan, &interrupted);
    let (until, settings) = (Until::Done(plan), &submitted.settings);
    let before = submitted.before_seq;
    let outlook = to_rest((project, settings), (until, before), report, interrupt)
        .map_err(left_on_a_full_disk)?;
    let store = Store::open(&state_dir)?;
    let sessions = store.plan_sessions(plan)?;
    Ok(Ran {
        waiting: outlook.reasons(&store)?,
        words: words(&store, &sessions)?,
        failures: failures(&store, &sessions)?,
        sessions,
        interrupted: interrupted.load(Ordering::Acquire),
    })
}

/// Doing the same again would submit it twice.
fn left_on_a_full_disk(failure: Failure) -> Failure {
    match failure.code {
        Code::DiskFull => failure
            .hint("free space, `treeyard gc` can help")
            .hint("what was submitted is on record: `treeyard up` goes on with it"),
        _ => failure,
    }
}

/// Goes on until nothing is left to do: in this process, or by the runner that is active already. `told` is how far
/// the log was read.
pub(super) fn to_rest(
    (project, settings): (Project, &Settings),
    (until, mut told): (Until, u64),
    report: &mut (dyn FnMut(&Record) + Send),
    interrupt: impl Future<Output = &'static str>,
) -> Result<Outlook, Failure> {
    let state_dir = project.repo.state_dir();
    let has_runner = || runner_owner(&state_dir).is_some();
    // The one that is active may end before these tasks do, as one of another `run` does.
    let outlook = Outlook::new(&project.repo, settings);
    let is_at_rest = |store: &Store| -> Result<bool, StoreError> {
        let waits = outlook.waits_for_locks(store)?;
        match until {
            Until::Stopped => Ok(false),
            Until::Done(plan) => sessions::is_at_rest(store, plan, &waits),
            Until::Rests(session) => sessions::is_session_at_rest(store, session, &waits),
        }
    };
    let ends = |store: &Store| Ok(is_at_rest(store)? || !has_runner());
    // Without one it may look at rest, and what an earlier runner left still be settled by a new one.
    let mut left = true;
    if has_runner() {
        told = follow(&state_dir, told, &ends, report)?;
        left = !is_at_rest(&project.store)?;
    }
    if left {
        let config = runner_config(&project, settings)?;
        let serve = async {
            let mut runner = Runner::start(project.repo, config, project.store, project.cas)?;
            runner.serve(until, interrupt).await
        };
        while_following(&state_dir, told, report, || block_on(serve))?;
    }
    Ok(outlook)
}

fn words(store: &Store, sessions: &[SessionRow]) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    for session in sessions {
        let stop = awaits(store, session)?;
        words.extend(stop.map(|stop| word_for(session, &stop)));
    }
    Ok(words)
}

fn failures(store: &Store, sessions: &[SessionRow]) -> Result<Vec<Code>, Failure> {
    let mut codes = Vec::new();
    for session in sessions
        .iter()
        .filter(|row| row.state == SessionState::Failed)
    {
        let jobs = store.jobs_of(session.id)?;
        let last = jobs.iter().rev().find_map(|job| job.outcome.as_ref());
        codes.push(match last {
            Some(Outcome::TimedOut) => Code::JobTimeout,
            Some(Outcome::OverLimit { .. }) => Code::JobLimit,
            // What kept the runner from starting it has a code; else the program was not found.
            Some(Outcome::NotStarted { error }) => {
                let code = error.split(':').next().and_then(Code::of_id);
                code.unwrap_or(Code::ProgramMissing)
            }
            _ => Code::JobFailed,
        });
    }
    Ok(codes)
}

pub(super) fn block_on<T>(
    work: impl Future<Output = Result<T, RunnerError>>,
) -> Result<T, Failure> {
    // One thread waits for everything; what is slow runs beside it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RunnerError::from)?;
    let result = runtime.block_on(work);
    // A worktree that is being made when the runner stops is not waited for: recovery clears it.
    runtime.shutdown_timeout(Duration::from_millis(200));
    Ok(result?)
}

/// The first interrupt cancels the submission and lets it end in order; the second one stops.
async fn interruptions(state_dir: &Path, plan: PlanId, interrupted: &AtomicBool) -> &'static str {
    let _ = tokio::signal::ctrl_c().await;
    interrupted.store(true, Ordering::Release);
    if let Err(error) = cancel_plan(state_dir, plan) {
        tracing::warn!(%error, "the sessions were not cancelled");
    }
    Wake::notify(state_dir);
    let _ = tokio::signal::ctrl_c().await;
    "interrupted twice"
}

fn cancel_plan(state_dir: &Path, plan: PlanId) -> Result<(), Failure> {
    let mut store = Store::open(state_dir)?;
    let plan: Vec<SessionId> = store
        .plan_sessions(plan)?
        .iter()
        .map(|session| session.id)
        .collect();
    let reason = "interrupted by the operator";
    sessions::cancel_all(&mut store, &plan, Actor::Human, reason)?;
    Ok(())
}

/// Waits until `condition`, at most `limit`; whether it came.
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if condition() {
            return true;
        }
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
