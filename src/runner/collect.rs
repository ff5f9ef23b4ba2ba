//! Taking in the work of a session whose every job has ended.

use super::checkpoint::record;
use super::error::RunnerError;
use super::serve::{Notice, Runner};
use crate::landing::{LandError, beyond_claim, commit_message, located};
use crate::merge::MergeError;
use crate::model::checkpoint::Cause;
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, SessionId};
use crate::model::limit::Claim;
use crate::model::session::SessionState;
use crate::sessions::locks::release_all;
use crate::sessions::move_session;
use crate::store::{SessionRow, StoreError, Tx};
use crate::workspace::{self, Health, Keep, Point, Released, Uncommitted};

/// A finished session's work as the repository has it.
pub(super) struct Collected {
    pub tip: CommitId,
    pub moved: bool,
    /// What it changed without having claimed it.
    pub beyond: Option<MergeError>,
    /// What is not as it was made of its own git files.
    pub changed: Option<Health>,
    /// Whether the worktree was given back at once, because it held no work; and into the pool.
    pub released: Option<Released>,
}

impl Runner {
    /// Sessions that were paused while their last command ran, or whose runner died right after it.
    pub(super) fn collect_finished(&mut self) -> Result<(), RunnerError> {
        for row in self.store.finished_but_active()? {
            if !self.active.contains_key(&row.id) {
                self.collect(&row)?;
            }
        }
        Ok(())
    }

    /// Brings the finished work into the repository, off this thread. A worktree that holds no
    /// work is given back at once.
    pub(super) fn collect(&mut self, row: &SessionRow) -> Result<(), RunnerError> {
        let Some(place) = located(row) else {
            self.free(row.id);
            return Ok(());
        };
        // Its group and its model are free for others: nothing of it runs any more.
        self.hold(row.id, Claim::default());
        let (repo, id) = (self.repo.clone(), row.id);
        let session = row.clone();
        let identity = self.store.identity_of(id)?;
        let commit = self.config.policy.commit_uncommitted;
        let keep = Keep::Pool {
            max: self.config.policy.pool,
        };
        let chosen = self.config.checkpoints.clone();
        self.elsewhere(id, move || {
            let work = || -> Result<Collected, LandError> {
                // What git ignores comes onto no branch, and goes with the worktree.
                if chosen.is_on && !chosen.ignored.patterns().is_empty() {
                    record(&repo, id, Point::new(Cause::JobEnded, &chosen.ignored));
                }
                let message = commit_message(&session, identity);
                let uncommitted = match commit {
                    true => Uncommitted::Commit(&message),
                    false => Uncommitted::Leave,
                };
                let health = workspace::inspect(&repo, &place)?;
                let imported = workspace::take_in(&repo, &place, uncommitted)?;
                let idle = commit && imported.new == place.base;
                let released = match idle {
                    true => Some(workspace::release(&repo, &place, &id, keep)?),
                    false => None,
                };
                Ok(Collected {
                    beyond: beyond_claim(&repo, &session, &imported.new)?,
                    tip: imported.new,
                    moved: imported.moved,
                    changed: Some(health).filter(|health| *health != Health::Ok),
                    released,
                })
            };
            Notice::Collected(id, work())
        });
        Ok(())
    }

    pub(super) fn collected(
        &mut self,
        session: SessionId,
        collected: Result<Collected, LandError>,
    ) -> Result<(), RunnerError> {
        self.free(session);
        match collected {
            Ok(collected) => {
                self.store.write(|tx| complete(tx, session, &collected))?;
                Ok(())
            }
            Err(error) => self.block(session, &error),
        }
    }

    /// The work is done but cannot be taken in: a person looks at the worktree. Commits that were
    /// refused are put right there and landed; anything else goes on by `resume`.
    fn block(&mut self, id: SessionId, error: &LandError) -> Result<(), RunnerError> {
        let code = error.code();
        let told = format!("its work was not taken in ({}): {error}", code.id());
        if code == Code::ImportRefused {
            let (code, reason) = (code.id().to_owned(), error.to_string());
            let refused = Event::LandingRefused { code, reason };
            self.store
                .write(|tx| tx.append(Actor::System, Some(id), refused).map(drop))?;
        }
        self.move_from(id, SessionState::Active, SessionState::Blocked, &told)
    }
}

/// Records that its work was taken in, and what follows.
pub(super) fn complete(
    tx: &mut Tx<'_>,
    session: SessionId,
    collected: &Collected,
) -> Result<(), StoreError> {
    let Some(row) = tx.session(session)? else {
        return Ok(());
    };
    let tip = collected.tip.clone();
    let mut append = |event| tx.append(Actor::System, Some(session), event).map(drop);
    if collected.moved {
        append(Event::WorkspaceImported { tip: tip.clone() })?;
    }
    if let Some(changed) = &collected.changed {
        let what = changed.to_string();
        append(Event::WorkspaceQuarantined { what })?;
    }
    if let Some(released) = &collected.released {
        released.events().try_for_each(&mut append)?;
    }
    let given_back = collected.released.is_some();
    match row.state {
        // A person said `pause` while the worktree was given back: there is nothing to go on with.
        SessionState::Paused if given_back => {
            let reason = "nothing was left to pause";
            move_session(
                tx,
                Actor::System,
                session,
                row.state,
                SessionState::Active,
                reason,
            )?;
        }
        // A command was added meanwhile.
        SessionState::Active if !given_back && tx.next_queued(session)?.is_some() => {
            return Ok(());
        }
        SessionState::Active => {}
        _ => return Ok(()),
    }
    let from = SessionState::Active;
    if let Some(beyond) = &collected.beyond {
        let (code, reason) = (beyond.code().id(), beyond.to_string());
        let told = format!("not landed ({code}): {reason}");
        let code = code.to_owned();
        let refused = Event::LandingRefused { code, reason };
        tx.append(Actor::System, Some(session), refused)?;
        return move_session(
            tx,
            Actor::System,
            session,
            from,
            SessionState::Blocked,
            &told,
        );
    }
    let event = Event::SessionCompleted { tip: Some(tip) };
    tx.append(Actor::System, Some(session), event)?;
    let to = SessionState::Completed;
    move_session(tx, Actor::System, session, from, to, "every job succeeded")?;
    match given_back {
        true => release_all(tx, Actor::System, session, "it changed nothing"),
        false => Ok(()),
    }
}
