//! Tools that run once more.

use super::walk::Bench;
use crate::agent::{Admission, Call, Gate, Place, Registry, World};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::model::chat::{ToolCall, ToolSpec};
use crate::model::code::Code;
use crate::model::ids::ContentHash;
use crate::model::redact::Redactor;
use crate::model::scope::ScopeLanguage;
use crate::model::secret::SecretName;
use crate::model::thread::{MessageRole, Said, Spoken};
use crate::model::tool::{Grants, OnFiles, Payload, Policy, Request, Response, Rules, ToolError};

/// Secrets that are not known here were taken out where they were: what is on record has none of them.
pub(super) fn redactor(bench: Bench<'_>, names: &[SecretName]) -> Redactor {
    let vault = &bench.config.policy.secrets;
    vault.redactor(names).unwrap_or_else(|error| {
        tracing::warn!(%error, "what tools answer is compared without it");
        Redactor::patterns()
    })
}

/// The tools of a session, in the worktree of a replay.
pub(super) struct Tools<'a> {
    project: &'a Project,
    grants: Grants,
    redactor: Redactor,
    registry: Registry,
    specs: Vec<ToolSpec>,
    world: World,
    /// Whether they only say what they would do.
    rehearsal: bool,
}

impl<'a> Tools<'a> {
    pub fn of(bench: Bench<'a>) -> Result<Self, Failure> {
        let Bench { project, place, .. } = bench;
        let spec = bench.session.spec()?;
        let language = ScopeLanguage::new(&bench.session.scope()?, project.repo.fold())
            .map_err(|error| Failure::new(Code::ScopeInvalid, error.to_string()))?;
        let files = Place::open(&place.path, language).map_err(|e| Failure::io(&place.path, &e))?;
        let registry = Registry::standard();
        let session = spec.run.model().map(|work| work.grants.clone());
        let session = session.unwrap_or_default();
        let grants = Grants {
            operator: session.clone(),
            session,
            parent: None,
        };
        Ok(Self {
            project,
            specs: registry.specs(&grants.effective()),
            grants,
            redactor: redactor(bench, &spec.secrets),
            registry,
            world: World::new(files),
            rehearsal: spec.run.model().is_some_and(|work| work.rehearsal),
        })
    }

    /// Whether what a tool does follows from the files and its arguments alone.
    pub fn runs(tool: &str) -> bool {
        matches!(tool.split('.').next(), Some("file" | "todo"))
    }

    /// Whether it may change files of the worktree.
    pub fn may_change_files(&self, tool: &str) -> bool {
        let card = self.registry.get(tool).map(|entry| entry.card.on_files());
        card.is_ok_and(|on_files| on_files != OnFiles::None)
    }

    /// What models are told of a tool now.
    pub fn spec(&self, tool: &str) -> Option<&ToolSpec> {
        self.specs.iter().find(|spec| spec.name == tool)
    }

    /// The list of things to do as it was before the first step.
    pub fn recall(&self, written: &Payload) -> Result<(), Failure> {
        let value = match written {
            Payload::Inline(value) => value.clone(),
            Payload::Reference(hash) => self.project.json_of(hash)?,
        };
        self.world.todo.recall(value);
        Ok(())
    }

    /// What a person said, as its model heard it: whoever wrote it down may not have known the session's secrets.
    pub fn heard(&self, spoken: &Spoken) -> Spoken {
        let mut heard = spoken.clone();
        if spoken.record.role == MessageRole::User {
            heard.said = heard.said.redacted(&self.redactor).0;
        }
        heard
    }

    /// Why a call does not come as far as to run.
    pub fn refuses(&self, call: &ToolCall) -> Option<ToolError> {
        let asked = Call {
            version: None,
            args: &call.arguments,
            dry_run: self.rehearsal,
        };
        self.registry.prepare(&call.name, &asked, &self.world).err()
    }

    /// Runs a tool, and says what it came to as the log would.
    pub fn run(
        &self,
        request: &Request,
        recorded: &Response,
    ) -> Result<Result<Payload, ToolError>, Failure> {
        let outcome = self.outcome(request)?;
        let response = Response {
            outcome,
            ..recorded.clone()
        };
        let said = Said::ToolResult(Box::new(response));
        Ok(match said.redacted(&self.redactor).0 {
            Said::ToolResult(clean) => clean.outcome,
            _ => recorded.outcome.clone(),
        })
    }

    fn outcome(&self, request: &Request) -> Result<Result<Payload, ToolError>, Failure> {
        let rules = Rules::default();
        let gate = Gate {
            policy: Policy {
                grants: &self.grants,
                ask_from: None,
                rules: &rules,
            },
            guardrails: &|_| Vec::new(),
        };
        // Those that are too long to stand in the envelope.
        let arguments = match &request.args {
            Payload::Reference(hash) => self.project.cas.bytes(hash)?,
            Payload::Inline(_) => Vec::new(),
        };
        let fetch = |_: &ContentHash| Ok(arguments);
        let prepared = self.registry.prepare_request(request, fetch, &self.world);
        let done = match prepared.map(|prepared| gate.admit(prepared, &self.world)) {
            Err(error) => Err(error),
            Ok(Admission::Permit(permit)) => permit.run(&self.world),
            Ok(Admission::Denied { error, .. }) => Err(error),
            Ok(Admission::Ask { because, .. }) => {
                let message = format!("a person would be asked: {because:?}");
                return Err(Failure::new(Code::ToolDenied, message));
            }
        };
        Ok(done.and_then(|done| {
            Payload::fit(done.result, |bytes| {
                Ok(ContentHash::of(&self.redactor.redact(bytes)))
            })
        }))
    }
}
