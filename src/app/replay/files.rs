//! The files of a replay, held against the checkpoints. After each tool that ran those are looked at that it names, and those
//! that it changed then; all of them when nothing more runs before others take them over, or it ends.

use std::collections::BTreeSet;

use gix::bstr::BString;

use super::difference::Ended;
use super::record::FilesThen;
use super::walk::{Bench, Replay};
use crate::git::object_id;
use crate::model::ids::MessageId;
use crate::workspace::changed_since;
use crate::workspace::snapshot::{difference, differing, restore};

impl<'a> Replay<'a> {
    /// What a program, or somebody else, did to the files is not done again: they are as they were then.
    pub(super) fn files_after(&mut self, message: MessageId) -> Result<(), Ended> {
        let record = self.record;
        if self.ran_on.is_some() {
            self.seen = None;
        }
        for then in record.files_after(message) {
            self.number = then.number;
            match self.ran_on.as_ref().filter(|_| then.by_tool) {
                Some(named) => {
                    let named = named.clone();
                    self.compare_named(then, named)?;
                    self.seen = Some(then);
                }
                None if then.only_said => {}
                None => {
                    self.compare_all()?;
                    self.take_files(then)?;
                }
            }
            self.last = Some(then);
        }
        Ok(())
    }

    /// All files, with the last checkpoint that a tool made.
    pub(super) fn compare_all(&mut self) -> Result<(), Ended> {
        let Some(then) = self.seen.take() else {
            return Ok(());
        };
        let Bench { project, place, .. } = self.bench;
        let changed = changed_since(&project.repo, place, &then.checkpoint)?;
        self.refuse_changed(then, &changed)
    }

    fn compare_named(&mut self, then: &FilesThen, named: BTreeSet<BString>) -> Result<(), Ended> {
        self.report.compared += 1;
        let Bench { project, place, .. } = self.bench;
        let mut paths = named;
        if let Some(before) = self.last {
            let before = object_id(&before.checkpoint.worktree_tree)?;
            let after = object_id(&then.checkpoint.worktree_tree)?;
            let changed = difference(&project.repo, before, after)?;
            paths.extend(changed.into_iter().map(|one| one.path));
        }
        let changed = match differing(&project.repo, place, &then.checkpoint.commit, paths)? {
            Some(changed) => changed,
            None => changed_since(&project.repo, place, &then.checkpoint)?,
        };
        self.refuse_changed(then, &changed)
    }

    fn refuse_changed(&self, then: &FilesThen, changed: &[BString]) -> Result<(), Ended> {
        if changed.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = changed.iter().take(5).map(BString::to_string).collect();
        let expected = format!("those of checkpoint {}", then.number);
        let found = format!("others in {}", names.join(", "));
        Err(self.differs("the files after it", &expected, &found))
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
