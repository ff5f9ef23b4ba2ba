//! `treeyard send`: a message for a session's model.

use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::app::awaits::{awaits, word_for};
use crate::app::failure::Failure;
use crate::app::send::send;
use crate::app::talk::{answer_since, settle};
use crate::cli::context::Context;
use crate::cli::format::{clean, clean_lines};
use crate::model::code::{Code, Exit};
use crate::model::session::SessionState;
use crate::proc::runner_owner;

/// Which session, and what.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard send docs 'Shorter, please'
  treeyard send docs -
  treeyard send docs 'What is wrong here?' --image shot.png --wait")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// What to say; `-` reads it from standard input
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    pub text: String,
    /// A picture that belongs to it: PNG, JPEG, GIF or WebP, at most 3.75 MiB (repeatable)
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// Stay until the answer is there, and print it
    #[arg(long)]
    pub wait: bool,
}

/// Sends it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(&args.session)?;
    let text = text(&args.text)?;
    let images: Vec<PathBuf> = args.image.iter().map(|path| context.file(path)).collect();
    let before = project.store.head_seq()?;
    let job = send(&mut project, &session, &text, &images)?;
    let name = clean(&session.name);
    let mut now = project.session(&session.id.to_string())?;
    let mut answer = None;
    if args.wait {
        now = settle(project, &session)?;
        project = context.project()?;
        answer = answer_since(&project, &now, before)?;
    }
    let waits = awaits(&project.store, &now)?;
    let body = json!({ "session_id": session.id, "job_id": job, "state": now.state,
        "answer": answer, "reason": now.reason });
    context.terminal.result("sent", body, || match &answer {
        Some(answer) => clean_lines(answer),
        None => format!("sent to {name}"),
    })?;
    let held = matches!(now.state, SessionState::Blocked | SessionState::Paused);
    let s = session.id.short();
    if args.wait && matches!(now.state, SessionState::Failed | SessionState::Cancelled) {
        let (state, why) = (now.state.name(), clean(&now.reason));
        context
            .terminal
            .note(&format!("{name} is {state}: {why}\n  treeyard retry {s}"));
        return Ok(Exit::Failed);
    }
    match waits {
        Some(stop) if held && stop != crate::model::run::Stop::Finished => {
            let (why, word) = (clean(&now.reason), word_for(&now, &stop));
            context
                .terminal
                .note(&format!("{name} waits: {why}\n  {word}"));
            return Ok(if args.wait { Exit::Held } else { Exit::Ok });
        }
        None if held => {
            let state = now.state.name().to_lowercase();
            let note = format!("{name} is {state}; treeyard resume {s} lets it answer");
            context.terminal.note(&note);
        }
        _ if runner_owner(&project.repo.state_dir()).is_none() && !args.wait => {
            let note = "no runner is active; `treeyard up` starts one, `--wait` answers at once";
            context.terminal.note(note);
        }
        _ => {}
    }
    Ok(match now.state {
        SessionState::Failed | SessionState::Cancelled => Exit::Failed,
        _ => Exit::Ok,
    })
}

fn text(given: &str) -> Result<String, Failure> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(1 << 21)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::new(Code::Usage, format!("standard input: {error}")))?;
    Ok(text)
}
