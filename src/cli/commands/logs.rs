//! `treeyard logs`: what a session's jobs printed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::time::Duration;

use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cli::context::Context;
use crate::cli::format::clean_lines;
use crate::cli::out::write_all;
use crate::model::code::{Code, Exit};
use crate::model::ids::{JobId, SessionId};
use crate::proc::OUTPUT_FILE;
use crate::store::JobRow;

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;

/// Which session, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  treeyard logs docs\n  treeyard logs -f docs")]
pub struct Args {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
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

/// What was printed of one job so far.
#[derive(Default)]
struct Printed {
    /// Bytes read.
    from: u64,
    /// Read, but the line is not whole yet.
    held: Vec<u8>,
}

/// Prints it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(&args.session)?;
    let clean = !args.raw && std::io::stdout().is_terminal();
    let mut printed: HashMap<JobId, Printed> = HashMap::new();
    loop {
        // The state before the output: whatever was printed until then is found below.
        let over = project
            .store
            .session(session.id)?
            .is_none_or(|s| s.state.is_terminal());
        let last = over || !args.follow;
        for job in chosen(&project, session.id, args.job.as_deref())? {
            let so_far = printed.entry(job.id).or_default();
            while read_on(&project, &job, so_far)? > 0 {
                print(so_far, clean, false)?;
            }
            print(so_far, clean, last || job.ended_ms.is_some())?;
        }
        if last {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
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

/// Reads what is new. While a job runs its output is in its folder, afterwards in the artifacts.
fn read_on(project: &Project, job: &JobRow, so_far: &mut Printed) -> Result<u64, Failure> {
    let folder = project.jobs_dir().join(job.id.to_string());
    let live = folder.join(OUTPUT_FILE);
    let mut file = match (File::open(&live), &job.output) {
        (Ok(file), _) => file,
        (Err(_), Some(hash)) => project.cas.open_object(hash)?,
        (Err(_), None) => return Ok(0),
    };
    let count = file
        .seek(SeekFrom::Start(so_far.from))
        .and_then(|_| file.take(CHUNK).read_to_end(&mut so_far.held))
        .map_err(|error| Failure::io(&live, &error))?;
    so_far.from += count as u64;
    Ok(count as u64)
}

/// Prints whole lines, so that no character or escape sequence is cut; all of it at the end.
fn print(so_far: &mut Printed, clean: bool, all: bool) -> Result<(), Failure> {
    let whole = so_far.held.iter().rposition(|byte| *byte == b'\n');
    let end = match (clean && !all, whole) {
        (true, Some(newline)) => newline + 1,
        (true, None) => 0,
        (false, _) => so_far.held.len(),
    };
    let bytes: Vec<u8> = so_far.held.drain(..end).collect();
    if bytes.is_empty() {
        Ok(())
    } else if clean {
        write_all(clean_lines(&String::from_utf8_lossy(&bytes)).as_bytes())
    } else {
        write_all(&bytes)
    }
}
