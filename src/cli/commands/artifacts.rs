//! `treeyard artifacts`: what the store of contents holds.

use std::io::ErrorKind;

use serde_json::json;

use crate::app::failure::Failure;
use crate::cas::CasError;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, now_ms, size};
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::event::{Actor, Event};
use crate::model::ids::ContentHash;

/// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List artifacts with their origin
    Ls,
    /// Print an artifact's bytes
    Cat {
        /// Its hash, `blake3:…`
        hash: String,
    },
    /// Read every artifact and put damaged ones aside
    Verify,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Cat { hash } => cat(hash, context),
        Verb::Verify => verify(context),
    }
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let rows = context.project()?.store.artifacts(None)?;
    context
        .terminal
        .result("artifacts", json!({ "artifacts": rows }), || {
            let now = now_ms();
            let mut table = Table::new(&["KIND", "SIZE", "AGE", "HASH"]);
            for row in &rows {
                table.row([
                    row.kind.as_str().into(),
                    size(row.size).into(),
                    ago(now, row.stored_ms).into(),
                    row.hash.as_str().into(),
                ]);
            }
            table.render(width().max(110))
        })?;
    Ok(Exit::Ok)
}

fn cat(hash: &str, context: &Context) -> Result<Exit, Failure> {
    let hash: ContentHash = hash
        .parse()
        .or_else(|_| ContentHash::from_hex(hash))
        .map_err(|error| Failure::new(Code::ArtifactUnknown, error.to_string()))?;
    let cas = context.project()?.cas;
    match cas.read_to(&hash, &mut std::io::stdout().lock()) {
        // The reader has what it wanted, as with other tools.
        Err(CasError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Exit::Ok),
    }
}

fn verify(context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let report = project.cas.verify(|_| {})?;
    project.store.write(|tx| {
        for hash in &report.damaged {
            tx.append(
                Actor::Human,
                None,
                Event::ArtifactQuarantined { hash: hash.clone() },
            )?;
        }
        Ok::<_, Failure>(())
    })?;
    let body = json!({ "checked": report.checked, "bytes": report.bytes, "damaged": report.damaged,
        "quarantine": project.cas.quarantine_dir() });
    context.terminal.result("artifacts_verified", body, || {
        let mut text = format!(
            "{} artifacts, {}, {} damaged\n",
            report.checked,
            size(report.bytes),
            report.damaged.len()
        );
        for hash in &report.damaged {
            text.push_str(&format!("  damaged: {hash}\n"));
        }
        if !report.damaged.is_empty() {
            let aside = project.cas.quarantine_dir();
            text.push_str(&format!(
                "put aside in {}\n",
                clean(&aside.display().to_string())
            ));
        }
        text
    })?;
    Ok(if report.damaged.is_empty() {
        Exit::Ok
    } else {
        Exit::Damaged
    })
}
