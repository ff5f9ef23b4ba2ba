use serde_json::{Value, json};

use super::super::*;
use crate::model::code::Code;
use crate::model::ids::{ContentHash, EventId, SessionId};

fn request() -> Value {
    json!({
        "schema_version": "htc-1.0",
        "tool_call_id": "call_1",
        "trace_id": EventId::new(),
        "session_id": SessionId::new(),
        "actor": { "kind": "agent", "model_id": "m" },
        "tool_id": "file.read",
        "tool_version": "1.0.0",
        "args": { "path": "a" },
        "dry_run": false,
    })
}

fn with(mut value: Value, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    change(&mut value);
    value.to_string().into_bytes()
}

#[test]
fn a_request_survives_its_text() {
    let read = Request::parse(&with(request(), |_| ())).unwrap();
    let again = serde_json::to_vec(&read).unwrap();
    assert_eq!(Request::parse(&again).unwrap(), read);
    assert_eq!(read.args, Payload::Inline(json!({ "path": "a" })));

    let hash = format!("blake3:{}", "0a".repeat(32));
    let by_hash = with(request(), |value| {
        let fields = value.as_object_mut().unwrap();
        fields.remove("args");
        fields.insert("args_ref".into(), json!(hash));
        fields.insert("idempotency_key".into(), json!("k"));
    });
    let read = Request::parse(&by_hash).unwrap();
    assert_eq!(read.args, Payload::Reference(hash.parse().unwrap()));
    assert_eq!(read.idempotency_key.as_deref(), Some("k"));
}

#[test]
fn what_is_no_request_is_refused_with_its_code() {
    type Change = fn(&mut Value);
    let changes: &[Change] = &[
        |value| value["schema_version"] = json!("htc-1.1"),
        |value| value["extra"] = json!(1),
        |value| value["actor"]["extra"] = json!(1),
        |value| value["actor"]["kind"] = json!("robot"),
        |value| value["tool_id"] = json!("read"),
        |value| value["tool_version"] = json!("1"),
        |value| value["tool_call_id"] = json!(""),
        |value| value["tool_call_id"] = json!("a b"),
        |value| value["session_id"] = json!("x"),
        |value| value["idempotency_key"] = json!("é"),
        |value| value["idempotency_key"] = json!("k".repeat(257)),
        |value| value["args_ref"] = json!(format!("blake3:{}", "0a".repeat(32))),
        |value| drop(value.as_object_mut().unwrap().remove("args")),
        |value| drop(value.as_object_mut().unwrap().remove("trace_id")),
        |value| value["args"] = json!({ "content": "x".repeat(INLINE_LIMIT) }),
        |value| value["args"] = json!({ "content": "x".repeat(INLINE_LIMIT + 5000) }),
        |value| *value = json!([]),
    ];
    for change in changes {
        let error = Request::parse(&with(request(), change)).unwrap_err();
        let error = ToolError::from(error);
        assert_eq!(error.code, Code::EnvelopeInvalid);
        assert_eq!(error.kind, ErrorKind::Validation);
    }
    assert_eq!(Code::EnvelopeInvalid.id(), "VAL-HTC-001");
    assert!(Request::parse(b"\xff{").is_err());
}

#[test]
fn the_limit_is_exact() {
    let hash = || ContentHash::from_hex(&"0a".repeat(32));
    // Two quotes are part of it.
    let at_most = Value::String("x".repeat(INLINE_LIMIT - 2));
    let fit = Payload::fit(at_most.clone(), |_| hash()).unwrap();
    assert_eq!(fit, Payload::Inline(at_most));
    let more = Value::String("x".repeat(INLINE_LIMIT - 1));
    let mut stored = 0;
    let fit = Payload::fit(more, |bytes| {
        stored = bytes.len();
        hash()
    });
    assert_eq!(fit.unwrap(), Payload::Reference(hash().unwrap()));
    assert_eq!(stored, INLINE_LIMIT + 1);
}

#[test]
fn a_response_says_one_thing() {
    let error = ToolError::new(Code::ToolDenied, ErrorKind::Capability, "no").retryable();
    let timing = json!({
        "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01Z", "duration_ms": 1000,
    });
    let resources = json!({ "files": ["a"], "artifacts": [], "urls": [] });
    let written = |ok: bool, rest: Value| {
        let mut all = json!({ "ok": ok, "timing": timing, "resources": resources });
        all.as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        serde_json::from_value::<Response>(all)
    };
    let good = written(true, json!({ "result": { "n": 1 } })).unwrap();
    assert_eq!(good.outcome, Ok(Payload::Inline(json!({ "n": 1 }))));
    let again = serde_json::to_value(&good).unwrap();
    assert_eq!(again["ok"], true);
    assert_eq!(serde_json::from_value::<Response>(again).unwrap(), good);

    let bad = written(false, json!({ "error": error })).unwrap();
    assert_eq!(bad.outcome, Err(error.clone()));
    let again = serde_json::to_value(&bad).unwrap();
    assert_eq!(again["error"]["code"], "TY-TOOL-DENIED");
    assert_eq!(again["error"]["kind"], "capability");

    for (ok, rest) in [
        (true, json!({})),
        (false, json!({ "result": {} })),
        (true, json!({ "error": error })),
        (true, json!({ "result": {}, "error": error })),
        (true, json!({ "result": "x".repeat(INLINE_LIMIT) })),
        (true, json!({ "result": {}, "more": 1 })),
    ] {
        assert!(written(ok, rest.clone()).is_err(), "{ok} {rest}");
    }
}
