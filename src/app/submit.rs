//! A plan file or one command line becomes queued sessions.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::project::Project;
use crate::config::{
    Plan, Problem, RetriesText, Settings, TaskOptions, TimeText, read_plan_file, single_task,
};
use crate::model::code::Code;
use crate::model::ids::{JobId, PlanId, SessionId};
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskSpec};
use crate::proc::Wake;
use crate::sessions::{self, ControlError, Submission};
use crate::store::SessionRow;

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The tasks.
    pub work: Work,
    /// The branch to land on; configuration or the current branch otherwise.
    pub target: Option<String>,
    /// Whether finished tasks land by themselves; configuration otherwise.
    pub auto_land: bool,
    /// Sessions that must have completed before.
    pub after: Vec<String>,
    /// How often each command is run, one job each.
    pub repeat: u32,
}

/// Where the tasks come from.
#[derive(Debug, Clone)]
pub enum Work {
    /// A plan file.
    Plan(PathBuf),
    /// One command.
    Single(Box<Single>),
}

/// One command with its options.
#[derive(Debug, Clone, Default)]
pub struct Single {
    /// Its name; the program's otherwise.
    pub name: Option<String>,
    /// The files it may change.
    pub scope: Vec<String>,
    /// What is run.
    pub argv: Vec<String>,
    /// The longest one attempt may take, such as `10m`.
    pub timeout: Option<String>,
    /// Further attempts.
    pub retries: Option<u32>,
    /// 0 is the most urgent.
    pub priority: Option<u8>,
    /// `KEY=VALUE`.
    pub env: Vec<String>,
    /// Checks on the merged tree.
    pub gate: Vec<String>,
}

/// What was queued.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// The submission.
    pub plan_id: PlanId,
    /// One session a task, in their order.
    pub sessions: Vec<SessionId>,
    /// The settings with the plan's own on top.
    pub settings: Settings,
    /// The last event before it.
    pub before_seq: u64,
    /// What will go wrong if nothing changes, for a person.
    pub warnings: Vec<String>,
}

/// Tasks that were checked.
struct Checked {
    tasks: Vec<TaskSpec>,
    settings: Settings,
    warnings: Vec<String>,
}

/// Checks everything, then queues all of it or nothing.
///
/// # Errors
/// A wrong plan, an unknown `after`, no branch to land on.
pub fn submit(project: &mut Project, request: &Request) -> Result<Submitted, Failure> {
    let checked = read(project, &request.work)?;
    let settings = checked.settings;
    let target = target(project, request, &settings)?;
    let after = request
        .after
        .iter()
        .map(|selector| project.session(selector).map(|session| session.id))
        .collect::<Result<Vec<_>, _>>()?;
    let submission = Submission {
        target,
        auto_land: request.auto_land || settings.auto_land(),
        repeat: request.repeat,
        after,
    };
    let before_seq = project.store.head_seq()?;
    let (plan_id, sessions) = sessions::submit(&mut project.store, &checked.tasks, &submission)?;
    Wake::notify(&project.repo.state_dir());
    Ok(Submitted {
        plan_id,
        sessions,
        settings,
        before_seq,
        warnings: checked.warnings,
    })
}

/// Queues one more command in a session that is still at work.
///
/// # Errors
/// A session whose work is over: the hint says how to go on from it.
pub fn add_job(project: &mut Project, selector: &str, argv: &[String]) -> Result<JobId, Failure> {
    let session = project.session(selector)?;
    let command = Command::Argv(argv.to_vec());
    let added = sessions::add(&mut project.store, &session, command);
    let job_id = added.map_err(|error| match error {
        ControlError::State { .. } => Failure::from(error).hint(instead(&session)),
        ControlError::Store(_) => Failure::from(error),
    })?;
    Wake::notify(&project.repo.state_dir());
    Ok(job_id)
}

/// How to go on from a session that takes no more commands.
fn instead(session: &SessionRow) -> String {
    let id = session.id.short();
    match session.state {
        SessionState::Failed | SessionState::Cancelled if session.has_worktree() => {
            format!("`treeyard retry {id}` runs it again, and then takes more commands")
        }
        SessionState::Failed | SessionState::Cancelled => {
            "submit a new task: its worktree was given back".to_owned()
        }
        _ if session.landed_commit.is_some() => {
            format!(
                "submit a new task: it starts from {}, where its work is",
                session.target
            )
        }
        _ => format!("`treeyard submit --after {id} -- COMMAND` starts a new task from its work"),
    }
}

fn read(project: &Project, work: &Work) -> Result<Checked, Failure> {
    match work {
        Work::Plan(path) => {
            let bytes = read_plan_file(path).map_err(|error| Failure::io(path, &error))?;
            let plan = Plan::decode(&bytes, path, &project.settings)?;
            let warnings = plan.warnings(std::env::var_os("PATH").as_deref());
            Ok(Checked {
                warnings: warnings.iter().map(|found| told(found, path)).collect(),
                tasks: plan.tasks,
                settings: plan.settings,
            })
        }
        Work::Single(single) => {
            let task = one_task(single, &project.settings)?;
            Ok(Checked {
                tasks: vec![task],
                settings: project.settings.clone(),
                warnings: Vec::new(),
            })
        }
    }
}

/// In one line.
pub fn told(problem: &Problem, file: &Path) -> String {
    let (line, column) = (problem.line, problem.column);
    let hint = problem.hint.as_ref().map(|hint| format!("; {hint}"));
    let (file, message) = (file.display(), &problem.message);
    format!(
        "{file}:{line}:{column}: {message}{}",
        hint.unwrap_or_default()
    )
}

fn one_task(single: &Single, settings: &Settings) -> Result<TaskSpec, Failure> {
    let program = single.argv.first().map(String::as_str).unwrap_or_default();
    let program = program.rsplit('/').next().unwrap_or_default();
    let name = single.name.clone().unwrap_or_else(|| program.to_owned());
    let mut options = TaskOptions::new(name.clone(), Command::Argv(single.argv.clone()));
    options.timeout = single.timeout.clone().map(TimeText::Text);
    options.retries = single.retries.map(RetriesText::Max);
    options.priority = single.priority;
    if !single.gate.is_empty() {
        options.gate = Some(single.gate.iter().cloned().map(Command::Shell).collect());
    }
    if !single.env.is_empty() {
        options.env = Some(
            single
                .env
                .iter()
                .map(|pair| variable(pair))
                .collect::<Result<_, _>>()?,
        );
    }
    Ok(single_task(
        &name,
        &single.scope,
        &single.argv,
        &options,
        settings,
    )?)
}

fn variable(pair: &str) -> Result<(String, String), Failure> {
    let wrong = || {
        Failure::new(
            Code::Usage,
            format!("--env {pair:?} is not of the form KEY=VALUE"),
        )
    };
    let (key, value) = pair.split_once('=').ok_or_else(wrong)?;
    Ok((key.to_owned(), value.to_owned()))
}

fn target(project: &Project, request: &Request, settings: &Settings) -> Result<String, Failure> {
    let chosen = request.target.clone().or_else(|| settings.target().clone());
    let target = match chosen {
        Some(target) => target,
        None => project.repo.current_branch()?,
    };
    match project.repo.branch_tip(&target)? {
        Some(_) => Ok(target),
        None => Err(
            Failure::new(Code::NoTarget, format!("there is no branch {target:?}"))
                .hint("name an existing branch with --target or in treeyard.toml"),
        ),
    }
}
