//! Which step answers a request.

use super::read::{Script, Step};
use crate::model::chat::ChatRequest;

/// How many requests each step has answered.
#[derive(Debug)]
pub struct Progress(Vec<u32>);

impl Progress {
    /// After so many answers that another process gave: as many steps in order have answered. A script that has no
    /// more than that begins anew: they were another one's.
    pub fn after(script: &Script, answers: u32) -> Self {
        let answering = |step: &&Step| !step.unordered && step.error.is_none();
        let all: u32 = script
            .steps
            .iter()
            .filter(answering)
            .map(|step| step.times)
            .sum();
        let mut left = if answers < all { answers } else { 0 };
        let used = script.steps.iter().map(|step| match &step.error {
            _ if step.unordered || left == 0 => 0,
            // What failed between two answers is over as well.
            Some(_) => step.times,
            None => {
                let used = left.min(step.times);
                left -= used;
                used
            }
        });
        Self(used.collect())
    }

    /// That this step has answered.
    pub fn used(&mut self, step: usize) {
        self.0[step] += 1;
    }

    /// The steps that have not answered as often as they should.
    pub fn left<'p>(&'p self, script: &'p Script) -> impl Iterator<Item = usize> + 'p {
        let times = script.steps.iter().map(|step| step.times);
        let counted = times.zip(&self.0).enumerate();
        counted.filter_map(|(at, (times, used))| (*used < times).then_some(at))
    }
}

/// The step that answers: the next one in order, or else the first of those without order that fits.
///
/// # Errors
/// What was expected and what was found.
pub fn choose(
    script: &Script,
    progress: &Progress,
    request: &ChatRequest,
) -> Result<usize, String> {
    let (unordered, ordered): (Vec<usize>, Vec<usize>) = progress
        .left(script)
        .partition(|at| script.steps[*at].unordered);
    let next = ordered.first();
    let tried: Vec<(usize, String)> = next
        .into_iter()
        .chain(&unordered)
        .map(|at| (*at, script.steps[*at].expect.differences(request)))
        .collect();
    if let Some((at, _)) = tried.iter().find(|(_, differences)| differences.is_empty()) {
        return Ok(*at);
    }
    let told = tried
        .iter()
        .map(|(at, differences)| format!("{}{differences}", script.place(*at)));
    match tried.is_empty() {
        true => Err(format!(
            "{}: there is no step left for this request",
            script.file.display()
        )),
        false => Err(told.collect::<Vec<_>>().join("\n")),
    }
}
