//! What the end of a job means for its session. Pure: the loop around it does the writing.

use crate::model::job::{JobKind, Outcome, vanished};
use crate::model::run::{Stop, Verdict};
use crate::model::session::SessionState;
use crate::model::task::{OnCrash, TaskSpec};
use crate::store::JobRow;

/// What follows a job that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: the session is not at work any more, or a gate ended.
    Rest,
    /// The session's next job, or its end when none is queued.
    GoOn,
    /// The same command again after this many milliseconds.
    Retry {
        /// The wait.
        wait_ms: u64,
    },
    /// The same command again, because its supervisor vanished.
    RunAgain,
    /// A person decides.
    Pause(String),
    /// The session fails.
    Fail(String),
}

pub(super) fn after(
    job: &JobRow,
    (outcome, stop): (&Outcome, Option<&Stop>),
    session: SessionState,
    task: &TaskSpec,
) -> Next {
    if job.kind == JobKind::Gate || session.is_terminal() {
        return Next::Rest;
    }
    // It had said all that it had to say before its process died.
    if stop.is_some_and(|stop| !matches!(stop.verdict(), Verdict::Fail | Verdict::Cancel)) {
        return Next::GoOn;
    }
    // A model that is told to stop knows nothing of the limit that it reached.
    let ended_itself = matches!(outcome, Outcome::Exited { .. } | Outcome::Cancelled);
    let stop = stop.filter(|stop| ended_itself || **stop != Stop::Cancelled);
    match outcome {
        Outcome::Exited { code: 0 } => Next::GoOn,
        Outcome::Lost { why } => match (task.on_crash, vanished(why.as_deref())) {
            (OnCrash::Ask, what) => Next::Pause(format!("crash_recovery: {what}")),
            (OnCrash::Resume, _) => Next::RunAgain,
            (OnCrash::Fail, what) => Next::Fail(what),
        },
        // A command line that cannot start will not start later either.
        Outcome::NotStarted { .. } | Outcome::Cancelled => Next::Fail(because(job, outcome, stop)),
        _ if stop.is_some_and(|stop| !stop.may_pass()) => Next::Fail(because(job, outcome, stop)),
        _ => match task.retries.wait_before(job.attempt + 1) {
            Some(wait_ms) => Next::Retry { wait_ms },
            None => Next::Fail(because(job, outcome, stop)),
        },
    }
}

/// A model says itself why it stopped.
fn because(job: &JobRow, outcome: &Outcome, stop: Option<&Stop>) -> String {
    let what = match job.kind {
        JobKind::Setup => "setup",
        JobKind::Command => "run",
        JobKind::ModelRun => "its model",
        JobKind::Gate => "gate",
    };
    let tries = if job.attempt > 1 {
        format!(" (attempt {})", job.attempt)
    } else {
        String::new()
    };
    let how = stop.map_or_else(|| outcome.describe(), Stop::describe);
    format!("{what} {how}{tries}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{JobId, SessionId};
    use crate::model::job::JobState;
    use crate::model::task::{Backoff, Command, Retries};

    fn job(attempt: u32) -> JobRow {
        JobRow {
            id: JobId::new(),
            session_id: SessionId::new(),
            kind: JobKind::Command,
            position: 0,
            attempt,
            command: Command::Shell("x".into()).into(),
            state: JobState::Running,
            not_before_ms: 0,
            queued_ms: 0,
            started_ms: None,
            ended_ms: None,
            duration_ms: None,
            outcome: None,
            output: None,
        }
    }

    fn task(max: u32, on_crash: OnCrash) -> TaskSpec {
        TaskSpec {
            retries: Retries {
                max,
                backoff: Backoff::Fixed,
                base_ms: 7,
            },
            on_crash,
            ..TaskSpec::sample("t", "x")
        }
    }

    #[test]
    fn every_end_has_its_consequence() {
        let active = SessionState::Active;
        let failed = Outcome::Exited { code: 3 };
        let ask = task(1, OnCrash::Ask);
        let answer = |job: &JobRow, outcome: &Outcome, task: &TaskSpec| {
            after(job, (outcome, None), active, task)
        };
        assert_eq!(
            answer(&job(1), &Outcome::Exited { code: 0 }, &ask),
            Next::GoOn
        );
        assert_eq!(answer(&job(1), &failed, &ask), Next::Retry { wait_ms: 7 });
        assert_eq!(
            answer(&job(2), &failed, &ask),
            Next::Fail("run exited with 3 (attempt 2)".into())
        );
        assert!(matches!(
            answer(&job(1), &Outcome::LOST, &ask),
            Next::Pause(_)
        ));
        assert_eq!(
            answer(&job(1), &Outcome::LOST, &task(0, OnCrash::Resume)),
            Next::RunAgain
        );
        assert!(matches!(
            answer(&job(1), &Outcome::LOST, &task(0, OnCrash::Fail)),
            Next::Fail(_)
        ));
        let missing = Outcome::NotStarted {
            error: "no such program".into(),
        };
        assert!(matches!(answer(&job(1), &missing, &ask), Next::Fail(_)));
        assert_eq!(
            after(&job(1), (&failed, None), SessionState::Cancelled, &ask),
            Next::Rest
        );
    }

    #[test]
    fn a_model_is_called_again_when_that_may_help() {
        let model = JobRow {
            kind: JobKind::ModelRun,
            ..job(1)
        };
        let failed = |kind: &str| {
            let stop = Stop::Provider {
                kind: kind.to_owned(),
                message: "no".to_owned(),
            };
            let outcome = Outcome::Exited { code: 1 };
            let task = task(1, OnCrash::Ask);
            after(&model, (&outcome, Some(&stop)), SessionState::Active, &task)
        };
        assert_eq!(failed("overloaded"), Next::Retry { wait_ms: 7 });
        assert_eq!(
            failed("auth"),
            Next::Fail("its model got no answer (auth): no".into())
        );
    }
}
