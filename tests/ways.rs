//! Every way around a scope that is known, as real git commands in real repositories, from the commit to the
//! landing. What was not claimed is not on the target after all of them; `scripts/ways-around` prints the list.

use std::sync::Mutex;

#[path = "ways/beside.rs"]
mod beside;
#[path = "ways/commits.rs"]
mod commits;
#[path = "ways/ground.rs"]
mod ground;
#[path = "ways/histories.rs"]
mod histories;
#[path = "ways/past.rs"]
mod past;
#[path = "ways/plumbing.rs"]
mod plumbing;
#[path = "ways/table.rs"]
mod table;

use ground::{Ground, Tried};
use table::{Way, When};

const METHODS: [&str; 3] = ["merge", "squash", "rebase"];

/// Ways that share a repository, who goes them, and how the work is to land: by itself, and when somebody asks.
type Round = (&'static [Way], When, [&'static str; 2]);

#[test]
fn what_was_not_claimed_is_not_on_the_target_after_all_of_them() {
    let left: Mutex<Vec<Round>> = Mutex::new(rounds());
    let tried = Mutex::new(Vec::new());
    let next = || left.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((ways, when, methods)) = next() {
                    let found = Ground::new().try_all(ways, when, methods);
                    tried.lock().unwrap().extend(found);
                }
            });
        }
    });
    let tried = tried.into_inner().unwrap();
    tried.iter().for_each(|one| println!("{one}"));
    let landed: usize = tried.iter().map(|one| one.beyond).sum();
    println!(
        "{} ways around tried, {landed} out-of-scope changes on the target (0 allowed)",
        tried.len()
    );
    let wrong: Vec<&Tried> = tried.iter().filter(|one| one.wrong.is_some()).collect();
    assert!(wrong.is_empty() && landed == 0, "{wrong:#?}");
}

/// They do not count as landed by treeyard, and are told so that nobody takes them for covered.
#[test]
fn what_goes_past_treeyard_is_known() {
    past::all().iter().for_each(|line| println!("{line}"));
}

/// Each way once, as the command of a session or as what somebody does in its worktree afterwards; or
/// as both, which takes twice as long.
fn rounds() -> Vec<Round> {
    let shared = [
        commits::SWITCHED_OFF,
        commits::INDEXES,
        commits::KINDS,
        histories::BROUGHT,
        histories::RETOLD,
        plumbing::REFS,
        plumbing::OBJECTS,
    ];
    let all = shared.into_iter().chain(beside::ALONE.chunks(1));
    let everything = std::env::var_os("TREEYARD_WAYS").is_some_and(|which| which == "all");
    let both = [When::Command, When::Afterwards];
    let all = all.enumerate().flat_map(|(n, ways)| {
        let whens = if everything {
            &both[..]
        } else {
            &both[n % 2..][..1]
        };
        whens.iter().map(move |when| (ways, *when))
    });
    let with_methods = all.enumerate().map(|(n, (ways, when))| {
        let methods = [METHODS[n % 3], METHODS[(n + 1) % 3]];
        (ways, when, methods)
    });
    with_methods.collect()
}
