//! What becomes of a job that an earlier runner left.

use serde::Serialize;

/// How a job stands that somebody began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It ended, and how is on record.
    Finished,
    /// Its supervisor works.
    Running,
    /// Its supervisor is gone and left no record.
    Lost,
    /// No supervisor ever began with it.
    NotStarted,
}

/// What recovery does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Its supervisor is watched again.
    Reattached,
    /// Its record is taken over.
    Adopted,
    /// Nobody knows how it went: its task says what follows.
    Stalled,
    /// It is queued again: nothing of it was done.
    Requeued,
}

impl Action {
    /// The stable word in events.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reattached => "reattached",
            Self::Adopted => "adopted",
            Self::Stalled => "stalled",
            Self::Requeued => "requeued",
        }
    }
}

/// What is to be done. That nothing began is known only as long as the machine was not restarted since the job was
/// dispatched: what had begun may not have reached the disk.
pub fn settle(standing: Standing, same_boot: bool) -> Action {
    match standing {
        Standing::Running => Action::Reattached,
        Standing::Finished => Action::Adopted,
        Standing::NotStarted if same_boot => Action::Requeued,
        Standing::NotStarted | Standing::Lost => Action::Stalled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_surely_never_began_is_run_again() {
        for (standing, same_boot, expected) in [
            (Standing::Running, true, Action::Reattached),
            (Standing::Running, false, Action::Reattached),
            (Standing::Finished, true, Action::Adopted),
            (Standing::Finished, false, Action::Adopted),
            (Standing::Lost, true, Action::Stalled),
            (Standing::Lost, false, Action::Stalled),
            (Standing::NotStarted, true, Action::Requeued),
            (Standing::NotStarted, false, Action::Stalled),
        ] {
            assert_eq!(
                settle(standing, same_boot),
                expected,
                "{standing:?} {same_boot}"
            );
        }
    }
}
