//! The one line that says how a piece of work stands, for programs that read logs.

use std::fmt;

use super::code::Code;
use super::session::SessionState;

/// `HSK_STATUS …`: one line for each change of a phase or a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// The task's name.
    pub work: String,
    /// Where its session stands.
    pub state: SessionState,
    /// Whether its work is on the target.
    pub landed: bool,
    /// Whether somebody else holds files that it asks for.
    pub conflict: bool,
    /// Whether a gate refused its work.
    pub gate_failed: bool,
}

impl StatusLine {
    fn phase(&self) -> &'static str {
        match self.state {
            SessionState::Created => "BOOTSTRAP",
            SessionState::Active | SessionState::Paused => "IMPLEMENTATION",
            SessionState::Blocked => "BLOCKED",
            SessionState::Completed if self.landed => "DONE",
            SessionState::Completed => "HANDOFF",
            SessionState::Failed | SessionState::Cancelled => "FAILSTATE",
        }
    }

    fn progress(&self) -> &'static str {
        match self.state {
            SessionState::Created | SessionState::Paused => "WAITING",
            SessionState::Active => "RUNNING",
            SessionState::Blocked => "BLOCKED",
            SessionState::Completed => "DONE",
            SessionState::Failed | SessionState::Cancelled => "FAILSTATE",
        }
    }
}

impl fmt::Display for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lock, code) = match self.conflict {
            true => ("CONFLICT", Code::ScopeConflict.id()),
            false => ("OK", "NONE"),
        };
        let gate = match self.gate_failed {
            true => "G1:BLOCK",
            false => "NONE:PASS",
        };
        write!(
            f,
            "HSK_STATUS role=NONE wp={} mt=NONE phase={} state={} model=NONE backend=none pc=NA \
             rs=NA lock={lock} gate={gate} code={code}",
            self.work,
            self.phase(),
            self.progress(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_stands_in_the_line() {
        let waiting = StatusLine {
            work: "docs".to_owned(),
            state: SessionState::Created,
            landed: false,
            conflict: true,
            gate_failed: false,
        };
        assert_eq!(
            waiting.to_string(),
            "HSK_STATUS role=NONE wp=docs mt=NONE phase=BOOTSTRAP state=WAITING model=NONE \
             backend=none pc=NA rs=NA lock=CONFLICT gate=NONE:PASS code=CX-MM-002"
        );
        let done = StatusLine {
            state: SessionState::Completed,
            landed: true,
            conflict: false,
            ..waiting
        };
        assert!(done.to_string().contains("phase=DONE state=DONE"));
        assert!(
            done.to_string()
                .ends_with("lock=OK gate=NONE:PASS code=NONE")
        );
    }
}
