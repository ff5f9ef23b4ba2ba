//! Which jobs start next. A pure function over a snapshot of the queue: same queue, same answer.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::admission::{Admission, LockWait};
use super::groups::{Buckets, GroupLimits, ModelLimits, Pool, Room};
use super::shortage::{Floors, Shortage};
use crate::model::ids::{JobId, SessionId};
use crate::model::limit::Claim;
use crate::model::task::Lane;
use crate::store::QueueRow;

/// How much may run at once.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// Sessions with a job executing, over all.
    pub sessions: usize,
    /// What groups may do.
    pub groups: GroupLimits,
    /// How many jobs call a model, or a provider's models.
    pub models: ModelLimits,
    /// What is left of the machine at least when another one starts.
    pub floors: Floors,
}

/// How long until the machine is looked at again.
const LOOK_AT_MACHINE_MS: i64 = 3_000;

/// How things stand at a look.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What waits, in the order of submission.
    pub queue: &'a [QueueRow],
    /// What runs.
    pub slots: &'a [Slot],
    /// What the machine lacks.
    pub shortage: Option<Shortage>,
    /// In milliseconds since the epoch.
    pub now_ms: i64,
}

/// What holds a slot now.
#[derive(Debug, Clone)]
pub struct Slot {
    /// The session.
    pub session: SessionId,
    /// What it takes a place of.
    pub claim: Claim,
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
    /// Its group, its provider or its model has no place left.
    Full(Pool),
    /// Jobs of its group started too often of late.
    Rate {
        /// The group.
        group: String,
        /// When the next one may start, in milliseconds since the epoch.
        next_ms: i64,
    },
    /// Somebody else holds files that it asks for.
    Lock(Rc<LockWait>),
    /// The machine has too little left.
    Machine {
        /// Of what.
        shortage: Shortage,
        /// When it is looked at again, in milliseconds since the epoch.
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
            Self::Until(at_ms) => {
                format!("next attempt in {}", in_words(at_ms.saturating_sub(now_ms)))
            }
            Self::Full(pool) => format!("{pool} is at its limit"),
            Self::Rate { group, next_ms } => {
                format!(
                    "rate of group {group}: next in {}",
                    in_words(next_ms.saturating_sub(now_ms))
                )
            }
            Self::Lock(wait) => wait.describe(),
            Self::Machine { shortage, .. } => shortage.to_string(),
            Self::Slots => "all slots are taken".to_owned(),
        }
    }

    /// When it may be over without anything else happening.
    fn over_ms(&self) -> Option<i64> {
        match self {
            Self::Until(at_ms)
            | Self::Rate { next_ms: at_ms, .. }
            | Self::Machine { next_ms: at_ms, .. } => Some(*at_ms),
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

/// A job that had a slot, and waits only because of its group's rate, or of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its session.
    pub session: SessionId,
    /// The job.
    pub job: JobId,
    /// Why.
    pub why: Wait,
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
    /// Those of the waiting that would start now if it were not for a rate or the machine.
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
    /// Makes it wait, and says that nothing else was in its way.
    fn hold(&mut self, row: &QueueRow, why: Wait) {
        self.held.push(Held {
            session: row.session,
            job: row.job,
            why: why.clone(),
        });
        self.wait(row.session, why);
    }

    fn wait(&mut self, session: SessionId, wait: Wait) {
        let over = wait.over_ms().into_iter();
        self.look_again_ms = over.chain(self.look_again_ms).min();
        self.waiting.push((session, wait));
    }
}

/// Decides what starts and what waits.
pub fn decide(
    scene: Scene<'_>,
    limits: &Limits,
    buckets: Buckets,
    lanes: &mut Lanes,
    admission: &mut Admission<'_>,
) -> Decision {
    let Scene {
        queue,
        slots,
        shortage,
        now_ms,
    } = scene;
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
        } else if row.is_early(now_ms) {
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
    let room = Room::new(limits, buckets, slots, now_ms);
    let machine = Machine {
        wait: shortage.map(|shortage| Wait::Machine {
            shortage,
            next_ms: now_ms.saturating_add(LOOK_AT_MACHINE_MS),
        }),
        has_one_left: slots.is_empty() && shortage.is_none_or(|short| short.lets_one_start()),
    };
    fill_slots(&mut decision, ready, free, room, machine, lanes, admission);
    decision
}

/// What the machine still takes.
struct Machine {
    /// Why nothing more starts, if that is so.
    wait: Option<Wait>,
    /// Whether one may start in spite of it.
    has_one_left: bool,
}

impl Machine {
    fn refuses(&self) -> Option<Wait> {
        self.wait.clone().filter(|_| !self.has_one_left)
    }
}

fn fill_slots(
    decision: &mut Decision,
    mut ready: BTreeMap<Lane, Vec<&QueueRow>>,
    mut free: usize,
    mut room: Room<'_>,
    mut machine: Machine,
    lanes: &mut Lanes,
    admission: &mut Admission<'_>,
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
        if let Err(wait) = admission.may_take(row) {
            decision.wait(row.session, Wait::Lock(wait));
            continue;
        }
        if let Some(wait) = machine.refuses() {
            match decision.held.len() < free {
                true => decision.hold(row, wait),
                false => decision.wait(row.session, wait),
            }
            continue;
        }
        if let Err(wait) = room.take(&row.claim) {
            match wait {
                Wait::Rate { .. } if decision.held.len() < free => decision.hold(row, wait),
                _ => decision.wait(row.session, wait),
            }
            continue;
        }
        admission.take(row);
        machine.has_one_left = false;
        lanes.charge(lane);
        decision.start.push((row.session, row.job));
        free -= 1;
    }
    for row in ready.into_values().flatten() {
        decision.wait(row.session, Wait::Slots);
    }
}

#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod tests;
