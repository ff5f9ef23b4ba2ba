//! What may happen, and how often.

use proptest::prelude::*;

use super::landing::Landing;
use super::model::How;
use super::world::Ask;
use crate::model::task::OnCrash;

/// In milliseconds.
const HOUR: i64 = 3_600_000;
const YEAR: i64 = 365 * 24 * HOUR;

/// Numbers choose among the tasks that there are.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Submit(Ask),
    Claim {
        place: usize,
        area: u8,
        for_ms: Option<u64>,
    },
    GiveBack {
        place: usize,
    },
    Look,
    Made {
        n: u8,
        well: bool,
    },
    End {
        n: u8,
        how: How,
    },
    TakeIn {
        n: u8,
        idle: bool,
    },
    Land {
        n: u8,
        how: Landing,
    },
    Pause(u8, Option<u64>),
    /// The machine runs on, or sleeps.
    Pass(u64),
    /// Its clock is set.
    Jump(i64),
    Resume(u8),
    Cancel(u8),
    Retry(u8),
    Crash,
    Recover {
        same_boot: bool,
        standings: u32,
    },
}

/// Two tasks, and then any steps.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let first = prop::collection::vec(submit(), 2);
    let rest = prop::collection::vec(step(), 20..80);
    (first, rest).prop_map(|(first, rest)| [first, rest].concat())
}

fn submit() -> impl Strategy<Value = Step> {
    let on_crash = prop_oneof![
        Just(OnCrash::Ask),
        Just(OnCrash::Resume),
        Just(OnCrash::Fail)
    ];
    let submit = (
        0..4u8,
        prop_oneof![3 => Just(1u32), 1 => Just(2)],
        on_crash,
        0..2u32,
        any::<bool>(),
        prop::option::of(any::<u8>()),
    );
    submit.prop_map(|(area, jobs, on_crash, retries, auto_land, after)| {
        Step::Submit(Ask {
            area,
            jobs,
            on_crash,
            retries,
            auto_land,
            after,
        })
    })
}

/// Any of them, what leads on more often than what ends.
fn step() -> impl Strategy<Value = Step> {
    let how = prop_oneof![5 => Just(How::Succeeds), 2 => Just(How::Fails), 1 => Just(How::IsCancelled), 1 => Just(How::IsLost)];
    let landing = prop_oneof![
        4 => Just(Landing::Lands), 1 => Just(Landing::Conflicts), 1 => Just(Landing::IsRefused),
        1 => Just(Landing::CutBefore), 1 => Just(Landing::CutAfter), 1 => Just(Landing::CutRecorded),
    ];
    prop_oneof![
        3 => submit(),
        1 => (0..2usize, 0..4u8, prop::option::of(1..5_000u64))
            .prop_map(|(place, area, for_ms)| Step::Claim { place, area, for_ms }),
        2 => (0..2usize).prop_map(|place| Step::GiveBack { place }),
        10 => Just(Step::Look),
        8 => (any::<u8>(), prop::bool::weighted(0.95)).prop_map(|(n, well)| Step::Made { n, well }),
        10 => (any::<u8>(), how).prop_map(|(n, how)| Step::End { n, how }),
        6 => (any::<u8>(), prop::bool::weighted(0.2)).prop_map(|(n, idle)| Step::TakeIn { n, idle }),
        6 => (any::<u8>(), landing).prop_map(|(n, how)| Step::Land { n, how }),
        1 => (any::<u8>(), prop::option::of(1..5_000u64))
            .prop_map(|(n, keep)| Step::Pause(n, keep)),
        3 => any::<u8>().prop_map(Step::Resume),
        1 => any::<u8>().prop_map(Step::Cancel),
        2 => any::<u8>().prop_map(Step::Retry),
        2 => prop_oneof![1..3_000u64, Just(HOUR as u64)].prop_map(Step::Pass),
        2 => prop_oneof![Just(HOUR), Just(-HOUR), Just(10 * YEAR), Just(-10 * YEAR), -5..5i64]
            .prop_map(Step::Jump),
        1 => Just(Step::Crash),
        4 => (prop::bool::weighted(0.8), any::<u32>())
            .prop_map(|(same_boot, standings)| Step::Recover { same_boot, standings }),
    ]
}
