//! `treeyard guardrails`: what is known to do harm, and whether it is here.

use std::path::PathBuf;

use serde_json::json;

use crate::app::failure::Failure;
use crate::app::guardrails::{Checked, Request, check};
use crate::cli::context::Context;
use crate::cli::format::{clean, count};
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::guardrail::{Guardrail, Registry, bundled};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard guardrails ls
  treeyard guardrails show AP-009
  treeyard guardrails check main..HEAD")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the guardrails
    #[command(after_help = "Examples:\n  treeyard guardrails ls\n  treeyard guardrails ls --json")]
    Ls,
    /// Say when a guardrail is met, what follows, and what enforces it
    #[command(after_help = "Examples:\n  treeyard guardrails show AP-009")]
    Show {
        /// The guardrail, such as AP-009
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Look for what meets a guardrail: in settings, plans and commits
    #[command(after_help = "\
Examples:
  treeyard guardrails check
  treeyard guardrails check main..HEAD
  treeyard guardrails check main..HEAD --plan plan.toml --json

It ends with 1 when something of severity `high` or above is found. Nothing is written.")]
    Check {
        /// The commits to look at
        #[arg(value_name = "BASE..HEAD")]
        range: Option<String>,
        /// The digest that the registry has to have
        #[arg(long, value_name = "DIGEST")]
        digest: Option<String>,
        /// A plan file to look at, besides those that are found (repeatable)
        #[arg(long, value_name = "FILE")]
        plan: Vec<PathBuf>,
    },
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let registry =
        bundled().map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
    match &args.verb {
        Verb::Ls => list(registry, context),
        Verb::Show { id } => show(registry, id, context),
        Verb::Check {
            range,
            digest,
            plan,
        } => {
            let request = Request {
                range: range.clone(),
                digest: digest.clone(),
                plans: plan.iter().map(|file| context.file(file)).collect(),
            };
            report(&check(&context.directory, &request)?, context)
        }
    }
}

fn list(registry: &Registry, context: &Context) -> Result<Exit, Failure> {
    let all = &registry.guardrails;
    let body = json!({
        "version": registry.version, "digest": registry.digest(), "guardrails": all,
    });
    context.terminal.result("guardrails", body, || {
        let mut table = Table::new(&["ID", "SEVERITY", "DOMAIN", "OUTCOME", "PATTERN"]);
        for one in all {
            table.row([
                one.guardrail_id.as_str().into(),
                one.severity.name().into(),
                one.domain.name().into(),
                one.outcome.name().into(),
                one.title.as_str().into(),
            ]);
        }
        table.render(width())
    })?;
    Ok(Exit::Ok)
}

fn show(registry: &Registry, id: &str, context: &Context) -> Result<Exit, Failure> {
    let one = registry.get(id).ok_or_else(|| {
        let message = format!("there is no guardrail {id:?}");
        Failure::new(Code::GuardrailUnknown, message)
    })?;
    let body = json!({
        "version": registry.version, "digest": registry.digest(),
        "guardrail": one, "enforced": one.standing(),
    });
    context.terminal.result("guardrail", body, || told(one))?;
    Ok(Exit::Ok)
}

fn told(one: &Guardrail) -> String {
    let mut lines = vec![
        format!("{}: {}", one.guardrail_id, one.title),
        format!("  severity  {}", one.severity.name()),
        format!("  domain    {}", one.domain.name()),
        format!("  when      {}", one.trigger),
        format!("  then      {}", one.outcome.name()),
        format!("  by        {}", one.standing().describe()),
    ];
    let held = one.held_by.iter().map(|test| format!("  held by   {test}"));
    lines.extend(held);
    lines.push(format!("  events    {}", one.required_events.join(", ")));
    lines.push(format!("  since     {}", one.since));
    lines.push(String::new());
    lines.push(one.note.clone());
    lines.push(String::new());
    lines.extend(one.detections.iter().map(|found| {
        let (signal, source) = (found.signal, found.source.name());
        format!("  {signal} ({source}): {}", signal.meaning())
    }));
    lines.join("\n")
}

fn report(checked: &Checked, context: &Context) -> Result<Exit, Failure> {
    let (registry, fails) = (checked.registry, checked.fails());
    let code = fails.then_some(Code::GuardrailFound);
    let body = json!({
        "ok": !fails, "code": code.map(Code::id),
        "version": registry.version, "digest": registry.digest(),
        "looked_at": checked.looked_at, "passed_over": checked.passed_over,
        "findings": checked.findings,
    });
    context
        .terminal
        .result("guardrails_check", body, || text(checked))?;
    let passed_over: Vec<_> = checked
        .passed_over
        .iter()
        .map(|what| format!("not looked at: {what}"))
        .collect();
    context.terminal.warn(&passed_over);
    match code {
        None => Ok(Exit::Ok),
        Some(code) if context.terminal.json => Ok(code.exit()),
        Some(code) => {
            let found = count(checked.findings.len() as u64, "finding");
            Err(Failure::new(
                code,
                format!("{found}, of which some are severe"),
            ))
        }
    }
}

fn text(checked: &Checked) -> String {
    let registry = checked.registry;
    let mut lines = vec![
        format!("guardrails {} {}", registry.version, registry.digest()),
        clean(&format!("looked at {}", checked.looked_at.join(", "))),
    ];
    for finding in &checked.findings {
        let commit = finding
            .commit
            .as_ref()
            .map(|commit| format!("{} ", commit.short()));
        let (id, severity) = (&finding.guardrail_id, finding.severity.name());
        let place = format!("{}{}", commit.unwrap_or_default(), finding.place);
        lines.push(clean(&format!("{id}  {severity}  {place}")));
        lines.push(clean(&format!(
            "        {}: {}",
            finding.title, finding.detail
        )));
    }
    if checked.findings.is_empty() {
        lines.push("nothing found".to_owned());
    }
    lines.join("\n")
}
