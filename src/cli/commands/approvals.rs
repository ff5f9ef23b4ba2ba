//! `treeyard approvals`: what models ask before they act.

use serde_json::{Value, json};

use crate::app::approvals::wishes;
use crate::app::asks::{Ask, LEAST, Reach, TOLD, answer, ask_of, asks, preview, revoke};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cli::asked::previewed;
use crate::cli::commands::ls::session_json;
use crate::cli::context::Context;
use crate::cli::format::clean;
use crate::cli::table::{Table, width};
use crate::model::code::{Code, Exit};
use crate::model::denylist::quoted;
use crate::model::ids::EventId;
use crate::model::tool::{Covers, Effect, Pattern, Rule};
use crate::store::SessionRow;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard approvals ls
  treeyard approvals show docs
  treeyard approvals allow docs --call 2c49496b51f0
  treeyard approvals allow docs --pattern 'file.write(docs/**)'
  treeyard approvals deny docs --reason 'Not this file'
  treeyard approvals revoke docs

An answer is for the one call that waits, unless more is said, and then the session goes on. With --call, as `show`
prints it, it is for just what was shown; without, the call is printed with the answer. Who answered stays in the log.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List what waits for an answer
    Ls {
        /// Only of this session
        #[arg(value_name = "S")]
        session: Option<String>,
    },
    /// Show what a call would do, and the rules that hold
    Show {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
    },
    /// Let calls run
    Allow(AnswerArgs),
    /// Let calls not run; the model is told
    Deny {
        /// Which calls.
        #[command(flatten)]
        which: AnswerArgs,
        /// What the model is told besides
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Take rules back
    Revoke {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
        /// Only this rule, as `show` lists it
        #[arg(value_name = "RULE")]
        rule: Option<String>,
    },
}

/// Which calls an answer is for.
#[derive(Debug, clap::Args)]
pub struct AnswerArgs {
    /// A task's name or the start of an id
    #[arg(value_name = "S")]
    pub session: String,
    /// Only the call that waits (the default)
    #[arg(long, conflicts_with_all = ["whole_session", "pattern"])]
    pub once: bool,
    /// Every call of this tool, as long as the session lasts
    #[arg(long = "session", conflicts_with = "pattern")]
    pub whole_session: bool,
    /// Every call that this has, such as `file.write(docs/**)`
    #[arg(long, value_name = "TOOL(ARG)")]
    pub pattern: Option<String>,
    /// The call that `show` showed; nothing is answered when another one waits by now
    #[arg(long, value_name = "CALL", conflicts_with = "pattern", value_parser = shown_id)]
    pub call: Option<String>,
}

/// The start of what `show` told a person to give.
pub fn shown_id(text: &str) -> Result<String, String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_hex && (LEAST..=64).contains(&text.len()) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(format!("at least {LEAST} hex digits of what `show` tells")),
    }
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls { session } => ls(session.as_deref(), context),
        Verb::Show { session } => show(session, context),
        Verb::Allow(which) => say(which, Effect::Allow, None, context),
        Verb::Deny { which, reason } => say(which, Effect::Deny, reason.as_deref(), context),
        Verb::Revoke { session, rule } => take_back(session, rule.as_deref(), context),
    }
}

fn ls(only: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let only = only.map(|selector| project.session(selector)).transpose()?;
    let mut asks = asks(&project)?;
    let mut open = project.store.open_sessions()?;
    if let Some(session) = &only {
        asks.retain(|ask| ask.session.id == session.id);
        open = vec![session.clone()];
    }
    let commands = commands(&project, &open)?;
    let mut listed: Vec<Value> = asks.iter().map(ask_json).collect();
    listed.extend(commands.iter().map(|(session, words)| {
        json!({ "kind": "command", "session_id": session.id, "name": session.name, "words": words })
    }));
    let body = json!({ "requests": listed });
    context.terminal.result("requests", body, || {
        if asks.is_empty() && commands.is_empty() {
            return "nothing waits for an answer".to_owned();
        }
        let mut table = Table::new(&["ID", "NAME", "WHY", "WHAT"]);
        for Ask { session, call } in &asks {
            let (id, what) = (session.id.short(), call.summary.as_str());
            table.row([
                id.into(),
                (&session.name).into(),
                (&call.because).into(),
                what.into(),
            ]);
        }
        for (session, words) in &commands {
            let (id, what) = (session.id.short(), quoted(words));
            table.row([
                id.into(),
                (&session.name).into(),
                "command".into(),
                what.into(),
            ]);
        }
        let mut text = table.render(width());
        for ask in &asks {
            let s = ask.session.id.short();
            text.push_str(&format!("treeyard approvals show {s}\n"));
        }
        for (session, words) in &commands {
            let (s, words) = (session.id.short(), clean(&quoted(words)));
            text.push_str(&format!("treeyard approve {s} -- {words}\n"));
        }
        text
    })?;
    Ok(Exit::Ok)
}

/// Commands that were denied and that nobody has allowed since.
fn commands<'s>(
    project: &Project,
    sessions: &'s [SessionRow],
) -> Result<Vec<(&'s SessionRow, Vec<String>)>, Failure> {
    let mut found = Vec::new();
    for session in sessions {
        let asked = wishes(project, session.id)?.into_iter();
        let open = asked.filter(|wish| wish.allowed == 0);
        found.extend(open.map(|wish| (session, wish.words)));
    }
    Ok(found)
}

fn ask_json(ask: &Ask) -> Value {
    let Ask { session, call } = ask;
    json!({ "kind": "call", "session_id": session.id, "name": session.name, "call": call })
}

fn show(selector: &str, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(selector)?;
    let ask = ask_of(&project, &session)?;
    let hash = ask.as_ref().and_then(|ask| ask.call.preview.as_ref());
    let shown = hash.map(|hash| preview(&project, hash)).transpose()?;
    let rules = project.store.rules(session.id)?;
    let body = json!({ "session_id": session.id, "name": session.name,
        "call": ask.as_ref().map(|ask| &ask.call), "preview": shown,
        "rules": rules.iter().map(rule_json).collect::<Vec<_>>() });
    context.terminal.result("approval", body, || {
        let name = clean(&session.name);
        let mut text = match &ask {
            None => format!("{name} waits for no answer\n"),
            Some(ask) => {
                let (s, id) = (session.id.short(), told_id(ask));
                let asked = previewed(&name, &ask.call, shown.as_ref());
                let word = |verb: &str| format!("  treeyard approvals {verb} {s} --call {id}\n");
                format!("{asked}{}{}", word("allow"), word("deny"))
            }
        };
        for (id, rule) in &rules {
            text.push_str(&format!("rule {}: {}\n", id.short(), told(rule)));
        }
        text
    })?;
    Ok(Exit::Ok)
}

fn say(
    which: &AnswerArgs,
    effect: Effect,
    reason: Option<&str>,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(&which.session)?;
    // Without its id it is this one, which is shown with the answer.
    let ask = ask_of(&project, &session)?;
    let now = ask
        .as_ref()
        .map(|ask| ask.call.fingerprint.hex().to_owned());
    let call = which.call.clone().or(now).unwrap_or_default();
    let reach = match &which.pattern {
        Some(text) => Reach::Pattern(
            Pattern::parse(text).map_err(|error| Failure::new(Code::Usage, error.to_string()))?,
        ),
        None if which.whole_session => Reach::Session(call),
        None => Reach::Once(call),
    };
    let ask = ask.filter(|_| which.pattern.is_none());
    let hash = ask.as_ref().and_then(|ask| ask.call.preview.as_ref());
    let shown = hash.map(|hash| preview(&project, hash)).transpose()?;
    let (rule, now) = answer(&mut project, &session, (effect, reach), reason)?;
    let body = json!({ "session": session_json(&now), "rule": rule,
        "call": ask.as_ref().map(|ask| &ask.call), "preview": shown });
    context.terminal.result("answered", body, || {
        let (name, state) = (clean(&now.name), now.state.name());
        let asked = ask.map(|ask| previewed(&name, &ask.call, shown.as_ref()));
        let asked = asked.unwrap_or_default();
        format!("{asked}{name} is {state}: {}", told(&rule))
    })?;
    context.note_without_runner(&project);
    Ok(Exit::Ok)
}

fn take_back(selector: &str, rule: Option<&str>, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(selector)?;
    let revoked = revoke(&mut project, &session, rule)?;
    let body = json!({ "session_id": session.id,
        "rules": revoked.iter().map(rule_json).collect::<Vec<_>>() });
    context.terminal.result("approvals_revoked", body, || {
        let lines = revoked
            .iter()
            .map(|(id, rule)| format!("no more {}: {}\n", id.short(), told(rule)));
        lines.collect()
    })?;
    Ok(Exit::Ok)
}

fn told_id(ask: &Ask) -> &str {
    &ask.call.fingerprint.hex()[..TOLD]
}

fn rule_json((id, rule): &(EventId, Rule)) -> Value {
    json!({ "rule_id": id, "rule": rule })
}

/// A rule in words.
fn told(rule: &Rule) -> String {
    let effect = match rule.effect {
        Effect::Allow => "may run",
        Effect::Deny => "may not run",
    };
    match &rule.covers {
        Covers::Once(_) => format!("the call that waited {effect}"),
        Covers::Session(tool) => format!("every call of {tool} {effect}"),
        Covers::Matching(pattern) => format!("{} {effect}", clean(&pattern.to_string())),
    }
}
