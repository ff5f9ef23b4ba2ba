//! The one line that says how a piece of work stands, for programs that read logs.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::code::Code;
use super::event::Event;
use super::identity::{RoleExecutionIdentity, strength_name};
use super::ids::{JobId, SessionId};
use super::job::JobKind;
use super::run::Stop;
use super::session::SessionState;

/// `HSK_STATUS …`: one line for each change of a phase or a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusLine {
    /// The task's name, where no work packet has one.
    pub work: String,
    /// Where its session stands.
    pub state: SessionState,
    /// What runs in it now, or ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobKind>,
    /// Whether its work is being brought to the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub landing: bool,
    /// Whether its work is on the target.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub landed: bool,
    /// Whether somebody else holds files that it asks for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conflict: bool,
    /// Whether a gate refused its work.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gate_failed: bool,
    /// What else stands in its way.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "by_id")]
    pub code: Option<Code>,
    /// Who works in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<RoleExecutionIdentity>,
}

/// Codes are stored by their ids.
mod by_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::code::Code;

    pub fn serialize<S: Serializer>(code: &Option<Code>, to: S) -> Result<S::Ok, S::Error> {
        code.map(Code::id).serialize(to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Code>, D::Error> {
        let id = Option::<String>::deserialize(from)?;
        Ok(id.as_deref().and_then(Code::of_id))
    }
}

/// What a piece of work is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It waits to begin.
    Bootstrap,
    /// Its place is prepared.
    Skeleton,
    /// It is done.
    Implementation,
    /// It is put together with the target.
    Hygiene,
    /// It is checked.
    Evaluation,
    /// It waits to be landed.
    Handoff,
    /// It waits on somebody.
    Blocked,
    /// It came to nothing.
    Failstate,
    /// It is on the target.
    Done,
}

impl Phase {
    /// As it stands in the line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bootstrap => "BOOTSTRAP",
            Self::Skeleton => "SKELETON",
            Self::Implementation => "IMPLEMENTATION",
            Self::Hygiene => "HYGIENE",
            Self::Evaluation => "EVALUATION",
            Self::Handoff => "HANDOFF",
            Self::Blocked => "BLOCKED",
            Self::Failstate => "FAILSTATE",
            Self::Done => "DONE",
        }
    }
}

impl StatusLine {
    /// Whether an event of a session may change its line.
    pub fn is_changed_by(event: &Event) -> bool {
        matches!(
            event,
            Event::SessionCreated { .. }
                | Event::SessionMoved { .. }
                | Event::JobDispatched { .. }
                | Event::LandingStarted { .. }
                | Event::Landed { .. }
                | Event::LandingConflicted { .. }
                | Event::LandingRefused { .. }
                | Event::LockConflicted { .. }
                | Event::LockGranted { .. }
                | Event::ScopeRequested { .. }
                | Event::ModelBegan { .. }
                | Event::ModelStopped { .. }
        )
    }

    /// What follows from an event of this session. `kind` says what a job does.
    pub fn follow(
        &mut self,
        session: SessionId,
        event: &Event,
        kind: impl FnOnce(JobId) -> Option<JobKind>,
    ) {
        match event {
            Event::SessionMoved { to, .. } => self.state = *to,
            Event::JobDispatched { job_id } => {
                self.job = kind(*job_id);
                self.code = None;
            }
            Event::LandingStarted { .. } => {
                (self.job, self.landing) = (None, true);
                (self.gate_failed, self.code) = (false, None);
            }
            Event::Landed { .. } => (self.landing, self.landed) = (false, true),
            Event::LandingConflicted { .. } => {
                self.landing = false;
                self.code = Some(Code::MergeConflict);
            }
            Event::LandingRefused { code, .. } => {
                self.landing = false;
                self.gate_failed = code == Code::GateFailed.id();
                self.code = Code::of_id(code);
            }
            Event::LockConflicted { conflict } => {
                self.conflict |= conflict.waiter.party.session_id() == Some(session);
            }
            Event::LockGranted { .. } => self.conflict = false,
            Event::ScopeRequested { answer, .. } => self.conflict = answer == "queued",
            Event::ModelBegan { identity, .. } => self.identity = Some((**identity).clone()),
            Event::ModelStopped { stop, .. } => {
                self.code = match stop {
                    Stop::AwaitsConsent => Some(Code::ConsentMissing),
                    Stop::Unready { code, .. } => Code::of_id(code),
                    _ => None,
                }
            }
            _ => {}
        }
    }

    /// What the work is at.
    pub fn phase(&self) -> Phase {
        match (self.state, self.job) {
            (SessionState::Failed | SessionState::Cancelled, _) => Phase::Failstate,
            (SessionState::Blocked, _) => Phase::Blocked,
            (SessionState::Completed, _) if self.landed => Phase::Done,
            (SessionState::Created, _) => Phase::Bootstrap,
            (_, Some(JobKind::Gate)) if self.landing => Phase::Evaluation,
            _ if self.landing => Phase::Hygiene,
            (SessionState::Completed, _) => Phase::Handoff,
            (_, Some(JobKind::Setup)) => Phase::Skeleton,
            _ => Phase::Implementation,
        }
    }

    fn progress(&self) -> &'static str {
        match self.state {
            SessionState::Created | SessionState::Paused => "WAITING",
            SessionState::Active => "RUNNING",
            SessionState::Blocked => "BLOCKED",
            SessionState::Completed if self.landing => "RUNNING",
            SessionState::Completed => "DONE",
            SessionState::Failed | SessionState::Cancelled => "FAILSTATE",
        }
    }

    /// `G0` lets work begin: its files are free, and a model is ready where it needs one. `G1` lets it onto the target.
    fn gate(&self) -> &'static str {
        match self.phase() {
            _ if self.gate_failed => "G1:BLOCK",
            Phase::Done => "G1:PASS",
            Phase::Hygiene | Phase::Evaluation => "G1:PEND",
            Phase::Bootstrap if self.code().is_some() => "G0:BLOCK",
            Phase::Bootstrap => "G0:PEND",
            Phase::Skeleton | Phase::Implementation => "G0:PASS",
            Phase::Handoff | Phase::Blocked | Phase::Failstate => "NONE:PASS",
        }
    }

    fn code(&self) -> Option<Code> {
        match (self.conflict, self.gate_failed) {
            (true, _) => Some(Code::ScopeConflict),
            (_, true) => Some(Code::GateFailed),
            (false, false) => self.code,
        }
    }
}

/// A value without what could end it.
fn word(text: &str) -> String {
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '=';
    let plain: String = text.chars().map(|c| if odd(c) { '_' } else { c }).collect();
    match plain.is_empty() {
        true => "NONE".to_owned(),
        false => plain,
    }
}

impl fmt::Display for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.identity.as_ref();
        let text = |text: Option<&str>| text.map_or_else(|| "NONE".to_owned(), word);
        let role = text(who.map(|who| who.role.as_str()));
        let wp = who.and_then(|who| who.wp_id.as_deref());
        let wp = word(wp.unwrap_or(&self.work));
        let mt = text(who.and_then(|who| who.mt_id.as_deref()));
        let model = text(who.and_then(|who| who.model_id.as_deref()));
        let backend = who.and_then(|who| who.backend);
        let backend = backend.map_or("none", |backend| backend.name());
        let class = who.and_then(|who| who.parameter_class);
        let class = class.map_or("NA", |class| class.name());
        let strength = who.and_then(|who| who.cloud_reasoning_strength);
        let strength = strength.map_or("NA", strength_name);
        let lock = if self.conflict { "CONFLICT" } else { "OK" };
        let code = self.code().map_or("NONE", Code::id);
        let (phase, state) = (self.phase().name(), self.progress());
        let gate = self.gate();
        write!(
            f,
            "HSK_STATUS role={role} wp={wp} mt={mt} phase={phase} state={state} model={model} \
             backend={backend} pc={class} rs={strength} lock={lock} gate={gate} code={code}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backend::{Backend, ParameterClass};
    use crate::model::chat::Effort;
    use crate::model::ids::SessionId;

    fn line(state: SessionState) -> StatusLine {
        StatusLine {
            work: "docs".to_owned(),
            state,
            job: None,
            landing: false,
            landed: false,
            conflict: false,
            gate_failed: false,
            code: None,
            identity: None,
        }
    }

    #[test]
    fn a_conflict_stands_in_the_line() {
        let waiting = StatusLine {
            conflict: true,
            ..line(SessionState::Created)
        };
        assert_eq!(
            waiting.to_string(),
            "HSK_STATUS role=NONE wp=docs mt=NONE phase=BOOTSTRAP state=WAITING model=NONE \
             backend=none pc=NA rs=NA lock=CONFLICT gate=G0:BLOCK code=CX-MM-002"
        );
    }

    #[test]
    fn every_phase_has_its_line() {
        use SessionState::*;
        let at = |state, job, landing, landed| StatusLine {
            job,
            landing,
            landed,
            ..line(state)
        };
        let gate = Some(JobKind::Gate);
        for (status, phase, rest) in [
            (
                at(Created, None, false, false),
                "BOOTSTRAP state=WAITING",
                "G0:PEND",
            ),
            (
                at(Active, Some(JobKind::Setup), false, false),
                "SKELETON state=RUNNING",
                "G0:PASS",
            ),
            (
                at(Active, Some(JobKind::Command), false, false),
                "IMPLEMENTATION state=RUNNING",
                "G0:PASS",
            ),
            (
                at(Paused, None, false, false),
                "IMPLEMENTATION state=WAITING",
                "G0:PASS",
            ),
            (
                at(Completed, None, false, false),
                "HANDOFF state=DONE",
                "NONE:PASS",
            ),
            (
                at(Completed, None, true, false),
                "HYGIENE state=RUNNING",
                "G1:PEND",
            ),
            (
                at(Completed, gate, true, false),
                "EVALUATION state=RUNNING",
                "G1:PEND",
            ),
            (
                at(Completed, gate, false, true),
                "DONE state=DONE",
                "G1:PASS",
            ),
            (
                at(Blocked, gate, false, false),
                "BLOCKED state=BLOCKED",
                "NONE:PASS",
            ),
            (
                at(Failed, None, false, false),
                "FAILSTATE state=FAILSTATE",
                "NONE:PASS",
            ),
            (
                at(Cancelled, None, true, true),
                "FAILSTATE state=FAILSTATE",
                "NONE:PASS",
            ),
        ] {
            let text = status.to_string();
            assert!(text.contains(&format!(" phase={phase} ")), "{text}");
            assert!(text.ends_with(&format!(" gate={rest} code=NONE")), "{text}");
        }
        let refused = StatusLine {
            gate_failed: true,
            ..line(Completed)
        };
        assert!(
            refused
                .to_string()
                .ends_with("lock=OK gate=G1:BLOCK code=TY-GATE-FAILED")
        );
        let unready = StatusLine {
            code: Some(Code::NoReadyModel),
            ..line(Created)
        };
        assert!(
            unready
                .to_string()
                .ends_with("gate=G0:BLOCK code=CX-MM-001")
        );
    }

    #[test]
    fn who_works_stands_in_the_line_and_cannot_forge_it() {
        let identity = RoleExecutionIdentity {
            role: "worker code=NONE".to_owned(),
            model_id: Some("claude-opus-5".to_owned()),
            backend: Some(Backend::Cloud),
            parameter_class: Some(ParameterClass::P110B),
            cloud_reasoning_strength: Some(Effort::High),
            session_id: SessionId::new(),
            model_instance_id: None,
            wp_id: Some("WP-1".to_owned()),
            mt_id: Some("MT-2".to_owned()),
        };
        let status = StatusLine {
            identity: Some(identity),
            ..line(SessionState::Active)
        };
        assert_eq!(
            status.to_string(),
            "HSK_STATUS role=worker_code_NONE wp=WP-1 mt=MT-2 phase=IMPLEMENTATION state=RUNNING \
             model=claude-opus-5 backend=cloud pc=P110B rs=high lock=OK gate=G0:PASS code=NONE"
        );
    }
}
