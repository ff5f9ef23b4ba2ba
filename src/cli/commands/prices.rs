//! `treeyard prices`: what models cost.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::prices;
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::model::price::{Known, Price};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard prices ls\n  treeyard prices update prices.toml")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List what a million tokens of each model cost, in US dollars
    #[command(after_help = "\
Examples:
  treeyard prices ls
  treeyard prices ls gemini
  treeyard prices ls --json

READ and WRITE are for tokens that the provider's cache gave or took. What you write into prices.toml beside your config.toml goes before all other prices.")]
    Ls {
        /// Only those of this provider, or of models with this in their name
        #[arg(value_name = "TEXT")]
        only: Option<String>,
    },
    /// Check a table of prices and put it in the place of the one before
    #[command(after_help = "\
Examples:
  treeyard prices update prices.toml

Of two tables that know a model, the one whose `as_of` is later counts.")]
    Update {
        /// The table, in TOML
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls { only } => ls(only.as_deref(), context),
        Verb::Update { file } => update(&context.file(file), context),
    }
}

fn ls(only: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let prices = prices::known(&prices::places()?)?;
    let wanted = |entry: &Known<'_>| {
        only.is_none_or(|text| entry.provider == text || entry.pattern.as_str().contains(text))
    };
    let known: Vec<Known<'_>> = prices.known().into_iter().filter(wanted).collect();
    let rows: Vec<_> = known.iter().map(row_json).collect();
    context
        .terminal
        .result("prices", json!({ "prices": rows }), || {
            if known.is_empty() {
                return "no price is known".to_owned();
            }
            table(&known).render(width())
        })?;
    Ok(Exit::Ok)
}

fn table(known: &[Known<'_>]) -> Table {
    let heads = [
        "PROVIDER", "MODEL", "INPUT", "OUTPUT", "READ", "WRITE", "AS OF",
    ];
    let mut table = Table::new(&heads);
    for entry in known {
        let as_of = match (entry.own, entry.of.as_of) {
            (true, _) => "your own".to_owned(),
            (false, day) => day.map(|day| day.to_string()).unwrap_or_default(),
        };
        let until = entry.tariff.until.map(|day| format!(", until {day}"));
        let as_of = format!("{as_of}{}", until.unwrap_or_default());
        let (provider, model) = (entry.provider, entry.pattern.as_str());
        table.row(line(provider, model, &entry.tariff.price, &as_of));
        if let Some(above) = entry.tariff.above {
            let tokens = format!("  above {} tokens", above.tokens);
            table.row(line("", &tokens, &above.price, ""));
        }
    }
    table
}

fn line(provider: &str, model: &str, price: &Price, as_of: &str) -> [crate::cli::table::Cell; 7] {
    [
        provider.into(),
        model.into(),
        price.input.to_string().into(),
        price.output.to_string().into(),
        price.cache_read.to_string().into(),
        price.cache_write.to_string().into(),
        as_of.into(),
    ]
}

/// Prices are in millionths of a dollar for a million tokens.
fn row_json(entry: &Known<'_>) -> serde_json::Value {
    json!({
        "provider": entry.provider, "model": entry.pattern.as_str(), "price": entry.tariff,
        "as_of": entry.of.as_of, "source": entry.of.source, "own": entry.own,
    })
}

fn update(file: &Path, context: &Context) -> Result<Exit, Failure> {
    let installed = prices::update(file, &prices::places()?)?;
    let models = installed.table.providers.values().map(|of| of.models.len());
    let models = models.sum::<usize>() as u64;
    let body = json!({
        "path": installed.path, "models": models, "outdated": installed.outdated,
    });
    context.terminal.result("prices_updated", body, || {
        let path = installed.path.display().to_string();
        format!(
            "prices of {} installed in {}",
            count(models, "model"),
            clean(&path)
        )
    })?;
    let older = installed.outdated.iter().map(|provider| {
        format!("later prices of {provider} are built in, and count instead of these")
    });
    context.terminal.warn(&older.collect::<Vec<_>>());
    Ok(Exit::Ok)
}
