//! Which jobs start next. A pure function over a snapshot of the queue: same queue, same answer.

use std::collections::BTreeMap;

use crate::model::ids::{JobId, SessionId};
use crate::model::task::Lane;
use crate::store::QueueRow;

/// How much may run at once.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Sessions with a job executing, over all.
    pub sessions: usize,
    /// Sessions of a group with a job executing; a group without an entry has no limit.
    pub groups: BTreeMap<String, usize>,
}

/// What holds a slot now.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The session.
    pub session: SessionId,
    /// Its group.
    pub group: Option<String>,
}

/// Why a job waits, for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wait {
    /// Another job of the same session executes.
    Busy,
    /// A task it comes after is not done.
    After(String),
    /// Its retry waits until this time, in milliseconds since the epoch.
    Until(i64),
    /// Its group is at its limit.
    Group(String),
    /// All slots are taken.
    Slots,
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Busy => f.write_str("another job of the session runs"),
            Self::After(name) => write!(f, "waits for {name}"),
            Self::Until(_) => f.write_str("waits before the next attempt"),
            Self::Group(name) => write!(f, "group {name} is at its limit"),
            Self::Slots => f.write_str("all slots are taken"),
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decision {
    /// Start these, in this order.
    pub start: Vec<(SessionId, JobId)>,
    /// Cancel these sessions: the named task, which they come after, did not succeed.
    pub doomed: Vec<(SessionId, String)>,
    /// The others, and why they wait.
    pub waiting: Vec<(SessionId, Wait)>,
    /// When to look again even if nothing happens, in milliseconds since the epoch.
    pub look_again_ms: Option<i64>,
}

/// How much each lane has been served, by stride scheduling (Waldspurger and Weihl, 1995): a lane
/// pays for a slot in inverse proportion to its weight, and the lane that paid least goes next.
/// No lane with work waits for ever, whatever the others bring.
#[derive(Debug, Clone, Default)]
pub struct Lanes {
    paid: BTreeMap<Lane, u64>,
    floor: u64,
}

impl Lanes {
    const SLOT: u64 = 24 * 1_000;

    fn next(&self, candidates: impl Iterator<Item = Lane>) -> Option<Lane> {
        candidates.min_by_key(|lane| (self.standing(*lane), precedence(*lane)))
    }

    fn charge(&mut self, lane: Lane) {
        let standing = self.standing(lane);
        self.floor = self.floor.max(standing);
        self.paid
            .insert(lane, standing + Self::SLOT / u64::from(lane.weight()));
    }

    /// A lane that was idle does not save up shares for later.
    fn standing(&self, lane: Lane) -> u64 {
        self.paid.get(&lane).copied().unwrap_or(0).max(self.floor)
    }
}

fn precedence(lane: Lane) -> usize {
    Lane::ALL
        .iter()
        .position(|other| *other == lane)
        .unwrap_or(Lane::ALL.len())
}

/// Decides over `queue`, which is in the order of submission, with `slots` taken at `now_ms`.
pub fn decide(
    queue: &[QueueRow],
    slots: &[Slot],
    limits: &Limits,
    lanes: &mut Lanes,
    now_ms: i64,
) -> Decision {
    let mut decision = Decision::default();
    let mut ready: BTreeMap<Lane, Vec<&QueueRow>> = BTreeMap::new();
    for row in queue {
        let held = slots.iter().any(|slot| slot.session == row.session);
        if let Some(name) = &row.doomed_by {
            decision.doomed.push((row.session, name.clone()));
        } else if row.busy || held {
            decision.waiting.push((row.session, Wait::Busy));
        } else if let Some(name) = &row.waits_for {
            decision
                .waiting
                .push((row.session, Wait::After(name.clone())));
        } else if row.not_before_ms > now_ms {
            let next = decision
                .look_again_ms
                .map_or(row.not_before_ms, |at| at.min(row.not_before_ms));
            decision.look_again_ms = Some(next);
            decision
                .waiting
                .push((row.session, Wait::Until(row.not_before_ms)));
        } else {
            ready.entry(row.lane).or_default().push(row);
        }
    }
    for rows in ready.values_mut() {
        // Taken from the end: the most urgent, then the oldest, comes last.
        rows.sort_by_key(|row| std::cmp::Reverse((row.priority, row.created_seq)));
    }
    fill_slots(&mut decision, ready, slots, limits, lanes);
    decision
}

fn fill_slots(
    decision: &mut Decision,
    mut ready: BTreeMap<Lane, Vec<&QueueRow>>,
    slots: &[Slot],
    limits: &Limits,
    lanes: &mut Lanes,
) {
    let mut free = limits.sessions.saturating_sub(slots.len());
    let mut in_group: BTreeMap<&str, usize> = BTreeMap::new();
    for group in slots.iter().filter_map(|slot| slot.group.as_deref()) {
        *in_group.entry(group).or_default() += 1;
    }
    while free > 0 {
        let with_work = ready
            .iter()
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(lane, _)| *lane);
        let Some(lane) = lanes.next(with_work) else {
            break;
        };
        let Some(row) = ready.get_mut(&lane).and_then(Vec::pop) else {
            break;
        };
        if let Some(group) = row.group.as_deref() {
            let limit = limits.groups.get(group).copied().unwrap_or(usize::MAX);
            let taken = in_group.entry(group).or_default();
            if *taken >= limit {
                decision
                    .waiting
                    .push((row.session, Wait::Group(group.to_owned())));
                continue;
            }
            *taken += 1;
        }
        lanes.charge(lane);
        decision.start.push((row.session, row.job));
        free -= 1;
    }
    let rest = ready
        .into_values()
        .flatten()
        .map(|row| (row.session, Wait::Slots));
    decision.waiting.extend(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::session::SessionState;
    use proptest::prelude::*;

    fn row(seq: u64, lane: Lane) -> QueueRow {
        QueueRow {
            session: SessionId::new(),
            state: SessionState::Created,
            job: JobId::new(),
            busy: false,
            not_before_ms: 0,
            lane,
            priority: 50,
            group: None,
            created_seq: seq,
            waits_for: None,
            doomed_by: None,
        }
    }

    fn limits(sessions: usize) -> Limits {
        Limits {
            sessions,
            groups: BTreeMap::from([("g".to_owned(), 1)]),
        }
    }

    fn started(queue: &[QueueRow], decision: &Decision) -> Vec<u64> {
        let seq_of = |id| {
            queue
                .iter()
                .find(|row| row.session == id)
                .unwrap()
                .created_seq
        };
        decision
            .start
            .iter()
            .map(|(session, _)| seq_of(*session))
            .collect()
    }

    #[test]
    fn urgent_first_then_the_oldest() {
        let mut queue = vec![
            row(1, Lane::Primary),
            row(2, Lane::Primary),
            row(3, Lane::Primary),
        ];
        queue[2].priority = 0;
        let decision = decide(&queue, &[], &limits(2), &mut Lanes::default(), 0);
        assert_eq!(started(&queue, &decision), [3, 1]);
        assert_eq!(decision.waiting, [(queue[1].session, Wait::Slots)]);
    }

    #[test]
    fn every_wait_has_its_reason() {
        let mut queue: Vec<QueueRow> = (1..=5).map(|seq| row(seq, Lane::Primary)).collect();
        queue[0].busy = true;
        queue[1].waits_for = Some("docs".into());
        queue[2].not_before_ms = 500;
        queue[3].group = Some("g".into());
        queue[4].group = Some("g".into());
        let decision = decide(&queue, &[], &limits(8), &mut Lanes::default(), 100);
        assert_eq!(started(&queue, &decision), [4]);
        assert_eq!(decision.look_again_ms, Some(500));
        let reasons: Vec<String> = decision
            .waiting
            .iter()
            .map(|(_, wait)| wait.to_string())
            .collect();
        assert_eq!(
            reasons,
            [
                "another job of the session runs",
                "waits for docs",
                "waits before the next attempt",
                "group g is at its limit"
            ]
        );
    }

    #[test]
    fn what_comes_after_a_failure_is_doomed() {
        let mut queue = vec![row(1, Lane::Primary)];
        queue[0].doomed_by = Some("build".into());
        let decision = decide(&queue, &[], &limits(8), &mut Lanes::default(), 0);
        assert_eq!(decision.doomed, [(queue[0].session, "build".to_owned())]);
        assert!(decision.start.is_empty());
    }

    #[test]
    fn one_slot_is_shared_by_weight_and_nobody_starves() {
        let mut lanes = Lanes::default();
        let mut served: BTreeMap<Lane, u32> = BTreeMap::new();
        for _ in 0..160 {
            let queue: Vec<QueueRow> = Lane::ALL.into_iter().map(|lane| row(1, lane)).collect();
            let decision = decide(&queue, &[], &limits(1), &mut lanes, 0);
            let lane = queue
                .iter()
                .find(|row| row.session == decision.start[0].0)
                .unwrap()
                .lane;
            *served.entry(lane).or_default() += 1;
        }
        assert_eq!(served[&Lane::Primary], 80);
        assert_eq!(served[&Lane::Validation], 40);
        assert_eq!(served[&Lane::Subagent], 30);
        assert_eq!(served[&Lane::Background], 10);
    }

    proptest! {
        /// Every row is answered exactly once, and no limit is passed.
        #[test]
        fn nothing_is_lost_and_limits_hold(
            shape in prop::collection::vec((0usize..4, 0u8..3, any::<bool>(), any::<bool>()), 0..30),
            slots in 0usize..6,
        ) {
            let queue: Vec<QueueRow> = shape.iter().enumerate().map(|(n, (lane, priority, group, waits))| {
                let mut row = row(n as u64, Lane::ALL[*lane]);
                row.priority = *priority;
                row.group = group.then(|| "g".to_owned());
                row.waits_for = waits.then(|| "x".to_owned());
                row
            }).collect();
            let decision = decide(&queue, &[], &limits(slots), &mut Lanes::default(), 0);
            prop_assert_eq!(decision.start.len() + decision.waiting.len() + decision.doomed.len(), queue.len());
            prop_assert!(decision.start.len() <= slots);
            let grouped = decision.start.iter().filter(|(id, _)| {
                queue.iter().any(|row| row.session == *id && row.group.is_some())
            }).count();
            prop_assert!(grouped <= 1);
        }
    }
}
