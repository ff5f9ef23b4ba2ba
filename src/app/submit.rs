//! A plan file or one command line becomes queued sessions.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::casting::{cast, work_in};
use super::consents::beforehand;
use super::failure::Failure;
use super::idle::{files_of_target, idle_of};
use super::probe::refuse_docs_only;
use super::project::Project;
use super::sandbox::can_hold;
use super::setup;
use super::single::{Single, one_task};
use crate::config::{Plan, Problem, Settings, read_plan_file};
use crate::model::code::Code;
use crate::model::consent::ConsentScope;
use crate::model::execution::ExecutionMode;
use crate::model::ids::{JobId, PlanId, SessionId};
use crate::model::redact::Redactor;
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskName, TaskSpec};
use crate::model::thread::MessageRecord;
use crate::proc::{Wake, runner_owner};
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
    /// For how much the person agrees now to what models of tasks will send.
    pub consent: Option<ConsentScope>,
}

/// Where the tasks come from.
#[derive(Debug, Clone)]
pub enum Work {
    /// A plan file.
    Plan(PathBuf),
    /// One command.
    Single(Box<Single>),
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
    /// To what the person agreed, each in a line.
    pub agreed: Vec<String>,
    /// What will go wrong if nothing changes, for a person.
    pub warnings: Vec<String>,
}

/// Tasks that were checked.
struct Checked {
    execution_mode: Option<ExecutionMode>,
    tasks: Vec<TaskSpec>,
    target: String,
    settings: Settings,
    warnings: Vec<String>,
}

/// Checks everything, then queues all of it or nothing.
///
/// # Errors
/// A wrong plan, an unknown `after`, no branch to land on.
pub fn submit(project: &mut Project, request: &Request) -> Result<Submitted, Failure> {
    refuse_unheard(project)?;
    let mut checked = read(project, request)?;
    let settings = checked.settings;
    can_hold(&checked.tasks, &settings)?;
    if checked.tasks.iter().any(|task| task.run.model().is_some()) {
        refuse_docs_only(&settings)?;
    }
    let records = (&project.store, project.repo.main_root());
    let chosen = cast(&settings, records, &mut checked.tasks)?;
    if let Some(mode) = checked.execution_mode {
        work_in(mode, &settings, &mut checked.tasks)?;
    }
    let after = request
        .after
        .iter()
        .map(|selector| project.session(selector).map(|session| session.id))
        .collect::<Result<Vec<_>, _>>()?;
    let agreements = match request.consent {
        Some(scope) => beforehand(&settings, &checked.tasks, scope)?,
        None => HashMap::new(),
    };
    let agreed = agreements.iter().map(|(task, one)| {
        let (model, provider, endpoint) = (&one.model_id, &one.provider, &one.endpoint);
        format!(
            "agreed: {task} sends to {model} of {provider}, {endpoint} ({})",
            one.scope.name()
        )
    });
    let mut agreed: Vec<_> = agreed.collect();
    agreed.sort();
    let submission = Submission {
        agreements,
        target: checked.target,
        auto_land: request.auto_land || settings.auto_land(),
        repeat: request.repeat,
        after,
        prompts: prompts(project, &checked.tasks)?,
        chosen,
    };
    let before_seq = project.store.head_seq()?;
    let (plan_id, sessions) = sessions::submit(&mut project.store, &checked.tasks, &submission)?;
    Wake::notify(&project.repo.state_dir());
    Ok(Submitted {
        plan_id,
        sessions,
        agreed,
        warnings: [setup::warnings(&settings), checked.warnings].concat(),
        settings,
        before_seq,
    })
}

/// What holds sessions back comes from the runner's settings. Whoever asks for more of it on the command line is told
/// when nobody would hear it.
pub(super) fn refuse_unheard(project: &Project) -> Result<(), Failure> {
    const HOLDING: [&str; 9] = [
        "agent.allow",
        "agent.ask_from",
        "agent.max_steps",
        "agent.mode",
        "budget.",
        "consent.",
        "drift.",
        "env.",
        "sandbox.",
    ];
    let holds = |key: &str| HOLDING.iter().any(|start| key.starts_with(start));
    let unheard = project.flags.iter().find(|(key, _)| holds(key));
    match (unheard, runner_owner(&project.repo.state_dir())) {
        (Some((key, _)), Some(owner)) => {
            let message = format!(
                "--set {key} would not be heard: the runner that is active (process {}) goes by its own settings",
                owner.pid
            );
            let hint = "put it into a file of settings and start the runner anew (`treeyard down`, `treeyard up`)";
            Err(Failure::new(Code::RunnerHeld, message).hint(hint))
        }
        _ => Ok(()),
    }
}

/// What models are asked goes into the artifact store before anything speaks of it.
fn prompts(
    project: &Project,
    tasks: &[TaskSpec],
) -> Result<HashMap<TaskName, MessageRecord>, Failure> {
    let redactor = Redactor::patterns();
    let asked = tasks
        .iter()
        .filter_map(|task| Some((task, task.prompt.as_deref()?)));
    asked
        .map(|(task, text)| {
            let said = sessions::said_by_person(&project.cas, text, Vec::new(), &redactor)?;
            Ok((task.name.clone(), said))
        })
        .collect()
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
        ControlError::Store(_) | ControlError::Lock(_) | ControlError::Unfit { .. } => {
            Failure::from(error)
        }
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

fn read(project: &Project, request: &Request) -> Result<Checked, Failure> {
    match &request.work {
        Work::Plan(path) => {
            let bytes = plan_bytes(path)?;
            let plan = Plan::decode(&bytes, path, &project.settings)?;
            let target = target(project, request, &plan.settings)?;
            let files = files_of_target(&project.repo, &target, &plan.tasks);
            let warnings = plan.warnings(std::env::var_os("PATH").as_deref(), files.as_ref());
            Ok(Checked {
                warnings: warnings.iter().map(|found| told(found, path)).collect(),
                target,
                tasks: plan.tasks,
                execution_mode: plan.execution_mode,
                settings: plan.settings,
            })
        }
        Work::Single(single) => {
            let task = one_task(single, &project.settings)?;
            let target = target(project, request, &project.settings)?;
            let tasks = vec![task];
            let files = files_of_target(&project.repo, &target, &tasks);
            Ok(Checked {
                warnings: idle_of(&tasks[0], files.as_ref()),
                tasks,
                target,
                execution_mode: None,
                settings: project.settings.clone(),
            })
        }
    }
}

/// What stands in a plan file, which may be a pipe.
///
/// # Errors
/// A file that cannot be read, or is too large for a plan.
pub fn plan_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    read_plan_file(path).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => {
            let message = format!("{}: {error}", path.display());
            Failure::new(Code::PlanInvalid, message)
        }
        _ => Failure::io(path, &error),
    })
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

fn target(project: &Project, request: &Request, settings: &Settings) -> Result<String, Failure> {
    let chosen = request.target.clone().or_else(|| settings.target().clone());
    let target = match chosen {
        Some(target) => target,
        None => project.repo.current_branch()?,
    };
    let can_be = gix::refs::FullName::try_from(format!("refs/heads/{target}")).is_ok();
    if can_be && project.repo.branch_tip(&target)?.is_some() {
        return Ok(target);
    }
    Err(
        Failure::new(Code::NoTarget, format!("there is no branch {target:?}"))
            .hint("name an existing branch with --target or in treeyard.toml"),
    )
}
