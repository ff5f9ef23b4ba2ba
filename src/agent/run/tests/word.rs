//! What runs only when it is allowed: by what was granted, by a person's word, by budgets.

use tokio::sync::watch;

use super::house::{EDIT, House, WRITE};
use crate::agent::Registry;
use crate::agent::run::*;
use crate::model::backend::Backend;
use crate::model::budget::{BudgetLimits, Span};
use crate::model::consent::{ConsentReceipt, ConsentScope};
use crate::model::event::{Actor, Event};
use crate::model::price::MicroDollars;
use crate::model::run::{Stop, ToolEnd};
use crate::model::session::SessionState;
use crate::model::thread::MessageRole;
use crate::model::tool::{Covers, Effect, Profile, RiskLevel, Rule};
use crate::model::work::OnAmbiguous;
use crate::sessions::move_session;

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
    assert_eq!(house.run(&format!("{EDIT}{more}"), |_| {}), Stop::Finished);
    assert_eq!(house.roles().len(), 8);
}

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
    assert_eq!(house.run(&format!("{WRITE}{rest}"), asking), Stop::Finished);
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
    assert_eq!(house.store().consents(0).unwrap(), []);
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
    let house = House::with("write", |work| work.on_ambiguous = OnAmbiguous::Adopt);
    let job = house.dispatch();
    let mut setup = house.setup(job, WRITE);
    setup.registry = Registry::standard();
    let answer =
        "[[step]]\nsay = [{ call = \"file.delete\", arguments = { path = \"README.md\" } }]\n";
    let setup_delete = house.setup(job, answer);
    house.die_before_outcome(&setup_delete);
    let rest = "[[step]]\nexpect.results = [{ tool = \"file.delete\", failed = true, content = \"interrupted\" }]\ntext = \"I look.\"\n";
    let setup = house.setup(job, &format!("{answer}{rest}"));
    assert_eq!(house.drive(&setup, &cancel).unwrap(), Stop::Finished);
    assert_eq!(house.tool_ends(), [ToolEnd::Ambiguous]);
    assert!(house.yard.tree().join("README.md").exists());
}

#[test]
fn a_person_decides_whether_a_call_that_was_cut_short_is_made_again() {
    let answer =
        "[[step]]\nsay = [{ call = \"file.delete\", arguments = { path = \"README.md\" } }]\n";
    let (_told, cancel) = watch::channel(false);
    let cancel = Cancel::new(cancel);
    for (effect, expected) in [(Effect::Allow, vec![ToolEnd::Ok]), (Effect::Deny, vec![])] {
        let house = House::new("write");
        let job = house.dispatch();
        house.die_before_outcome(&house.setup(job, answer));
        let stop = house.drive(&house.setup(job, answer), &cancel).unwrap();
        assert!(matches!(stop, Stop::AwaitsApproval { .. }), "{stop:?}");
        let asked = house.store().asked_call(house.session).unwrap().unwrap();
        assert!(
            asked.because.starts_with("interrupted"),
            "{}",
            asked.because
        );
        assert_eq!(house.tool_ends(), []);
        house.again();
        house.answer(Rule {
            effect,
            covers: Covers::Once(asked.fingerprint),
        });
        let done = effect == Effect::Allow;
        let rest = format!(
            "[[step]]\nexpect.results = [{{ tool = \"file.delete\", failed = {} }}]\ntext = \"So.\"\n",
            !done
        );
        assert_eq!(
            house.run(&format!("{answer}{rest}"), |_| {}),
            Stop::Finished
        );
        assert_eq!(house.yard.tree().join("README.md").exists(), !done);
        if done {
            assert_eq!(house.tool_ends(), expected);
        }
        assert!(
            house.store().rules(house.session).unwrap().is_empty(),
            "it held once"
        );
    }
    let house = House::with("write", |work| work.on_ambiguous = OnAmbiguous::Rerun);
    let job = house.dispatch();
    house.die_before_outcome(&house.setup(job, answer));
    let rest = "[[step]]\nexpect.results = [{ tool = \"file.delete\", failed = false }]\ntext = \"Done.\"\n";
    let setup = house.setup(job, &format!("{answer}{rest}"));
    assert_eq!(house.drive(&setup, &cancel).unwrap(), Stop::Finished);
}

/// A session that was given another model asks for that one, also where others are asked for with it.
#[test]
fn an_agreement_for_several_sessions_names_the_model_that_is_called() {
    let house = House::new("greet the world");
    let stop = house.run(EDIT, |setup| {
        setup.caller.backend = Backend::Cloud;
        setup.consent = ConsentScope::WpScoped;
        setup.work.model = "swapped".to_owned();
    });
    assert_eq!(stop, Stop::AwaitsConsent);
    let plan = house.store().asked_consent(house.session).unwrap().unwrap();
    let named: Vec<_> = plan
        .sessions
        .iter()
        .map(|one| (one.session_id, one.model_id.as_str()))
        .collect();
    assert_eq!(named, [(house.session, "small")]);
}
