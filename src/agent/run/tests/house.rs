//! A session with a model, and a script for it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::agent::run::*;
use crate::agent::tests::yard::{Yard, everything};
use crate::agent::{Registry, World};
use crate::cas::Cas;
use crate::model::backend::Backend;
use crate::model::chat::Usage;
use crate::model::consent::ConsentScope;
use crate::model::event::{Actor, Event};
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::{JobId, SessionId};
use crate::model::job::JobState;
use crate::model::price::MicroDollars;
use crate::model::redact::Redactor;
use crate::model::run::{Stop, ToolEnd};
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::model::task::TaskSpec;
use crate::model::thread::MessageRole;
use crate::model::tool::{Profile, Rule};
use crate::model::work::{ModelWork, OnAmbiguous, Work};
use crate::provider::Scripted;
use crate::provider::retry::Schedule;
use crate::sessions::{Submission, move_session, said_by_person, send, submit};
use crate::store::{EventFilter, JobRow, SessionRow, Store};
use crate::workspace::Recording;

/// A session with a model, in a worktree of its own.
pub struct House {
    pub yard: Yard,
    pub state: tempfile::TempDir,
    pub session: SessionId,
    work: ModelWork,
}

impl House {
    pub fn new(prompt: &str) -> Self {
        Self::with(prompt, |_| {})
    }

    pub fn with(prompt: &str, change: impl FnOnce(&mut ModelWork)) -> Self {
        let yard = Yard::new();
        let state = tempfile::tempdir().unwrap();
        let mut work = ModelWork {
            model: "script".to_owned(),
            profile: "full".to_owned(),
            grants: Profile::Full.capabilities(),
            role: None,
            persistent: false,
            max_steps: None,
            thinking: None,
            output_schema: None,
            on_ambiguous: OnAmbiguous::Ask,
            rehearsal: false,
            execution_mode: None,
            work_profile: None,
        };
        change(&mut work);
        let mut store = Store::open(state.path()).unwrap();
        let cas = Cas::open(&state.path().join("cas")).unwrap();
        let said = said_by_person(&cas, prompt, vec![], &Redactor::patterns()).unwrap();
        let mut task = TaskSpec::sample("talk", "true");
        task.run = Work::Model(Box::new(work.clone()));
        let submission = Submission {
            target: "main".to_owned(),
            auto_land: false,
            repeat: 1,
            after: vec![],
            prompts: HashMap::from([(task.name.clone(), said)]),
            chosen: HashMap::new(),
            agreements: HashMap::new(),
        };
        let (_, sessions) = submit(&mut store, &[task], &submission).unwrap();
        Self {
            yard,
            state,
            session: sessions[0],
            work,
        }
    }

    pub fn store(&self) -> Store {
        Store::open(self.state.path()).unwrap()
    }

    pub fn row(&self) -> SessionRow {
        self.store().session(self.session).unwrap().unwrap()
    }

    /// What the runner does before it starts a job.
    pub fn dispatch(&self) -> JobId {
        self.store()
            .write(|tx| {
                let row = tx.session(self.session)?.unwrap();
                if row.state == SessionState::Created {
                    let to = SessionState::Active;
                    move_session(tx, Actor::System, row.id, row.state, to, "at work")?;
                }
                let job_id = tx.next_queued(self.session)?.unwrap();
                let event = Event::JobDispatched { job_id };
                tx.append(Actor::System, Some(self.session), event)?;
                Ok::<_, crate::store::StoreError>(job_id)
            })
            .unwrap()
    }

    pub fn setup(&self, job: JobId, script: &str) -> Setup {
        let scripted = Scripted::parse(&format!("format = 1\n{script}"), Path::new("script"));
        let scripted = scripted.unwrap();
        let world = World::new(self.yard.place());
        Setup {
            session: self.row(),
            job,
            work: self.work.clone(),
            caller: Caller {
                capabilities: scripted.capabilities,
                provider: scripted.into(),
                provider_name: "script".to_owned(),
                model: "small".to_owned(),
                endpoint: "https://model".to_owned(),
                backend: Backend::Local,
                max_output_tokens: 1000,
                temperature: None,
                thinking: None,
                pace: Pace::default(),
                schedule: Schedule {
                    first: Duration::ZERO,
                    attempts: 2,
                    ..Schedule::default()
                },
                price: Box::new(|usage: Usage| MicroDollars(usage.sent() + 10 * usage.output)),
            },
            identity: RoleExecutionIdentity {
                role: "worker".to_owned(),
                model_id: Some("small".to_owned()),
                backend: Some(Backend::Local),
                parameter_class: None,
                cloud_reasoning_strength: None,
                session_id: self.session,
                model_instance_id: None,
                wp_id: None,
                mt_id: None,
            },
            world: Arc::new(world),
            registry: Registry::standard(),
            grants: everything(),
            ask_from: None,
            budgets: Budgets::default(),
            consent: ConsentScope::SingleCall,
            larger: None,
            max_steps: 20,
            compact_percent: 80,
            instructions: vec!["AGENTS.md".to_owned()],
            checkpoints: Recording {
                is_on: true,
                ignored: Scope::nothing(),
                messages: 5,
                stream_tokens: 4096,
            },
            paused_keep_ms: None,
            redactor: Redactor::patterns(),
        }
    }

    pub fn run(&self, script: &str, change: impl FnOnce(&mut Setup)) -> Stop {
        let mut setup = self.setup(self.dispatch(), script);
        change(&mut setup);
        let (_told, cancel) = watch::channel(false);
        self.drive(&setup, &Cancel::new(cancel)).unwrap()
    }

    pub fn drive(&self, setup: &Setup, cancel: &Cancel) -> Result<Stop, RunError> {
        self.drive_heard(setup, cancel, &mut |_| {})
    }

    /// `heard` is told what happens.
    pub fn drive_heard(
        &self,
        setup: &Setup,
        cancel: &Cancel,
        heard: &mut (dyn FnMut(Heard<'_>) + Send),
    ) -> Result<Stop, RunError> {
        let cas = Cas::open(&self.state.path().join("cas")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(drive((self.store(), cas), setup, heard, cancel))
    }

    /// The job ends as the runner sees it.
    pub fn settle(&self, job: JobId) {
        let event = Event::CommandExecuted {
            job_id: job,
            outcome: crate::model::job::Outcome::Exited { code: 0 },
            duration_ms: 1,
            output: None,
        };
        let session = Some(self.session);
        let mut store = self.store();
        store
            .write(|tx| tx.append(Actor::System, session, event))
            .unwrap();
    }

    /// The last job is over, and what it was to do is queued once more.
    pub fn again(&self) {
        let job = self.store().jobs_of(self.session).unwrap().pop().unwrap();
        let waits = |job: &JobRow| job.state == JobState::Queued;
        let all = self.store().jobs_of(self.session).unwrap();
        all.iter()
            .filter(|one| !waits(one) && one.ended_ms.is_none())
            .for_each(|one| self.settle(one.id));
        if self.row().state != SessionState::Active {
            self.move_to(SessionState::Active);
        }
        if !waits(&job) {
            let event = Event::JobQueued {
                job_id: JobId::new(),
                kind: job.kind,
                position: job.position,
                attempt: job.attempt + 1,
                command: job.command,
                not_before_ms: 0,
            };
            let mut store = self.store();
            store
                .write(|tx| tx.append(Actor::System, Some(self.session), event))
                .unwrap();
        }
    }

    pub fn move_to(&self, to: SessionState) {
        let from = self.row().state;
        let mut store = self.store();
        store
            .write(|tx| move_session(tx, Actor::Human, self.session, from, to, "said so"))
            .unwrap();
    }

    /// A person's word about calls.
    pub fn answer(&self, rule: Rule) {
        let event = Event::ApprovalAnswered {
            rule: Box::new(rule),
        };
        let mut store = self.store();
        store
            .write(|tx| tx.append(Actor::Human, Some(self.session), event))
            .unwrap();
    }

    pub fn say(&self, text: &str) {
        let cas = Cas::open(&self.state.path().join("cas")).unwrap();
        let said = said_by_person(&cas, text, vec![], &Redactor::patterns()).unwrap();
        send(&mut self.store(), &self.row(), said).unwrap();
    }

    pub fn events(&self) -> Vec<Event> {
        let all = self.store().events(&EventFilter::default()).unwrap();
        all.into_iter().map(|record| record.event).collect()
    }

    pub fn roles(&self) -> Vec<MessageRole> {
        let messages = self.store().messages(self.session, 0).unwrap();
        messages.iter().map(|row| row.record.role).collect()
    }

    pub fn tool_ends(&self) -> Vec<ToolEnd> {
        let ends = self.events().into_iter().filter_map(|event| match event {
            Event::ToolCalled { call } => Some(call.end),
            _ => None,
        });
        ends.collect()
    }

    pub fn file(&self, path: &str) -> String {
        std::fs::read_to_string(self.yard.root.path().join("tree").join(path)).unwrap()
    }
}

impl House {
    /// Goes as far as a process does that is killed right after the intent of its first call is durable.
    pub fn die_before_outcome(&self, setup: &Setup) {
        let (told, cancel) = watch::channel(false);
        let cancel = Cancel::new(cancel);
        let before = std::fs::read(self.yard.root.path().join("tree/README.md")).unwrap();
        let cas = Cas::open(&self.state.path().join("cas")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut died = false;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(drive(
                (self.store(), cas),
                setup,
                &mut |heard| {
                    if let Heard::Calling { .. } = heard {
                        died = true;
                        panic!("killed");
                    }
                },
                &cancel,
            ))
        }));
        drop(told);
        assert!(died && outcome.is_err());
        let after = std::fs::read(self.yard.root.path().join("tree/README.md")).unwrap();
        assert_eq!(before, after, "the intent comes before the effect");
    }
}

pub const EDIT: &str = r#"
[[step]]
expect.user = "greet"
say = [{ text = "I write it." }, { call = "file.write", arguments = { path = "hello.txt", content = "hello\n" } }]
usage = { input = 100, output = 20 }
[[step]]
expect.results = [{ tool = "file.write", failed = false }]
text = "Done."
usage = { input = 150, output = 5 }
"#;

pub const WRITE: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "a.txt", content = "a" } }]
"#;
