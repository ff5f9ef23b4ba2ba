//! Which jobs start next. A pure function over a snapshot of the queue: same queue, same answer.

use std::collections::BTreeMap;

use super::groups::{Buckets, GroupLimits, Room};
use crate::model::ids::{JobId, SessionId};
use crate::model::task::Lane;
use crate::store::QueueRow;

/// How much may run at once.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Sessions with a job executing, over all.
    pub sessions: usize,
    /// What groups may do.
    pub groups: GroupLimits,
}

/// What holds a slot now.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The session.
    pub session: SessionId,
    /// Its group.
    pub group: Option<String>,
    /// Whether its job is still to be started, so that no start of it is on record yet.
    pub starting: bool,
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
    /// Jobs of its group started too often of late.
    Rate {
        /// The group.
        group: String,
        /// When the next one may start, in milliseconds since the epoch.
        next_ms: i64,
    },
    /// All slots are taken.
    Slots,
}

impl Wait {
    /// In words, as it is at `now_ms`.
    pub fn describe(&self, now_ms: i64) -> String {
        match self {
            Self::Busy => "another job of the session runs".to_owned(),
            Self::After(name) => format!("waits for {name}"),
            Self::Until(at_ms) => format!("next attempt in {}", in_words(at_ms - now_ms)),
            Self::Group(name) => format!("group {name} is at its limit"),
            Self::Rate { group, next_ms } => {
                format!(
                    "rate of group {group}: next in {}",
                    in_words(next_ms - now_ms)
                )
            }
            Self::Slots => "all slots are taken".to_owned(),
        }
    }

    /// When it may be over without anything else happening.
    fn over_ms(&self) -> Option<i64> {
        match self {
            Self::Until(at_ms) | Self::Rate { next_ms: at_ms, .. } => Some(*at_ms),
            _ => None,
        }
    }
}

/// Rounded up, in the unit in which it is a small number.
fn in_words(ms: i64) -> String {
    let seconds = (ms.max(0) as u64).div_ceil(1_000);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

/// A job that had a slot, and waits only because of its group's rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its session.
    pub session: SessionId,
    /// The job.
    pub job: JobId,
    /// Its group.
    pub group: String,
    /// When the group's next job may start, in milliseconds since the epoch.
    pub next_ms: i64,
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
    /// Those of the waiting that would start now if it were not for a rate.
    pub held: Vec<Held>,
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

impl Decision {
    fn wait(&mut self, session: SessionId, wait: Wait) {
        let over = wait.over_ms().into_iter();
        self.look_again_ms = over.chain(self.look_again_ms).min();
        self.waiting.push((session, wait));
    }
}

/// Decides over `queue`, which is in the order of submission, with `slots` taken at `now_ms`.
pub fn decide(
    queue: &[QueueRow],
    slots: &[Slot],
    limits: &Limits,
    buckets: Buckets,
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
            decision.wait(row.session, Wait::Busy);
        } else if let Some(name) = &row.waits_for {
            decision.wait(row.session, Wait::After(name.clone()));
        } else if row.not_before_ms > now_ms {
            decision.wait(row.session, Wait::Until(row.not_before_ms));
        } else {
            ready.entry(row.lane).or_default().push(row);
        }
    }
    for rows in ready.values_mut() {
        // Taken from the end: the most urgent, then the oldest, comes last.
        rows.sort_by_key(|row| std::cmp::Reverse((row.priority, row.created_seq)));
    }
    let free = limits.sessions.saturating_sub(slots.len());
    let room = Room::new(&limits.groups, buckets, slots, now_ms);
    fill_slots(&mut decision, ready, free, room, lanes);
    decision
}

fn fill_slots<'a>(
    decision: &mut Decision,
    mut ready: BTreeMap<Lane, Vec<&'a QueueRow>>,
    mut free: usize,
    mut room: Room<'a>,
    lanes: &mut Lanes,
) {
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
        if let Some(Err(wait)) = row.group.as_deref().map(|group| room.take(group)) {
            if let Wait::Rate { group, next_ms } = &wait
                && decision.held.len() < free
            {
                decision.held.push(Held {
                    session: row.session,
                    job: row.job,
                    group: group.clone(),
                    next_ms: *next_ms,
                });
            }
            decision.wait(row.session, wait);
            continue;
        }
        lanes.charge(lane);
        decision.start.push((row.session, row.job));
        free -= 1;
    }
    for row in ready.into_values().flatten() {
        decision.wait(row.session, Wait::Slots);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limit::GroupLimit;
    use crate::model::session::SessionState;
    use crate::runner::bucket::Bucket;
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
            groups: BTreeMap::from([(
                "g".to_owned(),
                GroupLimit {
                    max: Some(1),
                    rate: None,
                },
            )]),
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
        let decision = decide(
            &queue,
            &[],
            &limits(2),
            Buckets::new(),
            &mut Lanes::default(),
            0,
        );
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
        let decision = decide(
            &queue,
            &[],
            &limits(8),
            Buckets::new(),
            &mut Lanes::default(),
            100,
        );
        assert_eq!(started(&queue, &decision), [4]);
        assert_eq!(decision.look_again_ms, Some(500));
        let reasons: Vec<String> = decision
            .waiting
            .iter()
            .map(|(_, wait)| wait.describe(100))
            .collect();
        assert_eq!(
            reasons,
            [
                "another job of the session runs",
                "waits for docs",
                "next attempt in 1 s",
                "group g is at its limit"
            ]
        );
    }

    #[test]
    fn a_rate_holds_a_job_until_its_token_comes_back() {
        let rate = "30/min".parse().unwrap();
        let limit = |max| GroupLimit {
            max,
            rate: Some(rate),
        };
        let mut limits = limits(8);
        limits.groups.insert("api".to_owned(), limit(None));
        let mut queue: Vec<QueueRow> = (1..=3).map(|seq| row(seq, Lane::Primary)).collect();
        queue
            .iter_mut()
            .for_each(|row| row.group = Some("api".into()));
        let buckets = |starts: &[i64], now| {
            Buckets::from([("api".to_owned(), Bucket::after(rate, starts, now))])
        };
        let look = |slots: &[Slot], starts: &[i64], now| {
            let lanes = &mut Lanes::default();
            decide(&queue, slots, &limits, buckets(starts, now), lanes, now)
        };

        let first = look(&[], &[], 5_000);
        assert_eq!(started(&queue, &first), [1]);
        assert_eq!(first.look_again_ms, Some(7_000), "exactly, and no sooner");
        assert_eq!(first.held.len(), 2);
        let why = first.waiting[0].1.describe(5_000);
        assert_eq!(why, "rate of group api: next in 2 s");

        let later = look(&[], &[5_000], 6_999);
        assert_eq!(started(&queue, &later), [] as [u64; 0]);
        assert_eq!(started(&queue, &look(&[], &[5_000], 7_000)), [1]);

        let slot = |starting| Slot {
            session: SessionId::new(),
            group: Some("api".into()),
            starting,
        };
        assert!(
            look(&[slot(true)], &[], 5_000).start.is_empty(),
            "its token is spoken for"
        );
        assert_eq!(look(&[slot(false)], &[], 5_000).start.len(), 1);
    }

    #[test]
    fn a_job_without_a_slot_is_not_held_by_the_rate() {
        let rate = "1/h".parse().unwrap();
        let mut limits = limits(2);
        let limit = GroupLimit {
            max: None,
            rate: Some(rate),
        };
        limits.groups.insert("api".to_owned(), limit);
        let mut queue: Vec<QueueRow> = (1..=9).map(|seq| row(seq, Lane::Primary)).collect();
        queue[0..8]
            .iter_mut()
            .for_each(|row| row.group = Some("api".into()));
        let buckets = Buckets::from([("api".to_owned(), Bucket::after(rate, &[], 0))]);
        let decision = decide(&queue, &[], &limits, buckets, &mut Lanes::default(), 0);
        assert_eq!(
            started(&queue, &decision),
            [1, 9],
            "others go past the group"
        );
        assert_eq!(decision.held.len(), 1);
        assert_eq!(decision.waiting.len(), 7);
    }

    #[test]
    fn waits_are_told_in_the_unit_that_fits() {
        let told: Vec<String> = [-5, 1, 1_000, 1_001, 119_000, 120_001, 9_000_000]
            .into_iter()
            .map(in_words)
            .collect();
        assert_eq!(told, ["0 s", "1 s", "1 s", "2 s", "119 s", "3 min", "3 h"]);
    }

    #[test]
    fn what_comes_after_a_failure_is_doomed() {
        let mut queue = vec![row(1, Lane::Primary)];
        queue[0].doomed_by = Some("build".into());
        let decision = decide(
            &queue,
            &[],
            &limits(8),
            Buckets::new(),
            &mut Lanes::default(),
            0,
        );
        assert_eq!(decision.doomed, [(queue[0].session, "build".to_owned())]);
        assert!(decision.start.is_empty());
    }

    #[test]
    fn one_slot_is_shared_by_weight_and_nobody_starves() {
        let mut lanes = Lanes::default();
        let mut served: BTreeMap<Lane, u32> = BTreeMap::new();
        for _ in 0..160 {
            let queue: Vec<QueueRow> = Lane::ALL.into_iter().map(|lane| row(1, lane)).collect();
            let decision = decide(&queue, &[], &limits(1), Buckets::new(), &mut lanes, 0);
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
            let decision = decide(&queue, &[], &limits(slots), Buckets::new(), &mut Lanes::default(), 0);
            prop_assert_eq!(decision.start.len() + decision.waiting.len() + decision.doomed.len(), queue.len());
            prop_assert!(decision.start.len() <= slots);
            let grouped = decision.start.iter().filter(|(id, _)| {
                queue.iter().any(|row| row.session == *id && row.group.is_some())
            }).count();
            prop_assert!(grouped <= 1);
        }
    }
}
