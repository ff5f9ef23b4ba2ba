//! `treeyard logs`: what a session's jobs printed.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::time::Duration;

use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cli::context::Context;
use crate::cli::format::clean_lines;
use crate::cli::out::write_all;
use crate::model::code::Exit;
use crate::model::ids::JobId;
use crate::proc::OUTPUT_FILE;
use crate::store::JobRow;

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

/// Prints it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(&args.session)?;
    let clean = !args.raw && std::io::stdout().is_terminal();
    let mut printed: std::collections::HashMap<JobId, u64> = Default::default();
    loop {
        let over = project
            .store
            .session(session.id)?
            .is_none_or(|s| s.state.is_terminal());
        for job in project.store.jobs_of(session.id)? {
            if args
                .job
                .as_ref()
                .is_none_or(|wanted| job.id.short().starts_with(wanted.as_str()))
            {
                let from = printed.entry(job.id).or_default();
                *from += print_from(&project, &job, *from, clean)?;
            }
        }
        if over || !args.follow {
            return Ok(Exit::Ok);
        }
        std::thread::sleep(Duration::from_millis(150));
    }
}

/// Prints a job's output from byte `from` on, and says how many bytes that was.
fn print_from(project: &Project, job: &JobRow, from: u64, clean: bool) -> Result<u64, Failure> {
    let live = project
        .jobs_dir()
        .join(job.id.to_string())
        .join(OUTPUT_FILE);
    let mut file = match &job.output {
        Some(hash) => project.cas.open_object(hash)?,
        None => match File::open(&live) {
            Ok(file) => file,
            Err(_) => return Ok(0),
        },
    };
    file.seek(SeekFrom::Start(from))
        .map_err(|error| Failure::io(&live, &error))?;
    let (mut done, mut buffer) = (0, vec![0; 64 * 1024]);
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(|error| Failure::io(&live, &error))?;
        if count == 0 {
            return Ok(done);
        }
        done += count as u64;
        let bytes = &buffer[..count];
        if clean {
            write_all(clean_lines(&String::from_utf8_lossy(bytes)).as_bytes())?;
        } else {
            write_all(bytes)?;
        }
    }
}
