use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::*;
use crate::agent::tests::yard::{Yard, everything};
use crate::agent::{Registry, World};
use crate::cas::Cas;
use crate::model::backend::Backend;
use crate::model::budget::{BudgetLimits, Span};
use crate::model::chat::Usage;
use crate::model::consent::{ConsentReceipt, ConsentScope};
use crate::model::event::{Actor, Event};
use crate::model::identity::RoleExecutionIdentity;
use crate::model::ids::{JobId, SessionId};
use crate::model::price::MicroDollars;
use crate::model::redact::Redactor;
use crate::model::run::{Stop, ToolEnd};
use crate::model::session::SessionState;
use crate::model::task::TaskSpec;
use crate::model::thread::MessageRole;
use crate::model::tool::{Capabilities, Covers, Effect, Profile, RiskLevel, Rule};
use crate::model::work::{ModelWork, Work};
use crate::provider::Scripted;
use crate::provider::retry::Schedule;
use crate::sessions::{Submission, move_session, said_by_person, send, submit};
use crate::store::{EventFilter, SessionRow, Store};

/// A session with a model, in a worktree of its own.
struct House {
    yard: Yard,
    state: tempfile::TempDir,
    session: SessionId,
    work: ModelWork,
}

impl House {
    fn new(prompt: &str) -> Self {
        Self::with(prompt, |_| {})
    }

    fn with(prompt: &str, change: impl FnOnce(&mut ModelWork)) -> Self {
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
        };
        let (_, sessions) = submit(&mut store, &[task], &submission).unwrap();
        Self {
            yard,
            state,
            session: sessions[0],
            work,
        }
    }

    fn store(&self) -> Store {
        Store::open(self.state.path()).unwrap()
    }

    fn row(&self) -> SessionRow {
        self.store().session(self.session).unwrap().unwrap()
    }

    /// What the runner does before it starts a job.
    fn dispatch(&self) -> JobId {
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

    fn setup(&self, job: JobId, script: &str) -> Setup {
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
                timeout: Duration::from_secs(10),
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
            paused_keep_ms: None,
            redactor: Redactor::patterns(),
        }
    }

    fn run(&self, script: &str, change: impl FnOnce(&mut Setup)) -> Stop {
        let mut setup = self.setup(self.dispatch(), script);
        change(&mut setup);
        let (_told, cancel) = watch::channel(false);
        self.drive(&setup, &Cancel::new(cancel)).unwrap()
    }

    fn drive(&self, setup: &Setup, cancel: &Cancel) -> Result<Stop, RunError> {
        let cas = Cas::open(&self.state.path().join("cas")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(drive((self.store(), cas), setup, &mut |_| {}, cancel))
    }

    /// The job ends as the runner sees it.
    fn settle(&self, job: JobId) {
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

    fn say(&self, text: &str) {
        let cas = Cas::open(&self.state.path().join("cas")).unwrap();
        let said = said_by_person(&cas, text, vec![], &Redactor::patterns()).unwrap();
        send(&mut self.store(), &self.row(), said).unwrap();
    }

    fn events(&self) -> Vec<Event> {
        let all = self.store().events(&EventFilter::default()).unwrap();
        all.into_iter().map(|record| record.event).collect()
    }

    fn roles(&self) -> Vec<MessageRole> {
        let messages = self.store().messages(self.session, 0).unwrap();
        messages.iter().map(|row| row.record.role).collect()
    }

    fn tool_ends(&self) -> Vec<ToolEnd> {
        let ends = self.events().into_iter().filter_map(|event| match event {
            Event::ToolCalled { call } => Some(call.end),
            _ => None,
        });
        ends.collect()
    }

    fn file(&self, path: &str) -> String {
        std::fs::read_to_string(self.yard.root.path().join("tree").join(path)).unwrap()
    }
}

const EDIT: &str = r#"
[[step]]
expect.user = "greet"
say = [{ text = "I write it." }, { call = "file.write", arguments = { path = "hello.txt", content = "hello\n" } }]
usage = { input = 100, output = 20 }
[[step]]
expect.results = [{ tool = "file.write", failed = false }]
text = "Done."
usage = { input = 150, output = 5 }
"#;

#[test]
fn a_model_changes_a_file_and_every_step_is_on_record() {
    let house = House::new("greet the world");
    assert_eq!(house.run(EDIT, |_| {}), Stop::Finished);
    assert_eq!(house.file("hello.txt"), "hello\n");
    use MessageRole::*;
    assert_eq!(
        house.roles(),
        [User, System, Assistant, ToolCall, ToolResult, Assistant]
    );
    assert_eq!(house.tool_ends(), [ToolEnd::Ok]);
    let calls = house.store().model_calls(house.session).unwrap();
    let took: Vec<_> = calls.iter().map(|call| call.end.unwrap().tokens).collect();
    assert_eq!(took, [120, 155]);
    assert_eq!(calls[0].end.unwrap().cost, MicroDollars(300));
    assert!(house.events().iter().any(|event| matches!(
        event,
        Event::ModelStopped {
            stop: Stop::Finished,
            ..
        }
    )));
    assert_eq!(house.row().state, SessionState::Active);
}

#[test]
fn a_session_that_stays_waits_for_more_and_goes_on() {
    let house = House::with("greet the world", |work| work.persistent = true);
    assert_eq!(house.run(EDIT, |_| {}), Stop::Finished);
    assert_eq!(house.row().state, SessionState::Paused);
    let first = house.store().jobs_of(house.session).unwrap()[0].id;
    house.settle(first);
    house.say("and say goodbye");
    assert_eq!(house.row().state, SessionState::Active);
    let more = r#"
[[step]]
expect = { user = "goodbye", messages = 5 }
text = "Goodbye."
"#;
    assert_eq!(house.run(more, |_| {}), Stop::Finished);
    assert_eq!(house.roles().len(), 8);
}

const WRITE: &str = r#"
[[step]]
say = [{ call = "file.write", arguments = { path = "a.txt", content = "a" } }]
"#;

#[test]
fn what_is_not_granted_is_denied_and_the_model_is_told() {
    let house = House::new("write");
    let script = format!(
        "{WRITE}{}",
        r#"
[[step]]
expect.results = [{ tool = "file.write", failed = true, content = "TY-TOOL-DENIED" }]
text = "I may not."
"#
    );
    let stop = house.run(&script, |setup| {
        setup.grants.session = Profile::ReadOnly.capabilities();
    });
    assert_eq!(stop, Stop::Finished);
    assert!(
        matches!(&house.tool_ends()[..], [ToolEnd::Denied { evidence, .. }] if evidence.contains("file.write"))
    );
    assert!(!house.yard.root.path().join("tree/a.txt").exists());
}

#[test]
fn a_person_is_asked_and_the_call_runs_when_they_allow_it() {
    let house = House::new("write");
    let asking = |setup: &mut Setup| setup.ask_from = Some(RiskLevel::Low);
    let Stop::AwaitsApproval { tool_call_id } = house.run(WRITE, asking) else {
        panic!("nobody was asked");
    };
    let row = house.row();
    assert_eq!(row.state, SessionState::Blocked);
    assert!(!house.yard.root.path().join("tree/a.txt").exists());
    let asked = house.store().asked_call(house.session).unwrap().unwrap();
    assert_eq!(asked.tool_call_id, tool_call_id);
    assert_eq!(asked.summary, "file.write a.txt");
    assert!(asked.preview.is_some());
    // The job that goes on is queued already, and so a person's word is all that is missing.
    let first = house.store().jobs_of(house.session).unwrap()[0].id;
    house.settle(first);
    let rule = Rule {
        effect: Effect::Allow,
        covers: Covers::Once(asked.fingerprint),
    };
    house
        .store()
        .write(|tx| {
            let rule = Box::new(rule);
            let event = Event::ApprovalAnswered { rule };
            tx.append(Actor::Human, Some(house.session), event)?;
            move_session(
                tx,
                Actor::Human,
                row.id,
                row.state,
                SessionState::Active,
                "allowed",
            )
        })
        .unwrap();
    let rest = "[[step]]\nexpect.results = [{ tool = \"file.write\", failed = false }]\ntext = \"Done.\"\n";
    assert_eq!(house.run(rest, asking), Stop::Finished);
    assert_eq!(house.file("a.txt"), "a");
    assert!(
        house.store().rules(house.session).unwrap().is_empty(),
        "it held once"
    );
}

#[test]
fn nothing_is_sent_elsewhere_without_agreement() {
    let house = House::new("greet the world");
    let cloud = |setup: &mut Setup| setup.caller.backend = Backend::Cloud;
    assert_eq!(house.run(EDIT, cloud), Stop::AwaitsConsent);
    assert_eq!(house.row().state, SessionState::Blocked);
    assert!(house.store().model_calls(house.session).unwrap().is_empty());
    let plan = house.store().asked_consent(house.session).unwrap().unwrap();
    assert_eq!(plan.scope, ConsentScope::SingleCall);
    house.settle(house.store().jobs_of(house.session).unwrap()[0].id);
    let receipt = ConsentReceipt {
        plan_hash: plan.hash().unwrap(),
        plan,
        from_ms: 0,
        until_ms: i64::MAX,
    };
    house
        .store()
        .write(|tx| {
            let receipt = Box::new(receipt);
            let event = Event::ConsentGiven { receipt };
            tx.append(Actor::Human, Some(house.session), event)?;
            let to = SessionState::Active;
            move_session(
                tx,
                Actor::Human,
                house.session,
                SessionState::Blocked,
                to,
                "agreed",
            )
        })
        .unwrap();
    // It was for one call: the second one, with what the tool said, needs another.
    assert_eq!(house.run(EDIT, cloud), Stop::AwaitsConsent);
    assert_eq!(house.store().model_calls(house.session).unwrap().len(), 1);
    assert_eq!(house.file("hello.txt"), "hello\n");
    assert!(house.store().consents().unwrap()[0].over);
}

#[test]
fn a_budget_is_never_gone_beyond() {
    let house = House::new("greet the world");
    let stop = house.run(EDIT, |setup| {
        let allowance = BudgetLimits {
            tokens: Some(2_000_000),
            steps: Some(1),
            ..BudgetLimits::default()
        };
        setup.budgets.limits = vec![(Span::Session, allowance)];
        setup.budgets.warn_percent = 80;
    });
    assert!(
        matches!(&stop, Stop::Budget { detail, ends: false } if detail.contains("1 calls")),
        "{stop:?}"
    );
    assert_eq!(house.row().state, SessionState::Paused);
    assert_eq!(house.store().model_calls(house.session).unwrap().len(), 1);
    let warned = house
        .events()
        .iter()
        .filter(|event| matches!(event, Event::BudgetWarned { .. }))
        .count();
    assert_eq!(warned, 1);
}

#[test]
fn a_call_that_was_cut_short_is_not_made_again_blindly() {
    let house = House::new("write");
    let job = house.dispatch();
    let setup = house.setup(job, WRITE);
    let (_told, cancel) = watch::channel(false);
    let cancel = Cancel::new(cancel);
    // The script has no second answer, and by then the file is written.
    let stop = house.drive(&setup, &cancel).unwrap();
    assert!(matches!(stop, Stop::Provider { .. }), "{stop:?}");
    assert_eq!(house.tool_ends(), [ToolEnd::Ok]);

    // Another session, whose process dies between the intent and the outcome.
    let house = House::new("write");
    let job = house.dispatch();
    let mut setup = house.setup(job, WRITE);
    setup.registry = Registry::standard();
    let answer =
        "[[step]]\nsay = [{ call = \"file.delete\", arguments = { path = \"README.md\" } }]\n";
    let setup_delete = house.setup(job, answer);
    house.die_before_outcome(&setup_delete);
    let rest = "[[step]]\nexpect.results = [{ tool = \"file.delete\", failed = true, content = \"interrupted\" }]\ntext = \"I look.\"\n";
    let setup = house.setup(job, rest);
    assert_eq!(house.drive(&setup, &cancel).unwrap(), Stop::Finished);
    assert_eq!(house.tool_ends(), [ToolEnd::Ambiguous]);
    assert!(house.yard.tree().join("README.md").exists());
}

impl House {
    /// Goes as far as a process does that is killed right after the intent of its first call is durable.
    fn die_before_outcome(&self, setup: &Setup) {
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

#[test]
fn what_a_person_says_meanwhile_is_answered() {
    let house = House::new("greet the world");
    let mut said = false;
    let setup = house.setup(
        house.dispatch(),
        &format!("{EDIT}\n[[step]]\nexpect.user = \"louder\"\ntext = \"HELLO\"\n"),
    );
    let (_told, cancel) = watch::channel(false);
    let cas = Cas::open(&house.state.path().join("cas")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut answers = 0;
    let stop = runtime.block_on(drive(
        (house.store(), cas),
        &setup,
        &mut |heard| {
            if heard == Heard::Answered {
                answers += 1;
            }
            if answers == 2 && !said {
                said = true;
                house.say("louder");
            }
        },
        &Cancel::new(cancel),
    ));
    assert_eq!(stop.unwrap(), Stop::Finished);
    assert_eq!(answers, 3);
}

#[test]
fn a_model_that_is_called_off_stops_at_once() {
    let house = House::new("greet the world");
    let slow = "[[step]]\ntext = \"never whole\"\npace = { first_ms = 60000 }\n";
    let setup = house.setup(house.dispatch(), slow);
    let (told, cancel) = watch::channel(false);
    let cas = Cas::open(&house.state.path().join("cas")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let started = std::time::Instant::now();
    let stop = runtime.block_on(async {
        let store = house.store();
        let later = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            told.send(true).unwrap();
        };
        let cancel = Cancel::new(cancel);
        let mut silent = |_: Heard<'_>| {};
        let (stop, ()) = tokio::join!(drive((store, cas), &setup, &mut silent, &cancel), later);
        stop.unwrap()
    });
    assert_eq!(stop, Stop::Cancelled);
    assert!(started.elapsed() < Duration::from_secs(5));
    let calls = house.store().model_calls(house.session).unwrap();
    assert!(calls[0].end.unwrap().failed);
}

#[test]
fn secrets_reach_neither_the_log_nor_the_store_nor_the_model() {
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
    let house = House::new(&format!("my token is {secret}, read the file"));
    std::fs::write(
        house.yard.root.path().join("tree/.env"),
        format!("TOKEN={secret}\n"),
    )
    .unwrap();
    let script = format!(
        r#"
[[step]]
expect.user = {{ matches = "token is \\[redacted" }}
say = [{{ call = "file.read", arguments = {{ path = ".env" }} }}, {{ call = "file.write", arguments = {{ path = "b.txt", content = "{secret}" }} }}]
[[step]]
expect.results = [{{ tool = "file.read", failed = false, content = "redacted" }}, {{ tool = "file.write", failed = false }}]
text = "It is {secret}."
"#
    );
    assert_eq!(house.run(&script, |_| {}), Stop::Finished);
    // What a model writes is written as it is: the files are the session's own.
    assert_eq!(house.file("b.txt"), secret);
    let found = std::process::Command::new("grep")
        .args(["-r", "-l", "-a", "0123456789abcdefghij"])
        .arg(house.state.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn a_long_thread_is_sent_shorter_and_the_log_says_so() {
    let house = House::new("look around");
    std::fs::write(
        house.yard.root.path().join("tree/big.txt"),
        "line\n".repeat(2000),
    )
    .unwrap();
    let look = "[[step]]\nsay = [{ call = \"file.read\", arguments = { path = \"big.txt\" } }]\nusage = { input = 90000, output = 10 }\n";
    let script = format!("{}[[step]]\ntext = \"Enough.\"\n", look.repeat(10));
    let stop = house.run(&script, |setup| {
        setup.caller.capabilities.max_context_window = 100_000
    });
    assert_eq!(stop, Stop::Finished);
    let compacted: Vec<_> = house
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::ThreadCompacted {
                bytes_before,
                bytes_after,
                ..
            } => Some((bytes_before, bytes_after)),
            _ => None,
        })
        .collect();
    assert!(!compacted.is_empty());
    assert!(compacted.iter().all(|(before, after)| after < before));
}

#[test]
fn capabilities_of_the_profile_bound_what_a_model_is_offered() {
    let registry = Registry::standard();
    let offered = |granted: &Capabilities| registry.specs(granted).len();
    let sizes: Vec<usize> = Profile::ALL
        .iter()
        .map(|one| offered(&one.capabilities()))
        .collect();
    assert!(sizes.is_sorted() && sizes[0] < sizes[1], "{sizes:?}");
}
