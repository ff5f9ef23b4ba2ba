//! Going on: what is said meanwhile, called off, too long or not as it should be.

use std::time::Duration;

use tokio::sync::watch;

use super::house::{EDIT, House};
use crate::agent::Registry;
use crate::agent::run::*;
use crate::cas::Cas;
use crate::model::event::Event;
use crate::model::run::Stop;
use crate::model::tool::{Capabilities, Profile};
use crate::model::work::ModelWork;

#[test]
fn what_a_person_says_meanwhile_is_answered() {
    let house = House::new("greet the world");
    let mut said = false;
    let setup = house.setup(
        house.dispatch(),
        &format!("{EDIT}\n[[step]]\nexpect.user = \"louder\"\ntext = \"HELLO\"\n"),
    );
    let (_told, cancel) = watch::channel(false);
    let mut answers = 0;
    let cancel = Cancel::new(cancel);
    let stop = house.drive_heard(&setup, &cancel, &mut |heard| {
        if heard == Heard::Answered {
            answers += 1;
        }
        if answers == 2 && !said {
            said = true;
            house.say("louder");
        }
    });
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

#[test]
fn an_answer_has_to_follow_its_schema() {
    let schema = serde_json::json!({ "type": "object", "required": ["n"] });
    let asked = |work: &mut ModelWork| work.output_schema = Some(schema.clone());
    let house = House::with("count", asked);
    let script = r#"
[[step]]
text = "three, I think"
[[step]]
expect.user = "no JSON"
text = '{"m": 3}'
[[step]]
expect.user = "required property"
text = '{"n": 3}'
"#;
    assert_eq!(house.run(script, |_| {}), Stop::Finished);
    let house = House::with("count", asked);
    let never = "[[step]]\ntimes = 3\ntext = \"no\"\n";
    let stop = house.run(never, |_| {});
    assert!(matches!(stop, Stop::Unstructured { .. }), "{stop:?}");
}
