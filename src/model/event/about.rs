//! What all events can be asked.

use std::borrow::Cow;

use super::Event;
use crate::model::ids::JobId;
use crate::model::job::Outcome;
use crate::model::redact::Redactor;
use crate::model::run::CallEnd;

impl Event {
    /// The job it concerns.
    pub fn job_id(&self) -> Option<JobId> {
        match self {
            Self::JobQueued { job_id, .. }
            | Self::JobDispatched { job_id }
            | Self::RateLimited { job_id, .. }
            | Self::MachineShort { job_id, .. }
            | Self::SecretsPassed { job_id, .. }
            | Self::OutputRedacted { job_id, .. }
            | Self::JobCancelled { job_id, .. }
            | Self::ModelBegan { job_id, .. }
            | Self::AnswerArriving { job_id, .. }
            | Self::ModelStopped { job_id, .. }
            | Self::ThreadCompacted { job_id, .. }
            | Self::CommandExecuted { job_id, .. } => Some(*job_id),
            Self::ModelCallStarted { call } => Some(call.job_id),
            Self::ModelCallEnded { call } => Some(call.job_id),
            Self::ToolCalled { call } => Some(call.job_id),
            Self::ApprovalAsked { asked } => Some(asked.job_id),
            Self::GuardrailHit { hit } => Some(hit.job_id),
            Self::ArtifactStored { job_id, .. } => *job_id,
            _ => None,
        }
    }

    /// What it says to a person, without secrets. What programs read of it stays as it is.
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        for text in self.words() {
            if let Cow::Owned(redacted) = redactor.redact_text(text) {
                *text = redacted;
            }
        }
        self
    }

    /// Its parts that are for a person.
    fn words(&mut self) -> Vec<&mut String> {
        match self {
            Self::SessionMoved { reason, .. }
            | Self::JobCancelled { reason, .. }
            | Self::LockReleased { reason, .. }
            | Self::LandingRefused { reason, .. }
            | Self::HookOverridden { reason, .. }
            | Self::RunnerStopped { reason }
            | Self::ConsentDenied { reason, .. }
            | Self::ConsentRevoked { reason, .. }
            | Self::Recovered { detail: reason, .. }
            | Self::CommandExecuted {
                outcome: Outcome::NotStarted { error: reason },
                ..
            } => vec![reason],
            Self::ModelStopped { stop, .. } => stop.words().into_iter().collect(),
            Self::ModelCallEnded { call } => match &mut call.end {
                CallEnd::Failed { message, .. } => vec![message],
                CallEnd::Answered { .. } | CallEnd::Lost => Vec::new(),
            },
            Self::ModelChosen { choice } => vec![&mut choice.reason],
            Self::ApprovalAsked { asked } => vec![&mut asked.summary],
            _ => Vec::new(),
        }
    }

    /// Whether a record of it must name a session.
    pub fn is_session_scoped(&self) -> bool {
        !matches!(
            self,
            Self::ArtifactQuarantined { .. }
                | Self::ArtifactsCollected { .. }
                | Self::Recovered { .. }
                | Self::RunnerStarted { .. }
                | Self::RunnerStopped { .. }
                | Self::EventsPruned { .. }
                | Self::ArtifactStored { .. }
                | Self::WorkspaceSalvaged { .. }
                | Self::HookOverridden { .. }
                | Self::HookOverrideUsed { .. }
                | Self::LockGranted { .. }
                | Self::LockReleased { .. }
                | Self::LockConflicted { .. }
                | Self::LockNarrowed { .. }
                | Self::LockPassed { .. }
                | Self::LockLeased { .. }
                | Self::ConsentGiven { .. }
                | Self::ConsentRevoked { .. }
        )
    }
}
