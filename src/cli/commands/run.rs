//! `treeyard run` and `submit`: tasks are queued, and run here or by the background runner.

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::app::run::{Ran, run as run_to_end};
use crate::app::single::{Single, Talk};
use crate::app::submit::{Request, Submitted, Work, add_job, submit as queue};
use crate::cli::args_work::{RunArgs, SubmitArgs, TaskArgs};
use crate::cli::commands::ls::session_json;
use crate::cli::context::Context;
use crate::cli::format::{clean, duration, standing};
use crate::cli::out::{bold, dim, paint, state_style};
use crate::cli::progress::Progress;
use crate::cli::table::{Cell, Table, width};
use crate::model::code::{Code, Exit};
use crate::model::event::Event;
use crate::model::session::SessionState;
use crate::proc::runner_owner;
use crate::store::SessionRow;

/// Queues the tasks and stays until they are done.
pub fn run(args: &RunArgs, context: &Context) -> Result<Exit, Failure> {
    let mut settings = context.settings.clone();
    if let Some(jobs) = args.jobs {
        let key = "limits.max_concurrent_sessions";
        settings.push((key.to_owned(), jobs.to_string()));
    }
    let (project, submitted) = submitted(&args.task, &settings, context)?;
    let mut warnings = submitted.warnings.clone();
    if args.jobs.is_some()
        && let Some(owner) = runner_owner(&project.repo.state_dir())
    {
        let pid = owner.pid;
        warnings.push(format!(
            "--jobs has no effect: process {pid} is the runner, with its own limit"
        ));
    }
    context.terminal.warn(&warnings);
    to_end(project, &submitted, args.status_lines, &warnings, context)
}

/// Stays until what was submitted is done, and says how it ended.
pub(super) fn to_end(
    project: Project,
    submitted: &Submitted,
    status_lines: bool,
    warnings: &[String],
    context: &Context,
) -> Result<Exit, Failure> {
    let names = project.store.plan_sessions(submitted.plan_id)?;
    let progress = Progress::new(context.terminal, &names);
    let ran = run_to_end(project, submitted, &mut |record| {
        progress.take(record);
        if let Event::StatusChanged { line, .. } = &record.event
            && status_lines
            && names
                .iter()
                .any(|row| record.model_session_id == Some(row.id))
        {
            // That nobody reads them does not end the work.
            let _unread = progress.print(&clean(line));
        }
    })?;
    progress.finish();
    summary(&ran, warnings, context)?;
    Ok(exit(&ran))
}

/// Queues the tasks and returns.
pub fn submit(args: &SubmitArgs, context: &Context) -> Result<Exit, Failure> {
    if let Some(selector) = &args.in_session {
        let job = add_job(&mut context.project()?, selector, &args.task.cmd)?;
        context
            .terminal
            .result("submitted", json!({ "job_id": job.to_string() }), || {
                format!("queued in {}", clean(selector))
            })?;
        return Ok(Exit::Ok);
    }
    let (project, submitted) = submitted(&args.task, &context.settings, context)?;
    context.terminal.warn(&submitted.warnings);
    let sessions = project.store.plan_sessions(submitted.plan_id)?;
    let body = json!({
        "plan_id": submitted.plan_id.to_string(),
        "sessions": sessions.iter().map(session_json).collect::<Vec<_>>(),
        "warnings": submitted.warnings,
    });
    context.terminal.result("submitted", body, || {
        let mut text = String::new();
        for session in &sessions {
            text.push_str(&format!(
                "{}  {}\n",
                dim(&session.id.short()),
                clean(&session.name)
            ));
        }
        text
    })?;
    context.note_without_runner(&project);
    Ok(Exit::Ok)
}

pub(super) fn submitted(
    task: &TaskArgs,
    settings: &[(String, String)],
    context: &Context,
) -> Result<(Project, Submitted), Failure> {
    let mut settings = settings.to_vec();
    if let Some(file) = &task.model.work_profile {
        let file = context.directory.join(file).display().to_string();
        settings.push(("agent.work_profile".to_owned(), file));
    }
    let mut project = Project::open(&context.directory, &settings)?;
    let request = Request {
        work: work(task, context),
        target: task.target.clone(),
        auto_land: task.auto_land,
        after: task.after.clone(),
        repeat: task.repeat,
        consent: task.consent.map(Into::into),
    };
    let submitted = queue(&mut project, &request)?;
    for agreed in &submitted.agreed {
        context.terminal.note(&clean(agreed));
    }
    Ok((project, submitted))
}

fn work(task: &TaskArgs, context: &Context) -> Work {
    match &task.plan {
        Some(path) => Work::Plan(context.file(path)),
        None => Work::Single(Box::new(Single {
            name: task.name.clone(),
            scope: (task.read_only || !task.scope.is_empty()).then(|| task.scope.clone()),
            argv: task.cmd.clone(),
            talk: task.prompt.as_ref().map(|prompt| Talk {
                prompt: prompt.clone(),
                model: task.model.model.clone(),
                profile: task.model.profile.clone(),
                role: task.model.role.clone(),
                stay: false,
                rehearse: task.model.rehearse,
                output_schema: task
                    .model
                    .output_schema
                    .as_ref()
                    .map(|file| context.file(file)),
            }),
            timeout: task.timeout.clone(),
            retries: task.retries,
            priority: task.priority,
            env: task.env.clone(),
            gate: task.gate.clone(),
            no_sandbox: task.no_sandbox.clone(),
            secrets: task.secret.clone(),
        })),
    }
}

fn summary(ran: &Ran, warnings: &[String], context: &Context) -> Result<(), Failure> {
    let sessions: Vec<_> = ran.sessions.iter().map(session_json).collect();
    let body = json!({ "sessions": sessions, "interrupted": ran.interrupted,
        "waiting": ran.waiting, "next": ran.words, "warnings": warnings });
    if !context.terminal.json {
        context.terminal.note("");
    }
    context.terminal.result("run", body, || {
        let mut table = Table::new(&["ID", "NAME", "STATE", "TIME", "RESULT"]);
        for session in &ran.sessions {
            table.row([
                session.id.short().into(),
                session.name.as_str().into(),
                Cell::styled(session.state.name(), state_style(session.state)),
                duration((session.updated_ms - session.created_ms).max(0) as u64).into(),
                match ran.waiting.get(&session.id) {
                    Some(reason) => reason.into(),
                    None => standing(session, &session.name).into(),
                },
            ]);
        }
        let counted = counted(&ran.sessions);
        let words: String = ran.words.iter().map(|word| format!("{word}\n")).collect();
        format!("{}\n{counted}{}{words}", table.render(width()), why(ran))
    })
}

/// A narrow terminal has no room for the whole reason.
fn why(ran: &Ran) -> String {
    let waits = |row: &&SessionRow| row.waits_for.is_some() && ran.waiting.contains_key(&row.id);
    let first = ran.sessions.iter().find(waits);
    first.map_or(String::new(), |row| {
        format!(
            "why it waits: treeyard locks explain {}\n",
            clean(&row.name)
        )
    })
}

fn counted(sessions: &[SessionRow]) -> String {
    let mut parts = Vec::new();
    for state in SessionState::ALL {
        let count = sessions
            .iter()
            .filter(|session| session.state == state)
            .count();
        if count > 0 {
            let words = format!("{count} {}", state.name().to_lowercase());
            parts.push(paint(state_style(state), &words));
        }
    }
    let landed = sessions
        .iter()
        .filter(|session| session.landed_commit.is_some())
        .count();
    if landed > 0 {
        parts.push(bold(&format!("{landed} landed")));
    }
    format!("{}\n", parts.join(", "))
}

fn exit(ran: &Ran) -> Exit {
    if ran.interrupted {
        return Exit::Interrupted;
    }
    // One kind of failure has its own exit code; several are a failure.
    if let Some(first) = ran.failures.first() {
        let alike = ran.failures.iter().all(|code| code == first);
        return if alike { first.exit() } else { Exit::Failed };
    }
    let blocked = |row: &&SessionRow| row.state == SessionState::Blocked;
    match ran.sessions.iter().find(blocked) {
        Some(row) => match code_of(row) {
            Some(code) => code.exit(),
            // A person lets its model go on.
            None if !ran.words.is_empty() => Exit::Held,
            None => Exit::Failed,
        },
        None if !ran.words.is_empty() => Exit::Held,
        None if ran
            .sessions
            .iter()
            .any(|row| ran.waiting.contains_key(&row.id)) =>
        {
            Exit::Held
        }
        None if ran
            .sessions
            .iter()
            .any(|row| row.state != SessionState::Completed) =>
        {
            Exit::Failed
        }
        None => Exit::Ok,
    }
}

fn code_of(row: &SessionRow) -> Option<Code> {
    let id = row.landing_code.as_deref()?;
    Code::ALL.iter().copied().find(|code| code.id() == id)
}
