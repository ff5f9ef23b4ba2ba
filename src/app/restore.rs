//! Putting a session's files, and its thread, back to one of its checkpoints.
//!
//! What there is before is kept first, then the files are put back, and then both are recorded together with what
//! becomes of the thread. Whoever is cut short in between says it again, and that finishes it.

use std::collections::BTreeSet;
use std::time::Duration;

use gix::bstr::BString;

use super::checkpoints::{find, refusal};
use super::control::lease;
use super::failure::Failure;
use super::inside;
use super::project::Project;
use super::thread::thread_of;
use crate::merge::LandingLock;
use crate::model::checkpoint::{Cause, Checkpoint};
use crate::model::session::SessionState;
use crate::model::thread::Next;
use crate::proc::Wake;
use crate::sessions::{PutBack, ThreadBack, Unfit, is_fit_to_restore, put_back};
use crate::store::{CheckpointRow, MessageRow, SessionRow};
use crate::workspace::snapshot::{self, Kind, ignored_of, worktree_difference};
use crate::workspace::{self, Located, Point, checkpoint, located};

/// What is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// To which checkpoint; the last one without.
    pub number: Option<u64>,
    /// The files, and not the thread.
    pub files_only: bool,
    /// Nothing is: it is only said what would be.
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The session as it is then.
    pub session: SessionRow,
    /// To which checkpoint.
    pub to: CheckpointRow,
    /// The one with what there was before. Nothing when everything was so already, or nothing was done.
    pub saved: Option<u64>,
    /// One with what there was before an earlier time, which was cut short.
    pub earlier: Option<u64>,
    /// Files that were written.
    pub written: Vec<String>,
    /// Files that were removed.
    pub removed: Vec<String>,
    /// Files that could be neither.
    pub left: Vec<String>,
    /// What became of its thread, if it is put back too.
    pub thread: Option<Messages>,
    /// Whether it has commits that it did not have then, or the other way round: they stay.
    pub commits_differ: bool,
}

/// What becomes of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Messages {
    /// How many the thread has then.
    pub kept: usize,
    /// How many are not in it any more.
    pub taken_back: usize,
    /// How many are in it again.
    pub brought_back: usize,
    /// Whether its model has something to do then.
    pub goes_on: bool,
}

impl Messages {
    fn changes(self) -> bool {
        self.taken_back + self.brought_back > 0
    }
}

/// What there is to do.
struct Look {
    place: Located,
    written: Vec<String>,
    removed: Vec<String>,
    thread: Option<Messages>,
    /// The checkpoint that an earlier time kept and did not get further from.
    unfinished: Option<u64>,
}

/// Puts a session back, or says what that would do.
///
/// # Errors
/// Something may change its files meanwhile, or they are not treeyard's to put back; there is no such checkpoint; or
/// when it is asked from inside of a session.
pub fn restore(
    project: &mut Project,
    session: &SessionRow,
    wanted: Wanted,
) -> Result<Restored, Failure> {
    inside::refuse_session("a session does not put itself back, nor another")?;
    let fit = is_fit_to_restore(session, &project.store.jobs_of(session.id)?);
    fit.map_err(|why| refusal(session, why))?;
    let _no_landing = hold_landings(project, session)?;
    let to = find(project, session, wanted.number)?;
    let look = look(project, session, &to.checkpoint, wanted.files_only)?;
    let head = workspace::head(&project.repo, &look.place);
    let then = to.checkpoint.head.clone();
    let mut restored = Restored {
        session: session.clone(),
        saved: None,
        earlier: None,
        written: look.written.clone(),
        removed: look.removed.clone(),
        left: Vec::new(),
        thread: look.thread,
        commits_differ: then.is_some() && head.is_some() && then != head,
        to,
    };
    let is_done = look.written.is_empty() && look.removed.is_empty();
    let is_so = is_done && !look.thread.is_some_and(Messages::changes);
    if wanted.dry_run || is_so && look.unfinished.is_none() {
        return Ok(restored);
    }
    let saved = match look.unfinished {
        Some(number) if is_done => number,
        _ => save(project, session, &restored.to.checkpoint)?,
    };
    restored.saved = Some(saved);
    restored.earlier = look.unfinished.filter(|number| *number != saved);
    put_files_back(project, &look.place, &mut restored)
        .map_err(|failure| cut_short(failure, session, saved))?;
    record(project, session, &restored)?;
    Wake::notify(&project.repo.state_dir());
    restored.session = project.session(&session.id.to_string())?;
    Ok(restored)
}

/// Each file is as it was or as it is to be, and nothing that was there is lost.
fn cut_short(failure: Failure, session: &SessionRow, saved: u64) -> Failure {
    let (id, why) = (session.id.short(), failure.code.hint());
    let rest = format!(
        "some files may be put back already, others not: say the same again to finish it, or `treeyard restore {id} --at {saved}` to undo it"
    );
    failure.hint(why).hint(rest)
}

/// Finished work may be landed at any moment, by a runner too.
fn hold_landings(project: &Project, session: &SessionRow) -> Result<Option<LandingLock>, Failure> {
    let may_land = match session.state {
        SessionState::Completed => true,
        SessionState::Blocked => session.landing_code.is_some(),
        _ => false,
    };
    if !may_land {
        return Ok(None);
    }
    let lock = LandingLock::acquire(&project.repo.state_dir(), Duration::ZERO);
    let lock = lock.map_err(|_| refusal(session, Unfit::Landing))?;
    Ok(Some(lock))
}

fn look(
    project: &Project,
    session: &SessionRow,
    to: &Checkpoint,
    files_only: bool,
) -> Result<Look, Failure> {
    let place = located(session).ok_or_else(|| refusal(session, Unfit::NoWorktree))?;
    let differences = worktree_difference(&project.repo, &place, &to.commit)?;
    // They are told from the checkpoint on: what is new since is removed.
    let is_new = |kind| kind == Kind::Added;
    let (removed, written): (Vec<_>, Vec<_>) =
        differences.into_iter().partition(|one| is_new(one.kind));
    let paths = |all: Vec<snapshot::Difference>| all.into_iter().map(|one| one.path);
    let has_model = session.spec()?.run.model().is_some();
    let thread = match has_model && !files_only {
        true => Some(messages(project, session, to)?),
        false => None,
    };
    let last = project.store.last_checkpoint(session.id)?;
    let last = last.filter(|row| row.checkpoint.cause == Cause::Restoring);
    let done = project.store.last_saved(session.id)?.unwrap_or(0);
    let unfinished = last.map(|row| row.checkpoint.number);
    Ok(Look {
        written: texts(paths(written)),
        removed: texts(paths(removed)),
        thread,
        unfinished: unfinished.filter(|number| *number > done),
        place,
    })
}

fn messages(project: &Project, session: &SessionRow, to: &Checkpoint) -> Result<Messages, Failure> {
    let then = project
        .store
        .messages_to(session.id, to.message_thread_tail_id)?;
    let now = project.store.messages(session.id, 0)?;
    let places = |rows: &[MessageRow]| rows.iter().map(|row| row.seq).collect::<BTreeSet<_>>();
    let (is, will_be) = (places(&now), places(&then));
    Ok(Messages {
        kept: then.len(),
        taken_back: is.difference(&will_be).count(),
        brought_back: will_be.difference(&is).count(),
        goes_on: thread_of(project, then)?.next() != Next::Rest,
    })
}

/// Keeps what there is, and gives the number of the checkpoint that has it. All that may be written or removed is in it: of
/// the ignored files those of the checkpoint `to` too.
fn save(project: &mut Project, session: &SessionRow, to: &Checkpoint) -> Result<u64, Failure> {
    let theirs = ignored_of(&project.repo, &to.commit)?;
    let both = project.settings.ignored_in_checkpoints().with(&theirs);
    let point = Point::new(Cause::Restoring, &both.unwrap_or(theirs));
    let taken = checkpoint(&project.repo, &mut project.store, session, point)?;
    let number = match taken {
        Some(taken) => Some(taken.number),
        None => {
            let last = project.store.last_checkpoint(session.id)?;
            last.map(|row| row.checkpoint.number)
        }
    };
    number.ok_or_else(|| refusal(session, Unfit::NoWorktree))
}

fn put_files_back(
    project: &Project,
    place: &Located,
    restored: &mut Restored,
) -> Result<(), Failure> {
    let done = snapshot::restore(&project.repo, place, &restored.to.checkpoint.commit)?;
    restored.written = texts(done.written);
    restored.removed = texts(done.removed);
    restored.left = texts(done.left);
    Ok(())
}

fn record(project: &mut Project, session: &SessionRow, done: &Restored) -> Result<(), Failure> {
    let to = &done.to.checkpoint;
    let thread = match done.thread.filter(|messages| messages.changes()) {
        Some(messages) => Some(ThreadBack {
            to: to.message_thread_tail_id,
            goes_on: messages.goes_on,
            lease: lease(&project.settings)?,
        }),
        None => None,
    };
    let back = PutBack {
        number: to.number,
        saved: done.saved.unwrap_or(to.number),
        thread,
    };
    put_back(&mut project.store, session, &back)?;
    Ok(())
}

fn texts(paths: impl IntoIterator<Item = BString>) -> Vec<String> {
    paths.into_iter().map(|path| path.to_string()).collect()
}
