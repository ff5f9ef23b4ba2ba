//! One command with its options, as a task. What is wrong with it is said of the flags.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::failure::Failure;
use crate::config::{
    BypassTable, PlanError, RetriesText, Settings, TaskOptions, TimeText, check_output_schema,
    read_plan_file, single_task,
};
use crate::model::code::Code;
use crate::model::task::{Command, TaskSpec};
use crate::model::work::Work;

/// One command with its options.
#[derive(Debug, Clone, Default)]
pub struct Single {
    /// Its name; the program's otherwise.
    pub name: Option<String>,
    /// The files it may change; the whole repository unless it is said.
    pub scope: Option<Vec<String>>,
    /// What is run; nothing where a model works.
    pub argv: Vec<String>,
    /// What a model is asked in place of that.
    pub talk: Option<Talk>,
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
    /// Why it runs without the sandbox.
    pub no_sandbox: Option<String>,
    /// Names of secrets that the command gets.
    pub secrets: Vec<String>,
}

/// What a model is asked, and which one.
#[derive(Debug, Clone, Default)]
pub struct Talk {
    /// The first message.
    pub prompt: String,
    /// The model; the one of the settings otherwise.
    pub model: Option<String>,
    /// What it may do, by the name of a profile.
    pub profile: Option<String>,
    /// Whom it stands for.
    pub role: Option<String>,
    /// Whether it waits for another message when it has answered.
    pub stay: bool,
    /// Whether its tools only say what they would do.
    pub rehearse: bool,
    /// A file with the JSON Schema that its last answer has to follow.
    pub output_schema: Option<PathBuf>,
}

/// The task it stands for.
///
/// # Errors
/// What is wrong with it, named by the flags.
pub fn one_task(single: &Single, settings: &Settings) -> Result<TaskSpec, Failure> {
    let program = match &single.talk {
        Some(_) => "chat",
        None => single.argv.first().map(String::as_str).unwrap_or_default(),
    };
    let program = program.rsplit('/').next().unwrap_or_default();
    let name = single.name.clone().unwrap_or_else(|| program.to_owned());
    let mut options = TaskOptions::new(name.clone());
    if let Some(talk) = &single.talk {
        options.prompt = Some(talk.prompt.clone());
        options.model = talk.model.clone();
        options.profile = talk.profile.clone();
        options.role = talk.role.clone();
        options.stay = talk.stay.then_some(true);
        options.rehearse = talk.rehearse.then_some(true);
    }
    options.timeout = single.timeout.clone().map(TimeText::Text);
    options.retries = single.retries.map(RetriesText::Max);
    options.priority = single.priority;
    options.sandbox = single.no_sandbox.clone().map(|reason| BypassTable {
        level: "none".to_owned(),
        reason,
    });
    if !single.gate.is_empty() {
        options.gate = Some(single.gate.iter().cloned().map(Command::Shell).collect());
    }
    if !single.secrets.is_empty() {
        options.secrets = Some(single.secrets.clone());
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
    let task = single_task(
        &name,
        single.scope.as_deref(),
        &single.argv,
        &options,
        settings,
    );
    let mut task = task.map_err(|error| by_flag(single, &error))?;
    let schema = single
        .talk
        .as_ref()
        .and_then(|talk| talk.output_schema.as_deref());
    if let (Work::Model(work), Some(file)) = (&mut task.run, schema) {
        work.output_schema = Some(output_schema(file)?);
    }
    Ok(task)
}

fn output_schema(file: &Path) -> Result<Value, Failure> {
    let wrong = |why: String| {
        Failure::new(
            Code::Usage,
            format!("--output-schema: {}: {why}", file.display()),
        )
    };
    let bytes = read_plan_file(file).map_err(|error| Failure::io(file, &error))?;
    let schema: Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    check_output_schema(&schema).map_err(wrong)?;
    Ok(schema)
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

/// The checks are those of a plan; their lines and columns are of a text that nobody wrote.
fn by_flag(single: &Single, error: &PlanError) -> Failure {
    let mut messages = Vec::new();
    let mut failure = Failure::new(Code::Usage, "");
    for problem in &error.problems {
        let flag = flag_at(&error.text, problem.line, single);
        messages.push(format!("{flag}: {}", problem.message));
        failure.hints.extend(problem.hint.clone());
    }
    failure.message = messages.join("\n");
    failure.hints.dedup();
    failure
}

/// The flag that wrote line `line`, counted from 1: the last key at or before it decides.
fn flag_at(text: &str, line: usize, single: &Single) -> &'static str {
    let before: Vec<&str> = text.lines().take(line).collect();
    let key = |line: &&str| match line.split([' ', '.', ']']).next()? {
        "prompt" => Some("--prompt"),
        "model" => Some("--model"),
        "profile" => Some("--profile"),
        "role" => Some("--role"),
        "name" if single.name.is_none() => Some("the program's name (--name gives another)"),
        "name" => Some("--name"),
        "scope" => Some("--scope"),
        "timeout" => Some("--timeout"),
        "retries" => Some("--retries"),
        "priority" => Some("--priority"),
        "gate" => Some("--gate"),
        "[task" | "sandbox" | "level" | "reason"
            if line.contains("sandbox") || line.contains("reason") =>
        {
            Some("--no-sandbox")
        }
        "secrets" => Some("--secret"),
        "[task" | "env" if line.contains("env") => Some("--env"),
        "run" => Some("the command"),
        _ => None,
    };
    before
        .iter()
        .rev()
        .find_map(key)
        .unwrap_or("the command line")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(single: Single) -> Failure {
        let settings = Settings::default();
        let argv = vec!["true".to_owned()];
        one_task(&Single { argv, ..single }, &settings).unwrap_err()
    }

    #[test]
    fn each_mistake_is_named_by_its_flag() {
        let text = |text: &str| Some(text.to_owned());
        let failure = refused(Single {
            name: text("a b"),
            scope: Some(vec!["../x".to_owned()]),
            timeout: text("3x"),
            gate: vec![String::new()],
            env: vec!["=x".to_owned()],
            ..Single::default()
        });
        let flags: Vec<&str> = failure
            .message
            .lines()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(flags, ["--name", "--scope", "--gate", "--timeout", "--env"]);
        assert_eq!(failure.code, Code::Usage);
    }

    #[test]
    fn a_name_that_nobody_gave_is_the_programs() {
        let argv = vec!["/bin/[".to_owned()];
        let single = Single {
            argv,
            ..Single::default()
        };
        let failure = one_task(&single, &Settings::default()).unwrap_err();
        assert!(
            failure.message.starts_with("the program's name (--name"),
            "{failure}"
        );
    }
}
