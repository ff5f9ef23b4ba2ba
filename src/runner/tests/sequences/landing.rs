//! Landings, and what becomes of those that are cut short.

use super::world::{World, commit};
use crate::cas::Stored;
use crate::landing::{
    Interrupted, conflicted, judge_by, lock_to_land, record, record_updated, refuse_unfinished,
    refused,
};
use crate::model::event::{Actor, Event};
use crate::model::ids::ContentHash;
use crate::model::lock::LockTable;
use crate::model::scope::Fold;
use crate::store::{SessionRow, StoreError};

/// How a landing goes, once it has its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    Lands,
    Conflicts,
    IsRefused,
    /// Its process dies before the target moves.
    CutBefore,
    /// Its process dies after that, and before it is on record.
    CutAfter,
    /// Its process dies when it is on record, and before the checkouts follow.
    CutRecorded,
}

impl World {
    /// Whether it got as far as its landing.
    pub fn land(&mut self, n: usize, how: Landing) -> bool {
        self.settle_landing();
        let row = self.row(n);
        if refuse_unfinished(&row).is_err() {
            return false;
        }
        let (mut table, now) = (LockTable::new(Fold::default()), &self.now);
        let held = self
            .store
            .write(|tx| lock_to_land(tx, &mut table, now, &row));
        if held.is_err() {
            self.refuse(&row, "TY-LOCK-HELD");
            return false;
        }
        let (target, from, to) = ("main".to_owned(), commit('c'), commit('d'));
        self.append(
            n,
            Event::LandingStarted {
                target: target.clone(),
                onto: from.clone(),
            },
        );
        match how {
            Landing::Conflicts => {
                let hash = ContentHash::of(b"report");
                let report = Stored {
                    hash,
                    size: 6,
                    new: true,
                };
                let told = self
                    .store
                    .write(|tx| conflicted(tx, &row, vec!["a".to_owned()], &report));
                told.unwrap();
                return true;
            }
            Landing::IsRefused => {
                self.refuse(&row, "TY-GATE-FAILED");
                return true;
            }
            _ => {}
        }
        self.append(
            n,
            Event::TargetMoving {
                target: target.clone(),
                from: from.clone(),
                to: to.clone(),
            },
        );
        self.moved = how != Landing::CutBefore;
        let session = row.id;
        let landing = Interrupted {
            session,
            target,
            from,
            to,
            recorded: false,
        };
        if matches!(how, Landing::Lands | Landing::CutRecorded) {
            record(&mut self.store, &landing).unwrap();
        }
        if how == Landing::Lands {
            record_updated(&mut self.store, &landing).unwrap();
            self.append(n, Event::WorkspaceReleased { pooled: true });
        }
        true
    }

    fn refuse(&mut self, row: &SessionRow, code: &str) {
        let event = Event::LandingRefused {
            code: code.to_owned(),
            reason: "no".to_owned(),
        };
        let told = self
            .store
            .write(|tx| refused(tx, row.id, event, (false, row.auto_land), "no"));
        told.unwrap();
    }

    fn append(&mut self, n: usize, event: Event) {
        let id = Some(self.ids[n]);
        let done = self
            .store
            .write(|tx| tx.append(Actor::System, id, event).map(drop));
        done.unwrap_or_else(|error: StoreError| panic!("{error}"));
    }

    /// What every landing and every runner begins with.
    pub fn settle_landing(&mut self) {
        let Some(last) = self.store.moves(Some(1)).unwrap().pop() else {
            return;
        };
        let moved = self.moved;
        let Some(landing) = judge_by(&self.store, last, |_, _| Ok(moved)).unwrap() else {
            return;
        };
        if !landing.recorded {
            record(&mut self.store, &landing).unwrap();
        }
        record_updated(&mut self.store, &landing).unwrap();
    }
}
