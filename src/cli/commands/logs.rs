//! `treeyard logs`: what a session's jobs printed.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::printed::Printed;
use crate::app::project::Project;
use crate::app::waiting::{goes_on, reasons};
use crate::cli::context::Context;
use crate::cli::format::{clean, clean_lines};
use crate::cli::out::write_all;
use crate::cli::selector::Selector;
use crate::model::code::{Code, Exit};
use crate::model::ids::{JobId, SessionId};
use crate::model::session::SessionState;
use crate::model::shown::without_colours;
use crate::secrets::Vault;
use crate::store::{JobRow, SessionRow};

/// Bytes held back while a line is not whole.
const LONGEST_LINE: usize = 1 << 16;

/// Which session, and how.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard logs docs\n  treeyard logs -f docs\n  treeyard logs --json docs"
)]
pub struct Args {
    /// Which session.
    #[command(flatten)]
    pub selector: Selector,
    /// Go on until the session ends
    #[arg(short, long)]
    pub follow: bool,
    /// Only this job (the start of its short id)
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    /// Escape sequences too, even on a terminal
    #[arg(long)]
    pub raw: bool,
}

/// What was shown of one job so far.
#[derive(Default)]
struct Shown {
    printed: Printed,
    /// Read, but the line is not whole yet.
    held: Vec<u8>,
    /// There is nothing more to read: the output was found damaged, or may not be shown.
    lost: bool,
}

/// How output is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Byte by byte.
    Raw,
    /// Without colours, and with other control characters as what they are.
    Clean,
    /// One document a line.
    Json,
}

/// Prints it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = args.selector.find(&project)?;
    let form = match (context.terminal.json, args.raw) {
        (true, _) => Form::Json,
        (false, false) if std::io::stdout().is_terminal() => Form::Clean,
        (false, _) => Form::Raw,
    };
    if args.follow
        && !context.terminal.json
        && let Some(why) = why_not_at_work(&project, &session)?
    {
        context.terminal.note(&why);
    }
    let vault = Vault::new(project.settings.secrets().clone());
    let mut shown: HashMap<JobId, Shown> = HashMap::new();
    let mut damage = None;
    loop {
        // The state before the output: whatever was printed until then is found below.
        let now = project.store.session(session.id)?;
        let state = now.map(|now| now.state);
        let over = state.is_none_or(SessionState::is_terminal);
        let works = args.follow && state == Some(SessionState::Active);
        let is_left = works && !goes_on(&project, session.id)?;
        let last = over || !args.follow || is_left;
        for job in chosen(&project, session.id, args.job.as_deref())? {
            let so_far = shown.entry(job.id).or_default();
            match job_on(&project, &vault, &job, so_far, last, form, context) {
                // The other jobs' output can still be read.
                Err(failure)
                    if matches!(failure.code, Code::ArtifactDamaged | Code::SecretMissing) =>
                {
                    so_far.lost = true;
                    damage.get_or_insert(failure);
                }
                done => done?,
            }
        }
        if is_left && damage.is_none() {
            context.note_without_runner(&project);
            return Ok(Exit::Held);
        }
        if last {
            return damage.map_or(Ok(Exit::Ok), Err);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}

/// What a follower would otherwise wait for in silence.
fn why_not_at_work(project: &Project, session: &SessionRow) -> Result<Option<String>, Failure> {
    if session.state == SessionState::Active || session.state.is_terminal() {
        return Ok(None);
    }
    let waiting = reasons(project)?.remove(&session.id);
    let why = waiting.unwrap_or_else(|| session.reason.clone());
    let (name, state) = (clean(&session.name), session.state.name());
    Ok(Some(format!("note: {name} is {state}: {}", clean(&why))))
}

fn chosen(
    project: &Project,
    session: SessionId,
    wanted: Option<&str>,
) -> Result<Vec<JobRow>, Failure> {
    let mut jobs = project.store.jobs_of(session)?;
    let Some(wanted) = wanted else {
        return Ok(jobs);
    };
    jobs.retain(|job| job.id.short().starts_with(wanted) || job.id.to_string() == wanted);
    if jobs.is_empty() {
        let why = format!("the session has no job {wanted:?}");
        return Err(Failure::new(Code::Usage, why).hint("`treeyard show` lists its jobs"));
    }
    Ok(jobs)
}

fn job_on(
    project: &Project,
    vault: &Vault,
    job: &JobRow,
    shown: &mut Shown,
    last: bool,
    form: Form,
    context: &Context,
) -> Result<(), Failure> {
    while !shown.lost
        && shown
            .printed
            .read_on(project, vault, job, &mut shown.held)?
            > 0
    {
        print(job, shown, false, form, context)?;
    }
    if job.ended_ms.is_some() {
        shown.printed.finish(project, job, &mut shown.held);
    }
    print(job, shown, last || job.ended_ms.is_some(), form, context)
}

fn print(
    job: &JobRow,
    shown: &mut Shown,
    all: bool,
    form: Form,
    context: &Context,
) -> Result<(), Failure> {
    let end = if all || form == Form::Raw {
        shown.held.len()
    } else {
        whole_lines(&shown.held)
    };
    let bytes: Vec<u8> = shown.held.drain(..end).collect();
    match form {
        _ if bytes.is_empty() => Ok(()),
        Form::Raw => write_all(&bytes),
        Form::Clean => {
            let text = without_colours(&String::from_utf8_lossy(&bytes));
            write_all(clean_lines(&text).as_bytes())
        }
        Form::Json => {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
                let text = String::from_utf8_lossy(line);
                json!({ "job_id": job.id, "stream": "output", "text": text })
            });
            context.terminal.documents("log", lines)
        }
    }
}

/// How many bytes end with a line, so that no character or escape sequence is cut. A line that
/// does not end is not held back for ever.
fn whole_lines(held: &[u8]) -> usize {
    match held.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => newline + 1,
        None if held.len() <= LONGEST_LINE => 0,
        None => {
            let begins = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
            held.iter().rposition(begins).unwrap_or(held.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_held_back_until_they_are_whole_or_too_long() {
        assert_eq!(whole_lines(b""), 0);
        assert_eq!(whole_lines(b"part"), 0);
        assert_eq!(whole_lines(b"one\ntwo"), 4);
        let long = "\u{fc}".repeat(LONGEST_LINE);
        let cut = long.len() - 1;
        assert_eq!(whole_lines(&long.as_bytes()[..cut]), cut - 1);
    }
}
