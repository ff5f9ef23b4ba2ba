use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::model::event::Event;
use crate::model::tool::Outcome;

fn registry() -> &'static Registry {
    bundled().unwrap()
}

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// `ID DIGEST SINCE`, one a line.
#[test]
fn ids_are_append_only_and_meanings_never_change() {
    let path = here("src/model/guardrail/registry.ids");
    let listed = fs::read_to_string(&path).unwrap();
    let line = |one: &Guardrail| {
        let (id, meaning, since) = (&one.guardrail_id, one.meaning(), &one.since);
        format!("{id} {} {since}\n", meaning.hex())
    };
    let now: String = registry().guardrails.iter().map(line).collect();
    assert!(
        now.starts_with(&listed),
        "an entry that was there means something else or is gone; give the new meaning a new id"
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &now).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        now,
        "entries are missing from registry.ids; run the tests with UPDATE_DOCS=1"
    );
}

#[test]
fn the_registry_speaks_of_what_there_is() {
    let named: Signals = registry()
        .guardrails
        .iter()
        .flat_map(|one| one.trigger.signals())
        .collect();
    let known: Signals = Signal::ALL.iter().copied().collect();
    assert_eq!(named, known, "every signal stands in an entry");
    let names: BTreeSet<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
    assert_eq!(names.len(), Signal::ALL.len());
    let planned = ["FR-EVT-SESS-SPAWN-003"];
    for one in &registry().guardrails {
        for event in &one.required_events {
            let known =
                Event::TYPE_IDS.contains(&event.as_str()) || planned.contains(&event.as_str());
            assert!(known, "{}: {event}", one.guardrail_id);
        }
        let standing = one.standing();
        let by_construction = one
            .detections
            .iter()
            .any(|found| found.source == Source::Construction);
        assert!(
            !by_construction || standing.construction,
            "{}",
            one.guardrail_id
        );
        if standing.gate {
            assert!(one.required_events.contains(&"FR-EVT-GUARD-011".to_owned()));
        }
        semver::Version::parse(&one.since).unwrap();
    }
}

#[test]
fn what_holds_by_construction_is_held_by_tests_that_exist() {
    for one in &registry().guardrails {
        for test in &one.held_by {
            let (file, name) = test.split_once("::").unwrap();
            let text = fs::read_to_string(here(file)).unwrap();
            assert!(text.contains(&format!("fn {name}(")), "{test}");
        }
    }
}

/// Only one place makes such a message: what a session begins with.
#[test]
fn only_the_runtime_writes_system_messages() {
    let mut left = vec![here("src")];
    let mut makers = Vec::new();
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_test = path.to_str().unwrap().contains("tests");
            // A pattern ends with `=>` or begins a list of them; what is left makes one.
            let makes = |line: &&str| {
                line.contains(concat!("Said::", "System("))
                    && !line.contains("=>")
                    && !line.contains('|')
            };
            if !is_test && text.lines().any(|line| makes(&line)) {
                makers.push(
                    path.strip_prefix(here("src"))
                        .unwrap()
                        .display()
                        .to_string(),
                );
            }
        }
    }
    assert_eq!(makers, ["agent/run/opening.rs"]);
}

#[test]
fn the_page_is_current() {
    let path = here("docs/guardrails.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, after) = page.split_once("<!-- registry -->\n").unwrap();
    let expected = registry().reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}<!-- registry -->\n{expected}")).unwrap();
        return;
    }
    assert!(after == expected, "run the tests with UPDATE_DOCS=1");
}

const ENTRY: &str = r#"
[[guardrail]]
guardrail_id = "AP-001"
title = "t"
severity = "high"
domain = "workspace"
trigger = { any = ["call.secret", { not = "thread.untrusted" }] }
detections = [{ source = "call", signal = "call.secret" }, { source = "thread", signal = "thread.untrusted" }]
outcome = "deny"
required_events = []
since = "0.1.0"
note = "n"
"#;

fn parsed(from: &str, to: &str) -> Result<Registry, InvalidRegistry> {
    let text = format!("version = \"1.0.0\"\n{ENTRY}");
    assert!(text.contains(from), "{from}");
    Registry::parse(&text.replace(from, to))
}

#[test]
fn it_is_told_where_each_is_enforced() {
    let by = |id: &str| registry().get(id).unwrap().standing().describe();
    assert_eq!(by("AP-002"), "the tool gate");
    assert_eq!(by("AP-005"), "the tool gate, guardrails check");
    assert_eq!(by("AP-006"), "nothing yet");
    assert_eq!(by("AP-007"), "construction");
    assert_eq!(
        by("AP-010"),
        "the tool gate, guardrails check, construction"
    );
    assert_eq!(by("AP-015"), "guardrails check");
}

#[test]
fn mistakes_carry_their_place() {
    parsed("t", "t").unwrap();
    for (from, to, line, part) in [
        ("AP-001", "AP-1", 3, "no id such as"),
        ("\"high\"", "\"worst\"", 6, "worst"),
        ("\"deny\"", "\"sigh\"", 10, "sigh"),
        (
            "any = [\"call.secret\"",
            "any = [\"call.nothing\"",
            8,
            "is no signal",
        ),
        (
            "{ any = [\"call.secret\", { not = \"thread.untrusted\" }] }",
            "{ any = [] }",
            8,
            "says nothing",
        ),
        (
            "{ not = \"thread.untrusted\" }",
            "{ nor = \"thread.untrusted\" }",
            8,
            "`all`, `any` and `not`",
        ),
        (
            "{ not = \"thread.untrusted\" }",
            "{ }",
            8,
            "`all`, `any` and `not`",
        ),
        (
            "{ not = \"thread.untrusted\" }",
            "\"call.secret\"",
            3,
            "do not speak of the same",
        ),
        (
            "source = \"thread\"",
            "source = \"call\"",
            3,
            "is looked for in \"thread\"",
        ),
        ("\"deny\"", "\"downgrade\"", 3, "`leaves` something"),
        ("note = \"n\"", "", 3, "note"),
        ("note = \"n\"", "note = \"n\"\nmore = 1", 14, "more"),
        ("version = \"1.0.0\"", "version = \"one\"", 1, "version"),
    ] {
        let wrong = parsed(from, to).unwrap_err();
        assert_eq!(wrong.line, line, "{to}: {wrong}");
        assert!(wrong.message.contains(part), "{to}: {wrong}");
    }
    let twice = Registry::parse(&format!("version = \"1.0.0\"\n{ENTRY}{ENTRY}")).unwrap_err();
    assert!(twice.message.contains("does not come after"), "{twice}");
}

#[test]
fn a_downgrade_says_what_is_left() {
    let with = "outcome = \"downgrade\"\nleaves = [\"file.read\"]";
    let registry = parsed("outcome = \"deny\"", with).unwrap();
    let Outcome::Downgrade(left) = registry.guardrails[0].gate_outcome() else {
        panic!("no downgrade");
    };
    assert_eq!(left.to_string(), "file.read");
}

#[test]
fn the_digest_is_of_all_that_is_said_and_of_nothing_else() {
    let one = parsed("t", "t").unwrap().digest();
    assert_eq!(
        one,
        parsed("title = \"t\"", "title   = 't' # said")
            .unwrap()
            .digest()
    );
    for (from, to) in [
        ("title = \"t\"", "title = \"u\""),
        ("\"1.0.0\"", "\"1.0.1\""),
        ("\"high\"", "\"low\""),
        ("any = ", "all = "),
    ] {
        assert_ne!(one, parsed(from, to).unwrap().digest(), "{to}");
    }
}

#[test]
fn triggers_hold_as_they_are_read() {
    let met = |seen: &[Signal]| {
        let found = registry().evaluate(&seen.iter().copied().collect());
        found
            .iter()
            .map(|one| one.guardrail.guardrail_id.clone())
            .collect::<Vec<_>>()
    };
    use Signal::*;
    assert!(met(&[]).is_empty());
    assert_eq!(met(&[HooksBypassed]), ["AP-009"]);
    assert!(met(&[Untrusted, ReachesNetwork]).is_empty());
    assert_eq!(met(&[Untrusted, ReachesNetwork, NetworkOpen]), ["AP-002"]);
    assert!(met(&[Secret]).is_empty());
    assert_eq!(met(&[Secret, Commits, SameFailure]), ["AP-012", "AP-014"]);
    let text: Vec<_> = registry()
        .guardrails
        .iter()
        .map(|one| one.trigger.to_string())
        .collect();
    assert_eq!(
        text[13],
        "call.secret and (command.reaches_network or call.commits)"
    );
}

fn any_trigger() -> impl Strategy<Value = Trigger> {
    let leaf = proptest::sample::select(Signal::ALL).prop_map(Trigger::Signal);
    leaf.prop_recursive(4, 24, 4, |inner| {
        let some = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            some().prop_map(Trigger::All),
            some().prop_map(Trigger::Any),
            inner.clone().prop_map(|one| Trigger::Not(Box::new(one))),
        ]
    })
}

fn has_not(trigger: &Trigger) -> bool {
    match trigger {
        Trigger::Signal(_) => false,
        Trigger::Not(_) => true,
        Trigger::All(parts) | Trigger::Any(parts) => parts.iter().any(has_not),
    }
}

fn any_signals() -> impl Strategy<Value = Signals> {
    proptest::collection::btree_set(proptest::sample::select(Signal::ALL), 0..8)
}

proptest! {
    #[test]
    fn evaluating_is_deterministic_and_more_signals_take_nothing_back(seen in any_signals(), more in any_signals()) {
        let met = registry().evaluate(&seen);
        prop_assert_eq!(&met, &registry().evaluate(&seen));
        let all = registry().evaluate(&seen.union(&more).copied().collect());
        for one in met {
            prop_assert!(all.iter().any(|other| other.guardrail == one.guardrail));
            prop_assert!(one.signals.iter().all(|signal| seen.contains(signal)));
        }
    }

    #[test]
    fn a_trigger_without_not_only_grows(trigger in any_trigger(), seen in any_signals(), more in any_signals()) {
        prop_assume!(!has_not(&trigger));
        let all = seen.union(&more).copied().collect();
        prop_assert!(!trigger.holds(&seen) || trigger.holds(&all));
    }

    /// What is not spoken of changes nothing.
    #[test]
    fn a_trigger_depends_on_its_own_signals(trigger in any_trigger(), seen in any_signals()) {
        let own = trigger.signals().intersection(&seen).copied().collect();
        prop_assert_eq!(trigger.holds(&seen), trigger.holds(&own));
    }

    #[test]
    fn triggers_are_read_as_they_are_written(trigger in any_trigger()) {
        let text = serde_json::to_string(&trigger).unwrap();
        prop_assert_eq!(serde_json::from_str::<Trigger>(&text).unwrap(), trigger);
    }

    #[test]
    fn no_text_does_harm(text in ".{0,80}") {
        let _either_way = Registry::parse(&text);
    }
}
