//! `treeyard consent`: what is sent to providers, and a person's agreement to it.

use serde_json::{Value, json};

use crate::app::asks::TOLD;
use crate::app::consents::{Wish, allow, deny, revoke, wish_of, wishes};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::cli::asked::sending;
use crate::cli::commands::approvals::shown_id;
use crate::cli::commands::claim::time;
use crate::cli::commands::ls::session_json;
use crate::cli::context::Context;
use crate::cli::format::{clean, clock, count, now_ms};
use crate::cli::table::{Table, width};
use crate::model::code::Exit;
use crate::model::consent::ConsentScope;
use crate::store::{Consent, SessionRow};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard consent ls
  treeyard consent show docs
  treeyard consent allow docs --plan 90c1d2e8a7f3
  treeyard consent allow docs --scope session --for 8h
  treeyard consent deny docs --reason 'Not this customer'
  treeyard consent revoke docs

Nothing leaves this machine without it (CX-MM-CONSENT-MISSING). An agreement is bound to the provider, its
address, the model and the sessions that it names, and ends by itself.")]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List what waits, and the agreements that hold
    Ls,
    /// Show what would be sent where
    Show {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
    },
    /// Agree
    Allow {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
        /// For how much: this call, the session, the sessions submitted with it, or all that are open
        #[arg(long, value_name = "SCOPE", value_enum)]
        scope: Option<Scope>,
        /// For how long, such as `8h` (default: `consent.valid_for`)
        #[arg(long = "for", value_name = "DURATION")]
        valid: Option<String>,
        /// What `show` showed; nothing is agreed to when something else waits by now
        #[arg(long, value_name = "PLAN", value_parser = shown_id)]
        plan: Option<String>,
    },
    /// Do not agree: the session is paused
    Deny {
        /// A task's name or the start of an id
        #[arg(value_name = "S")]
        session: String,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "a person did not agree")]
        reason: String,
        /// What `show` showed; nothing is said when something else waits by now
        #[arg(long, value_name = "PLAN", value_parser = shown_id)]
        plan: Option<String>,
    },
    /// Take an agreement back
    Revoke {
        /// The start of its id, or a session
        #[arg(value_name = "ID|S")]
        which: String,
        /// Why
        #[arg(
            long,
            value_name = "TEXT",
            default_value = "a person changed their mind"
        )]
        reason: String,
    },
}

/// For how much an agreement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// One call
    Single,
    /// Every call of the session
    Session,
    /// Every call of the sessions submitted together
    Plan,
    /// Every call of all sessions with this model that are open now
    Broadcast,
}

impl From<Scope> for ConsentScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Single => Self::SingleCall,
            Scope::Session => Self::SessionScoped,
            Scope::Plan => Self::WpScoped,
            Scope::Broadcast => Self::BroadcastScoped,
        }
    }
}

/// Does it.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    match &args.verb {
        Verb::Ls => ls(context),
        Verb::Show { session } => show(session, context),
        Verb::Allow {
            session,
            scope,
            valid,
            plan,
        } => agree((session, plan), *scope, valid.as_deref(), context),
        Verb::Deny {
            session,
            reason,
            plan,
        } => refuse((session, plan), reason, context),
        Verb::Revoke { which, reason } => take_back(which, reason, context),
    }
}

fn ls(context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let waiting = wishes(&project)?;
    let held = project.store.consents(now_ms())?;
    let body = json!({ "waiting": waiting.iter().map(wish_json).collect::<Vec<_>>(),
        "consents": held.iter().map(consent_json).collect::<Vec<_>>() });
    context.terminal.result("consents", body, || {
        let mut text = match waiting.is_empty() {
            true => "nothing waits to be sent\n".to_owned(),
            false => String::new(),
        };
        for wish in &waiting {
            let (name, s) = (clean(&wish.session.name), wish.session.id.short());
            text.push_str(&format!("{}\n", sending(&name, &wish.plan)));
            let id = told_id(wish);
            text.push_str(&format!("  treeyard consent allow {s} --plan {id}\n"));
        }
        if !held.is_empty() {
            text.push_str(&table(&held));
        }
        text
    })?;
    Ok(Exit::Ok)
}

fn table(held: &[Consent]) -> String {
    let mut table = Table::new(&["ID", "FOR", "SESSIONS", "UNTIL", "PROVIDER"]);
    for one in held {
        let plan = &one.receipt.plan;
        table.row([
            one.granted.short().into(),
            plan.scope.name().into(),
            plan.sessions.len().to_string().into(),
            clock(one.receipt.until_ms).into(),
            format!("{} {}", plan.provider, plan.endpoint).into(),
        ]);
    }
    table.render(width())
}

fn wish_json(wish: &Wish) -> Value {
    json!({ "session_id": wish.session.id, "name": wish.session.name, "plan": wish.plan })
}

fn consent_json(consent: &Consent) -> Value {
    json!({ "consent_id": consent.granted, "at_ms": consent.at_ms, "receipt": consent.receipt })
}

fn show(selector: &str, context: &Context) -> Result<Exit, Failure> {
    let project = context.project()?;
    let session = project.session(selector)?;
    let wish = wish_of(&project, &session)?;
    let plan = wish.as_ref().map(|wish| &wish.plan);
    let hash = plan.and_then(|plan| plan.hash().ok());
    let body =
        json!({ "session_id": session.id, "name": session.name, "plan": plan, "plan_hash": hash });
    context.terminal.result("consent", body, || {
        let (name, s) = (clean(&session.name), session.id.short());
        let Some(wish) = &wish else {
            return format!("{name} waits for no agreement");
        };
        let (asked, id) = (sending(&name, &wish.plan), told_id(wish));
        let word = |verb: &str| format!("\n  treeyard consent {verb} {s} --plan {id}");
        let read = format!("\n  read it: treeyard thread {s}");
        format!("{asked}{read}{}{}", word("allow"), word("deny"))
    })?;
    Ok(Exit::Ok)
}

fn agree(
    (selector, plan): (&str, &Option<String>),
    scope: Option<Scope>,
    valid: Option<&str>,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(selector)?;
    let for_ms = valid.map(time).transpose()?;
    let shown = meant(&project, &session, plan)?;
    let terms = (scope.map(Into::into), for_ms);
    let agreed = allow(&mut project, &session, &shown, terms)?;
    let resumed: Vec<_> = agreed.resumed.iter().map(session_json).collect();
    let body = json!({ "consent_id": agreed.id, "receipt": agreed.receipt, "resumed": resumed });
    context.terminal.result("consented", body, || {
        let plan = &agreed.receipt.plan;
        let (scope, until) = (plan.scope.name(), clock(agreed.receipt.until_ms));
        let (sessions, id) = (count(plan.sessions.len() as u64, "session"), agreed.id.short());
        let provider = clean(&plan.provider);
        let asked = sending(&clean(&session.name), plan);
        format!("{asked}\nagreed ({scope}): {sessions} to {provider}, until {until}\n  treeyard consent revoke {id}")
    })?;
    context.note_without_runner(&project);
    Ok(Exit::Ok)
}

/// What a person means: what they say that they were shown, or what waits now, which is shown with the answer.
fn meant(
    project: &Project,
    session: &SessionRow,
    plan: &Option<String>,
) -> Result<String, Failure> {
    if let Some(plan) = plan {
        return Ok(plan.clone());
    }
    let wish = wish_of(project, session)?;
    Ok(wish.as_ref().map(id).unwrap_or_default())
}

/// The hash of what would be sent, in hex.
fn id(wish: &Wish) -> String {
    let hash = wish.plan.hash();
    hash.map_or(String::new(), |hash| hash.hex().to_owned())
}

fn told_id(wish: &Wish) -> String {
    id(wish).chars().take(TOLD).collect()
}

fn refuse(
    (selector, plan): (&str, &Option<String>),
    reason: &str,
    context: &Context,
) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let session = project.session(selector)?;
    let shown = meant(&project, &session, plan)?;
    let now = deny(&mut project, &session, &shown, reason)?;
    let body = json!({ "session": session_json(&now) });
    context.terminal.result("consent_denied", body, || {
        let (name, s) = (clean(&now.name), now.id.short());
        format!("{name} is paused; treeyard cancel {s}, or treeyard resume {s} to be asked again")
    })?;
    Ok(Exit::Ok)
}

fn take_back(which: &str, reason: &str, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let (taken, held) = revoke(&mut project, which, reason)?;
    let body = json!({ "consents": taken.iter().map(consent_json).collect::<Vec<_>>(),
        "sessions": held.iter().map(session_json).collect::<Vec<_>>() });
    context.terminal.result("consent_revoked", body, || {
        let mut text = format!("{} taken back\n", count(taken.len() as u64, "agreement"));
        text.extend(held.iter().map(|row: &SessionRow| {
            format!(
                "{} waits again: treeyard resume {}\n",
                clean(&row.name),
                row.id.short()
            )
        }));
        text
    })?;
    Ok(Exit::Ok)
}
