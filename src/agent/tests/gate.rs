use serde_json::json;

use super::yard::{Yard, everything, fingerprint};
use crate::agent::{Admission, Call, Gate, Prepared, Registry};
use crate::model::code::Code;
use crate::model::tool::{
    Capabilities, Capability, Covers, Effect, ErrorKind, Grants, Grounds, Hit, Outcome, Pattern,
    Policy, Profile, RiskLevel, Rule, Rules,
};

fn prepared(yard: &Yard, tool: &str, args: &serde_json::Value) -> Prepared {
    let call = Call {
        version: None,
        args,
        dry_run: false,
    };
    yard.registry.prepare(tool, &call, &yard.world).unwrap()
}

fn admit(yard: &Yard, call: Prepared, grants: &Grants, rules: &Rules, hits: &[Hit]) -> Admission {
    let policy = Policy {
        grants,
        ask_from: Some(RiskLevel::Medium),
        rules,
    };
    let guardrails = &|_: &Prepared| hits.to_vec();
    Gate { policy, guardrails }.admit(call, &yard.world)
}

#[test]
fn a_person_sees_what_a_call_would_do_before_it_does() {
    let yard = Yard::new();
    let before = fingerprint(yard.root.path());
    let args = json!({ "path": "README.md", "old": "Yard", "new": "Garden" });
    let call = prepared(&yard, "file.edit", &args);
    let once = call.fingerprint().clone();
    let mut rules = Rules::default();
    let Admission::Ask { preview, .. } = admit(&yard, call, &everything(), &rules, &[]) else {
        panic!("not asked");
    };
    let shown = preview.unwrap().unwrap().result["diff"].clone();
    let expected = "--- a/README.md\n+++ b/README.md\n@@ -1,1 +1,1 @@\n-# Yard\n+# Garden\n";
    assert_eq!(shown, expected);
    assert_eq!(before, fingerprint(yard.root.path()));

    let rule = Rule {
        effect: Effect::Allow,
        covers: Covers::Once(once),
    };
    rules.add(rule.clone());
    let call = prepared(&yard, "file.edit", &args);
    let Admission::Permit(permit) = admit(&yard, call, &everything(), &rules, &[]) else {
        panic!("not allowed");
    };
    assert_eq!(permit.grounds(), &Grounds::Rule(rule.clone()));
    rules.spend(&rule);
    permit.run(&yard.world).unwrap();
    assert_eq!(yard.read("README.md"), "# Garden\n");
    let other = json!({ "path": "README.md", "old": "Garden", "new": "Yard" });
    let call = prepared(&yard, "file.edit", &other);
    let asked = admit(&yard, call, &everything(), &rules, &[]);
    assert!(matches!(asked, Admission::Ask { .. }));
}

#[test]
fn denials_carry_their_evidence() {
    let yard = Yard::new();
    let args = json!({ "path": "README.md" });
    let reading = Grants {
        session: Profile::ReadOnly.capabilities(),
        ..everything()
    };
    let call = prepared(&yard, "file.delete", &args);
    let Admission::Denied { error, .. } = admit(&yard, call, &reading, &Rules::default(), &[])
    else {
        panic!("allowed");
    };
    assert_eq!(
        (error.code, error.kind),
        (Code::ToolDenied, ErrorKind::Capability)
    );
    assert!(
        error
            .message
            .contains("file.write (not granted by session)")
    );
    let evidence = &error.details["evidence"]["capabilities"][0];
    assert_eq!(evidence["capability"], "file.write");

    let hit = Hit {
        guardrail: "AP-001".to_owned(),
        outcome: Outcome::Deny,
    };
    let call = prepared(&yard, "file.delete", &args);
    let Admission::Denied { error, .. } =
        admit(&yard, call, &everything(), &Rules::default(), &[hit])
    else {
        panic!("allowed");
    };
    assert_eq!(error.kind, ErrorKind::Policy);
    assert!(yard.tree().join("README.md").exists());
}

#[test]
fn what_is_denied_is_not_met_on_the_way_either() {
    let yard = Yard::new();
    yard.write("secret/key.txt", "Yard key\n");
    std::os::unix::fs::symlink("secret/key.txt", yard.tree().join("alias")).unwrap();
    let rules: Rules = [Rule {
        effect: Effect::Deny,
        covers: Covers::Matching(Pattern::new("file.*", Some("secret")).unwrap()),
    }]
    .into_iter()
    .collect();
    for path in ["secret/key.txt", "alias", "./secret//key.txt"] {
        let call = prepared(&yard, "file.read", &json!({ "path": path }));
        let found = admit(&yard, call, &everything(), &rules, &[]);
        assert!(
            matches!(found, Admission::Denied { .. }),
            "{path}: {found:?}"
        );
    }
    for (tool, args) in [
        ("file.search", json!({ "pattern": "Yard" })),
        ("file.glob", json!({ "pattern": "**/*" })),
        ("file.list", json!({ "depth": 5 })),
    ] {
        let call = prepared(&yard, tool, &args);
        let Admission::Permit(permit) = admit(&yard, call, &everything(), &rules, &[]) else {
            panic!("{tool} denied");
        };
        let result = permit.run(&yard.world).unwrap().result.to_string();
        assert!(
            result.contains("README.md") && !result.contains("key.txt"),
            "{result}"
        );
    }
}

#[test]
fn models_are_told_of_what_they_may_call() {
    let registry = Registry::standard();
    let names = |granted: &Capabilities| -> Vec<String> {
        let specs = registry.specs(granted);
        specs.into_iter().map(|spec| spec.name).collect()
    };
    assert_eq!(names(&Capabilities::default()), [""; 0]);
    let reading = names(&[Capability::FileRead].into_iter().collect());
    assert_eq!(
        reading,
        ["file.glob", "file.list", "file.read", "file.search"]
    );
    let counts = Profile::ALL.map(|profile| names(&profile.capabilities()).len());
    assert_eq!(counts, [11, 18, 19, 20]);
    for entry in registry.entries() {
        for schema in [&entry.input_schema, &entry.output_schema] {
            assert_eq!(
                schema["$schema"],
                "https://json-schema.org/draft/2020-12/schema"
            );
            assert_eq!(schema["type"], "object");
            assert!(!schema.to_string().contains("$ref"), "{schema}");
            jsonschema::draft202012::meta::validate(schema).unwrap();
        }
        assert_eq!(entry.input_schema["additionalProperties"], false);
        let validator = jsonschema::validator_for(&entry.input_schema).unwrap();
        assert!(validator.is_valid(&entry.example), "{}", entry.example);
    }
}
