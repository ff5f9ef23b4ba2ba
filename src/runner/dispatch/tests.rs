use super::*;
use crate::model::bucket::Bucket;
use crate::model::limit::GroupLimit;
use crate::model::lock::{Lock, LockTable, LockToken, Party};
use crate::model::scope::{Fold, Scope};
use crate::model::session::SessionState;
use crate::runner::admission::Verdicts;
use crate::store::Holder;
use proptest::prelude::*;
use std::collections::HashMap;

/// With nobody who holds anything.
pub(super) fn decide(
    queue: &[QueueRow],
    slots: &[Slot],
    limits: &Limits,
    buckets: Buckets,
    lanes: &mut Lanes,
    now_ms: i64,
) -> Decision {
    let (table, holders) = (LockTable::new(Fold::default()), || Ok(HashMap::new()));
    let mut verdicts = Verdicts::default();
    let mut admission = Admission::new(&table, &holders, &mut verdicts);
    super::decide(
        scene(queue, slots, now_ms),
        limits,
        buckets,
        lanes,
        &mut admission,
    )
}

fn scene<'a>(queue: &'a [QueueRow], slots: &'a [Slot], now_ms: i64) -> Scene<'a> {
    Scene {
        queue,
        slots,
        shortage: None,
        now_ms,
    }
}

pub(super) fn row(seq: u64, lane: Lane) -> QueueRow {
    QueueRow {
        session: SessionId::new(),
        state: SessionState::Created,
        job: JobId::new(),
        busy: false,
        not_before_ms: 0,
        queued_ms: 0,
        lane,
        priority: 50,
        claim: Claim::default(),
        created_seq: seq,
        waits_for: None,
        doomed_by: None,
        holds: false,
        scope: format!("[\"t{seq}/**\"]"),
        goes_on_from: None,
        waits_for_token: None,
        passed_by: 0,
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
        ..Limits::default()
    }
}

pub(super) fn started(queue: &[QueueRow], decision: &Decision) -> Vec<u64> {
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
    queue[3].claim.group = Some("g".into());
    queue[4].claim.group = Some("g".into());
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
        .for_each(|row| row.claim.group = Some("api".into()));
    let buckets =
        |starts: &[i64], now| Buckets::from([("api".to_owned(), Bucket::after(rate, starts, now))]);
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

    let api = || Claim {
        group: Some("api".into()),
        ..Claim::default()
    };
    let slot = |starting| Slot {
        session: SessionId::new(),
        claim: api(),
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
        .for_each(|row| row.claim.group = Some("api".into()));
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
fn on_a_machine_that_is_short_one_starts_at_most() {
    let queue: Vec<QueueRow> = (1..=4).map(|seq| row(seq, Lane::Primary)).collect();
    let running = [Slot {
        session: SessionId::new(),
        claim: Claim::default(),
        starting: false,
    }];
    let (memory, disk) = (Shortage::Memory(1, 2), Shortage::Disk(1, 2));
    let all: [(&[Slot], Option<Shortage>, &[u64]); 5] = [
        (&[], None, &[1, 2, 3]),
        (&[], Some(memory), &[1]),
        (&running, Some(memory), &[]),
        (&[], Some(disk), &[]),
        (&[], Some(Shortage::Pressure(30)), &[1]),
    ];
    for (slots, shortage, expected) in all {
        let (table, holders) = (LockTable::new(Fold::default()), || Ok(HashMap::new()));
        let mut verdicts = Verdicts::default();
        let mut admission = Admission::new(&table, &holders, &mut verdicts);
        let scene = Scene {
            shortage,
            ..scene(&queue, slots, 1_000)
        };
        let (limits, mut lanes) = (limits(3), Lanes::default());
        let decision = super::decide(scene, &limits, Buckets::new(), &mut lanes, &mut admission);
        assert_eq!(started(&queue, &decision), expected, "{shortage:?}");
        let Some(shortage) = shortage else { continue };
        let wait = Wait::Machine {
            shortage,
            next_ms: 4_000,
        };
        let waiting: Vec<&Wait> = decision.waiting.iter().map(|(_, wait)| wait).collect();
        // With a slot free they wait for the machine, without one for a slot.
        let free = 3 - slots.len() - expected.len();
        assert!(free > 0);
        assert_eq!(waiting, vec![&wait; 4 - expected.len()]);
        assert_eq!(decision.held.len(), free, "as many as had a slot");
        assert_eq!(decision.look_again_ms, Some(4_000));
    }
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
            row.claim.group = group.then(|| "g".to_owned());
            row.waits_for = waits.then(|| "x".to_owned());
            row
        }).collect();
        let decision = decide(&queue, &[], &limits(slots), Buckets::new(), &mut Lanes::default(), 0);
        prop_assert_eq!(decision.start.len() + decision.waiting.len() + decision.doomed.len(), queue.len());
        prop_assert!(decision.start.len() <= slots);
        let grouped = decision.start.iter().filter(|(id, _)| {
            queue.iter().any(|row| row.session == *id && row.claim.group.is_some())
        }).count();
        prop_assert!(grouped <= 1);
    }
}

/// One that holds a scope, by name.
struct Held {
    table: LockTable,
    holders: HashMap<SessionId, Holder>,
    id: SessionId,
}

impl Held {
    fn new(name: &str, pattern: &str, rests: bool) -> Self {
        let id = SessionId::new();
        let holder = Holder {
            name: name.to_owned(),
            rests,
        };
        let lock = Lock {
            token: LockToken(7),
            owner: Party::session(id),
            holder: Party::session(id),
            scope: Scope::new(vec![pattern.to_owned()]).unwrap(),
            since: LockToken(7),
            lease: None,
            granted_ms: 0,
        };
        let mut table = LockTable::new(Fold::default());
        table.sync(vec![lock], 1).unwrap();
        let holders = HashMap::from([(id, holder)]);
        Self { table, holders, id }
    }

    fn decide(&self, queue: &[QueueRow]) -> Decision {
        let holders = || Ok(self.holders.clone());
        let (limits, mut verdicts) = (limits(8), Verdicts::default());
        let mut look = || {
            let mut admission = Admission::new(&self.table, &holders, &mut verdicts);
            let mut lanes = Lanes::default();
            let scene = scene(queue, &[], 0);
            super::decide(scene, &limits, Buckets::new(), &mut lanes, &mut admission)
        };
        let first = look();
        // What is known from the first look says the same.
        assert_eq!(look(), first);
        first
    }
}

fn asks(seq: u64, pattern: &str) -> QueueRow {
    QueueRow {
        scope: format!("[\"{pattern}\"]"),
        ..row(seq, Lane::Primary)
    }
}

fn reasons(decision: &Decision) -> Vec<String> {
    let waiting = decision.waiting.iter();
    waiting.map(|(_, wait)| wait.describe(0)).collect()
}

#[test]
fn overlapping_scopes_do_not_start_together() {
    let mut queue = vec![
        asks(1, "src/**"),
        asks(2, "src/api/**"),
        asks(3, "docs/**"),
        asks(4, "src/**"),
    ];
    queue[3].holds = true;
    let held = Held::new("other", "lib/**", false);
    let decision = held.decide(&queue);
    assert_eq!(started(&queue, &decision), [1, 3, 4]);
    let short = queue[0].session.short();
    let expected = format!("waits for src/api/a: {short} comes first");
    assert_eq!(reasons(&decision), [expected]);
    queue[1].priority = 1;
    let decision = held.decide(&queue);
    assert_eq!(started(&queue, &decision), [2, 3, 4], "the more urgent one");
}

#[test]
fn what_is_held_is_waited_for_by_name_and_path() {
    let queue = [asks(1, "lib/a.rs"), asks(2, "**"), asks(3, "docs/**")];
    for (rests, end) in [(false, ""), (true, " until it lands")] {
        let held = Held::new("other", "lib/**", rests);
        let decision = held.decide(&queue);
        assert_eq!(started(&queue, &decision), [3]);
        let who = format!("which other ({}) holds{end}", held.id.short());
        let expected = ["lib/a.rs", "lib/a"].map(|path| format!("waits for {path}, {who}"));
        assert_eq!(reasons(&decision), expected);
    }
}

#[test]
fn one_that_was_passed_by_too_often_is_next() {
    let mut queue = [asks(1, "**"), asks(2, "docs/**"), asks(3, "lib/x/**")];
    let held = |rests| Held::new("other", "lib/**", rests);
    queue[0].passed_by = 31;
    assert_eq!(started(&queue, &held(false).decide(&queue)), [2]);
    queue[0].passed_by = 32;
    assert!(held(false).decide(&queue).start.is_empty());
    // What nobody but a person can end does not hold up everybody else.
    assert_eq!(started(&queue, &held(true).decide(&queue)), [2]);
}

#[test]
fn what_was_held_is_passed_on_to_the_one_that_goes_on() {
    let held = Held::new("before", "lib/**", true);
    let mut queue = [asks(1, "lib/**"), asks(2, "lib/**")];
    queue[1].goes_on_from = Some(held.id);
    assert_eq!(started(&queue, &held.decide(&queue)), [2]);
}
