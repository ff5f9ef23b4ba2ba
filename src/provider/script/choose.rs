//! Which step answers a request.

use super::read::Script;
use crate::model::chat::ChatRequest;

/// How many requests each step has answered.
#[derive(Debug)]
pub struct Progress(Vec<u32>);

impl Progress {
    /// After so many answers, which another process gave: as many steps in order have answered.
    pub fn after(script: &Script, mut answers: u32) -> Self {
        let used = script.steps.iter().map(|step| {
            let answers_in_order = !step.unordered && step.error.is_none();
            let used = if answers_in_order {
                answers.min(step.times)
            } else {
                0
            };
            answers -= used;
            // What failed between two answers is over as well.
            match step.error {
                Some(_) if !step.unordered && answers > 0 => step.times,
                _ => used,
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
