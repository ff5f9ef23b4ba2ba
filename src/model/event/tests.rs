use super::*;

#[test]
fn unknown_types_and_fields_are_refused() {
    for bad in [
        r#"{"event_type":"FR-EVT-NOPE","data":{}}"#,
        r#"{"event_type":"FR-EVT-RUNNER-002","data":{}}"#,
        r#"{"event_type":"FR-EVT-RUNNER-002","data":{"reason":"x","more":1}}"#,
        r#"{"data":{"reason":"x"}}"#,
    ] {
        assert!(serde_json::from_str::<Event>(bad).is_err(), "{bad}");
    }
}

#[test]
fn type_ids_are_unique() {
    let unique: std::collections::HashSet<_> = Event::TYPE_IDS.iter().collect();
    assert_eq!(unique.len(), Event::TYPE_IDS.len());
}
