use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};
use toml::de::DeValue;

use crate::config::json::parse_json;
use crate::config::reader::Problems;
use crate::config::*;
use crate::model::work_profile::{AutomationLevel, WorkProfile};

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn example() -> String {
    fs::read_to_string(here("examples/work-profile.json")).unwrap()
}

fn read(text: &str) -> Result<WorkProfile, Vec<String>> {
    work_profile(text.as_bytes(), Path::new("work")).map_err(|error| match error {
        ConfigError::Invalid { problems, .. } => problems
            .iter()
            .map(|p| format!("{}:{}: {}", p.line, p.column, p.message))
            .collect(),
        error => panic!("{error}"),
    })
}

#[test]
fn a_profile_is_the_same_in_json_and_toml() {
    let json = example();
    let from_json = read(&json).unwrap();
    let value: Value = serde_json::from_str(&json).unwrap();
    let toml = toml::to_string(&value).unwrap();
    assert_eq!(read(&toml), Ok(from_json.clone()));
    assert_eq!(serde_json::to_value(&from_json).unwrap(), value);
    let governance = &from_json.governance;
    assert_eq!(governance.automation_level, AutomationLevel::Hybrid);
    assert_eq!(governance.max_cloud_escalations_per_job, Some(1));
    let compact = value.to_string();
    assert_eq!(read(&compact), Ok(from_json));
}

#[test]
fn mistakes_are_told_with_their_place_in_both() {
    let json = example();
    let changed = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        json.replacen(from, to, 1)
    };
    for (text, expected) in [
        (
            changed("@0.6", "@0.7"),
            "2:21: the version `hsk.work_profile@0.7` cannot be read",
        ),
        (
            changed("\"local_only\": true", "\"locl_only\": true"),
            "4:17: `local_only` is missing",
        ),
        (changed("HYBRID", "SOME"), "15:39: unknown word `SOME`"),
        (
            changed("\"explicit\"", "\"best\""),
            "17:25: unknown word `best`",
        ),
        (
            changed(
                "\"max_cloud_escalations_per_job\": 1",
                "\"max_cloud_escalations_per_job\": -1",
            ),
            "15:114: expected a whole number from 0 to 4294967295",
        ),
        (
            changed(
                "\"ollama/qwen3:30b\",\n      \"fallback",
                "\"elsewhere\",\n      \"fallback",
            ),
            "6:15: the primary model `elsewhere` is not among `allowed_models`",
        ),
        (
            changed("\"candidate_models\": [", "\"candidate_models\": [null, "),
            "18:26: `null` has no meaning here",
        ),
        (
            changed(
                "\"routing\": {",
                "\"routing\": { \"selection_policy\": \"explicit\",",
            ),
            "17:5: `selection_policy` stands here twice",
        ),
        (
            changed("\"governance\"", "\"govern\""),
            "1:1: `governance` is missing",
        ),
        ("{\n  \"a\": }".to_owned(), "2:8: expected value"),
        ("{\"a\": 1".to_owned(), "1:7: EOF while parsing an object"),
        ("{} x".to_owned(), "1:4: trailing characters"),
        (json!([1]).to_string(), "1:"),
        (
            "schema_version = 6".to_owned(),
            "1:18: expected a string, found integer",
        ),
    ] {
        let found = read(&text).unwrap_err();
        assert!(
            found.iter().any(|told| told.starts_with(expected)),
            "{expected}\n{found:#?}"
        );
    }
    let nothing = changed(
        "\"fallback_model_id\": \"ollama/qwen3:8b\"",
        "\"fallback_model_id\": null",
    );
    let worker = read(&nothing).unwrap().model_assignments.worker;
    assert_eq!(worker.fallback_model_id, None);
}

#[test]
fn the_schema_and_the_reader_agree() {
    let schema = work_profile_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value: Value = serde_json::from_str(&example()).unwrap();
    let without = |pointer: &str, key: &str| {
        let mut value = value.clone();
        let table = value.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        table.remove(key).unwrap();
        value
    };
    let with = |pointer: &str, key: &str, new: Value| {
        let mut value = value.clone();
        value.pointer_mut(pointer).unwrap()[key] = new;
        value
    };
    let worker = "/model_assignments/worker";
    for (value, good) in [
        (value.clone(), true),
        (without(worker, "compute"), true),
        (without(worker, "allowed_models"), true),
        (without(worker, "local_only"), false),
        (without("", "routing"), false),
        (without("/routing", "candidate_models"), true),
        (
            without("/governance", "max_cloud_escalations_per_job"),
            true,
        ),
        (
            with("", "schema_version", json!("hsk.work_profile@0.5")),
            false,
        ),
        (with(worker, "primary_model_id", json!("")), false),
        (with(worker, "more", json!(1)), false),
        (with(worker, "compute", json!(null)), true),
        (
            with("/governance", "automation_level", json!("hybrid")),
            false,
        ),
        (
            with("/governance", "allow_cloud_escalation", json!("yes")),
            false,
        ),
        (with("/routing", "candidate_models", json!([""])), false),
    ] {
        assert_eq!(read(&value.to_string()).is_ok(), good, "reader: {value}");
        assert_eq!(validator.is_valid(&value), good, "schema: {value}");
    }
    let file = here("docs/work-profile.schema.json");
    let current = format!("{schema:#}\n");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|on| on == "1") {
        fs::write(&file, &current).unwrap();
    }
    let published = fs::read_to_string(&file).unwrap();
    assert_eq!(published, current, "run with UPDATE_DOCS=1");
}

/// The values again.
fn values_of(text: &str) -> Option<Value> {
    fn of(value: &DeValue<'_>) -> Value {
        match value {
            DeValue::Table(table) => {
                let pairs = table.iter();
                let pairs =
                    pairs.map(|(key, value)| (key.get_ref().to_string(), of(value.get_ref())));
                Value::Object(pairs.collect())
            }
            DeValue::Array(array) => array.iter().map(|value| of(value.get_ref())).collect(),
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(value) => Value::from(*value),
            DeValue::Integer(number) => number
                .as_str()
                .parse::<i64>()
                .map_or(Value::Null, Value::from),
            DeValue::Float(number) => number
                .as_str()
                .parse::<f64>()
                .map_or(Value::Null, Value::from),
            DeValue::Datetime(_) => Value::Null,
        }
    }
    let table = parse_json(text, &Problems::default())?;
    Some(of(&DeValue::Table(table.into_inner())))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands in it, however it is set: nothing panics, and places lie in the text.
    #[test]
    fn any_json_is_read_or_refused_in_its_place(value in any_json(), pretty in any::<bool>(), cut in 0..400usize) {
        let whole = json!({ "routing": value });
        let mut text = if pretty { format!("{whole:#}") } else { whole.to_string() };
        prop_assert!(read(&text).is_err());
        let at = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        text.truncate(at);
        if let Err(ConfigError::Invalid { problems, .. }) = work_profile(text.as_bytes(), Path::new("w")) {
            let lines: Vec<&str> = text.split('\n').collect();
            for problem in problems {
                prop_assert!((1..=lines.len()).contains(&problem.line));
                let length = lines[problem.line - 1].chars().count();
                prop_assert!((1..=length + 1).contains(&problem.column));
            }
        }
    }

    /// What was written as JSON has the same values when it is read for TOML.
    #[test]
    fn json_keeps_its_values(value in any_json()) {
        let text = json!({ "value": value }).to_string();
        let read = values_of(&text).unwrap();
        prop_assert_eq!(read["value"].clone(), value);
    }
}
