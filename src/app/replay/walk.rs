//! The steps of a run, one after the other.

use std::collections::{BTreeSet, HashMap};

use gix::bstr::BString;
use serde::Serialize;

use super::difference::{Divergence, Ended, around};
use super::record::{FilesThen, Gap, Record};
use super::requests::Requests;
use super::tools::Tools;
use crate::agent::TodoItem;
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::model::chat::ToolCall;
use crate::model::ids::ContentHash;
use crate::model::run::ToolEnd;
use crate::model::thread::{Said, Spoken, Thread};
use crate::model::tool::{CallId, Payload, Request, Response, ToolError};
use crate::runner::Config;
use crate::store::SessionRow;
use crate::workspace::Located;
use crate::workspace::snapshot::restore;

/// How a run compares with its record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Answers of the model that came from the record.
    pub answers: u32,
    /// Requests that were made again and are what was sent.
    pub requests: u32,
    /// Tools that ran.
    pub ran: u32,
    /// Results of tools that came from the record.
    pub served: u32,
    /// Checkpoints whose files were compared.
    pub compared: u32,
    /// Checkpoints whose files were taken over although no tool had made them so: somebody changed them by hand.
    pub by_hand: Vec<u64>,
    /// Tools that are described to models otherwise now.
    pub told_otherwise: BTreeSet<String>,
    /// Where they are not the same; the run ended there.
    pub divergence: Option<Divergence>,
}

/// Where a run is replayed.
#[derive(Clone, Copy)]
pub(super) struct Bench<'a> {
    pub project: &'a Project,
    pub session: &'a SessionRow,
    pub config: &'a Config,
    pub place: &'a Located,
}

/// How far a replay came.
pub(super) struct Replayed {
    pub report: Report,
    /// What the model had heard then.
    pub heard: Thread,
    /// How many calls of tools there were.
    pub steps: u32,
    /// The last checkpoint up to there, by its number.
    pub number: u64,
}

/// A replay on its way.
pub(super) struct Replay<'a> {
    pub(super) bench: Bench<'a>,
    pub(super) record: &'a Record,
    /// What the model has heard.
    heard: Thread,
    /// Calls in its last answer, each with whether it is all that the model wrote.
    called: HashMap<CallId, (&'a ToolCall, bool)>,
    /// The call that was about to run.
    begun: Option<&'a Request>,
    /// The files that a tool names which ran and may have changed them, when the last message is what it answered.
    pub(super) ran_on: Option<BTreeSet<BString>>,
    /// The last checkpoint, and that with which the files were compared since anything else may have changed them.
    pub(super) last: Option<&'a FilesThen>,
    pub(super) seen: Option<&'a FilesThen>,
    requests: Requests,
    tools: Tools<'a>,
    pub(super) report: Report,
    step: u32,
    /// The last checkpoint up to there.
    pub(super) number: u64,
}

impl<'a> Replay<'a> {
    pub fn begin(bench: Bench<'a>, record: &'a Record) -> Result<Self, Failure> {
        if let Some(first) = &record.first {
            restore(&bench.project.repo, bench.place, first)?;
        }
        Ok(Self {
            tools: Tools::of(bench)?,
            bench,
            record,
            heard: Thread::default(),
            called: HashMap::new(),
            begun: None,
            ran_on: None,
            last: None,
            seen: None,
            requests: Requests::default(),
            report: Report::default(),
            step: 0,
            number: 1,
        })
    }

    /// Up to this call of a tool, or to the end.
    pub fn run(mut self, upto: u32) -> Result<Replayed, Failure> {
        match self.steps(upto) {
            Ok(()) => {}
            Err(Ended::Differs(divergence)) => self.report.divergence = Some(*divergence),
            Err(Ended::Failed(failure)) => return Err(failure),
        }
        Ok(Replayed {
            report: self.report,
            heard: self.heard,
            steps: self.step,
            number: self.number,
        })
    }

    fn steps(&mut self, upto: u32) -> Result<(), Ended> {
        let record = self.record;
        let mut given = record.given.filter(|id| record.thread.has(*id));
        for spoken in record.thread.messages() {
            let id = spoken.record.message_id;
            if given.is_some() {
                self.take_over(spoken);
                if given == Some(id) {
                    given = None;
                    self.recall()?;
                }
                continue;
            } else if self.step == upto && (upto > 0 || !is_told(spoken)) {
                return self.compare_all();
            } else {
                self.message(spoken)?;
                self.files_after(id)?;
            }
            self.heard.push(self.tools.heard(spoken));
        }
        match record.ends_whole() {
            true => self.compare_all(),
            false => Err(self.gap(Gap::NoAnswer)),
        }
    }

    /// What was said before the first step.
    fn take_over(&mut self, spoken: &'a Spoken) {
        match &spoken.said {
            Said::Assistant(_) => self.called = calls_of(spoken),
            Said::ToolCall(request) => self.begun = Some(request),
            Said::ToolResult(_) => {
                let id = spoken.record.tool_call_id.as_ref();
                id.and_then(|id| self.called.remove(id));
                self.begun = None;
            }
            Said::System(_) | Said::User(_) => {}
        }
        self.heard.push(self.tools.heard(spoken));
    }

    /// What was to be done then.
    fn recall(&self) -> Result<(), Failure> {
        match self.heard.last_result_of(&TodoItem::WRITTEN_BY) {
            Some(written) => self.tools.recall(written),
            None => Ok(()),
        }
    }

    fn message(&mut self, spoken: &'a Spoken) -> Result<(), Ended> {
        self.ran_on = None;
        match &spoken.said {
            Said::System(_) | Said::User(_) => Ok(()),
            Said::Assistant(_) => self.answer(spoken),
            Said::ToolCall(request) => self.begin_call(spoken, request),
            Said::ToolResult(response) => self.result(spoken, response),
        }
    }

    /// An answer is compared by what it answers: what was sent, made again from all that came before.
    fn answer(&mut self, spoken: &'a Spoken) -> Result<(), Ended> {
        self.report.answers += 1;
        let call = self.record.call_of(spoken.record.message_id);
        let call = call.map_err(|gap| self.gap(gap))?;
        if let Some(call) = call
            && let Some(found) = self
                .requests
                .hash_of(self.bench.project, call, &self.heard)?
        {
            if found != call.request_hash {
                let what = format!("what the model was sent for answer {}", self.report.answers);
                return Err(self.differs(what, &call.request_hash.to_string(), &found.to_string()));
            }
            self.report.requests += 1;
        }
        if !self.called.is_empty() {
            let what = "what came of the calls in an answer";
            return Err(self.differs(what, "a result of each", "some have none"));
        }
        self.called = calls_of(spoken);
        Ok(())
    }

    /// After a crash a call may be about to run once more. Another one waits until that has a result.
    fn begin_call(&mut self, spoken: &Spoken, request: &'a Request) -> Result<(), Ended> {
        let id = &request.tool_call_id;
        let called = self.called.get(id);
        let called = called.filter(|_| spoken.record.tool_call_id.as_ref() == Some(id));
        let Some((call, is_whole)) = called else {
            return Err(self.uncalled("a call"));
        };
        if *is_whole && !is_asked_by(request, call) {
            let (what, asked) = (format!("the arguments of {}", call.name), &call.arguments);
            let found = text(&Ok(request.args.clone()));
            return Err(self.differs(what, &asked.to_string(), &found));
        }
        match self.begun.replace(request) {
            Some(other) if other.tool_call_id != *id => Err(self.overtaken()),
            _ => Ok(()),
        }
    }

    /// What a tool came to: it runs, or what it came to is taken from the record.
    fn result(&mut self, spoken: &'a Spoken, recorded: &'a Response) -> Result<(), Ended> {
        self.step += 1;
        let id = spoken.record.tool_call_id.as_ref();
        let Some((id, (call, is_whole))) = id.and_then(|id| self.called.remove_entry(id)) else {
            return Err(self.uncalled("a result"));
        };
        self.compare_hashes(call, spoken)?;
        if self
            .requests
            .is_told_otherwise(&call.name, self.tools.spec(&call.name))
        {
            self.report.told_otherwise.insert(call.name.clone());
        }
        let request = self.begun.take();
        if request.is_some_and(|request| request.tool_call_id != id) {
            return Err(self.overtaken());
        }
        if request.is_none() && is_whole && self.lacks_request(call, spoken) {
            let what = format!("the steps of {}", call.name);
            return Err(self.differs(what, "that it is about to run", "only what it came to"));
        }
        let Some(request) = request.filter(|_| is_whole && Tools::runs(&call.name)) else {
            self.report.served += 1;
            return Ok(());
        };
        if self.tools.may_change_files(&call.name) {
            let files = recorded.resources.files.iter();
            self.ran_on = Some(files.map(|path| path.as_str().into()).collect());
        }
        self.report.ran += 1;
        let found = self.tools.run(request, recorded)?;
        match found == recorded.outcome {
            true => Ok(()),
            false => {
                let what = format!("what {} answers", call.name);
                Err(self.differs(what, &text(&recorded.outcome), &text(&found)))
            }
        }
    }

    /// Whether it ran, so that there should be a message before. What is refused has none.
    fn lacks_request(&self, call: &ToolCall, result: &Spoken) -> bool {
        let noted = self.record.tool_call_of(&result.record);
        match noted.map(|noted| &noted.end) {
            Some(ToolEnd::Ok) => true,
            Some(ToolEnd::Failed { .. }) => {
                Tools::runs(&call.name) && self.tools.refuses(call).is_none()
            }
            _ => false,
        }
    }

    /// The log has the hashes of both beside the messages.
    fn compare_hashes(&self, call: &ToolCall, result: &Spoken) -> Result<(), Ended> {
        let Some(noted) = self.record.tool_call_of(&result.record) else {
            return Ok(());
        };
        let arguments = ContentHash::of(call.arguments.to_string().as_bytes());
        let pairs = [
            ("arguments", &noted.args_hash, &arguments),
            ("result", &noted.result_hash, &result.record.content_hash),
        ];
        match pairs.into_iter().find(|(_, then, now)| then != now) {
            None => Ok(()),
            Some((which, then, now)) => {
                let what = format!("the {which} of {}", call.name);
                Err(self.differs(what, &then.to_string(), &now.to_string()))
            }
        }
    }

    fn gap(&self, gap: Gap) -> Ended {
        let (expected, found) = match gap {
            Gap::NoCall => ("no answer: the model was not called", "one"),
            Gap::NoAnswer => ("an answer to each call", "one is missing"),
        };
        self.differs("the answers of the model", expected, found)
    }

    fn overtaken(&self) -> Ended {
        let expected = "one call of a tool after the other";
        self.differs("the steps", expected, "one before the other has a result")
    }

    fn uncalled(&self, found: &str) -> Ended {
        let expected = "nothing: no answer calls for it";
        self.differs("the steps", expected, &format!("{found} of a tool"))
    }

    pub(super) fn differs(&self, what: impl Into<String>, expected: &str, found: &str) -> Ended {
        let (expected, found) = around(expected, found);
        Ended::Differs(Box::new(Divergence {
            step: self.step,
            what: what.into(),
            expected,
            found,
        }))
    }
}

/// The calls in an answer, each with whether it is all that the model wrote.
fn calls_of(answer: &Spoken) -> HashMap<CallId, (&ToolCall, bool)> {
    let calls = answer.calls().map(|(id, call)| {
        let is_whole = !answer.record.redacted_calls.contains(&id);
        (id, (call, is_whole))
    });
    calls.collect()
}

/// Whether the request of a tool is what the model wrote.
fn is_asked_by(request: &Request, call: &ToolCall) -> bool {
    let args = match &request.args {
        Payload::Inline(args) => *args == call.arguments,
        Payload::Reference(hash) => *hash == ContentHash::of(call.arguments.to_string().as_bytes()),
    };
    args && request.tool_id.as_str() == call.name
}

/// Whether a person or the runtime says it.
fn is_told(spoken: &Spoken) -> bool {
    matches!(spoken.said, Said::System(_) | Said::User(_))
}

fn text(outcome: &Result<Payload, ToolError>) -> String {
    match outcome {
        Ok(Payload::Inline(value)) => value.to_string(),
        Ok(Payload::Reference(hash)) => hash.to_string(),
        Err(error) => format!("{}: {}", error.code.id(), error.message),
    }
}
