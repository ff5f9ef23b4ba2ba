//! Which models sessions get by a work profile: when they are submitted, and when a model could not do its work.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::probe::{known, place};
use super::roles::{candidates, code_of, measured};
use crate::agent::Larger;
use crate::config::{Settings, work_profile_file};
use crate::model::backend::Backend;
use crate::model::code::Code;
use crate::model::execution::{ExecutionMode, ParallelLimits};
use crate::model::ids::SessionId;
use crate::model::selection::{Candidate, escalate, select};
use crate::model::task::{TaskName, TaskSpec};
use crate::model::work::{Choice, ModelWork, Work};
use crate::model::work_profile::{ProfileRole, SelectionPolicy, WorkProfile};
use crate::store::Store;

/// Gives the tasks of models that name none those of the work profile that the settings name, and all of them that profile for later.
///
/// # Errors
/// A profile that cannot be read, or a role that no model plays.
pub fn cast(
    settings: &Settings,
    (store, root): (&Store, &Path),
    tasks: &mut [TaskSpec],
) -> Result<HashMap<TaskName, Choice>, Failure> {
    let mut chosen = HashMap::new();
    let Some(file) = settings.agent_work_profile() else {
        return Ok(chosen);
    };
    if tasks.iter().all(|task| task.run.model().is_none()) {
        return Ok(chosen);
    }
    let profile = work_profile_file(&profile_place(file, root))?;
    let known = all_known(settings, store, &profile)?;
    for task in tasks {
        let Work::Model(work) = &mut task.run else {
            continue;
        };
        work.work_profile = Some(Box::new(profile.clone()));
        if !work.model.is_empty() {
            continue;
        }
        let role = role_of(work);
        let model = select(&profile, role, &known)
            .map_err(|why| Failure::new(code_of(&why), why.to_string()))?;
        work.model.clone_from(&model.id);
        let reason = match profile.routing.selection_policy {
            SelectionPolicy::Explicit => {
                format!("the work profile gives it the role {}", role.name())
            }
            SelectionPolicy::LargestAvailable => format!(
                "the largest that is READY for the role {}: {}",
                role.name(),
                model.parameter_class
            ),
        };
        let choice = Choice::new(&model.id, reason);
        chosen.insert(task.name.clone(), choice);
    }
    Ok(chosen)
}

/// Has the models of a plan work as it asks for.
///
/// # Errors
/// `CX-MM-004`: side by side, where the limits leave room for one. A plan with several models, where one is to play all
/// roles.
pub fn work_in(
    mode: ExecutionMode,
    settings: &Settings,
    tasks: &mut [TaskSpec],
) -> Result<(), Failure> {
    // Nothing starts while the queue is held, which forbids nothing.
    let sessions = Some(settings.max_concurrent_sessions()).filter(|most| *most > 0);
    let limits = ParallelLimits {
        max_concurrent_instances: settings.max_concurrent_models(),
        max_concurrent_work_units: sessions.unwrap_or(u32::MAX),
    };
    mode.permitted(Some(limits)).map_err(|why| {
        Failure::new(why.code(), why.to_string()).hint(
            "raise `limits.max_concurrent_models` and `limits.max_concurrent_sessions` in your own settings, or ask for SINGLE_MODEL_MULTI_ROLE",
        )
    })?;
    let works = tasks.iter_mut().filter_map(|task| match &mut task.run {
        Work::Model(work) => Some(work),
        Work::Command(_) => None,
    });
    let mut first: Option<String> = None;
    for work in works {
        let one = first.get_or_insert_with(|| work.model.clone());
        if mode == ExecutionMode::SingleModelMultiRole && *one != work.model {
            let message = format!(
                "the plan is SINGLE_MODEL_MULTI_ROLE, and its tasks have two models: {one} and {}",
                work.model
            );
            return Err(Failure::new(Code::PlanInvalid, message));
        }
        work.execution_mode = Some(mode);
    }
    Ok(())
}

/// The model that takes over where this one cannot do its work.
///
/// # Errors
/// What is on record of calls or models cannot be read.
pub fn larger(
    settings: &Settings,
    store: &Store,
    (session, work): (SessionId, &ModelWork),
) -> Result<Option<Larger>, Failure> {
    let Some(profile) = work.work_profile.as_deref() else {
        return Ok(None);
    };
    let known = all_known(settings, store, profile)?;
    let Some(current) = known.iter().find(|one| one.id == work.model) else {
        return Ok(None);
    };
    let used = store.cloud_escalations(session)?;
    let found = escalate(profile, role_of(work), &known, current, used);
    Ok(found.map(|found| Larger {
        model: found.to.id.clone(),
        backend: match found.is_cloud {
            true => Backend::Cloud,
            false => Backend::Local,
        },
        needs_person: found.needs_person,
    }))
}

fn all_known(
    settings: &Settings,
    store: &Store,
    profile: &WorkProfile,
) -> Result<Vec<Candidate>, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let calls = measured(store)?;
    Ok(candidates(settings, profile, &variable, (&known(&place()?), &calls)).0)
}

/// A role that the profile does not have is a worker's.
fn role_of(work: &ModelWork) -> ProfileRole {
    let named = work.role.as_deref();
    let mut all = ProfileRole::ALL.into_iter();
    all.find(|role| Some(role.name()) == named)
        .unwrap_or(ProfileRole::Worker)
}

/// Relative to the repository.
fn profile_place(file: &str, root: &Path) -> PathBuf {
    match file.strip_prefix("~/") {
        Some(rest) => etcetera::home_dir().unwrap_or_default().join(rest),
        None => root.join(file),
    }
}
