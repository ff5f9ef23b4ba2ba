//! A model's run once more, against what is on record of it: its answers and what programs said come from there, tools
//! that follow from the files alone run for real in a worktree of their own, and everything is compared.

mod difference;
mod files;
mod live;
mod record;
mod requests;
mod tools;
mod walk;

pub use difference::Divergence;
pub use live::go_on;
pub use record::{FilesThen, Gap, Record};
pub use walk::Report;

use self::walk::{Bench, Replay};
use super::control::refuse_at_work;
use super::failure::Failure;
use super::inside;
use super::project::Project;
use super::setup::runner_config;
use crate::model::code::Code;
use crate::model::ids::SessionId;
use crate::model::job::JobState;
use crate::runner::Config;
use crate::store::SessionRow;
use crate::workspace::{self, GATE, Isolation, Located, create, discard};

/// Runs it once more.
///
/// # Errors
/// A session without a model or at work; a record that is damaged; or when it is asked from inside of a session.
pub fn replay(project: &Project, session: &SessionRow) -> Result<Report, Failure> {
    let record = read(project, session)?;
    replay_record(project, session, &record)
}

/// The same with a record that was read before.
///
/// # Errors
/// As of [`replay`].
pub fn replay_record(
    project: &Project,
    session: &SessionRow,
    record: &Record,
) -> Result<Report, Failure> {
    with_scratch(project, session, record, |replay, _| {
        Ok(replay.run(u32::MAX)?.report)
    })
}

/// What is on record, if the session may be replayed now.
fn read(project: &Project, session: &SessionRow) -> Result<Record, Failure> {
    inside::refuse_session("a session does not read threads, neither its own nor another's")?;
    refuse_without_model(session)?;
    refuse_at_work(project, session, &[JobState::Running])?;
    project.store.verify_chain()?;
    Record::read(project, session)
}

fn refuse_without_model(session: &SessionRow) -> Result<(), Failure> {
    match session.spec()?.run.model() {
        Some(_) => Ok(()),
        None => {
            let message = format!("{} has no model", session.name);
            let hint = "`treeyard retry S` runs a command again";
            Err(Failure::new(Code::SessionState, message).hint(hint))
        }
    }
}

/// In a worktree that is gone afterwards, whatever comes of it.
fn with_scratch<T>(
    project: &Project,
    session: &SessionRow,
    record: &Record,
    work: impl FnOnce(Replay<'_>, &Located) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let config = runner_config(project, &project.settings)?;
    let place = scratch(project, &config, session)?;
    let bench = Bench {
        project,
        session,
        config: &config,
        place: &place,
    };
    let done = Replay::begin(bench, record).and_then(|replay| work(replay, &place));
    discard(&project.repo, &place.path)?;
    done
}

/// A worktree of its own; what a crash leaves of it goes with those of gates.
fn scratch(project: &Project, config: &Config, session: &SessionRow) -> Result<Located, Failure> {
    let base = session.base.as_ref().ok_or_else(|| {
        Failure::new(
            Code::SessionState,
            format!("{} has not begun", session.name),
        )
    })?;
    let made = create(&workspace::Request {
        repo: &project.repo,
        root: &config.policy.worktrees,
        name: GATE,
        short_id: &SessionId::new().short(),
        base,
        isolation: Isolation::Private,
        identity: (&config.policy.identity.0, &config.policy.identity.1),
        include: false,
        hooks: None,
    })?;
    Ok(made.located())
}
