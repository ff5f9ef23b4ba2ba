//! The order of a landing, and what each step leaves if the next one fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::LandError;
use super::gate;
use super::interrupted::{Interrupted, record, record_updated, settle};
use super::orphans::end_orphaned_gates;
use crate::cas::Cas;
use crate::fault::{self, Point};
use crate::git::{Git, Repo};
use crate::merge::{
    Beyond, LandingLock, MergeMethod, checkouts_of, publish, sync_plan, update_checkouts,
};
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, SessionId};
use crate::model::redact::Redactor;
use crate::model::session::SessionState;
use crate::proc::Launcher;
use crate::secrets::Vault;
use crate::sessions::locks::{LockError, release_all};
use crate::sessions::move_session;
use crate::store::{SessionRow, Store, StoreError, Tx};
use crate::workspace::{self, Keep, Sharing, Uncommitted, located};

/// How long a landing waits for another one to end. Gates are part of a landing.
const TURN: Duration = Duration::from_secs(3600);

/// What configuration says of landings.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Merge commit, one squashed commit, or the commits replayed.
    pub method: MergeMethod,
    /// What becomes of changes outside a session's scope.
    pub beyond: Beyond,
    /// Whether uncommitted work is committed first; otherwise it is refused.
    pub commit_uncommitted: bool,
    /// Gates of the repository, before those of the task.
    pub gates: Vec<crate::model::task::Command>,
    /// Where worktrees are.
    pub worktrees: PathBuf,
    /// Where supervisors keep their files.
    pub jobs: PathBuf,
    /// How many finished worktrees are kept for reuse.
    pub pool: usize,
    /// Name and address of the committer.
    pub identity: (String, String),
    /// What commands get of the person who started the runner.
    pub sharing: Sharing,
    /// Where secrets come from, and what is known of them. Gates get none.
    pub secrets: Vault,
    /// The longest a gate may take, in milliseconds.
    pub gate_timeout_ms: Option<u64>,
    /// From the polite to the forceful end, in milliseconds.
    pub grace_ms: u64,
}

/// What a landing works with.
pub struct Landing<'a> {
    /// The repository.
    pub repo: &'a Repo,
    /// Events and tables.
    pub store: &'a mut Store,
    /// Reports and outputs.
    pub cas: &'a Cas,
    /// Starts gates.
    pub launcher: &'a Launcher,
    /// What configuration says.
    pub policy: &'a Policy,
}

/// What landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landed {
    /// The branch, without `refs/heads/`.
    pub target: String,
    /// Where it was.
    pub from: CommitId,
    /// Where it is.
    pub to: CommitId,
    /// The paths that changed on it.
    pub changed: Vec<String>,
    /// Checkouts of the target that were brought up to date.
    pub checkouts: Vec<PathBuf>,
}

impl Landing<'_> {
    /// Lands a completed session's work. Only the compare-and-swap of the target is irrevocable;
    /// whatever fails before it leaves the target, its checkouts and the session's worktree.
    ///
    /// # Errors
    /// See [`LandError`]; a conflict also blocks the session and stores a report. After
    /// [`LandError::CheckoutBehind`] the work has landed all the same.
    pub fn land(&mut self, session: &SessionRow) -> Result<Landed, LandError> {
        let lock = LandingLock::acquire(&self.repo.state_dir(), TURN)?;
        end_orphaned_gates(self.store, &self.policy.jobs, &lock)?;
        if let Some(landed) = self.settle(&lock, session)? {
            return Ok(landed);
        }
        // While it waited for its turn, another process may have landed it.
        let now = self.store.session(session.id)?;
        let session = now.as_ref().unwrap_or(session);
        self.store.redact_with(self.redactor(session)?);
        match self.land_in_turn(&lock, session) {
            Ok(landed) => Ok(landed),
            Err(error) => {
                self.note_refusal(session, &error)?;
                Err(error)
            }
        }
    }

    /// An earlier landing of the same session that moved the target and could not say so.
    fn settle(
        &mut self,
        lock: &LandingLock,
        session: &SessionRow,
    ) -> Result<Option<Landed>, LandError> {
        let settled = settle(self.repo, self.store, lock)?;
        let is_this = |landing: &Interrupted| landing.session == session.id && !landing.recorded;
        let Some(settled) = settled.filter(|settled| is_this(&settled.landing)) else {
            return Ok(None);
        };
        let Interrupted {
            target, from, to, ..
        } = settled.landing;
        if self.has_further_work(session)? {
            return Err(LandError::FurtherWork {
                name: session.name.clone(),
                target,
                to,
            });
        }
        self.give_back(session)?;
        if let Some(source) = settled.behind {
            return Err(LandError::CheckoutBehind {
                name: session.name.clone(),
                target,
                to,
                source: Box::new(source),
            });
        }
        let changed = self.repo.changed_paths(&from, &to)?;
        Ok(Some(Landed {
            checkouts: checkouts_of(&self.repo.gix(), &format!("refs/heads/{target}"))?,
            changed: changed.iter().map(|c| c.path.to_string()).collect(),
            target,
            from,
            to,
        }))
    }

    /// What was left out is on the session's branch only, which goes in time.
    fn keep_rest(&mut self, session: &SessionRow, tip: &CommitId) -> Result<(), LandError> {
        let reference = workspace::save_commit(self.repo, &session.id, tip)?;
        let saved = Event::WorkspaceSalvaged {
            reference,
            commit: tip.clone(),
        };
        self.append(session, saved)
    }

    /// Whether somebody worked in the worktree after what landed.
    fn has_further_work(&self, session: &SessionRow) -> Result<bool, LandError> {
        let Some(place) = located(session) else {
            return Ok(false);
        };
        let taken = workspace::take_in(self.repo, &place, Uncommitted::Leave)?;
        Ok(taken.moved || workspace::dirty(self.repo, &place)?)
    }

    fn land_in_turn(
        &mut self,
        lock: &LandingLock,
        session: &SessionRow,
    ) -> Result<Landed, LandError> {
        refuse_unfinished(session)?;
        let tip = self.collect(session)?;
        let claim = self.hold(session, &tip)?;
        let target_ref = format!("refs/heads/{}", session.target);
        let onto = self
            .repo
            .branch_tip(&session.target)?
            .ok_or_else(|| LandError::NoTarget(session.target.clone()))?;
        let started = Event::LandingStarted {
            target: session.target.clone(),
            onto: onto.clone(),
        };
        self.append(session, started)?;

        let candidate = self.merge(session, onto.clone(), tip.clone(), &claim)?;
        let mut gates = self.policy.gates.clone();
        gates.extend(session.spec()?.gate);
        gate::check(self, session, &candidate, &gates)?;

        let git = self.repo.gix();
        let sync = sync_plan(&git, &target_ref, &candidate)?;
        let moving = Event::TargetMoving {
            target: session.target.clone(),
            from: onto.clone(),
            to: candidate.commit.clone(),
        };
        self.append_under(session, &claim, moving)?;
        fault::at(Point::LandingBegun).map_err(LockError::from)?;
        publish(
            &git,
            lock,
            &target_ref,
            &candidate,
            &format!("treeyard: land {}", session.name),
        )?;
        if fault::again(Point::LandingMoved).map_err(LockError::from)?
            && let Some(landed) = self.settle(lock, session)?
        {
            return Ok(landed);
        }
        let landing = Interrupted {
            session: session.id,
            target: session.target.clone(),
            from: onto.clone(),
            to: candidate.commit.clone(),
            recorded: false,
        };
        // The target has moved: its checkouts follow whatever becomes of the record.
        let recorded = record(self.store, &landing);
        fault::at(Point::LandingRecorded).map_err(LockError::from)?;
        let updated = update_checkouts(&sync, &run_git);
        recorded?;
        if updated.is_ok() {
            record_updated(self.store, &landing)?;
        }
        if self.policy.beyond == Beyond::LeaveOut {
            self.keep_rest(session, &tip)?;
        }
        self.give_back(session)?;
        if let Err(source) = updated {
            return Err(LandError::CheckoutBehind {
                name: session.name.clone(),
                target: session.target.clone(),
                to: candidate.commit,
                source: Box::new(source),
            });
        }
        Ok(Landed {
            target: session.target.clone(),
            from: onto,
            to: candidate.commit,
            changed: candidate.changed,
            checkouts: sync.checkouts,
        })
    }

    /// The worktree goes into the pool. What goes wrong here is not the landing's failure: the
    /// worktree stays, and `doctor` and `gc` look after it.
    fn give_back(&mut self, session: &SessionRow) -> Result<(), LandError> {
        let Some(place) = located(session) else {
            return Ok(());
        };
        let keep = Keep::Pool {
            max: self.policy.pool,
        };
        match workspace::release(self.repo, &place, &session.id, keep) {
            Ok(released) => released
                .events()
                .try_for_each(|event| self.append(session, event)),
            Err(error) => {
                tracing::warn!(session = %session.id, %error, "the worktree was not given back");
                Ok(())
            }
        }
    }

    /// A refusal is recorded, and what was to land by itself waits for a person then. What was not
    /// ready to be landed was not refused.
    fn note_refusal(&mut self, session: &SessionRow, error: &LandError) -> Result<(), LandError> {
        if matches!(
            error,
            LandError::Conflict { .. }
                | LandError::Store(_)
                | LandError::CheckoutBehind { .. }
                | LandError::NotComplete { .. }
        ) {
            return Ok(());
        }
        let code = error.code().id();
        let event = Event::LandingRefused {
            code: code.to_owned(),
            reason: error.to_string(),
        };
        let nothing = matches!(error, LandError::Nothing { .. });
        // Somebody may go on in a worktree that was adopted.
        let is_over = nothing && session.state != SessionState::Active;
        let blocks = error.is_proof() || session.auto_land && !nothing;
        let why = format!("not landed ({code}): {error}");
        self.store
            .write(|tx| refused(tx, session.id, event, (is_over, blocks), &why))?;
        Ok(())
    }

    /// For what the landing prints and reports. What was passed to the session's jobs is in it only
    /// when they put it there, so that a value that cannot be had does not stop the landing.
    pub(super) fn redactor(&self, session: &SessionRow) -> Result<Redactor, LandError> {
        let names = session.spec()?.secrets;
        let known = self.policy.secrets.redactor(&names);
        Ok(known.unwrap_or_else(|error| {
            tracing::warn!(%error, "what the landing prints is redacted by patterns alone");
            Redactor::patterns()
        }))
    }

    pub(super) fn append(&mut self, session: &SessionRow, event: Event) -> Result<(), LandError> {
        self.store
            .write(|tx| tx.append(Actor::System, Some(session.id), event).map(drop))?;
        Ok(())
    }
}

/// Records that a session did not land. Nothing is left of one that `is_over`; one that it `blocks` waits for a person.
///
/// # Errors
/// The store's refusal.
pub fn refused(
    tx: &mut Tx<'_>,
    session: SessionId,
    event: Event,
    (is_over, blocks): (bool, bool),
    why: &str,
) -> Result<(), StoreError> {
    tx.append(Actor::System, Some(session), event)?;
    if is_over {
        release_all(tx, Actor::System, session, "nothing was left to land")?;
    }
    let (from, to) = (SessionState::Completed, SessionState::Blocked);
    match tx.session(session)? {
        Some(now) if blocks && now.state == from => {
            move_session(tx, Actor::System, session, from, to, why)
        }
        _ => Ok(()),
    }
}

/// Whether a session's work is there to be landed.
///
/// # Errors
/// [`LandError::Nothing`] and [`LandError::NotComplete`].
pub fn refuse_unfinished(session: &SessionRow) -> Result<(), LandError> {
    let refused_before = session.state == SessionState::Blocked && session.landing_code.is_some();
    let is_done_elsewhere = session.is_adopted() && session.state == SessionState::Active;
    if session.landed_commit.is_some() {
        return Err(LandError::Nothing {
            name: session.name.clone(),
            target: session.target.clone(),
        });
    }
    if session.state == SessionState::Completed || refused_before || is_done_elsewhere {
        return Ok(());
    }
    Err(LandError::NotComplete {
        name: session.name.clone(),
        state: session.state.name(),
    })
}

pub(super) fn run_git(dir: &Path, args: &[&str]) -> Result<(), String> {
    Git::in_checkout(dir)
        .args(args)
        .run()
        .map(drop)
        .map_err(|error| error.to_string())
}
