//! What a person sees while work goes on: a line for each thing that happened, and on a terminal
//! a bar below them.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::Mutex;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressStyle};

use super::format::{clean, duration};
use super::out::{Terminal, dim, paint, state_style};
use super::steps::Steps;
use super::table::shorten;
use crate::app::failure::Failure;
use crate::model::code::Code;
use crate::model::drift::Drift;
use crate::model::event::{Event, Record};
use crate::model::ids::{JobId, SessionId};
use crate::model::job::Outcome;
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::store::SessionRow;

/// Characters of a name before each line.
const NAME: usize = 24;

/// Follows one submission.
pub struct Progress {
    terminal: Terminal,
    bar: ProgressBar,
    seen: Mutex<RefCell<Seen>>,
}

struct Seen {
    names: HashMap<SessionId, String>,
    width: usize,
    commands: HashMap<JobId, String>,
    steps: Steps,
}

impl Progress {
    /// For these sessions.
    pub fn new(terminal: Terminal, sessions: &[SessionRow]) -> Self {
        let names: HashMap<_, _> = sessions
            .iter()
            .map(|row| (row.id, shorten(&clean(&row.name), NAME)))
            .collect();
        let width = names
            .values()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let template = "{spinner} {pos}/{len} [{bar:30}] {elapsed} {wide_msg}";
        let bar = bar(terminal, sessions.len() as u64, template);
        let seen = Seen {
            names,
            width,
            commands: HashMap::new(),
            steps: Steps::of(sessions),
        };
        Self {
            terminal,
            bar,
            seen: Mutex::new(RefCell::new(seen)),
        }
    }

    /// Takes one event of the log; those of other sessions are not for this person now.
    pub fn take(&self, record: &Record) {
        let Ok(seen) = self.seen.lock() else { return };
        let mut seen = seen.borrow_mut();
        let Some(session) = record.model_session_id else {
            return;
        };
        let Some(name) = seen.names.get(&session).cloned() else {
            return;
        };
        if let Event::JobQueued {
            job_id, command, ..
        } = &record.event
        {
            seen.commands.insert(*job_id, clean(&command.to_string()));
        }
        if let Event::SessionMoved { to, .. } = &record.event
            && (to.is_terminal() || *to == SessionState::Blocked)
        {
            self.bar.inc(1);
        }
        let step = seen.steps.begun_by(session, &record.event);
        if let Some(step) = &step {
            self.bar.set_message(format!("{name} {step}"));
        } else if is_landed_or_refused(&record.event) {
            self.bar.set_message("");
        }
        let of_gate = |job: &JobId| seen.steps.is_gate(job);
        let what = match &record.event {
            Event::JobDispatched { job_id } if of_gate(job_id) => None,
            _ => line(record, &seen.commands),
        };
        // That it is being published is said once it is.
        let step = step.filter(|_| what.is_none());
        for what in what.into_iter().chain(step) {
            let padding = " ".repeat(seen.width.saturating_sub(name.chars().count()));
            self.say(&format!("{}{padding}  {what}", dim(&name)));
        }
    }

    /// Prints a line of the result while the work goes on.
    ///
    /// # Errors
    /// When standard output takes nothing.
    pub fn print(&self, line: &str) -> Result<(), Failure> {
        self.bar.suspend(|| self.terminal.text(line))
    }

    fn say(&self, text: &str) {
        if self.bar.is_hidden() {
            if !self.terminal.json {
                self.terminal.note(text);
            }
        } else {
            self.bar.println(as_the_screen_takes_it(text));
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// What a person sees of one landing that they asked for: the step it is at.
pub struct LandProgress {
    terminal: Terminal,
    bar: ProgressBar,
    session: SessionId,
    steps: Mutex<Steps>,
}

impl LandProgress {
    /// With a first step.
    pub fn new(terminal: Terminal, session: &SessionRow, first: &str) -> Self {
        let this = Self {
            terminal,
            bar: bar(terminal, 0, "{spinner} {elapsed} {wide_msg}"),
            session: session.id,
            steps: Mutex::new(Steps::of(std::slice::from_ref(session))),
        };
        this.say(first);
        this
    }

    /// Takes one event of the log.
    pub fn take(&self, record: &Record) {
        let Ok(mut steps) = self.steps.lock() else {
            return;
        };
        if record.model_session_id == Some(self.session)
            && let Some(step) = steps.begun_by(self.session, &record.event)
        {
            self.say(&step);
        }
    }

    fn say(&self, step: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(step.to_owned());
        } else if !self.terminal.json {
            self.terminal.note(step);
        }
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn is_landed_or_refused(event: &Event) -> bool {
    matches!(
        event,
        Event::Landed { .. } | Event::LandingConflicted { .. } | Event::LandingRefused { .. }
    )
}

/// Without colours where none are wanted: the bar prints what it is given.
fn as_the_screen_takes_it(text: &str) -> Cow<'_, str> {
    match AutoStream::choice(&std::io::stderr()) {
        ColorChoice::Never => Cow::Owned(strip_str(text).to_string()),
        _ => Cow::Borrowed(text),
    }
}

/// Hidden where nobody looks at it, or where it could not be drawn over.
fn bar(terminal: Terminal, length: u64, template: &str) -> ProgressBar {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    if terminal.json || terminal.quiet || dumb || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

fn line(record: &Record, commands: &HashMap<JobId, String>) -> Option<String> {
    let command = |job: &JobId| {
        let text = commands.get(job).map_or("", String::as_str);
        shorten(text, 48)
    };
    let in_ms = |at_ms: i64| (at_ms - record.at_ms).max(0) as u64;
    Some(match &record.event {
        Event::WorkspaceReady {
            method, took_ms, ..
        } => {
            format!("worktree ready ({method}, {})", duration(*took_ms))
        }
        Event::JobDispatched { job_id } => format!("runs {}", command(job_id)),
        Event::CommandExecuted {
            outcome: Outcome::Exited { code: 0 },
            duration_ms,
            ..
        } => {
            format!("succeeded in {}", duration(*duration_ms))
        }
        Event::CommandExecuted {
            outcome: outcome @ Outcome::NotStarted { .. },
            ..
        } => paint(
            state_style(SessionState::Failed),
            &clean(&outcome.describe()),
        ),
        Event::CommandExecuted {
            outcome,
            duration_ms,
            ..
        } => {
            let words = format!(
                "{} after {}",
                clean(&outcome.describe()),
                duration(*duration_ms)
            );
            paint(state_style(SessionState::Failed), &words)
        }
        Event::JobQueued {
            attempt,
            not_before_ms,
            ..
        } if *attempt > 1 => match in_ms(*not_before_ms) {
            0 => format!("attempt {attempt} is queued"),
            wait => format!("attempt {attempt} follows in {}", duration(wait)),
        },
        Event::RateLimited {
            group,
            provider,
            next_ms,
            ..
        } => {
            let whose = match (group, provider) {
                (_, Some(provider)) => format!("provider {}", clean(provider)),
                (group, None) => format!("group {}", clean(group.as_deref().unwrap_or_default())),
            };
            let wait = duration(in_ms(*next_ms));
            format!("held by the rate of {whose}, next in {wait}")
        }
        Event::MachineShort { reason, .. } => format!("waits: {}", clean(reason)),
        Event::LockGranted { scope, .. } if *scope == Scope::whole_repository() => {
            "holds the whole repository: it declares no scope".to_owned()
        }
        Event::LockConflicted { conflict }
            if conflict.waiter.party.session_id() == record.model_session_id =>
        {
            let (what, holder) = (conflict.meeting_place(), conflict.holder.describe());
            let words = format!(
                "{}: waits for {what}, which {holder} holds",
                Code::ScopeConflict.id()
            );
            paint(state_style(SessionState::Paused), &clean(&words))
        }
        event @ Event::DriftFound { .. } => {
            let drift = Drift::told_by(event.clone())?;
            let words = match drift.is_none() {
                true => "nothing is outside its scope any more".to_owned(),
                false => drift.describe(),
            };
            paint(state_style(SessionState::Paused), &clean(&words))
        }
        Event::SandboxBypassed { reason } => paint(
            state_style(SessionState::Paused),
            &clean(&format!("runs without the sandbox: {reason}")),
        ),
        Event::WorkspaceQuarantined { what } => paint(
            state_style(SessionState::Paused),
            &clean(&format!("its worktree is set apart: {what}")),
        ),
        Event::SessionMoved { to, reason, .. } => match to {
            SessionState::Active => return None,
            to => paint(
                state_style(*to),
                &format!("{}: {}", to.name().to_lowercase(), clean(reason)),
            ),
        },
        Event::Landed { target, to, .. } => paint(
            state_style(SessionState::Completed),
            &format!("landed on {} as {}", clean(target), to.short()),
        ),
        Event::LandingConflicted { paths, .. } => paint(
            state_style(SessionState::Blocked),
            &format!("conflict in {}", clean(&paths.join(", "))),
        ),
        Event::WorkspaceSalvaged { reference, .. } => format!("saved as {}", clean(reference)),
        _ => return None,
    })
}
