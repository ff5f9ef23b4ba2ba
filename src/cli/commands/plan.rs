//! `treeyard plan`: is a plan file right, and what may stand in one.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::app::failure::Failure;
use crate::app::idle::{files_of_target, usual_target};
use crate::app::project::user_config;
use crate::app::submit::{plan_bytes, told};
use crate::cli::context::Context;
use crate::cli::out::write_all;
use crate::config::{Plan, PlanError, Problem, Settings, plan_schema};
use crate::git::Repo;
use crate::model::code::Exit;
use crate::model::scope::Files;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard plan check plan.toml
  treeyard plan schema > plan.schema.json")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Say everything that is wrong with a plan file
    Check {
        /// The plan file
        file: PathBuf,
    },
    /// Print the JSON Schema of plan files
    Schema,
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Check { file } => check(file, context),
        Verb::Schema => schema(),
    }
}

fn schema() -> Result<Exit, Failure> {
    write_all(format!("{:#}\n", plan_schema()).as_bytes())?;
    Ok(Exit::Ok)
}

fn check(file: &Path, context: &Context) -> Result<Exit, Failure> {
    let file = &context.file(file);
    let bytes = plan_bytes(file)?;
    let refused = match Plan::decode(&bytes, file, &settings(context)?) {
        Ok(plan) => {
            let names: Vec<String> = plan.tasks.iter().map(|t| t.name.to_string()).collect();
            let count = names.len();
            let files = files(&plan, context);
            let warnings = plan.warnings(std::env::var_os("PATH").as_deref(), files.as_ref());
            let body = json!({ "ok": true, "tasks": names, "problems": [],
                "warnings": listed(&warnings) });
            context.terminal.result("plan_check", body, || {
                format!("ok: {count} task{}", if count == 1 { "" } else { "s" })
            })?;
            let told: Vec<String> = warnings.iter().map(|found| told(found, file)).collect();
            context.terminal.warn(&told);
            return Ok(Exit::Ok);
        }
        Err(refused) => refused,
    };
    if context.terminal.json {
        context
            .terminal
            .document("plan_check", problems(&refused))?;
        return Ok(Exit::Usage);
    }
    let hint = "`treeyard plan schema` prints what may stand in a plan";
    Err(Failure::from(refused).hint(hint))
}

/// Outside of a repository there is nothing to compare scopes with.
fn files(plan: &Plan, context: &Context) -> Option<Files> {
    let repo = Repo::discover(&context.directory).ok()?;
    let target = usual_target(&repo, &plan.settings)?;
    files_of_target(&repo, &target, &plan.tasks)
}

fn problems(refused: &PlanError) -> Value {
    json!({ "ok": false, "tasks": [], "problems": listed(&refused.problems), "warnings": [] })
}

fn listed(problems: &[Problem]) -> Vec<Value> {
    let listed = |p: &Problem| json!({ "message": p.message, "line": p.line, "column": p.column, "hint": p.hint });
    problems.iter().map(listed).collect()
}

/// A plan can be checked outside of a repository too; then only the person's settings count.
fn settings(context: &Context) -> Result<Settings, Failure> {
    let repo = Repo::discover(&context.directory).ok();
    let flags: Vec<(&str, &str)> = context
        .settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let root = repo.as_ref().map(Repo::main_root);
    Ok(Settings::load(root, user_config().as_deref(), &flags)?)
}
