//! What groups of tasks may do: how many of a group's sessions run, and how often its jobs start.

use std::collections::{BTreeMap, BTreeSet};

use super::bucket::Bucket;
use super::dispatch::{Slot, Wait};
use crate::model::limit::GroupLimit;
use crate::store::{QueueRow, Store, StoreError};

/// The limits of groups by name; a group without an entry has none.
pub type GroupLimits = BTreeMap<String, GroupLimit>;

/// How full the buckets of the groups with a rate are.
pub type Buckets = BTreeMap<String, Bucket>;

/// The buckets of the groups in `queue`, from the starts that the store has on record.
pub fn buckets(
    store: &Store,
    limits: &GroupLimits,
    queue: &[QueueRow],
    now_ms: i64,
) -> Result<Buckets, StoreError> {
    let groups: BTreeSet<&str> = queue
        .iter()
        .filter_map(|row| row.group.as_deref())
        .collect();
    let mut buckets = Buckets::new();
    for group in groups {
        let Some(rate) = limits.get(group).and_then(|limit| limit.rate) else {
            continue;
        };
        let pause_ms = Bucket::filled_after_ms(rate);
        let starts = store.recent_starts(group, now_ms, pause_ms, Bucket::LOOK_BACK)?;
        buckets.insert(group.to_owned(), Bucket::after(rate, &starts, now_ms));
    }
    Ok(buckets)
}

/// What is left of the groups' limits while slots are given out.
pub(super) struct Room<'a> {
    limits: &'a GroupLimits,
    running: BTreeMap<&'a str, u32>,
    buckets: Buckets,
    now_ms: i64,
}

impl<'a> Room<'a> {
    pub fn new(limits: &'a GroupLimits, buckets: Buckets, slots: &'a [Slot], now_ms: i64) -> Self {
        let mut room = Self {
            limits,
            running: BTreeMap::new(),
            buckets,
            now_ms,
        };
        for slot in slots {
            let Some(group) = slot.group.as_deref() else {
                continue;
            };
            *room.running.entry(group).or_default() += 1;
            // Its token is as good as taken: another one must not go for it as well.
            if let Some(bucket) = room.buckets.get_mut(group).filter(|_| slot.starting) {
                bucket.take(now_ms);
            }
        }
        room
    }

    /// Takes a place and a token of the group, or neither.
    pub fn take(&mut self, group: &'a str) -> Result<(), Wait> {
        let most = self.limits.get(group).and_then(|limit| limit.max);
        let running = self.running.entry(group).or_default();
        if most.is_some_and(|most| *running >= most) {
            return Err(Wait::Group(group.to_owned()));
        }
        if let Some(bucket) = self.buckets.get_mut(group) {
            let next_ms = bucket.next_ms();
            if next_ms > self.now_ms {
                return Err(Wait::Rate {
                    group: group.to_owned(),
                    next_ms,
                });
            }
            bucket.take(self.now_ms);
        }
        *running += 1;
        Ok(())
    }
}
