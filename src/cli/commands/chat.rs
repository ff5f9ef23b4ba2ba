//! `treeyard chat`: a conversation with a model, line by line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::app::asks::{Ask, Reach, answer, ask_of, preview};
use crate::app::awaits::awaits;
use crate::app::consents::{Wish, allow, deny, wish_of};
use crate::app::control::{Word, apply};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::app::send::send;
use crate::app::single::{Single, Talk};
use crate::app::submit::{Request, Work, submit};
use crate::app::talk::{answer_since, finish, settle};
use crate::app::waiting::reasons;
use crate::cli::args_work::Beforehand;
use crate::cli::asked::{previewed, sending};
use crate::cli::context::Context;
use crate::cli::format::{clean, standing};
use crate::cli::interrupts;
use crate::cli::tail::Tail;
use crate::cli::typed::{Input, Typed};
use crate::model::code::{Code, Exit};
use crate::model::consent::ConsentScope;
use crate::model::run::Stop;
use crate::model::session::SessionState;
use crate::model::tool::Effect;
use crate::store::SessionRow;

const HELP: &str = "\
  a line is a message; `\\` at its end continues it
  /done  or Ctrl-D: the session is over, and its work is taken in
  /quit  leave it waiting; `treeyard chat S` goes on with it
  Ctrl-C while the model works: it stops after what it is doing";

/// With whom.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  treeyard chat
  treeyard chat 'What does the parser do?' --profile read-only
  treeyard chat --name docs --scope 'docs/**'
  treeyard chat docs
  treeyard chat docs 'One more thing'

A line is a message, and `\\` at its end continues it. `/done` or Ctrl-D ends the session, so that its work
can land; `/quit` leaves it waiting. Ctrl-C while the model works pauses it after what it is doing.")]
pub struct Args {
    /// A session to go on with; a new one otherwise, and then this may be the first message
    #[arg(value_name = "S")]
    pub session: Option<String>,
    /// The first message
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,
    /// How a new one works.
    #[command(flatten)]
    pub new: NewArgs,
}

/// How a new session works.
#[derive(Debug, clap::Args)]
pub struct NewArgs {
    /// The model (default: `agent.model` of the settings)
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// What it may do: `read-only`, `edit`, `build`, `full` or a profile of the settings
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// Whom it stands for, such as `worker`
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
    /// The new session's name (default: chat)
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Files it may change, relative to the root (repeatable)
    #[arg(long, value_name = "PATTERN")]
    pub scope: Vec<String>,
    /// It changes no file
    #[arg(long, conflicts_with = "scope")]
    pub read_only: bool,
    /// The branch to land on
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,
    /// Agree now to what its model sends
    #[arg(long, value_name = "SCOPE")]
    pub consent: Option<Beforehand>,
    /// Land it when it is done
    #[arg(long)]
    pub auto_land: bool,
}

impl NewArgs {
    fn says_anything(&self) -> bool {
        let texts = [
            &self.model,
            &self.profile,
            &self.role,
            &self.name,
            &self.target,
        ];
        let flags = [
            self.consent.is_some(),
            self.read_only,
            self.auto_land,
            !self.scope.is_empty(),
        ];
        texts.into_iter().any(Option::is_some) || flags.contains(&true)
    }
}

/// A conversation.
struct Chat<'c> {
    context: &'c Context,
    project: Project,
    session: SessionRow,
    typed: Typed,
    tail: Tail,
    /// Whether the model works, and Ctrl-C is for it.
    answering: Arc<AtomicBool>,
}

/// Talks until the session is over or the person leaves.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut project = context.project()?;
    let typed = Typed::new();
    let Some((session, text)) = whom(args, &mut project, &typed)? else {
        return Ok(Exit::Ok);
    };
    let answering = Arc::new(AtomicBool::new(false));
    listen(context, &session, &answering)?;
    let tail = Tail::new(&project, session.id)?;
    let mut chat = Chat {
        context,
        project,
        session,
        typed,
        tail,
        answering,
    };
    if let Some(text) = text {
        chat.say(&text)?;
    }
    loop {
        if let Some(exit) = chat.go_on()? {
            return Ok(exit);
        }
    }
}

/// The session, and what is still to be said in it. `None` when nobody says anything.
fn whom(
    args: &Args,
    project: &mut Project,
    typed: &Typed,
) -> Result<Option<(SessionRow, Option<String>)>, Failure> {
    let mut first = args.text.clone();
    if args.new.says_anything() {
        if first.is_some() {
            let message = "these options are for a new session, and one is named";
            return Err(Failure::new(Code::Usage, message));
        }
        first = args.session.clone();
    } else if let Some(selector) = &args.session {
        match project.session(selector) {
            Ok(session) => return Ok(Some((session, first))),
            // No session's name has a space.
            Err(_) if first.is_none() && selector.contains(' ') => first = Some(selector.clone()),
            Err(failure) => return Err(failure),
        }
    }
    let first = match first {
        Some(text) => text,
        None => loop {
            match typed.input("you: ") {
                Input::Message(text) => break text,
                Input::Help => println_note(HELP),
                Input::Done | Input::Quit => return Ok(None),
            }
        },
    };
    let id = begin(args, project, first)?;
    Ok(Some((project.session(&id)?, None)))
}

fn println_note(text: &str) {
    // Nobody reads it when standard error is gone.
    use std::io::Write;
    let _unread = writeln!(anstream::stderr(), "{text}");
}

fn begin(args: &Args, project: &mut Project, prompt: String) -> Result<String, Failure> {
    let new = &args.new;
    let single = Single {
        name: Some(new.name.clone().unwrap_or_else(|| "chat".to_owned())),
        scope: (new.read_only || !new.scope.is_empty()).then(|| new.scope.clone()),
        talk: Some(Talk {
            prompt,
            model: new.model.clone(),
            profile: new.profile.clone(),
            role: new.role.clone(),
            stay: true,
            rehearse: false,
            output_schema: None,
        }),
        ..Single::default()
    };
    let request = Request {
        work: Work::Single(Box::new(single)),
        target: new.target.clone(),
        auto_land: new.auto_land,
        after: Vec::new(),
        repeat: 1,
        consent: args.new.consent.map(Into::into),
    };
    let submitted = submit(project, &request)?;
    submitted
        .agreed
        .iter()
        .for_each(|text| println_note(&clean(text)));
    let first = submitted.sessions.first().map(ToString::to_string);
    first.ok_or_else(|| Failure::new(Code::SessionUnknown, "nothing was submitted"))
}

fn listen(
    context: &Context,
    session: &SessionRow,
    answering: &Arc<AtomicBool>,
) -> Result<(), Failure> {
    let (folder, settings) = (context.directory.clone(), context.settings.clone());
    let (id, terminal) = (session.id.to_string(), context.terminal);
    interrupts::listen(Arc::clone(answering), move || {
        let paused = Project::open(&folder, &settings)
            .and_then(|mut project| apply(&mut project, &id, Word::Pause));
        match paused {
            Ok(_) => terminal.note("[it stops after what it is doing]"),
            Err(failure) => terminal.note(&format!("[it goes on: {}]", clean(&failure.message))),
        }
    })
}

impl Chat<'_> {
    /// One turn. The exit code when it was the last one.
    fn go_on(&mut self) -> Result<Option<Exit>, Failure> {
        match self.session.state {
            SessionState::Created | SessionState::Active => self.answer(),
            SessionState::Blocked | SessionState::Paused => {
                if let Some(ask) = ask_of(&self.project, &self.session)? {
                    return self.approve(&ask);
                }
                if let Some(wish) = wish_of(&self.project, &self.session)? {
                    return self.consent(&wish);
                }
                self.hear()
            }
            _ => self.end().map(Some),
        }
    }

    /// Lets the model work, and prints what it says as it comes.
    fn answer(&mut self) -> Result<Option<Exit>, Failure> {
        let runner = self.context.project()?;
        let before = runner.store.head_seq()?;
        let over = AtomicBool::new(false);
        self.answering.store(true, Ordering::Release);
        let (project, tail, session) = (&self.project, &mut self.tail, &self.session);
        let json = self.context.terminal.json;
        let settled = std::thread::scope(|scope| {
            // A store is of the thread that opened it.
            let settling = scope.spawn(|| {
                let settled = settle(runner, session);
                over.store(true, Ordering::Release);
                settled
            });
            let told = match json {
                true => Ok(()),
                false => tail.follow(project, &over),
            };
            let lost = || Err(Failure::new(Code::Io, "the runner was lost"));
            let settled = settling.join().unwrap_or_else(|_| lost());
            told.and(settled)
        });
        self.answering.store(false, Ordering::Release);
        self.session = settled?;
        let now = &self.session;
        if json {
            let answer = answer_since(&self.project, now, before)?;
            let body = json!({ "session_id": now.id, "state": now.state, "reason": now.reason, "answer": answer });
            self.context.terminal.document("chat", body)?;
        }
        if matches!(now.state, SessionState::Created | SessionState::Active) {
            let why = reasons(&self.project)?.remove(&now.id);
            let why = why.unwrap_or_else(|| now.reason.clone());
            let (name, why) = (clean(&now.name), clean(&why));
            self.context.terminal.note(&format!("{name} waits: {why}"));
            return Ok(Some(Exit::Held));
        }
        let stop = awaits(&self.project.store, now)?;
        let is_plain = matches!(
            stop,
            Some(Stop::Finished | Stop::AwaitsApproval { .. } | Stop::AwaitsConsent)
        );
        if !is_plain && !now.state.is_terminal() {
            let why = clean(&now.reason);
            self.context.terminal.note(&format!("[{why}]"));
        }
        Ok(None)
    }

    /// The person's turn.
    fn hear(&mut self) -> Result<Option<Exit>, Failure> {
        match self.typed.input("you: ") {
            Input::Message(text) => self.say(&text)?,
            Input::Help => println_note(HELP),
            Input::Quit => return Ok(Some(self.leave(Exit::Ok))),
            Input::Done => {
                finish(&mut self.project, &self.session)?;
                self.session = settle(self.context.project()?, &self.session)?;
                return self.end().map(Some);
            }
        }
        Ok(None)
    }

    fn say(&mut self, text: &str) -> Result<(), Failure> {
        send(&mut self.project, &self.session, text, &[])?;
        let id = self.session.id.to_string();
        self.session = self.project.session(&id)?;
        // It was interrupted, or what kept it may have been settled.
        let stop = awaits(&self.project.store, &self.session)?;
        let asks = matches!(
            stop,
            Some(Stop::AwaitsApproval { .. } | Stop::AwaitsConsent)
        );
        let waits = matches!(
            self.session.state,
            SessionState::Paused | SessionState::Blocked
        );
        if waits && (!asks || self.session.state == SessionState::Paused) {
            self.session = apply(&mut self.project, &id, Word::Resume)?;
        }
        Ok(())
    }

    fn approve(&mut self, ask: &Ask) -> Result<Option<Exit>, Failure> {
        let hash = ask.call.preview.as_ref();
        let shown = hash.map(|hash| preview(&self.project, hash)).transpose()?;
        let name = clean(&self.session.name);
        let body = json!({ "session_id": self.session.id, "name": self.session.name,
            "call": ask.call, "preview": shown });
        let told = || previewed(&name, &ask.call, shown.as_ref());
        self.context.terminal.result("approval", body, told)?;
        let question = "y: this once, a: always in this session, n [why]: no: ";
        let Some(typed) = self.typed.line(question) else {
            return Ok(Some(self.leave(Exit::Held)));
        };
        let (word, reason) = typed.trim().split_once(' ').unwrap_or((typed.trim(), ""));
        let reason = Some(reason.trim()).filter(|text| !text.is_empty());
        let call = ask.call.fingerprint.hex().to_owned();
        let given = match word.to_ascii_lowercase().as_str() {
            "y" | "yes" => (Effect::Allow, Reach::Once(call)),
            "a" | "always" => (Effect::Allow, Reach::Session(call)),
            "n" | "no" => (Effect::Deny, Reach::Once(call)),
            "/quit" => return Ok(Some(self.leave(Exit::Held))),
            _ => return Ok(None),
        };
        let answered = answer(&mut self.project, &self.session, given, reason);
        self.heard(answered.map(drop))
    }

    fn consent(&mut self, wish: &Wish) -> Result<Option<Exit>, Failure> {
        let name = clean(&self.session.name);
        let body = json!({ "session_id": self.session.id, "name": self.session.name,
            "plan": wish.plan, "plan_hash": wish.plan.hash().ok() });
        let told = || sending(&name, &wish.plan);
        self.context.terminal.result("consent", body, told)?;
        let question = "y: this call, a: every call of this session, n [why]: no: ";
        let Some(typed) = self.typed.line(question) else {
            return Ok(Some(self.leave(Exit::Held)));
        };
        let (word, reason) = typed.trim().split_once(' ').unwrap_or((typed.trim(), ""));
        let shown = wish.plan.hash().map_err(|error| {
            Failure::new(Code::Io, format!("what waits cannot be told: {error}"))
        })?;
        let shown = shown.hex().to_owned();
        let scope = match word.to_ascii_lowercase().as_str() {
            "y" | "yes" => ConsentScope::SingleCall,
            "a" | "always" => ConsentScope::SessionScoped,
            "n" | "no" => {
                let reason = match reason.trim() {
                    "" => "a person did not agree",
                    reason => reason,
                };
                let denied = deny(&mut self.project, &self.session, &shown, reason);
                let is_denied = denied.is_ok();
                self.heard(denied.map(drop))?;
                return Ok(is_denied.then(|| self.leave(Exit::Held)));
            }
            "/quit" => return Ok(Some(self.leave(Exit::Held))),
            _ => return Ok(None),
        };
        let terms = (Some(scope), None);
        let agreed = allow(&mut self.project, &self.session, &shown, terms);
        self.heard(agreed.map(drop))
    }

    /// Goes on with the session as it is now. Somebody else may have answered meanwhile: then what waits now is shown.
    fn heard(&mut self, answered: Result<(), Failure>) -> Result<Option<Exit>, Failure> {
        if let Err(failure) = answered {
            if failure.code != Code::SessionState {
                return Err(failure);
            }
            let note = format!("[{}]", clean(&failure.message));
            self.context.terminal.note(&note);
        }
        self.session = self.project.session(&self.session.id.to_string())?;
        Ok(None)
    }

    fn leave(&self, exit: Exit) -> Exit {
        let (name, s) = (clean(&self.session.name), self.session.id.short());
        let note = format!("{name} waits; treeyard chat {s} goes on with it");
        self.context.terminal.note(&note);
        exit
    }

    fn end(&self) -> Result<Exit, Failure> {
        let now = &self.session;
        let (name, how) = (clean(&now.name), clean(&standing(now, &now.id.short())));
        let state = now.state.name();
        self.context
            .terminal
            .note(&format!("{name} is {state}: {how}"));
        Ok(match now.state {
            SessionState::Completed => Exit::Ok,
            _ => Exit::Failed,
        })
    }
}
