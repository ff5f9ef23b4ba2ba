//! The supervisor process: runs one job, ends all of it, writes down how it ended.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::SigSet;
use nix::unistd::Pid;

use super::budget::{Accountant, Finding, milliseconds};
use super::capture::Capture;
use super::claim::Claim;
use super::door::{DOOR_VARIABLE, Doorkeeper};
use super::error::ProcError;
use super::family::Family;
use super::job::{
    self, Durability, EXIT_FILE, ExitRecord, JOB_VARIABLE, JobSpec, LOG_FILE, NO_RECORD,
    OUTPUT_FILE, REFUSED_FILE,
};
use super::launch::{self, Launch};
use super::owner::Owner;
use super::program::{OWN_PROGRAM, find_in};
use super::sandbox::{CONFINED_VERB, Entry, is_for_the_loader, refusal};
use super::signals::{Signals, Told};
use super::wake::Wake;
use crate::model::job::Outcome;

/// How soon a job that is to stand still is looked at again, as long as it does not.
const STILL: Duration = Duration::from_millis(10);

/// A process that is ready to be the supervisor of one job.
pub(super) struct Supervision {
    signals: Signals,
    own: Owner,
}

impl Supervision {
    /// Makes this process one.
    pub(super) fn prepare() -> io::Result<Self> {
        let signals = Signals::take()?;
        nix::sys::prctl::set_child_subreaper(true)?;
        let own = Owner::current()?;
        Ok(Self { signals, own })
    }

    /// Those that end the job.
    pub(super) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Runs the job of the folder `job_dir` to its end. The exit code says whether the exit
    /// record was written.
    pub(super) fn run(self, job_dir: &Path, spec: &JobSpec) -> ExitCode {
        match self.record(job_dir, spec) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                note(job_dir, format_args!("{NO_RECORD}{error}"));
                ExitCode::FAILURE
            }
        }
    }

    fn record(self, job_dir: &Path, spec: &JobSpec) -> Result<(), ProcError> {
        let started = (now_ms(), Instant::now());
        // Before anything else: who finds the folder without an owner may decide that the job
        // never began, and then it must not.
        if !Claim::By(self.own).stake(job_dir)? {
            return Ok(());
        }
        let exit_file = job_dir.join(EXIT_FILE);
        job::set_room_aside(&exit_file);
        let end = match spec.check() {
            Ok(()) => run(job_dir, spec, &self.signals),
            Err(error) => Some(not_started(error).into()),
        };
        // Nobody decided that this job ends. Without a record it counts as lost, and the task
        // says what is to be done with lost ones.
        let Some(end) = end else {
            return Ok(());
        };
        let record = exit_record(end, started);
        let durability = match &spec.runner_dir {
            Some(dir) if Wake::is_heard(dir) => Durability::Process,
            _ => Durability::Machine,
        };
        job::write(&exit_file, &record, durability)
    }
}

/// How a job ended, and what became of what it printed.
struct End {
    outcome: Outcome,
    output: io::Result<()>,
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        let output = Ok(());
        Self { outcome, output }
    }
}

/// `None` when somebody other than the runner ended it.
fn run(job_dir: &Path, spec: &JobSpec, signals: &Signals) -> Option<End> {
    let door = open_door(job_dir, spec);
    let (main, output) = match start(job_dir, spec, door.as_ref()) {
        Ok(started) => started,
        Err(outcome) => return Some(outcome.into()),
    };
    let mut family = Family::of(main, output, door);
    let mut accountant = Accountant::of(&spec.budget);
    let limit = spec
        .timeout_ms
        .and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
    let outcome = watch(&mut family, limit, &mut accountant, signals);
    let outcome = outcome.map(|outcome| family.explained(outcome, &spec.budget));
    family.close_door();
    match outcome {
        // It would use the time for more of the same.
        Some(Outcome::OverLimit { .. }) => family.end_at_once(signals),
        _ => family.end(Duration::from_millis(spec.grace_ms), signals),
    }
    let output = family.finish_output();
    let outcome =
        refusal(&job_dir.join(REFUSED_FILE)).map_or(outcome, |why| Some(not_started(why)));
    Some(End {
        outcome: outcome?,
        output,
    })
}

/// Waits until the program ends, its time is up, it uses more than it may, or somebody wants it ended.
/// While it is held, its time stands still.
fn watch(
    family: &mut Family,
    limit: Option<Instant>,
    accountant: &mut Accountant<'_>,
    signals: &Signals,
) -> Option<Outcome> {
    let (mut limit, mut held) = (limit, None);
    loop {
        let told = signals.drain();
        family.reap();
        // A falling machine tells the program too, which may be the quicker one to end.
        if let Some(outcome) = family.take_end()
            && (told != Some(Told::Stop) || outcome.is_success())
        {
            return Some(outcome);
        }
        match told {
            Some(Told::Cancel) => return Some(Outcome::Cancelled),
            Some(Told::Stop) => return None,
            Some(Told::Hold) => {
                held.get_or_insert_with(Instant::now);
            }
            Some(Told::GoOn) => {
                if let Some(since) = held.take() {
                    limit = limit.and_then(|limit| limit.checked_add(since.elapsed()));
                    family.go_on();
                }
            }
            None => {}
        }
        if held.is_some() {
            let again = (!family.hold()).then(|| Instant::now() + STILL);
            family.wait(signals, again);
            continue;
        }
        if limit.is_some_and(|limit| Instant::now() >= limit) {
            return Some(Outcome::TimedOut);
        }
        if accountant.is_due() {
            family.gather(accountant.budget());
        }
        match accountant.look(family.group()) {
            Some(Finding::Over(overrun)) => return Some(overrun.outcome()),
            Some(Finding::Storm) => {
                family.stop();
                if let Some(Finding::Over(overrun)) = accountant.look(family.group()) {
                    return Some(overrun.outcome());
                }
                family.go_on();
            }
            None => {}
        }
        family.wait(signals, limit.into_iter().chain(accountant.due()).min());
    }
}

/// A job whose door cannot be opened goes without: it is there to ask, and nothing else needs it.
fn open_door(job_dir: &Path, spec: &JobSpec) -> Option<Doorkeeper> {
    let door = spec.door.as_ref()?;
    let mark = job::job_name(job_dir).ok()?;
    match Doorkeeper::open(door, &mark) {
        Ok(opened) => Some(opened),
        Err(error) => {
            note(job_dir, format_args!("{}: {error}", door.socket.display()));
            None
        }
    }
}

/// For whoever looks into the job's folder.
fn note(job_dir: &Path, what: fmt::Arguments<'_>) {
    if let Ok(mut log) = launch::appending(&job_dir.join(LOG_FILE)) {
        let _ = writeln!(log, "{what}");
    }
}

fn start(
    job_dir: &Path,
    spec: &JobSpec,
    door: Option<&Doorkeeper>,
) -> Result<(Pid, Capture), Outcome> {
    let (capture, output) = Capture::into(&job_dir.join(OUTPUT_FILE)).map_err(not_started)?;
    let null = launch::null().map_err(not_started)?;
    let program = find_program(spec)?;
    let argv: Vec<&OsStr> = spec.argv.iter().map(OsStr::new).collect();
    let entry = entry(job_dir, spec, &program).map_err(not_started)?;
    let (program, argv) = match &entry {
        Some(entry) => {
            let first = ["treeyard", CONFINED_VERB, entry].map(OsStr::new);
            (
                PathBuf::from(OWN_PROGRAM),
                [&first, argv.as_slice()].concat(),
            )
        }
        None => (program, argv),
    };
    let mark = job::job_name(job_dir).map_err(not_started)?;
    let env = spec
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| ![JOB_VARIABLE, DOOR_VARIABLE].contains(name))
        .filter(|(name, _)| entry.is_none() || !is_for_the_loader(name))
        .chain([(JOB_VARIABLE, mark.as_str())])
        .chain(door.map(|door| (DOOR_VARIABLE, door.path())))
        .map(|(name, value)| launch::env_entry(name.as_ref(), value.as_ref()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(not_started)?;
    enter(&spec.cwd)?;
    let started = Launch {
        program: &program,
        argv: &argv,
        env: &env,
        blocked: SigSet::empty(),
        stdio: [null.as_fd(), output.as_fd(), output.as_fd()],
    }
    .start();
    // The job's folder may be removed while it runs; nothing of ours shall stand in it.
    enter(Path::new("/"))?;
    let failed = |error| not_started(format!("{}: {error}", program.display()));
    Ok((started.map_err(failed)?, capture))
}

/// What this very program is told to take away from itself before it becomes the job's.
fn entry(job_dir: &Path, spec: &JobSpec, program: &Path) -> io::Result<Option<String>> {
    let Some(confinement) = &spec.confinement else {
        return Ok(None);
    };
    let entry = Entry {
        program: program.to_owned(),
        cwd: spec.cwd.clone(),
        refused: Some(job_dir.join(REFUSED_FILE)),
        loader: loader(spec),
        confinement: confinement.clone(),
    };
    Ok(Some(serde_json::to_string(&entry)?))
}

fn loader(spec: &JobSpec) -> BTreeMap<String, String> {
    let all = spec.env.clone().into_iter();
    all.filter(|(name, _)| is_for_the_loader(name)).collect()
}

fn enter(folder: &Path) -> Result<(), Outcome> {
    std::env::set_current_dir(folder)
        .map_err(|error| not_started(format!("cannot run in {}: {error}", folder.display())))
}

/// The job's own `PATH` counts, not the one of this process.
fn find_program(spec: &JobSpec) -> Result<PathBuf, Outcome> {
    let name = spec.argv.first().map_or("", String::as_str);
    if name.contains('/') {
        return Ok(spec.cwd.join(name));
    }
    let path = spec.env.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    find_in(OsStr::new(path), &spec.cwd, name)
        .ok_or_else(|| not_started(format!("program `{name}` was not found in PATH")))
}

fn not_started(error: impl ToString) -> Outcome {
    Outcome::NotStarted {
        error: error.to_string(),
    }
}

/// How long it took is counted apart from the clock, which may be set meanwhile.
fn exit_record(end: End, (started_ms, started): (i64, Instant)) -> ExitRecord {
    let took_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok();
    ExitRecord {
        outcome: end.outcome,
        started_ms,
        ended_ms: started_ms.saturating_add(took_ms),
        max_rss_kb: usage.map_or(0, |usage| usage.max_rss().unsigned_abs()),
        user_ms: usage.map_or(0, |usage| milliseconds(usage.user_time())),
        sys_ms: usage.map_or(0, |usage| milliseconds(usage.system_time())),
        output_lost: end.output.err().map(|error| error.to_string()),
    }
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        })
}
