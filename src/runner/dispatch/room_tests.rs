use super::tests::{decide, row, started};
use super::*;
use crate::runner::groups::ModelLimit;

#[test]
fn models_and_their_providers_have_room_for_so_many() {
    let of = |model: &str, max| ModelLimit {
        provider: "here".into(),
        model: model.into(),
        max,
    };
    let limits = Limits {
        sessions: 9,
        models: ModelLimits {
            models: BTreeMap::from([
                ("fast".into(), of("small", 2)),
                ("same".into(), of("small", 2)),
                ("big".into(), of("large", 2)),
            ]),
            providers: BTreeMap::from([("here".into(), 3)]),
            others: 1,
            together: None,
        },
        ..Limits::default()
    };
    let calls = |model: &str| Claim {
        group: None,
        model: Some(model.into()),
        alone: None,
    };
    let names = [
        "fast",
        "same",
        "fast",
        "here/small",
        "big",
        "big",
        "far/m",
        "far/m",
    ];
    let mut queue: Vec<QueueRow> = (1..=9).map(|seq| row(seq, Lane::Primary)).collect();
    for (row, name) in queue.iter_mut().zip(names) {
        row.claim = calls(name);
    }
    let look = |slots: &[Slot]| {
        decide(
            &queue,
            slots,
            &limits,
            Buckets::new(),
            &mut Lanes::default(),
            0,
        )
    };
    let free = look(&[]);
    assert_eq!(started(&queue, &free), [1, 2, 5, 7, 9]);
    let why: Vec<String> = free
        .waiting
        .iter()
        .map(|(_, why)| why.describe(0))
        .collect();
    assert_eq!(
        why,
        [
            "model here/small is at its limit",
            "model here/small is at its limit",
            "provider here is at its limit",
            "model far/m is at its limit"
        ]
    );
    let slot = Slot {
        session: SessionId::new(),
        claim: calls("here/small"),
        starting: false,
    };
    assert_eq!(started(&queue, &look(&[slot])), [1, 5, 7, 9]);
}
