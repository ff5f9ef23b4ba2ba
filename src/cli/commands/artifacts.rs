//! `treeyard artifacts`: what the store of contents holds.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::app::artifacts::{self, Verified};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cas::CasError;
use crate::cli::context::Context;
use crate::cli::format::{ago, clean, count, now_ms, size};
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::model::event::{Actor, Event};
use crate::model::ids::SessionId;
use crate::store::ArtifactRow;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard artifacts ls\n  treeyard artifacts cat 4ca5fe2e\n  treeyard artifacts verify"
)]
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
    /// Store a file
    Put {
        /// The file
        file: PathBuf,
        /// The session that it belongs to
        #[arg(long, value_name = "S")]
        session: Option<String>,
    },
    /// Print an artifact's bytes
    Cat {
        /// Its hash, or any unique start of it
        hash: String,
    },
    /// Read every artifact and put damaged ones aside
    Verify,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Put { file, session } => put(file, session.as_deref(), context),
        Verb::Cat { hash } => cat(hash, context),
        Verb::Verify => verify(context),
    }
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let rows = project.store.artifacts(None)?;
    let names = names(&project)?;
    context
        .terminal
        .result("artifacts", json!({ "artifacts": rows }), || {
            text(&rows, &names)
        })?;
    Ok(Exit::Ok)
}

fn names(project: &Project) -> Result<HashMap<SessionId, String>, Failure> {
    let sessions = project.store.sessions(0)?.into_iter();
    Ok(sessions.map(|row| (row.id, row.name)).collect())
}

fn put(file: &Path, session: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let file = &context.file(file);
    let mut project = context.project()?;
    let session = session.map(|s| project.session(s)).transpose()?;
    let stored = project.cas.put_file(file).map_err(|error| match error {
        CasError::Input(error) => Failure::io(file, &error),
        error => error.into(),
    })?;
    let event = Event::ArtifactStored {
        hash: stored.hash.clone(),
        size: stored.size,
        kind: "file".to_owned(),
        media_type: "application/octet-stream".to_owned(),
        job_id: None,
    };
    let session = session.map(|session| session.id);
    project
        .store
        .write(|tx| tx.append(Actor::Human, session, event).map(drop))?;
    let body = json!({ "hash": stored.hash, "size": stored.size, "new": stored.new });
    context
        .terminal
        .result("artifact_stored", body, || stored.hash.to_string())?;
    Ok(Exit::Ok)
}

fn text(rows: &[ArtifactRow], names: &HashMap<SessionId, String>) -> String {
    if rows.is_empty() {
        return "no artifacts".to_owned();
    }
    let now = now_ms();
    let mut table = Table::new(&["HASH", "KIND", "SIZE", "AGE", "SESSION"]);
    for row in rows {
        let session = session_of(row, names).unwrap_or_default();
        let damaged = if row.quarantined { ", damaged" } else { "" };
        table.row([
            row.hash.hex()[..12].into(),
            format!("{}{damaged}", row.kind).into(),
            size(row.size).into(),
            ago(now, row.stored_ms).into(),
            session.into(),
        ]);
    }
    table.render(width())
}

fn cat(hash: &str, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let hash = project.artifact(hash)?;
    // Nothing of a damaged one is given away.
    drop(project.cas.open_checked(&hash)?);
    match project.cas.read_to(&hash, &mut std::io::stdout().lock()) {
        // The reader has what it wanted, as with other tools.
        Err(CasError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Ok),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Exit::Ok),
    }
}

fn verify(context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let found = artifacts::verify(&mut project)?;
    let names = names(&project)?;
    let aside = project.cas.quarantine_dir();
    let body = json!({ "checked": found.there.checked, "bytes": found.there.bytes, "damaged": found.there.damaged,
        "missing": found.missing, "quarantine": aside });
    context
        .terminal
        .result("artifacts_verified", body, || told(&found, &names, &aside))?;
    Ok(if found.is_sound() {
        Exit::Ok
    } else {
        Exit::Damaged
    })
}

fn told(found: &Verified, names: &HashMap<SessionId, String>, aside: &Path) -> String {
    let (checked, damaged) = (&found.there, &found.there.damaged);
    let mut text = format!(
        "{}, {}, {} damaged",
        count(checked.checked, "artifact"),
        size(checked.bytes),
        damaged.len()
    );
    if !found.missing.is_empty() {
        text.push_str(&format!(", {} missing", found.missing.len()));
    }
    text.push('\n');
    for hash in damaged {
        text.push_str(&format!("  damaged: {hash}\n"));
    }
    for row in &found.missing {
        let of = session_of(row, names).map_or(String::new(), |session| format!(" of {session}"));
        text.push_str(&format!(
            "  missing: {} ({}{of})\n",
            &row.hash.hex()[..12],
            row.kind
        ));
    }
    if !damaged.is_empty() || found.missing.iter().any(|row| row.quarantined) {
        let aside = clean(&aside.display().to_string());
        text.push_str(&format!("damaged ones are put aside in {aside}\n"));
    }
    text
}

fn session_of(row: &ArtifactRow, names: &HashMap<SessionId, String>) -> Option<String> {
    let id = row.session_id?;
    let name = names.get(&id).map_or("", String::as_str);
    Some(format!("{} {name}", id.short()).trim_end().to_owned())
}
