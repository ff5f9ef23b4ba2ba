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

use crate::store::Store;
use play::Play;
use step::{Step, steps as any_steps};

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
