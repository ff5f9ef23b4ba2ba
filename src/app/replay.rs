//! A model's run once more, against what is on record of it: its answers and what programs said come from there, tools
//! that follow from the files alone run for real in a worktree of their own, and everything is compared.

use serde::Serialize;

use super::failure::Failure;
use super::inside;
use super::project::Project;
use super::setup::runner_config;
use super::thread::thread_of;
use crate::agent::{Admission, Gate, Place, Registry, World};
use crate::model::checkpoint::Checkpoint;
use crate::model::code::Code;
use crate::model::ids::{ContentHash, MessageId, SessionId};
use crate::model::job::JobState;
use crate::model::redact::Redactor;
use crate::model::scope::ScopeLanguage;
use crate::model::thread::{Said, Spoken, Thread};
use crate::model::tool::{Grants, Payload, Policy, Request, Response, Rules, ToolError};
use crate::runner::Config;
use crate::store::SessionRow;
use crate::workspace::snapshot::restore;
use crate::workspace::{self, GATE, Isolation, Located, changed_since, create, discard};

/// How a run compares with its record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Answers of the model that came from the record.
    pub answers: u32,
    /// Tools that ran.
    pub ran: u32,
    /// Results of tools that came from the record.
    pub served: u32,
    /// Checkpoints whose files were compared.
    pub compared: u32,
    /// Where they are not the same; the run ended there.
    pub divergence: Option<Divergence>,
}

/// The first difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Divergence {
    /// Which call of a tool, from 1.
    pub step: u32,
    /// What differs, for a person.
    pub what: String,
    /// As it is on record.
    pub expected: String,
    /// As it is now.
    pub found: String,
}

/// Runs it once more.
///
/// # Errors
/// A session without a model or at work; a record that is damaged; or when it is asked from inside of a session.
pub fn replay(project: &Project, session: &SessionRow) -> Result<Report, Failure> {
    inside::refuse_session("a session does not read threads, neither its own nor another's")?;
    refuse_at_work(project, session)?;
    project.store.verify_chain()?;
    let thread = thread_of(project, project.store.messages(session.id, 0)?)?;
    let checkpoints = project.store.checkpoints(session.id)?;
    let checkpoints: Vec<_> = checkpoints.into_iter().map(|row| row.checkpoint).collect();
    let config = runner_config(project, &project.settings)?;
    let place = scratch(project, &config, session)?;
    let replayed = Replay::begin(project, session, &config, &place, (&thread, &checkpoints))
        .and_then(Replay::run);
    discard(&project.repo, &place.path)?;
    replayed
}

fn refuse_at_work(project: &Project, session: &SessionRow) -> Result<(), Failure> {
    let refused =
        |message: String, hint: &str| Err(Failure::new(Code::SessionState, message).hint(hint));
    if session.spec()?.run.model().is_none() {
        let message = format!("{} has no model", session.name);
        return refused(message, "`treeyard retry S` runs a command again");
    }
    let jobs = project.store.jobs_of(session.id)?;
    match jobs.iter().any(|job| job.state == JobState::Running) {
        true => refused(
            format!("{} is at work", session.name),
            "wait until it rests, or pause it",
        ),
        false => Ok(()),
    }
}

/// A worktree of its own; what a crash leaves of it goes with those of gates.
fn scratch(project: &Project, config: &Config, session: &SessionRow) -> Result<Located, Failure> {
    let base = session.base.as_ref().ok_or_else(|| {
        Failure::new(
            Code::SessionState,
            format!("{} has not begun", session.name),
        )
    })?;
    let made = create(&workspace::Request {
        repo: &project.repo,
        root: &config.policy.worktrees,
        name: GATE,
        short_id: &SessionId::new().short(),
        base,
        isolation: Isolation::Private,
        identity: (&config.policy.identity.0, &config.policy.identity.1),
        include: false,
        hooks: None,
    })?;
    Ok(made.located())
}

struct Replay<'a> {
    project: &'a Project,
    place: &'a Located,
    thread: &'a Thread,
    checkpoints: &'a [Checkpoint],
    grants: Grants,
    redactor: Redactor,
    registry: Registry,
    world: World,
    report: Report,
    step: u32,
}

/// A difference ends the run, and is no failure.
enum Ended {
    Differs(Divergence),
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl<'a> Replay<'a> {
    fn begin(
        project: &'a Project,
        session: &SessionRow,
        config: &Config,
        place: &'a Located,
        (thread, checkpoints): (&'a Thread, &'a [Checkpoint]),
    ) -> Result<Self, Failure> {
        let spec = session.spec()?;
        let grants = spec.run.model().map(|work| work.grants.clone());
        let language = ScopeLanguage::new(&session.scope()?, project.repo.fold())
            .map_err(|error| Failure::new(Code::ScopeInvalid, error.to_string()))?;
        let files = Place::open(&place.path, language).map_err(|e| Failure::io(&place.path, &e))?;
        if let Some(first) = checkpoints.first() {
            restore(&project.repo, place, &first.commit)?;
        }
        let grants = grants.unwrap_or_default();
        Ok(Self {
            project,
            place,
            thread,
            checkpoints,
            grants: Grants {
                session: grants.clone(),
                operator: grants,
                parent: None,
            },
            redactor: config.policy.secrets.redactor(&spec.secrets)?,
            registry: Registry::standard(),
            world: World::new(files),
            report: Report::default(),
            step: 0,
        })
    }

    fn run(mut self) -> Result<Report, Failure> {
        for spoken in self.thread.messages() {
            let Said::Assistant(_) = &spoken.said else {
                continue;
            };
            self.report.answers += 1;
            match self.calls_of(spoken) {
                Ok(()) => {}
                Err(Ended::Differs(divergence)) => {
                    self.report.divergence = Some(divergence);
                    break;
                }
                Err(Ended::Failed(failure)) => return Err(failure),
            }
        }
        Ok(self.report)
    }

    /// What its calls came to, one after the other. One without a result was never made.
    fn calls_of(&mut self, answer: &Spoken) -> Result<(), Ended> {
        for (id, call) in answer.calls() {
            let Some((message, recorded)) = self.thread.result_of(&id) else {
                return Ok(());
            };
            self.step += 1;
            let request = self.thread.request_of(&id);
            let is_whole = !answer.record.redacted_calls.contains(&id);
            match request.filter(|_| is_whole && runs(&call.name)) {
                Some(request) => {
                    let found = self.as_recorded(self.outcome(request)?, recorded);
                    self.report.ran += 1;
                    self.compare(&call.name, &recorded.outcome, &found)?;
                    self.compare_files(&call.name, message)?;
                }
                None => {
                    self.report.served += 1;
                    self.take_files(message)?;
                }
            }
        }
        Ok(())
    }

    /// Runs the tool, and says what it came to as the log would.
    fn outcome(&self, request: &Request) -> Result<Result<Payload, ToolError>, Ended> {
        let rules = Rules::default();
        let gate = Gate {
            policy: Policy {
                grants: &self.grants,
                ask_from: None,
                rules: &rules,
            },
            guardrails: &|_| Vec::new(),
        };
        let long_args = self.long_args_of(request)?;
        let fetch = |_: &ContentHash| Ok(long_args);
        let prepared = self.registry.prepare_request(request, fetch, &self.world);
        let done = match prepared.map(|prepared| gate.admit(prepared, &self.world)) {
            Err(error) => Err(error),
            Ok(Admission::Permit(permit)) => permit.run(&self.world),
            Ok(Admission::Denied { error, .. }) => Err(error),
            Ok(Admission::Ask { because, .. }) => {
                let message = format!("a person would be asked: {because:?}");
                return Err(Failure::new(Code::ToolDenied, message).into());
            }
        };
        let payload = done.and_then(|done| {
            Payload::fit(done.result, |bytes| {
                Ok(ContentHash::of(&self.redactor.redact(bytes)))
            })
        });
        Ok(payload)
    }

    /// The arguments that are too long to stand in the envelope; nothing for others.
    fn long_args_of(&self, request: &Request) -> Result<Vec<u8>, Ended> {
        let mut bytes = Vec::new();
        if let Payload::Reference(hash) = &request.args {
            self.project.cas.read_to(hash, &mut bytes)?;
        }
        Ok(bytes)
    }

    fn compare(
        &self,
        tool: &str,
        expected: &Result<Payload, ToolError>,
        found: &Result<Payload, ToolError>,
    ) -> Result<(), Ended> {
        match expected == found {
            true => Ok(()),
            false => {
                let what = format!("what {tool} answers");
                Err(self.differs(what, text(expected), text(found)))
            }
        }
    }

    /// Without secrets, as the log has it.
    fn as_recorded(
        &self,
        outcome: Result<Payload, ToolError>,
        recorded: &Response,
    ) -> Result<Payload, ToolError> {
        let response = Response {
            outcome,
            ..recorded.clone()
        };
        match Said::ToolResult(Box::new(response))
            .redacted(&self.redactor)
            .0
        {
            Said::ToolResult(clean) => clean.outcome,
            _ => recorded.outcome.clone(),
        }
    }

    /// The files after a tool, where there is a checkpoint of them.
    fn compare_files(&mut self, tool: &str, after: MessageId) -> Result<(), Ended> {
        let Some(checkpoint) = self.checkpoint_after(after) else {
            return Ok(());
        };
        self.report.compared += 1;
        let changed = changed_since(&self.project.repo, self.place, checkpoint)?;
        match changed.as_slice() {
            [] => Ok(()),
            paths => {
                let names: Vec<_> = paths.iter().take(5).map(|path| path.to_string()).collect();
                let what = format!("the files after {tool}");
                let expected = format!("those of checkpoint {}", checkpoint.number);
                Err(self.differs(what, expected, format!("others in {}", names.join(", "))))
            }
        }
    }

    /// What a program did to the files is not done again: they are as they were then.
    fn take_files(&self, after: MessageId) -> Result<(), Ended> {
        if let Some(checkpoint) = self.checkpoint_after(after) {
            restore(&self.project.repo, self.place, &checkpoint.commit)?;
        }
        Ok(())
    }

    fn checkpoint_after(&self, message: MessageId) -> Option<&'a Checkpoint> {
        let is_after = |one: &&Checkpoint| one.message_thread_tail_id == Some(message);
        self.checkpoints.iter().find(is_after)
    }

    fn differs(&self, what: String, expected: String, found: String) -> Ended {
        Ended::Differs(Divergence {
            step: self.step,
            what,
            expected,
            found,
        })
    }
}

/// Whether what a tool does follows from the files and its arguments alone.
fn runs(tool: &str) -> bool {
    matches!(tool.split('.').next(), Some("file" | "todo"))
}

fn text(outcome: &Result<Payload, ToolError>) -> String {
    match outcome {
        Ok(Payload::Inline(value)) => value.to_string(),
        Ok(Payload::Reference(hash)) => hash.to_string(),
        Err(error) => format!("{}: {}", error.code.id(), error.message),
    }
}
