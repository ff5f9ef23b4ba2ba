//! The files of a replay, held against the checkpoints.

use super::difference::Ended;
use super::record::FilesThen;
use super::walk::{Bench, Replay};
use crate::model::ids::MessageId;
use crate::workspace::changed_since;
use crate::workspace::snapshot::restore;

impl Replay<'_> {
    /// After a tool that ran they are compared. What a program, or somebody else, did to them is not done again: they are as
    /// they were then.
    pub(super) fn files_after(&mut self, message: MessageId) -> Result<(), Ended> {
        let record = self.record;
        for then in record.files_after(message) {
            self.number = then.number;
            match then.by_tool && self.ran {
                true => self.compare_files(then)?,
                false => self.take_files(then)?,
            }
        }
        Ok(())
    }

    fn compare_files(&mut self, then: &FilesThen) -> Result<(), Ended> {
        self.report.compared += 1;
        let Bench { project, place, .. } = self.bench;
        let changed = changed_since(&project.repo, place, &then.checkpoint)?;
        match changed.as_slice() {
            [] => Ok(()),
            paths => {
                let names: Vec<_> = paths.iter().take(5).map(|path| path.to_string()).collect();
                let expected = format!("those of checkpoint {}", then.number);
                let found = format!("others in {}", names.join(", "));
                Err(self.differs("the files after it", &expected, &found))
            }
        }
    }

    fn take_files(&mut self, then: &FilesThen) -> Result<(), Ended> {
        let Bench { project, place, .. } = self.bench;
        let done = restore(&project.repo, place, &then.checkpoint.commit)?;
        let is_change = !done.written.is_empty() || !done.removed.is_empty();
        if is_change && !then.by_tool {
            self.report.by_hand.push(then.number);
        }
        Ok(())
    }
}
