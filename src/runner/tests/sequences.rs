//! Random sequences of what people, the runner, crashes and recovery do, against a simple model. After each step the store
//! says what the model says, and what always has to hold does; after all of them the tables are what the log makes them.
//!
//! `scripts/state-sequences` runs a hundred thousand of them.

mod check;
mod landing;
mod model;
mod play;
mod step;
mod world;

use std::cell::Cell;

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::model::task::OnCrash;
use crate::store::Store;
use landing::Landing;
use model::{EVERYTHING, How};
use play::Play;
use step::{Step, steps as any_steps};
use world::Ask;

/// How many sequences are run.
const VARIABLE: &str = "TREEYARD_SEQUENCES";

/// How often what counts came to pass: sequences in which nothing happens would hold whatever is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    begun: u64,
    ended: u64,
    landed: u64,
    cut: u64,
    recovered: u64,
    told: u64,
}

impl Tally {
    fn parts(&self) -> [u64; 6] {
        [
            self.begun,
            self.ended,
            self.landed,
            self.cut,
            self.recovered,
            self.told,
        ]
    }

    fn plus(self, more: Self) -> Self {
        Self {
            begun: self.begun + more.begun,
            ended: self.ended + more.ended,
            landed: self.landed + more.landed,
            cut: self.cut + more.cut,
            recovered: self.recovered + more.recovered,
            told: self.told + more.told,
        }
    }
}

fn play(empty: &std::path::Path, steps: &[Step]) -> Tally {
    let mut play = Play::new(empty);
    for step in steps {
        let before = play.world.landed();
        play.take(*step);
        check::same(&play.model, &play.world);
        check::same_claims(&play.model, &play.world);
        check::sound(&play.world, &before);
    }
    play.world.check_rebuilt();
    play.tally
}

/// The same sequences each time; another seed gives others.
#[test]
fn any_sequence_comes_to_what_the_model_says() {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let cases = number(VARIABLE).unwrap_or(50);
    let mut seed = [7; 32];
    seed[..4].copy_from_slice(&number("TREEYARD_SEED").unwrap_or(0).to_le_bytes());
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join(crate::store::DATABASE);
    drop(Store::open(folder.path()).unwrap());
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let began = std::time::Instant::now();
    let (steps, tally) = (Cell::new(0), Cell::new(Tally::default()));
    TestRunner::new_with_rng(config, rng)
        .run(&any_steps(), |sequence| {
            steps.set(steps.get() + sequence.len());
            tally.set(tally.get().plus(play(&empty, &sequence)));
            Ok(())
        })
        .unwrap();
    let (steps, took, tally) = (steps.get(), began.elapsed().as_secs(), tally.get());
    assert!(tally.parts().iter().all(|n| *n > 0), "{tally:?}");
    println!(
        "state-sequences: {cases} sequences, {steps} steps, all as the model says, {took} s: {tally:?}"
    );
}

fn submit(area: u8, after: Option<u8>) -> Step {
    Step::Submit(Ask {
        area,
        jobs: 1,
        on_crash: OnCrash::Ask,
        retries: 0,
        auto_land: false,
        after,
    })
}

/// The one that waits begins, and comes to its end.
fn whole(idle: bool) -> [Step; 4] {
    let (n, well, how) = (0, true, How::Succeeds);
    [
        Step::Look,
        Step::Made { n, well },
        Step::End { n, how },
        Step::TakeIn { n, idle },
    ]
}

/// Whoever goes on from work that went on from other work has what both hold.
#[test]
fn what_two_before_it_hold_is_passed_on_together() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let tasks = [
        submit(EVERYTHING, None),
        submit(2, Some(0)),
        submit(0, Some(1)),
    ];
    let steps = [&tasks[..], &whole(false), &whole(false), &whole(true)].concat();
    let tally = play(&folder.path().join(crate::store::DATABASE), &steps);
    assert_eq!(tally.begun, 3);
}

/// A session that gave its files back lands nothing of what the one before it holds.
#[test]
fn nothing_is_passed_on_to_be_landed() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let tasks = [submit(EVERYTHING, None), submit(0, Some(0))];
    let (n, how) = (1, Landing::Lands);
    let steps = [
        &tasks[..],
        &whole(false),
        &whole(true),
        &[Step::Land { n, how }],
    ]
    .concat();
    let tally = play(&folder.path().join(crate::store::DATABASE), &steps);
    assert_eq!((tally.begun, tally.landed), (2, 0));
}

/// It is taken back with the refusal that the time of a claim was over: whoever asks next sees that it is.
#[test]
fn a_landing_that_is_refused_ends_no_claim() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let tasks = [submit(EVERYTHING, None), submit(0, None)];
    let (place, area, for_ms) = (0, 1, Some(1));
    let claim = Step::Claim {
        place,
        area,
        for_ms,
    };
    let (n, how) = (0, Landing::Lands);
    let land = [claim, Step::Look, Step::Pass(1), Step::Land { n, how }];
    let steps = [&tasks[..], &whole(true), &land, &[claim]].concat();
    let tally = play(&folder.path().join(crate::store::DATABASE), &steps);
    assert_eq!((tally.begun, tally.landed), (2, 0));
}
