//! Settings, turned into what the runner and landings work with.

use std::path::PathBuf;
use std::time::Duration;

use super::failure::Failure;
use super::models::key_variables;
use super::project::Project;
use super::sandbox::{budget, sandbox};
use crate::config::{self, CALLERS_OF_A_MODEL, Settings, worktree_root};
use crate::fault;
use crate::git::Repo;
use crate::landing::Policy;
use crate::merge::{Beyond, MergeMethod};
use crate::model::code::Code;
use crate::runner::{Config, DriftPolicy, Floors, Limits, ModelLimit, ModelLimits};
use crate::secrets::Vault;
use crate::workspace::{Isolation, Recording, Sharing};

/// What configuration says of running and landing in this repository.
///
/// # Errors
/// A worktree root inside the repository, or no data directory where one is asked for.
pub fn runner_config(project: &Project, settings: &Settings) -> Result<Config, Failure> {
    Ok(Config {
        limits: limits(settings),
        isolation: match settings.isolation() {
            config::Isolation::Private => Isolation::Private,
            config::Isolation::Linked => Isolation::Linked,
        },
        include: settings.include(),
        checkpoints: recording(settings),
        drift: DriftPolicy {
            check: settings.drift_check_ms().map(Duration::from_millis),
            pause: settings.on_drift() == config::OnDrift::Pause,
            keep_ms: settings.paused_keep_ms(),
        },
        flags: project.flags.clone(),
        model_variables: model_variables(settings),
        policy: Policy {
            method: match settings.land_method() {
                config::LandMethod::Merge => MergeMethod::Merge,
                config::LandMethod::Squash => MergeMethod::Squash,
                config::LandMethod::Rebase => MergeMethod::Rebase,
            },
            beyond: Beyond::Refuse,
            commit_uncommitted: settings.uncommitted() == config::Uncommitted::Commit,
            gates: Vec::new(),
            secrets: Vault::new(settings.secrets().clone()),
            worktrees: root_of(&project.repo, settings)?,
            jobs: project.jobs_dir(),
            pool: settings.pool() as usize,
            identity: identity(project),
            sharing: Sharing {
                variables: settings.env_pass().map(str::to_owned).collect(),
                sandbox: sandbox(settings),
                budget: budget(settings),
            },
            gate_timeout_ms: settings.timeout_ms(),
            grace_ms: u64::from(settings.grace_seconds()) * 1000,
        },
    })
}

/// Whether checkpoints are recorded, and what of them.
pub(super) fn recording(settings: &Settings) -> Recording {
    Recording {
        is_on: settings.record_checkpoints(),
        ignored: settings.ignored_in_checkpoints().clone(),
        messages: settings.messages_a_checkpoint(),
        stream_tokens: settings.tokens_a_checkpoint(),
    }
}

/// Where the worktrees of a repository are.
///
/// # Errors
/// A root inside the repository, or no data directory where one is asked for.
pub(super) fn root_of(repo: &Repo, settings: &Settings) -> Result<PathBuf, Failure> {
    use etcetera::BaseStrategy;
    let data = etcetera::choose_base_strategy()
        .map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?
        .data_dir()
        .join("treeyard");
    Ok(worktree_root(settings, repo.main_root(), &data)?)
}

/// What models' own processes get to know of this one's environment.
fn model_variables(settings: &Settings) -> Vec<String> {
    let mut names = key_variables(settings);
    names.push(fault::VARIABLE.to_owned());
    names
}

/// How much may run at once, and how often.
pub fn limits(settings: &Settings) -> Limits {
    Limits {
        sessions: settings.max_concurrent_sessions() as usize,
        groups: settings.per_group().clone(),
        models: model_limits(settings),
        floors: Floors {
            memory: settings.min_free_memory(),
            disk: settings.min_free_disk(),
        },
    }
}

/// How many jobs call models at once. What is wrong with a model is told by whoever opens it.
fn model_limits(settings: &Settings) -> ModelLimits {
    let home = PathBuf::new();
    let models = settings.model_names().filter_map(|name| {
        let found = settings.model(name, &home).ok()?;
        let limit = ModelLimit {
            provider: found.provider.name,
            model: found.model,
            max: found.max_concurrent,
        };
        Some((name.to_owned(), limit))
    });
    let providers = settings.provider_names().into_iter().filter_map(|name| {
        let most = settings.provider(name, &home)?.max_concurrent;
        Some((name.to_owned(), most))
    });
    ModelLimits {
        models: models.collect(),
        providers: providers.collect(),
        others: CALLERS_OF_A_MODEL,
        together: Some(settings.max_concurrent_models()),
    }
}

/// What the settings take away, for a person to know before work is started with them.
pub fn warnings(settings: &Settings) -> Vec<String> {
    let linked = "worktrees.isolation is \"linked\": sessions share refs, stash, configuration and \
                  hooks with this repository, and can change them";
    let paused = "limits.max_concurrent_sessions is 0: nothing starts";
    let is_linked = settings.isolation() == config::Isolation::Linked;
    let is_paused = settings.max_concurrent_sessions() == 0;
    let all = [(is_linked, linked), (is_paused, paused)];
    let true_now = all.into_iter().filter(|(holds, _)| *holds);
    true_now.map(|(_, text)| text.to_owned()).collect()
}

/// The person's own name and address, as git would use them; a stand-in on a machine without.
fn identity(project: &Project) -> (String, String) {
    let repo = project.repo.gix();
    match repo.committer() {
        Some(Ok(found)) => (found.name.to_string(), found.email.to_string()),
        _ => ("treeyard".to_owned(), "treeyard@localhost".to_owned()),
    }
}
