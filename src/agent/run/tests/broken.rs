//! Answers that break off, calls that fail, and what a person does meanwhile.

use std::time::Duration;

use tokio::sync::watch;

use super::house::{House, WRITE};
use crate::agent::run::*;
use crate::model::backend::Backend;
use crate::model::consent::ConsentReceipt;
use crate::model::event::{Actor, Event};
use crate::model::run::{CallEnd, Stop};
use crate::model::session::SessionState;
use crate::model::tool::{Covers, Effect, RiskLevel, Rule};
use crate::provider::retry::Schedule;

/// The next attempt of a job asks again, and does not take half an answer for all of it.
#[test]
fn an_answer_that_was_cut_off_is_gone_on_with() {
    for (finish, stop) in [
        ("LENGTH", Stop::OutputLimit),
        ("CONTENT_FILTER", Stop::ContentFilter),
    ] {
        let house = House::new("write it");
        let script = format!(
            r#"
[[step]]
say = [{{ text = "I begin" }}, {{ call = "file.write", arguments = {{ path = "a.txt", content = "half" }} }}]
finish = "{finish}"
[[step]]
expect = {{ user = "cut off", messages = 3 }}
text = "Whole now."
"#
        );
        assert_eq!(house.run(&script, |_| {}), stop);
        assert!(!house.yard.root.path().join("tree/a.txt").exists());
        house.again();
        assert_eq!(house.run(&script, |_| {}), Stop::Finished, "{finish}");
        assert_eq!(house.store().model_calls(house.session).unwrap().len(), 2);
    }
}

/// Thoughts behind which nothing stands are refused by providers.
#[test]
fn thoughts_that_were_cut_off_are_not_sent_back() {
    let house = House::new("think");
    let script = r#"
[[step]]
say = [{ thinking = "hm", signature = "s" }]
finish = "LENGTH"
[[step]]
expect = { user = "cut off", messages = 1 }
text = "Done."
"#;
    assert_eq!(house.run(script, |_| {}), Stop::OutputLimit);
    house.again();
    let rest = script.replace(
        "say = [{ thinking = \"hm\", signature = \"s\" }]\nfinish = \"LENGTH\"\n[[step]]\n",
        "",
    );
    assert_eq!(house.run(&rest, |_| {}), Stop::Finished);
}

#[test]
fn every_attempt_is_a_call_of_its_own_and_counts_what_it_may_have_cost() {
    let house = House::new("say it");
    let script = r#"
[[step]]
error = { kind = "overloaded", message = "busy" }
[[step]]
error = { kind = "server", message = "oh" }
[[step]]
text = "Here."
usage = { input = 10, output = 2 }
"#;
    let stop = house.run(script, |setup| {
        setup.caller.schedule = Schedule {
            first: Duration::ZERO,
            ..Schedule::default()
        };
    });
    assert_eq!(stop, Stop::Finished);
    let calls = house.store().model_calls(house.session).unwrap();
    let took: Vec<_> = calls
        .iter()
        .map(|call| call.end.map(|end| (end.failed, end.tokens > 0)))
        .collect();
    assert_eq!(
        took,
        [Some((true, false)), Some((true, true)), Some((false, true))]
    );
}

#[test]
fn what_arrived_before_a_break_is_paid_and_not_asked_for_again() {
    let house = House::new("say it");
    let script = format!(
        "[[step]]\ntext = \"{}\"\nerror = {{ kind = \"network\", message = \"reset\" }}\n",
        "word ".repeat(600)
    );
    let stop = house.run(&script, |_| {});
    assert!(
        matches!(&stop, Stop::Provider { kind, .. } if kind == "network"),
        "{stop:?}"
    );
    let calls = house.store().model_calls(house.session).unwrap();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].end.unwrap().output_tokens >= 1000);
}

#[test]
fn a_person_is_heard_while_a_call_waits_to_be_made_again() {
    let house = House::new("say it");
    let script = "[[step]]\nerror = { kind = \"rate\", message = \"slowly\", retry_after_ms = 60000 }\n\
                  [[step]]\ntext = \"never\"\n";
    let setup = house.setup(house.dispatch(), script);
    let (_told, cancel) = watch::channel(false);
    let cancel = Cancel::new(cancel);
    let stop = house.drive_heard(&setup, &cancel, &mut |heard| {
        if let Heard::Note(note) = heard
            && note.contains("asked again")
        {
            house.move_to(SessionState::Paused);
        }
    });
    assert_eq!(stop.unwrap(), Stop::Held);
    assert_eq!(house.store().model_calls(house.session).unwrap().len(), 1);
}

#[test]
fn a_provider_that_repeats_what_it_was_sent_puts_no_secret_into_the_log() {
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
    let house = House::new("say it");
    let script =
        format!("[[step]]\nerror = {{ kind = \"auth\", message = \"wrong key {secret}\" }}\n");
    house.run(&script, |_| {});
    let ended = house.events().into_iter().find_map(|event| match event {
        Event::ModelCallEnded { call } => Some(call.end),
        _ => None,
    });
    assert!(
        matches!(&ended, Some(CallEnd::Failed { message, .. }) if message.contains("[redacted")),
        "{ended:?}"
    );
    let text = format!("{:?}", house.events());
    assert!(!text.contains(secret));
}

#[test]
fn a_denial_of_one_call_is_for_that_one() {
    let house = House::new("write");
    let asking = |setup: &mut Setup| setup.ask_from = Some(RiskLevel::Low);
    assert!(matches!(
        house.run(WRITE, asking),
        Stop::AwaitsApproval { .. }
    ));
    let asked = house.store().asked_call(house.session).unwrap().unwrap();
    house.again();
    house.answer(Rule {
        effect: Effect::Deny,
        covers: Covers::Once(asked.fingerprint),
    });
    let twice = format!("{WRITE}{WRITE}");
    assert!(matches!(
        house.run(&twice, asking),
        Stop::AwaitsApproval { tool_call_id } if tool_call_id != asked.tool_call_id
    ));
}

#[test]
fn a_call_with_a_secret_is_not_kept_for_a_persons_word() {
    let house = House::new("write");
    let script = r#"
[[step]]
say = [{ text = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB is the token" }, { call = "file.write", arguments = { path = "a.txt", content = "plain" } }]
[[step]]
say = [{ call = "file.write", arguments = { path = "b.txt", content = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB" } }]
[[step]]
expect.results = [{ tool = "file.write", failed = true, content = "looks like a secret" }]
text = "Then not."
"#;
    let asking = |setup: &mut Setup| setup.ask_from = Some(RiskLevel::Low);
    // Secrets in the words beside it do not matter to a call.
    assert!(matches!(
        house.run(script, asking),
        Stop::AwaitsApproval { .. }
    ));
    let asked = house.store().asked_call(house.session).unwrap().unwrap();
    house.again();
    house.answer(Rule {
        effect: Effect::Allow,
        covers: Covers::Once(asked.fingerprint),
    });
    assert_eq!(house.run(script, asking), Stop::Finished);
    assert_eq!(house.file("a.txt"), "plain");
    assert!(!house.yard.root.path().join("tree/b.txt").exists());
}

#[test]
fn an_agreement_to_one_call_is_used_up_by_one_that_was_lost() {
    let house = House::new("say it");
    let cloud = |setup: &mut Setup| setup.caller.backend = Backend::Cloud;
    let script = "[[step]]\nerror = { kind = \"overloaded\", message = \"busy\" }\n[[step]]\nerror = { kind = \"server\", message = \"oh\" }\n";
    assert_eq!(house.run(script, cloud), Stop::AwaitsConsent);
    let plan = house.store().asked_consent(house.session).unwrap().unwrap();
    let receipt = Box::new(ConsentReceipt::of(plan, 0, u64::MAX).unwrap());
    house.again();
    let session = Some(house.session);
    house
        .store()
        .write(|tx| tx.append(Actor::Human, session, Event::ConsentGiven { receipt }))
        .unwrap();
    // What was refused at once took nothing, and is sent again; what broke off may have been paid.
    let three = |setup: &mut Setup| {
        cloud(setup);
        setup.caller.schedule.attempts = 3;
    };
    assert_eq!(house.run(script, three), Stop::AwaitsConsent);
    assert_eq!(house.store().model_calls(house.session).unwrap().len(), 2);
    assert_eq!(house.store().consents(0).unwrap(), []);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let house = House::with("write", |work| work.rehearsal = true);
    let script = format!(
        "{WRITE}[[step]]\nexpect.results = [{{ tool = \"file.write\", failed = false }}]\ntext = \"That is what I would do.\"\n"
    );
    assert_eq!(house.run(&script, |_| {}), Stop::Finished);
    assert!(!house.yard.root.path().join("tree/a.txt").exists());
}

#[test]
fn the_list_of_what_is_to_do_outlives_its_process() {
    let house = House::with("plan it", |work| work.persistent = true);
    let script = r#"
[[step]]
say = [{ call = "todo.write", arguments = { items = [{ text = "look", state = "pending" }] } }]
[[step]]
text = "Planned."
[[step]]
say = [{ call = "todo.read", arguments = {} }]
[[step]]
expect.results = [{ tool = "todo.read", failed = false, content = "look" }]
text = "There it is."
"#;
    assert_eq!(house.run(script, |_| {}), Stop::Finished);
    house.settle(house.store().jobs_of(house.session).unwrap()[0].id);
    house.say("and now?");
    assert_eq!(house.run(script, |_| {}), Stop::Finished);
}
