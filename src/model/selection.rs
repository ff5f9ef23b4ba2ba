//! Which model plays a role, and which larger one takes over. Pure decisions over what is known of models.

use std::cmp::Ordering;

use super::backend::{Backend, ParameterClass};
use super::work_profile::{
    Assignment, AutomationLevel, Governance, ProfileRole, SelectionPolicy, WorkProfile,
};

/// What is known of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// What the settings call it.
    pub id: String,
    /// Where it runs.
    pub backend: Backend,
    /// How large it is.
    pub parameter_class: ParameterClass,
    /// How well it did, if that was measured.
    pub score: Option<f64>,
    /// Whether it can be called now.
    pub ready: bool,
}

/// Why no model plays a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoChoice {
    /// The assigned ones, or all candidates, are not ready.
    #[error("no model for the role {0} is READY: {1}")]
    NotReady(&'static str, String),
    /// The profile lets none play it.
    #[error("the profile lets no model play the role {0}: {1}")]
    NotAllowed(&'static str, String),
}

/// A larger model that is to take over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Escalation<'c> {
    /// Which.
    pub to: &'c Candidate,
    /// Whether a person decides first.
    pub needs_person: bool,
    /// Whether it counts as one of the profile's escalations to models elsewhere.
    pub is_cloud: bool,
}

/// Models by size: parameter class, then measured score, then the order in which they stand. A model that was never measured
/// comes after those that were.
pub fn largest_first<'c>(
    candidates: impl IntoIterator<Item = &'c Candidate>,
) -> Vec<&'c Candidate> {
    let mut sorted: Vec<&Candidate> = candidates.into_iter().collect();
    sorted.sort_by(|one, other| {
        let class = other.parameter_class.cmp(&one.parameter_class);
        class.then_with(|| better_first(one.score, other.score))
    });
    sorted
}

fn better_first(one: Option<f64>, other: Option<f64>) -> Ordering {
    let measured = |score: Option<f64>| score.filter(|score| !score.is_nan());
    match (measured(one), measured(other)) {
        (Some(one), Some(other)) => other.total_cmp(&one),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

/// The model that plays a role. `known` is all that is known of models, in any order.
///
/// # Errors
/// None may, or none that may is ready.
pub fn select<'c>(
    profile: &WorkProfile,
    role: ProfileRole,
    known: &'c [Candidate],
) -> Result<&'c Candidate, NoChoice> {
    let assignment = profile.assignment(role);
    let named = names(profile, role);
    let may = |id: &&str| {
        known
            .iter()
            .find(|one| one.id == **id && may_play(assignment, one))
    };
    let allowed: Vec<&Candidate> = named.iter().filter_map(may).collect();
    if allowed.is_empty() {
        return Err(NoChoice::NotAllowed(role.name(), named.join(", ")));
    }
    let ready = |one: &&Candidate| one.ready;
    let assigned = [
        Some(assignment.primary_model_id.as_str()),
        assignment.fallback_model_id.as_deref(),
    ];
    let by_name = |id: &str| allowed.iter().copied().find(|one| one.id == id);
    let explicit = || {
        assigned
            .into_iter()
            .flatten()
            .filter_map(by_name)
            .find(ready)
    };
    let routed = allowed
        .iter()
        .copied()
        .filter(|one| profile.routing.candidate_models.contains(&one.id));
    let chosen = match profile.routing.selection_policy {
        SelectionPolicy::Explicit => explicit(),
        SelectionPolicy::LargestAvailable => {
            let largest = largest_first(routed.filter(ready)).into_iter().next();
            largest.or_else(explicit)
        }
    };
    chosen.ok_or_else(|| NoChoice::NotReady(role.name(), named.join(", ")))
}

/// The next larger model when `current` could not do a piece of work: of the nearest larger class the best. `None` when there
/// is none that may. `used` counts the escalations to models elsewhere in this job.
pub fn escalate<'c>(
    profile: &WorkProfile,
    role: ProfileRole,
    known: &'c [Candidate],
    current: &Candidate,
    used: u32,
) -> Option<Escalation<'c>> {
    let assignment = profile.assignment(role);
    let governance = &profile.governance;
    let named = names(profile, role);
    let larger = named
        .iter()
        .filter_map(|id| known.iter().find(|one| one.id == **id))
        .filter(|one| one.ready && one.parameter_class > current.parameter_class)
        .filter(|one| may_play(assignment, one) && may_escalate(governance, one, used));
    let larger = largest_first(larger);
    let nearest = larger.last()?.parameter_class;
    let to = larger
        .into_iter()
        .find(|one| one.parameter_class == nearest)?;
    let is_cloud = to.backend == Backend::Cloud;
    Some(Escalation {
        to,
        is_cloud,
        needs_person: match governance.automation_level {
            AutomationLevel::FullHuman => true,
            AutomationLevel::Hybrid => is_cloud,
            AutomationLevel::Autonomous => false,
        },
    })
}

/// The models that a profile names for a role, each once, in the order of its candidates.
pub fn names(profile: &WorkProfile, role: ProfileRole) -> Vec<&str> {
    let assignment = profile.assignment(role);
    let candidates = profile.routing.candidate_models.iter().map(String::as_str);
    let primary = std::iter::once(assignment.primary_model_id.as_str());
    let mut names: Vec<&str> = Vec::new();
    for name in candidates
        .chain(primary)
        .chain(assignment.fallback_model_id.as_deref())
    {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn may_play(assignment: &Assignment, one: &Candidate) -> bool {
    let stays = !assignment.local_only || one.backend == Backend::Local;
    let allowed = assignment.allowed_models.as_ref();
    stays && allowed.is_none_or(|allowed| allowed.contains(&one.id))
}

fn may_escalate(governance: &Governance, one: &Candidate, used: u32) -> bool {
    let left = governance
        .max_cloud_escalations_per_job
        .is_none_or(|most| used < most);
    one.backend == Backend::Local || (governance.allow_cloud_escalation && left)
}

#[cfg(test)]
mod tests;
