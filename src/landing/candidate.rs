//! The commit that would land: the session's work taken in, and merged onto its target.

use super::claim::bounds;
use super::error::LandError;
use super::fence::commit_message;
use super::land::Landing;
use crate::cas::Stored;
use crate::merge::{Candidate, ConflictReport, LandingPlan, Prepared, prepare};
use crate::model::event::{Actor, Event};
use crate::model::ids::CommitId;
use crate::model::lock::Lock;
use crate::model::provenance::Provenance;
use crate::model::session::SessionState;
use crate::sessions::move_session;
use crate::store::{SessionRow, StoreError, Tx};
use crate::workspace::{self, Uncommitted, located};

impl Landing<'_> {
    /// The session's work as a commit of the repository.
    pub(super) fn collect(&mut self, session: &SessionRow) -> Result<CommitId, LandError> {
        let nothing = || LandError::Nothing {
            name: session.name.clone(),
            target: session.target.clone(),
        };
        let Some(place) = located(session) else {
            return session.tip.clone().ok_or_else(nothing);
        };
        let message = commit_message(session, self.store.identity_of(session.id)?);
        let uncommitted = if self.policy.commit_uncommitted {
            Uncommitted::Commit(&message)
        } else if workspace::dirty(self.repo, &place)? {
            return Err(LandError::Uncommitted {
                name: session.name.clone(),
            });
        } else {
            Uncommitted::Leave
        };
        let imported = workspace::take_in(self.repo, &place, uncommitted)?;
        if imported.moved {
            self.append(
                session,
                Event::WorkspaceImported {
                    tip: imported.new.clone(),
                },
            )?;
        }
        Ok(imported.new)
    }

    pub(super) fn merge(
        &mut self,
        session: &SessionRow,
        target_tip: CommitId,
        session_tip: CommitId,
        lock: &Lock,
    ) -> Result<Candidate, LandError> {
        let plan = LandingPlan {
            target_tip,
            session_tip,
            method: self.policy.method,
            bounds: bounds(self.repo, session, &lock.scope, self.policy.beyond)?,
            subject: format!("Land {}", session.name),
            provenance: Provenance {
                session: session.id,
                task: session.name.clone(),
                identity: self.store.identity_of(session.id)?,
                lock: Some(lock.token),
            },
            committer: self.policy.identity.clone(),
            now: (jiff::Timestamp::now().as_second(), 0),
        };
        match prepare(&self.repo.gix(), &plan)? {
            Prepared::Ready(candidate) if !candidate.changed.is_empty() => Ok(candidate),
            // Also when the target has the same content by other commits.
            Prepared::Ready(_) | Prepared::UpToDate => Err(LandError::Nothing {
                name: session.name.clone(),
                target: session.target.clone(),
            }),
            Prepared::Conflict(report) => Err(self.block(session, &report)?),
        }
    }

    /// A conflict is a person's to settle: the report is kept and the session blocked.
    fn block(
        &mut self,
        session: &SessionRow,
        report: &ConflictReport,
    ) -> Result<LandError, LandError> {
        let text = serde_json::to_vec_pretty(report).map_err(crate::store::StoreError::from)?;
        let stored = self.cas.put_bytes(&self.redactor(session)?.redact(&text))?;
        let paths: Vec<String> = report.paths.iter().map(|path| path.path.clone()).collect();
        self.store
            .write(|tx| conflicted(tx, session, paths.clone(), &stored))?;
        Ok(LandError::Conflict {
            name: session.name.clone(),
            target: session.target.clone(),
            paths,
            report: stored.hash,
        })
    }
}

/// Records that a session's work conflicts with its target, and blocks it.
///
/// # Errors
/// The store's refusal.
pub fn conflicted(
    tx: &mut Tx<'_>,
    session: &SessionRow,
    paths: Vec<String>,
    report: &Stored,
) -> Result<(), StoreError> {
    let artifact = Event::ArtifactStored {
        hash: report.hash.clone(),
        size: report.size,
        kind: "conflict_report".to_owned(),
        media_type: "application/json".to_owned(),
        job_id: None,
    };
    tx.append(Actor::System, Some(session.id), artifact)?;
    let report = report.hash.clone();
    let conflict = Event::LandingConflicted { paths, report };
    tx.append(Actor::System, Some(session.id), conflict)?;
    let reason = format!("conflicts with {}", session.target);
    // A person's word may have come between.
    match tx.session(session.id)?.map(|now| now.state) {
        Some(from @ (SessionState::Completed | SessionState::Active)) => {
            let to = SessionState::Blocked;
            move_session(tx, Actor::System, session.id, from, to, &reason)
        }
        _ => Ok(()),
    }
}
