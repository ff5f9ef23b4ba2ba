//! `treeyard models`: what models there are.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::model_list::{KeyState, ListedModel, ListedProvider, models, providers};
use crate::app::prices;
use crate::app::probe::{self, Terms};
use crate::app::project::settings_at;
use crate::app::roles::{Assigned, assigned, measured};
use crate::cli::context::Context;
use crate::cli::out::write_all;
use crate::cli::table::{Table, width};
use crate::config::{Settings, length_of_time, work_profile_file, work_profile_schema};
use crate::model::code::{Code, Exit};
use crate::model::mode::{Probe, Readiness};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard models ls\n  treeyard models probe\n  treeyard models profile work.toml"
)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the models of the settings, and the providers
    #[command(after_help = "\
Examples:
  treeyard models ls
  treeyard models ls --set agent.model=anthropic/claude-opus-5

A model needs no table: PROVIDER/MODEL names any model of a provider. Prices are for a million tokens, sent and answered.")]
    Ls,
    /// Ask models for a word, and say which are ready and how long that took
    #[command(after_help = "\
Examples:
  treeyard models probe
  treeyard models probe fast --within 5s
  treeyard models probe anthropic/claude-opus-5 --yes

A model is READY when it answered in time, for 15 minutes. Without --yes nothing is sent to models elsewhere. Ends with exit
code 5 (CX-MM-001) when none is ready.")]
    Probe {
        /// Which models; all of `models ls` without
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// Who takes longer is not ready; as `agent.ready_within` says without
        #[arg(long, value_name = "TIME", value_parser = time)]
        within: Option<Duration>,
        /// Agree that one word is sent to each model elsewhere, which costs a little
        #[arg(long)]
        yes: bool,
    },
    /// Check a work profile, and say which models it gives its roles now
    #[command(after_help = "\
Examples:
  treeyard models profile work.toml
  treeyard models profile --schema > work-profile.schema.json

A profile is TOML or JSON of the form hsk.work_profile@0.6. Which models are ready is what `treeyard models probe` found in the last
15 minutes.")]
    Profile {
        /// The profile
        #[arg(value_name = "FILE", required_unless_present = "schema")]
        file: Option<PathBuf>,
        /// Print the JSON Schema of profiles
        #[arg(long, conflicts_with = "file")]
        schema: bool,
    },
}

fn time(text: &str) -> Result<Duration, String> {
    let ms = length_of_time(text).filter(|ms| *ms > 0);
    ms.map(Duration::from_millis)
        .ok_or_else(|| "write it as 500ms, 30s or 2m".to_owned())
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Probe { names, within, yes } => probe_models(names, (*within, *yes), context),
        Verb::Profile {
            file: Some(file), ..
        } => profile(&context.file(file), context),
        Verb::Profile { file: None, .. } => {
            write_all(format!("{:#}\n", work_profile_schema()).as_bytes())?;
            Ok(Exit::Ok)
        }
    }
}

/// A variable of this process.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let settings = settings_at(&context.directory, &context.settings)?;
    let prices = prices::known(&prices::places()?)?;
    let models = models(&settings, &prices, variable)?;
    let providers = providers(&settings, variable)?;
    let body = json!({ "models": models, "providers": providers });
    context.terminal.result("models", body, || {
        let providers = provider_table(&providers).render(width());
        match models.is_empty() {
            true => format!("no model is configured; PROVIDER/MODEL needs no table\n\n{providers}"),
            false => format!("{}\n{providers}", model_table(&models).render(width())),
        }
    })?;
    Ok(Exit::Ok)
}

fn model_table(models: &[ListedModel]) -> Table {
    let heads = [
        "NAME", "PROVIDER", "BACKEND", "CLASS", "CONTEXT", "PRICE", "KEY", "MODEL",
    ];
    let mut table = Table::new(&heads);
    for model in models {
        let mark = if model.is_default { " *" } else { "" };
        let price = model.price.map(|tariff| tariff.price);
        let price = price.map(|price| format!("{} / {}", price.input, price.output));
        table.row([
            format!("{}{mark}", model.name).into(),
            model.provider.as_str().into(),
            model.backend.name().into(),
            model.parameter_class.name().into(),
            model.capabilities.max_context_window.to_string().into(),
            price.unwrap_or_else(|| "?".to_owned()).into(),
            key(model.key).into(),
            model.model.as_str().into(),
        ]);
    }
    table
}

fn provider_table(providers: &[ListedProvider]) -> Table {
    let mut table = Table::new(&["PROVIDER", "BACKEND", "KEY", "WHERE"]);
    for provider in providers {
        table.row([
            provider.name.as_str().into(),
            provider.backend.name().into(),
            key(provider.key).into(),
            provider.endpoint.as_str().into(),
        ]);
    }
    table
}

fn key(state: KeyState) -> &'static str {
    match state {
        KeyState::NotNeeded => "not needed",
        KeyState::Present => "yes",
        KeyState::Missing => "no",
        KeyState::Exposed => "others may read it",
    }
}

fn probe_models(
    names: &[String],
    (within, agreed): (Option<Duration>, bool),
    context: &Context,
) -> Result<Exit, Failure> {
    let settings = settings_at(&context.directory, &context.settings)?;
    let usual = Duration::from_millis(settings.agent_ready_within_ms());
    let within = within.unwrap_or(usual);
    let terms = Terms { within, agreed };
    let names = match names {
        [] => all_names(&settings),
        names => names.iter().map(String::as_str).collect(),
    };
    let place = probe::place()?;
    let found = probe::probe(&settings, &names, terms, variable, &place)?;
    let ready = found
        .iter()
        .filter(|one| one.readiness == Readiness::Ready)
        .count();
    let body = json!({ "probes": found, "ready": ready });
    context.terminal.result("model_probes", body, || {
        let table = probe_table(&found).render(width());
        match found.is_empty() {
            true => "no model is configured".to_owned(),
            false => format!("{table}\n{ready} of {} READY", found.len()),
        }
    })?;
    match ready {
        0 => Ok(Code::NoReadyModel.exit()),
        _ => Ok(Exit::Ok),
    }
}

fn all_names(settings: &Settings) -> Vec<&str> {
    let default = settings.agent_model().as_deref();
    let mut names: Vec<&str> = settings.model_names().chain(default).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn probe_table(found: &[Probe]) -> Table {
    let mut table = Table::new(&["NAME", "STATE", "LATENCY", "WHY"]);
    for one in found {
        let latency = one.latency_ms.map(|ms| format!("{ms} ms"));
        table.row([
            one.name.as_str().into(),
            one.readiness.name().into(),
            latency.unwrap_or_default().into(),
            one.why.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

fn profile(file: &Path, context: &Context) -> Result<Exit, Failure> {
    let profile = work_profile_file(file).map_err(|error| {
        Failure::from(error).hint("`treeyard models profile --schema` prints what may stand in it")
    })?;
    let settings = settings_at(&context.directory, &context.settings)?;
    // Outside of a repository no call is on record.
    let calls = match context.project() {
        Ok(project) => measured(&project.store)?,
        Err(_) => Vec::new(),
    };
    let roles = assigned(&settings, &profile, variable, (&probe::place()?, &calls));
    let unready = roles.iter().find_map(|role| role.code);
    context
        .terminal
        .result("work_profile", json!({ "roles": roles }), || {
            role_table(&roles).render(width())
        })?;
    Ok(unready.map_or(Exit::Ok, Code::exit))
}

fn role_table(roles: &[Assigned]) -> Table {
    let mut table = Table::new(&["ROLE", "MODEL", "NEXT LARGER", "WHY"]);
    for role in roles {
        table.row([
            role.role.name().into(),
            role.model.as_deref().unwrap_or("none").into(),
            role.larger.as_deref().unwrap_or_default().into(),
            role.why.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}
