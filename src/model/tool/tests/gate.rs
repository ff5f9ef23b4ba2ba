use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::names::any_capabilities;

const ID: ToolId = ToolId::fixed("file.write");

fn card(risk_level: RiskLevel) -> Card {
    Card {
        tool_id: ID,
        tool_version: ToolVersion::new(1, 0, 0),
        description: "",
        side_effect: SideEffect::Write,
        idempotency: Idempotency::NonIdempotent,
        determinism: Determinism::Deterministic,
        availability: Availability::Available,
        required_capabilities: [Capability::FileRead, Capability::FileWrite]
            .into_iter()
            .collect(),
        risk_level,
        deferred: false,
    }
}

fn call() -> Fingerprint {
    Fingerprint::of(&ID, &json!({ "path": "src/a" })).unwrap()
}

fn rule(effect: Effect, covers: Covers) -> Rule {
    Rule { effect, covers }
}

fn matching(tool: &str, argument: Option<&str>) -> Covers {
    Covers::Matching(Pattern::new(tool, argument).unwrap())
}

/// How far a decision lets a call go.
fn rank(decision: &Decision) -> u8 {
    match decision {
        Decision::Deny(_) => 0,
        Decision::Ask { .. } => 1,
        Decision::Allow(_) => 2,
    }
}

struct Case {
    grants: Grants,
    ask_from: Option<RiskLevel>,
    rules: Rules,
    hits: Vec<Hit>,
    dry_run: bool,
    risk: RiskLevel,
}

impl Case {
    fn granted(rules: Vec<Rule>) -> Self {
        let all = Capabilities::all;
        Self {
            grants: Grants {
                session: all(),
                operator: all(),
                parent: None,
            },
            ask_from: Some(RiskLevel::Medium),
            rules: rules.into_iter().collect(),
            hits: Vec::new(),
            dry_run: false,
            risk: RiskLevel::Medium,
        }
    }

    fn decide(&self, subjects: &[Subject]) -> Decision {
        let policy = Policy {
            grants: &self.grants,
            ask_from: self.ask_from,
            rules: &self.rules,
        };
        let question = Question {
            card: &card(self.risk),
            call: &call(),
            subjects,
            dry_run: self.dry_run,
        };
        decide(&question, &policy, &self.hits)
    }

    fn about(&self, paths: &[&str]) -> Decision {
        let subjects = paths.iter().map(|path| Subject::File((*path).to_owned()));
        self.decide(&subjects.collect::<Vec<_>>())
    }
}

#[test]
fn nothing_is_granted_by_default() {
    let mut case = Case::granted(Vec::new());
    case.grants = Grants::default();
    let Decision::Deny(Evidence::Capabilities(missing)) = case.about(&["a"]) else {
        panic!("allowed");
    };
    let told: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(told[1], "file.write (not granted by session, operator)");
    assert_eq!(told.len(), 2);
}

#[test]
fn each_party_has_to_grant() {
    for lacking in 0..3 {
        let mut case = Case::granted(Vec::new());
        let less: Capabilities = [Capability::FileRead].into_iter().collect();
        match lacking {
            0 => case.grants.session = less,
            1 => case.grants.operator = less,
            _ => case.grants.parent = Some(less),
        }
        let party = [Party::Session, Party::Operator, Party::Parent][lacking];
        let expected = Missing {
            capability: Capability::FileWrite,
            not_granted_by: vec![party],
        };
        let denied = Decision::Deny(Evidence::Capabilities(vec![expected]));
        assert_eq!(case.about(&["a"]), denied);
    }
}

#[test]
fn rules() {
    use Effect::{Allow, Deny};
    let once = || Covers::Once(call());
    let session = || Covers::Session(ID);
    let other = || Covers::Once(Fingerprint::of(&ID, &json!({ "path": "b" })).unwrap());
    let table: Vec<(Vec<Rule>, &[&str], u8)> = vec![
        (vec![], &["src/a"], 1),
        (vec![rule(Allow, once())], &["src/a"], 2),
        (vec![rule(Allow, other())], &["src/a"], 1),
        (vec![rule(Allow, session())], &["src/a"], 2),
        (vec![rule(Deny, once())], &["src/a"], 0),
        (vec![rule(Deny, other())], &["src/a"], 1),
        (
            vec![rule(Allow, session()), rule(Deny, once())],
            &["src/a"],
            0,
        ),
        (
            vec![rule(Deny, session()), rule(Allow, once())],
            &["src/a"],
            0,
        ),
        (vec![rule(Allow, matching("file.*", None))], &["src/a"], 2),
        (vec![rule(Allow, matching("git.*", None))], &["src/a"], 1),
        (
            vec![rule(Allow, matching("*", Some("src/**")))],
            &["src/a"],
            2,
        ),
        (
            vec![rule(Allow, matching("*", Some("src/*")))],
            &["src/a/b"],
            1,
        ),
        (
            vec![rule(Allow, matching("*", Some("s*")))],
            &["tests/a"],
            1,
        ),
        // All of a call has to be allowed, and any of it may be denied.
        (
            vec![rule(Allow, matching("*", Some("src/**")))],
            &["src/a", "b"],
            1,
        ),
        (
            vec![rule(Deny, matching("*", Some("src/**")))],
            &["src/a", "b"],
            0,
        ),
        (vec![rule(Allow, matching("*", Some("**")))], &[], 1),
        // Case is no way around, and neither is what is below a folder.
        (
            vec![rule(Deny, matching("*", Some("secret")))],
            &["Secret/a/b"],
            0,
        ),
        (
            vec![rule(Deny, matching("*", Some("**/.env")))],
            &["a/.ENV"],
            0,
        ),
    ];
    for (rules, paths, expected) in table {
        let case = Case::granted(rules);
        let found = case.about(paths);
        assert_eq!(
            rank(&found),
            expected,
            "{:?} {paths:?}: {found:?}",
            case.rules
        );
    }
}

#[test]
fn a_rule_that_holds_once_is_used_last_and_spent() {
    let once = rule(Effect::Allow, Covers::Once(call()));
    let lasting = rule(Effect::Allow, Covers::Session(ID));
    let mut case = Case::granted(vec![once.clone(), lasting.clone()]);
    let allowed = |rule: &Rule| Decision::Allow(Grounds::Rule(rule.clone()));
    assert_eq!(case.about(&["a"]), allowed(&lasting));
    case.rules.spend(&lasting);
    assert_eq!(case.about(&["a"]), allowed(&lasting));
    let mut case = Case::granted(vec![once.clone(), once.clone()]);
    assert_eq!(case.about(&["a"]), allowed(&once));
    case.rules.spend(&once);
    assert_eq!(case.about(&["a"]), allowed(&once));
    case.rules.spend(&once);
    assert_eq!(rank(&case.about(&["a"])), 1);
}

#[test]
fn guardrails() {
    let hit = |outcome: Outcome| Hit {
        guardrail: "AP-002".to_owned(),
        outcome,
    };
    let session = rule(Effect::Allow, Covers::Session(ID));
    let once = rule(Effect::Allow, Covers::Once(call()));
    let reading: Capabilities = [Capability::FileRead].into_iter().collect();
    for (outcome, rules, expected) in [
        (Outcome::Deny, vec![once.clone()], 0),
        (Outcome::ForceStop, vec![once.clone()], 0),
        (Outcome::Downgrade(reading), vec![session.clone()], 0),
        (
            Outcome::Downgrade(Capabilities::all()),
            vec![session.clone()],
            2,
        ),
        // A person has to have seen this very call.
        (Outcome::RequireConsent, vec![session], 1),
        (Outcome::RequireConsent, vec![once], 2),
    ] {
        let mut case = Case::granted(rules);
        case.hits = vec![hit(outcome.clone())];
        assert_eq!(rank(&case.about(&["a"])), expected, "{outcome:?}");
    }
    let mut case = Case::granted(Vec::new());
    case.hits = vec![hit(Outcome::ForceStop), hit(Outcome::Deny)];
    let Decision::Deny(Evidence::Guardrail { stops_session, .. }) = case.about(&["a"]) else {
        panic!("allowed");
    };
    assert!(stops_session);
}

#[test]
fn what_is_below_a_folder_is_not_known() {
    for (glob, folder, expected) in [
        ("**", "", 2),
        ("src/**", "src", 2),
        ("src/**", "src/a", 2),
        ("src/**", "", 1),
        ("src/**", "srcs", 1),
        ("src/*", "src", 1),
        ("*/**", "src", 1),
        ("src", "src", 1),
    ] {
        let case = Case::granted(vec![rule(Effect::Allow, matching("*", Some(glob)))]);
        let found = case.decide(&[Subject::Folder(folder.to_owned())]);
        assert_eq!(rank(&found), expected, "{glob} {folder}");
    }
}

#[test]
fn a_second_command_is_no_part_of_the_first() {
    let tool = ToolId::fixed("shell.exec");
    let covers = |glob: &str, line: &str| {
        let pattern = Pattern::new("shell.exec", Some(glob)).unwrap();
        pattern.covers(&tool, &[Subject::Command(line.to_owned())])
    };
    assert!(covers("git log*", "git log --oneline -n 3"));
    for more in [
        "; rm x", "&& rm x", "| sh", "$(rm x)", "`rm x`", "> x", "\nrm x", "& rm x",
    ] {
        let line = format!("git log {more}");
        assert!(!covers("git log*", &line), "{line}");
        assert!(covers("*", &line), "{line}");
        // Who forbids something forbids it in whatever company.
        let pattern = Pattern::new("shell.exec", Some("git log*")).unwrap();
        assert!(pattern.touches(&tool, &[Subject::Command(line)]));
    }
    assert!(covers("cargo test*| tail*", "cargo test | tail -n 5"));
    assert!(!covers("cargo test*| tail*", "cargo test; x | tail -n 5"));
}

#[test]
fn a_dry_run_is_not_asked_for() {
    let mut case = Case::granted(Vec::new());
    case.dry_run = true;
    assert_eq!(case.about(&["a"]), Decision::Allow(Grounds::Granted));
    case.grants.session = Capabilities::default();
    assert_eq!(rank(&case.about(&["a"])), 0);
}

#[test]
fn patterns_that_cannot_be_read_are_refused() {
    for (tool, argument) in [("", None), ("a[", None), ("*", Some("{a")), ("*", Some(""))] {
        assert!(Pattern::new(tool, argument).is_err(), "{tool} {argument:?}");
    }
    let long = "a".repeat(2000);
    assert!(Pattern::new(&long, None).is_err());
    let json = r#"{ "effect": "allow", "covers": { "matching": { "tool": "a[" } } }"#;
    assert!(serde_json::from_str::<Rule>(json).is_err());
    let pattern = Pattern::new("file.*", Some("src/**")).unwrap();
    assert_eq!(pattern.to_string(), "file.*(src/**)");
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let effect = prop_oneof![Just(Effect::Allow), Just(Effect::Deny)];
    let glob = proptest::sample::select(vec!["**", "src/**", "src/a", "*", "b*", "**/a"]);
    let tool = proptest::sample::select(vec!["*", "file.*", "git.*", "file.write"]);
    let pattern = (tool, proptest::option::of(glob)).prop_map(|(tool, glob)| matching(tool, glob));
    let covers = prop_oneof![
        Just(Covers::Once(call())),
        Just(Covers::Session(ID)),
        pattern
    ];
    (effect, covers).prop_map(|(effect, covers)| rule(effect, covers))
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Deny),
        Just(Outcome::ForceStop),
        Just(Outcome::RequireConsent),
        any_capabilities().prop_map(Outcome::Downgrade),
    ]
}

fn any_case() -> impl Strategy<Value = (Case, Vec<Subject>)> {
    let risk = proptest::sample::select(vec![RiskLevel::Low, RiskLevel::Medium, RiskLevel::High]);
    let path = proptest::sample::select(vec!["src/a", "b", "src/c/a"]);
    let subjects = proptest::collection::vec(path, 0..3);
    let grants = (
        any_capabilities(),
        any_capabilities(),
        proptest::option::of(any_capabilities()),
    );
    (
        grants,
        proptest::option::of(risk.clone()),
        proptest::collection::vec(any_rule(), 0..5),
        proptest::collection::vec(any_outcome(), 0..2),
        any::<bool>(),
        risk,
        subjects,
    )
        .prop_map(
            |(grants, ask_from, rules, outcomes, dry_run, risk, paths)| {
                let (session, operator, parent) = grants;
                let hits = outcomes.into_iter().map(|outcome| Hit {
                    guardrail: "AP-001".to_owned(),
                    outcome,
                });
                let case = Case {
                    grants: Grants {
                        session,
                        operator,
                        parent,
                    },
                    ask_from,
                    rules: rules.into_iter().collect(),
                    hits: hits.collect(),
                    dry_run,
                    risk,
                };
                let subjects = paths.into_iter().map(|path| Subject::File(path.to_owned()));
                (case, subjects.collect())
            },
        )
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.grants, self.rules, self.hits)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn fewer_grants_never_allow_more((case, subjects) in any_case(), less in any_capabilities(), who in 0..3) {
        let before = rank(&case.decide(&subjects));
        let mut fewer = case;
        let grants = &mut fewer.grants;
        match who {
            0 => grants.session = grants.session.common(&less),
            1 => grants.operator = grants.operator.common(&less),
            _ => grants.parent = Some(grants.parent.as_ref().map_or(less.clone(), |one| one.common(&less))),
        }
        prop_assert!(rank(&fewer.decide(&subjects)) <= before);
    }

    #[test]
    fn what_is_not_granted_by_all_does_not_run((case, subjects) in any_case()) {
        let decision = case.decide(&subjects);
        if !card(case.risk).required_capabilities.is_within(&case.grants.effective()) {
            prop_assert_eq!(rank(&decision), 0);
        }
    }

    #[test]
    fn another_rule_that_denies_never_allows_more((case, subjects) in any_case(), more in any_rule()) {
        let before = rank(&case.decide(&subjects));
        let mut stricter = case;
        stricter.rules.add(Rule { effect: Effect::Deny, ..more });
        prop_assert!(rank(&stricter.decide(&subjects)) <= before);
    }

    #[test]
    fn another_guardrail_never_allows_more((case, subjects) in any_case(), outcome in any_outcome()) {
        let before = rank(&case.decide(&subjects));
        let mut stricter = case;
        stricter.hits.push(Hit { guardrail: "AP-009".to_owned(), outcome });
        prop_assert!(rank(&stricter.decide(&subjects)) <= before);
    }

    #[test]
    fn denying_this_call_wins((mut case, subjects) in any_case(), by in 0..3) {
        let covers = match by {
            0 => Covers::Once(call()),
            1 => Covers::Session(ID),
            _ => matching("file.*", None),
        };
        case.rules.add(rule(Effect::Deny, covers));
        prop_assert_eq!(rank(&case.decide(&subjects)), 0);
    }
}
