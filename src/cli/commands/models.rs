//! `treeyard models`: what models there are.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::model_list::{KeyState, ListedModel, ListedProvider, models, providers};
use crate::app::prices;
use crate::app::project::settings_at;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::model::code::Exit;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard models ls\n  treeyard models ls --json")]
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
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
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
            false => format!("{}\n\n{providers}", model_table(&models).render(width())),
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
