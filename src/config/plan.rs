//! Plan files: from text to tasks with every default filled in.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::groups::Group;
use super::idle::{idle, places};
use super::names::{Named, Placed, check_names};
use super::problem::{Problem, decode, render_all};
use super::programs::{Program, missing, programs_in};
use super::prompt::ModelKeys;
use super::reader::{Problems, Read, Section, parse, wrong_type};
use super::sandbox::Bypass;
use super::schema::{PlanFile, TaskOptions};
use super::secrets::Named as NamedSecrets;
use super::settings::{Origin, Settings};
use super::values::{Setting, Timeout};
use crate::model::code::Code;
use crate::model::execution::ExecutionMode;
use crate::model::scope::{Files, Scope};
use crate::model::task::{Command, Lane, OnCrash, Retries, TaskName, TaskSpec};
use crate::model::work::Work;

/// A checked plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The tasks in the order of the file.
    pub tasks: Vec<TaskSpec>,
    /// The target that the file names.
    pub target: Option<String>,
    /// Whether the file asks for landing as soon as a session is finished.
    pub auto_land: Option<bool>,
    /// How the file asks for its models to work.
    pub execution_mode: Option<ExecutionMode>,
    /// The settings with the plan's own on top of them, below flags.
    pub settings: Settings,
    text: String,
    programs: Vec<Program>,
    /// Of each task, where its scope patterns stand, in bytes.
    patterns: Vec<Vec<usize>>,
}

/// Everything that is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", render_all(.problems, .text, .file))]
pub struct PlanError {
    /// The plan file.
    pub file: PathBuf,
    /// What it says.
    pub text: String,
    /// In the order of the text; never empty.
    pub problems: Vec<Problem>,
}

impl PlanError {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::PlanInvalid
    }
}

impl Plan {
    /// Reads the content of a plan file; see [`Plan::parse`].
    pub fn decode(bytes: &[u8], file: &Path, settings: &Settings) -> Result<Self, PlanError> {
        match decode(bytes) {
            Ok(text) => Self::parse(text, file, settings),
            Err((text, problem)) => Err(PlanError {
                file: file.to_owned(),
                text,
                problems: vec![problem],
            }),
        }
    }

    /// Reads a plan. Every problem of the text is in the error, each with its line and column.
    pub fn parse(text: &str, file: &Path, settings: &Settings) -> Result<Self, PlanError> {
        let problems = Problems::default();
        let plan = parse(text, &problems)
            .map(|root| read_plan(root.get_ref(), (text, file), settings.clone(), &problems));
        let problems = problems.finish(text);
        match plan {
            Some(plan) if problems.is_empty() => Ok(plan),
            _ => Err(PlanError {
                file: file.to_owned(),
                text: text.to_owned(),
                problems,
            }),
        }
    }
}

/// The task of `treeyard run --name … --scope … -- argv`: the same checks as in a plan file. Lines
/// and columns of the error are those of the plan it stands for, which the error carries.
pub fn single_task(
    name: &str,
    scope: Option<&[String]>,
    argv: &[String],
    overrides: &TaskOptions,
    settings: &Settings,
) -> Result<TaskSpec, PlanError> {
    let task = TaskOptions {
        name: name.to_owned(),
        scope: scope.map(<[String]>::to_vec),
        run: overrides
            .prompt
            .is_none()
            .then(|| Command::Argv(argv.to_vec())),
        ..overrides.clone()
    };
    let file = Path::new("command line");
    let refused = |message: String| PlanError {
        file: file.to_owned(),
        text: String::new(),
        problems: vec![Problem::at("", 0, message, None)],
    };
    let plan = PlanFile {
        task: vec![task],
        ..PlanFile::default()
    };
    let text = toml::to_string(&plan).map_err(|error| refused(error.to_string()))?;
    let mut tasks = Plan::parse(&text, file, settings)?.tasks;
    tasks.pop().ok_or_else(|| refused("no task".to_owned()))
}

impl Plan {
    /// What is no mistake of the plan, but will go wrong if nothing changes: programs that are not
    /// there, and scope patterns that change nothing among `files`, those of the target. Commands
    /// for a shell are not looked into. Jobs look for programs in `path`, unless their task has a
    /// `PATH` of its own.
    pub fn warnings(&self, path: Option<&OsStr>, files: Option<&Files>) -> Vec<Problem> {
        let scopes = self.tasks.iter().map(|task| &task.scope);
        let placed = scopes.zip(&self.patterns);
        let mut all = missing(&self.programs, path, &self.text);
        all.extend(files.map_or_else(Vec::new, |files| idle(placed, files, &self.text)));
        all.sort_by_key(|found| (found.line, found.column));
        all
    }
}

fn read_plan(
    root: &DeTable<'_>,
    (text, file): (&str, &Path),
    mut settings: Settings,
    problems: &Problems,
) -> Plan {
    let origin = Origin::Plan(file.to_owned());
    let mut top = Section::new(root, problems);
    let target = top.take::<Option<String>>("target");
    let auto_land = top.take("auto_land");
    let execution_mode = top.take("execution_mode");
    if let Some(auto) = auto_land {
        settings.set_auto_land(auto, &origin);
    }
    if let Some(target) = target.clone() {
        settings.set_target(target, &origin);
    }
    if let Some(mut limits) = top.section("limits") {
        settings.apply_section("limits", &mut limits, &origin);
        limits.finish();
    }
    let mut defaults = Common::default();
    let mut programs = Vec::new();
    if let Some(mut section) = top.section("defaults") {
        settings.apply_section("defaults", &mut section, &origin);
        defaults = Common::read(&mut section);
        programs = programs_of(&mut section, &defaults.env);
        section.finish();
        settings.set_commands(defaults.setup.take(), defaults.gate.take(), &origin);
    }
    let entries = top
        .raw("task")
        .map_or_else(Vec::new, |value| tables(value, problems));
    if top.raw("task").is_none() && !root.contains_key("tasks") {
        let hint = "start one with `[[task]]`".to_owned();
        problems.add(0, "the plan has no task", Some(hint));
    }
    top.finish();
    let read: Vec<_> = entries
        .into_iter()
        .map(|table| read_task(table, &defaults, &settings, problems))
        .collect();
    let named: Vec<Named<'_>> = read
        .iter()
        .map(|entry| Named {
            name: entry.name.as_ref(),
            after: &entry.after,
        })
        .collect();
    check_names(&named, text, problems);
    programs.extend(read.iter().flat_map(|entry| entry.programs.iter().cloned()));
    programs.sort_by_key(|program| program.offset);
    let sound = read.into_iter();
    let (tasks, patterns) = sound
        .filter_map(|entry| Some((entry.spec?, entry.patterns)))
        .unzip();
    Plan {
        text: text.to_owned(),
        programs,
        patterns,
        tasks,
        target: target.flatten(),
        auto_land,
        execution_mode,
        settings,
    }
}

fn tables<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
    problems: &Problems,
) -> Vec<(usize, &'a DeTable<'i>)> {
    let Some(list) = value.get_ref().as_array() else {
        wrong_type(
            value,
            "a list of tables, each starting with `[[task]]`",
            problems,
        );
        return Vec::new();
    };
    if list.is_empty() {
        problems.add(value.span().start, "the plan has no task", None);
    }
    let table = |item: &'a Spanned<DeValue<'i>>| match item.get_ref().as_table() {
        Some(table) => Some((item.span().start, table)),
        None => {
            wrong_type(item, "a table", problems);
            None
        }
    };
    list.iter().filter_map(table).collect()
}

/// What both a task and `[defaults]` may set.
#[derive(Default)]
struct Common {
    gate: Option<Vec<Command>>,
    setup: Option<Vec<Command>>,
    timeout: Option<Timeout>,
    retries: Option<Retries>,
    priority: Option<u8>,
    lane: Option<Lane>,
    env: Option<BTreeMap<String, String>>,
    on_crash: Option<OnCrash>,
    group: Option<Group>,
    model: ModelKeys,
}

impl Common {
    fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            gate: section.take("gate"),
            setup: section.take("setup"),
            timeout: section.take("timeout"),
            retries: section.take("retries"),
            priority: section.take("priority"),
            lane: section.take("lane"),
            env: section.take("env"),
            on_crash: section.take("on_crash"),
            group: section.take("group"),
            model: ModelKeys::read(section),
        }
    }
}

/// A task with the places of its names, for the checks between tasks.
struct Entry {
    name: Option<Placed>,
    after: Vec<Placed>,
    programs: Vec<Program>,
    patterns: Vec<usize>,
    spec: Option<TaskSpec>,
}

fn read_task(
    (offset, table): (usize, &DeTable<'_>),
    defaults: &Common,
    settings: &Settings,
    problems: &Problems,
) -> Entry {
    let mut section = Section::new(table, problems);
    if section.raw("name").is_none() {
        problems.add(offset, "the task has no `name`", None);
    }
    let name = section.take::<Placed>("name");
    let scope = section.take::<Scope>("scope");
    let patterns = section.get("scope").map_or_else(Vec::new, places);
    let after = section.take::<Vec<Placed>>("after").unwrap_or_default();
    let bypass = section.take::<Bypass>("sandbox");
    let secrets = NamedSecrets::known(section.raw("secrets"), settings.secrets(), problems);
    let own = Common::read(&mut section);
    let programs = programs_of(&mut section, &merged(&defaults.env, &own.env).into());
    let (run, prompt) = work(
        &mut section,
        offset,
        (&own.model, &defaults.model),
        settings,
    );
    let run_again = section.take::<Command>("run_again");
    if let (Some(value), None) = (section.get("run_again"), section.get("run")) {
        let message = "only a task with a `run` has another command for the next time";
        problems.add(value.span().start, message, None);
    }
    section.finish();
    let build = |name: TaskName, run| TaskSpec {
        name,
        scope: scope.unwrap_or_else(Scope::whole_repository),
        run,
        run_again,
        prompt,
        after: after.iter().filter_map(|a| a.text.parse().ok()).collect(),
        gate: own.gate.unwrap_or_else(|| settings.land_gate.clone()),
        setup: own.setup.unwrap_or_else(|| settings.setup.clone()),
        timeout_ms: own.timeout.unwrap_or(settings.timeout).0,
        retries: own.retries.unwrap_or(settings.retries),
        priority: own.priority.unwrap_or(settings.priority),
        lane: own.lane.unwrap_or(settings.lane),
        env: merged(&defaults.env, &own.env),
        on_crash: pick(&own.on_crash, &defaults.on_crash).unwrap_or_default(),
        group: pick(&own.group, &defaults.group).map(|group| group.0),
        unconfined: bypass.map(|Bypass(reason)| reason),
        secrets,
    };
    let task_name = name.as_ref().and_then(|name| name.task_name(problems));
    let spec = task_name.zip(run).map(|(name, run)| build(name, run));
    Entry {
        name,
        after,
        programs,
        patterns,
        spec,
    }
}

/// What a task is: a command, or a model with what it is asked first.
fn work(
    section: &mut Section<'_, '_>,
    offset: usize,
    (own, defaults): (&ModelKeys, &ModelKeys),
    settings: &Settings,
) -> (Option<Work>, Option<String>) {
    let problems = section.problems();
    let run = section.take::<Command>("run").map(Work::Command);
    let prompt = section.take::<Placed>("prompt");
    match (section.get("run").is_some(), prompt) {
        (true, None) => {
            let mut keys = ModelKeys::NAMES.iter().filter_map(|key| section.get(key));
            if let Some(value) = keys.next() {
                let message = "only a task with a `prompt` has a model";
                problems.add(value.span().start, message, None);
            }
            (run, None)
        }
        (false, Some(prompt)) => {
            let placed = (prompt.offset, prompt.text);
            let prompted = own.clone().prompted(placed, defaults, settings, problems);
            prompted.map_or((None, None), |one| (Some(one.work), Some(one.prompt)))
        }
        (true, Some(prompt)) => {
            problems.add(prompt.offset, "a task has either `run` or `prompt`", None);
            (None, None)
        }
        (false, None) => {
            let hint = "a command; or `prompt`, what a model is asked".to_owned();
            problems.add(offset, "the task has no `run`", Some(hint));
            (None, None)
        }
    }
}

/// The programs that a task or `[defaults]` names, with the `PATH` that their jobs get.
fn programs_of(section: &mut Section<'_, '_>, env: &Option<Env>) -> Vec<Program> {
    let mut programs = Vec::new();
    for key in ["run", "run_again", "gate", "setup"] {
        if let Some(value) = section.get(key) {
            programs.extend(programs_in(value, !key.starts_with("run")));
        }
    }
    let path = env.as_ref().and_then(|env| env.get("PATH"));
    programs
        .iter_mut()
        .for_each(|program| program.path = path.cloned());
    programs
}

fn pick<T: Clone>(own: &Option<T>, default: &Option<T>) -> Option<T> {
    own.as_ref().or(default.as_ref()).cloned()
}

type Env = BTreeMap<String, String>;

fn merged(defaults: &Option<Env>, own: &Option<Env>) -> Env {
    let layers = [defaults, own].into_iter().flatten();
    layers.flat_map(Clone::clone).collect()
}

/// Each pattern is checked alone, so that the problem stands at the pattern.
impl Read for Scope {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let patterns = Vec::<String>::read(value, problems)?;
        let items = value
            .get_ref()
            .as_array()
            .into_iter()
            .flat_map(|list| list.iter());
        let mut sound = true;
        for (pattern, item) in patterns.iter().zip(items) {
            if let Err(error) = Scope::check(pattern) {
                problems.add(item.span().start, error.to_string(), None);
                sound = false;
            }
        }
        if !sound {
            return None;
        }
        let scope = Scope::new(patterns);
        scope
            .map_err(|error| problems.add(value.span().start, error.to_string(), None))
            .ok()
    }
}

impl Setting for Scope {
    fn show(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}
