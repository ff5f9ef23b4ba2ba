//! A model's own process: what a supervisor starts for a `model_run` job, outside of the session.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::casting::larger;
use super::failure::Failure;
use super::models::{OpenModel, open_model};
use super::prices;
use super::probe::{self, refuse_docs_only, settle_ready};
use super::project::{Project, open_store};
use super::setup::{recording, runner_config};
use crate::agent::{
    Artifacts, Budgets, CallKey, Caller, Cancel, Commands, Heard, Larger, Pace, Place, Registry,
    SessionAccess, Setup, World, drive,
};
use crate::cas::Cas;
use crate::config::Settings;
use crate::model::backend::Backend;
use crate::model::budget::{BudgetThen, Span};
use crate::model::code::Code;
use crate::model::event::{Actor, Event};
use crate::model::identity::{RoleExecutionIdentity, reasoning_strength};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobKind;
use crate::model::price::MicroDollars;
use crate::model::redact::Redactor;
use crate::model::run::Stop;
use crate::model::scope::ScopeLanguage;
use crate::model::secret::SecretName;
use crate::model::tool::Grants;
use crate::model::work::{ModelWork, Work};
use crate::proc::Launcher;
use crate::provider::retry::Schedule;
use crate::runner::{Config, Ground, ground};
use crate::secrets;
use crate::sessions::stopped;
use crate::store::{SessionRow, Store};
use crate::workspace::{located, sign_guard};

/// What a key is called in messages.
const KEY: &str = "provider-key";

/// Goes on with a session's thread, in the job that a supervisor started for it.
///
/// # Errors
/// When something of treeyard's own fails. That the model cannot be called is a reason to stop, and on record.
pub fn model_run(
    (root, flags): (&Path, &[(String, String)]),
    (session, job): (SessionId, JobId),
    heard: &mut (dyn FnMut(Heard<'_>) + Send),
) -> Result<Stop, Failure> {
    let mut project = Project::open(root, flags)?;
    let unknown = || Failure::new(Code::SessionUnknown, format!("no session {session}"));
    let row = project.store.session(session)?.ok_or_else(unknown)?;
    let found = project.store.job(job)?;
    let Some(Work::Model(work)) = found.map(|job| job.command) else {
        return Err(Failure::new(Code::SessionState, "it has no model"));
    };
    let config = runner_config(&project, &project.settings)?;
    let opened = open(&project, &row, &work, &config);
    let (model, redactor) = match opened {
        Ok(opened) => opened,
        Err(failure) => return unready(&mut project.store, (session, job), &work, failure),
    };
    project.store.redact_with(redactor.clone());
    let identity = begin(&mut project, (&row, job), &work, &model, heard)?;
    let world = world(&project, &config, &row, &redactor)?;
    let larger = larger(&project.settings, &project.store, (session, &work))?;
    let (mut store, cas) = (open_store(&project.repo)?, project.cas);
    store.redact_with(redactor.clone());
    let setup = setup(
        &project.settings,
        (row, job),
        (*work, world),
        (model, identity, larger),
        redactor,
    )?;
    work_on((store, cas), &setup, heard)
}

/// The model, and what takes secrets out of all that is said.
fn open(
    project: &Project,
    row: &SessionRow,
    work: &ModelWork,
    config: &Config,
) -> Result<(OpenModel, Redactor), Failure> {
    let settings = &project.settings;
    refuse_docs_only(settings)?;
    let (vault, names) = (&config.policy.secrets, row.spec()?.secrets);
    if let Some(git_dir) = &row.git_dir {
        vault.learn(Path::new(git_dir), &names);
    }
    let known = vault.redactor(&names)?;
    let variable = |name: &str| std::env::var(name).ok();
    let model = open_model(settings, &work.model, variable, &known)?;
    settle_ready(
        settings,
        &project.store,
        (&work.model, &model),
        &probe::place()?,
    )?;
    let name: SecretName = KEY
        .parse()
        .map_err(|error| Failure::new(Code::Io, format!("{error}")))?;
    let key = model.key.iter().map(|key| (name.clone(), key.clone()));
    let key: Vec<_> = key.collect();
    let redactor = vault.redactor_with(&names, &key)?;
    Ok((model, redactor))
}

/// Says who works in the session from now on: in the log, and in what its hooks write into commits.
fn begin(
    project: &mut Project,
    (row, job_id): (&SessionRow, JobId),
    work: &ModelWork,
    model: &OpenModel,
    heard: &mut (dyn FnMut(Heard<'_>) + Send),
) -> Result<RoleExecutionIdentity, Failure> {
    let asked = work.thinking.or(model.thinking);
    let (strength, notice) = reasoning_strength(model.backend, asked);
    let identity = RoleExecutionIdentity {
        model_id: Some(model.model.clone()),
        backend: Some(model.backend),
        parameter_class: Some(model.parameter_class),
        cloud_reasoning_strength: strength,
        ..work.identity(row.id)
    };
    let is_new = project.store.identity_of(row.id)?.as_ref() != Some(&identity);
    if let Some(code) = notice.filter(|_| is_new) {
        heard(Heard::Note(&format!("{}: {}", code.id(), code.meaning())));
    }
    let event = Event::ModelBegan {
        job_id,
        identity: Box::new(identity.clone()),
        notice: notice.map(|code| code.id().to_owned()),
    };
    project
        .store
        .write(|tx| tx.append(Actor::System, Some(row.id), event).map(drop))?;
    if let Some(place) = located(row) {
        sign_guard(&project.repo, &place, &identity)?;
    }
    Ok(identity)
}

/// A person puts it right and resumes the session.
fn unready(
    store: &mut Store,
    at: (SessionId, JobId),
    work: &ModelWork,
    failure: Failure,
) -> Result<Stop, Failure> {
    let stop = Stop::Unready {
        code: failure.code.id().to_owned(),
        message: failure.message,
    };
    store.write(|tx| stopped(tx, at, work, &stop, None))?;
    Ok(stop)
}

fn world(
    project: &Project,
    config: &Config,
    row: &SessionRow,
    redactor: &Redactor,
) -> Result<World, Failure> {
    let Ground {
        place,
        mut equipment,
        door,
    } = ground(config, row, JobKind::ModelRun, &project.repo)?;
    // Secrets are in files, and this process was told where.
    if let Ok(folder) = std::env::var(secrets::VARIABLE) {
        equipment.env.insert(secrets::VARIABLE.to_owned(), folder);
    }
    let held = project.store.lock_of(row.id)?.map(|lock| lock.scope);
    let scope = match held {
        Some(scope) => scope,
        None => row.scope()?,
    };
    let language = ScopeLanguage::new(&scope, project.repo.fold())
        .map_err(|error| Failure::new(Code::ScopeInvalid, error.to_string()))?;
    let files =
        Place::open(&place.path, language).map_err(|error| Failure::io(&place.path, &error))?;
    let commands = Commands {
        launcher: Launcher::current(),
        jobs: config.policy.jobs.clone(),
        equipment,
        cwd: place.path,
        grace_ms: config.policy.grace_ms,
        door,
        call: CallKey::default(),
    };
    let artifacts = Artifacts {
        cas: project.cas.clone(),
        redactor: redactor.clone(),
    };
    let session = SessionAccess {
        store: Mutex::new(open_store(&project.repo)?),
        repo: project.repo.clone(),
        id: row.id,
    };
    Ok(World::new(files)
        .with_commands(commands)
        .with_artifacts(artifacts)
        .with_session(session))
}

fn setup(
    settings: &Settings,
    (session, job): (SessionRow, JobId),
    (work, world): (ModelWork, World),
    (model, identity, larger): (OpenModel, RoleExecutionIdentity, Option<Larger>),
    redactor: Redactor,
) -> Result<Setup, Failure> {
    Ok(Setup {
        max_steps: work.max_steps.unwrap_or_else(|| settings.max_steps()),
        grants: Grants {
            session: work.grants.clone(),
            operator: settings.agent_allow(),
            parent: None,
        },
        session,
        job,
        work,
        caller: caller(model)?,
        identity,
        larger,
        world: Arc::new(world),
        registry: Registry::standard(),
        ask_from: Some(settings.ask_from()),
        budgets: Budgets {
            limits: vec![
                (Span::Session, settings.budget_session()),
                (Span::Task, settings.budget_task()),
                (Span::Plan, settings.budget_plan()),
                (Span::Day, settings.budget_day()),
            ],
            warn_percent: percent(settings.budget_warn_at()),
            ends: settings.budget_then() == BudgetThen::Stop,
        },
        consent: settings.consent_scope(),
        compact_percent: percent(settings.compact_at()),
        instructions: settings.instructions().map(str::to_owned).collect(),
        checkpoints: recording(settings),
        paused_keep_ms: settings.paused_keep_ms(),
        redactor,
    })
}

fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}

fn caller(model: OpenModel) -> Result<Caller, Failure> {
    let prices = prices::known(&prices::places()?)?;
    let (name, id, backend) = (model.price_name, model.model.clone(), model.backend);
    let is_free = backend == Backend::Local && !model.priced;
    let price = move |usage| match is_free {
        true => MicroDollars(0),
        false => {
            let today = jiff::Zoned::now().date();
            prices.cost(&name, &id, usage, today).amount
        }
    };
    Ok(Caller {
        provider: model.provider,
        provider_name: model.provider_name,
        model: model.model,
        endpoint: model.endpoint,
        backend: model.backend,
        capabilities: model.capabilities,
        max_output_tokens: model.max_output_tokens,
        temperature: model.temperature,
        thinking: model.thinking,
        pace: Pace {
            requests: model.requests_per_minute,
            tokens: model.tokens_per_minute,
        },
        schedule: Schedule::default(),
        price: Box::new(price),
    })
}

fn work_on(
    records: (Store, Cas),
    setup: &Setup,
    heard: &mut (dyn FnMut(Heard<'_>) + Send),
) -> Result<Stop, Failure> {
    let own = |error: std::io::Error| Failure::new(Code::of_system(&error), error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .build()
        .map_err(own)?;
    runtime.block_on(async {
        let (tell, told) = watch::channel(false);
        let mut asked = signal(SignalKind::terminate()).map_err(own)?;
        let mut interrupted = signal(SignalKind::interrupt()).map_err(own)?;
        tokio::spawn(async move {
            tokio::select! {
                _ = asked.recv() => {}
                _ = interrupted.recv() => {}
            }
            tell.send_replace(true);
            // Whoever listens still hears it.
            tell.closed().await;
        });
        let driven = drive(records, setup, heard, &Cancel::new(told)).await;
        driven.map_err(|error| Failure::new(error.code(), error.to_string()))
    })
}
