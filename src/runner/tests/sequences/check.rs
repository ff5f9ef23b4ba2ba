//! What holds after each step.

use std::collections::HashMap;

use super::model::{Doing, Model, Tree, overlap};
use super::world::World;
use crate::model::ids::{CommitId, SessionId};
use crate::model::job::JobState;
use crate::model::lock::Party;
use crate::model::session::SessionState;

/// The store says what the model says.
pub fn same(model: &Model, world: &World) {
    for (n, task) in model.tasks.iter().enumerate() {
        let row = world.row(n);
        assert_eq!(row.state, task.state, "the state of {n}");
        assert_eq!(
            row.landed_commit.is_some(),
            task.landed,
            "whether {n} landed"
        );
        assert_eq!(
            row.landing_code.is_some(),
            task.refused,
            "whether {n} was refused"
        );
        let tree = match (row.worktree_path.is_some(), row.released) {
            (false, _) => Tree::None,
            (true, false) => Tree::There,
            (true, true) => Tree::GivenBack,
        };
        assert_eq!(tree, task.tree, "the worktree of {n}");
        let mut jobs = Vec::new();
        for job in world.jobs(n) {
            jobs.push((
                job.position,
                job.attempt,
                job.state,
                job.started_ms.is_some(),
            ));
        }
        let mut expected: Vec<_> = task.jobs.iter().collect();
        // Those of one place stay in their order.
        expected.sort_by_key(|job| job.position);
        let of = |job: &&super::model::Job| (job.position, job.attempt, job.state, job.begun);
        assert_eq!(
            jobs,
            expected.iter().map(of).collect::<Vec<_>>(),
            "the jobs of {n}"
        );
        let holder = task.lock.map(|holder| Party::session(world.ids[holder]));
        let lock = world.store.lock_of(world.ids[n]).unwrap();
        assert_eq!(lock.map(|lock| lock.holder), holder, "the lock of {n}");
        let doing = world.doing.get(&world.ids[n]).copied();
        assert_eq!(
            doing.unwrap_or(Doing::Nothing),
            task.doing,
            "what is done for {n}"
        );
    }
}

/// People have what they claimed, as long as they have it.
pub fn same_claims(model: &Model, world: &World) {
    let is_place = |(holder, area): (Party, u8)| holder.session_id().is_none().then_some(area);
    let mut held: Vec<u8> = world.held().into_iter().filter_map(is_place).collect();
    let mut expected: Vec<u8> = model
        .claims
        .iter()
        .flatten()
        .map(|(area, _)| *area)
        .collect();
    held.sort_unstable();
    expected.sort_unstable();
    assert_eq!(held, expected, "what people claimed");
}

/// What holds whatever the model says. `before`: what had landed.
pub fn sound(world: &World, before: &HashMap<SessionId, CommitId>) {
    for n in 0..world.ids.len() {
        let (row, jobs) = (world.row(n), world.jobs(n));
        let running = jobs
            .iter()
            .filter(|job| job.state == JobState::Running)
            .count();
        assert!(running <= 1, "{n} has {running} jobs at once");
        assert!(
            row.state != SessionState::Created || running == 0,
            "{n} runs and has not begun"
        );
        if let Some(landed) = before.get(&row.id) {
            assert_eq!(row.landed_commit.as_ref(), Some(landed), "{n} landed twice");
            assert_eq!(row.state, SessionState::Completed, "{n} had landed");
            assert_eq!(running, 0, "{n} had landed");
        }
    }
    let areas = world.held();
    for (at, (holder, area)) in areas.iter().enumerate() {
        let mut others = areas[at + 1..].iter();
        assert!(
            !others.any(|(other, more)| other != holder && overlap(*area, *more)),
            "two have the same files: {areas:?}"
        );
    }
}
