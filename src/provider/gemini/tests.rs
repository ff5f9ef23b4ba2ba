use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::model::chat::{
    Block, ChatRequest, Effort, FinishReason, Message, ProviderCapabilities, ToolChoice,
};
use crate::provider::framing::Event;
use crate::provider::wire::Decoder;

fn request(model: &str, messages: Vec<Message>) -> ChatRequest {
    ChatRequest {
        model: model.to_owned(),
        system: Vec::new(),
        messages,
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        max_output_tokens: 16_000,
        temperature: None,
        thinking: None,
        output_schema: None,
        cache: false,
    }
}

fn sent(request: &ChatRequest) -> Value {
    let can = ProviderCapabilities {
        supports_streaming: true,
        supports_tool_calling: true,
        supports_structured_output: true,
        supports_multi_turn: true,
        supports_vision: true,
        supports_thinking: true,
        max_context_window: 1_000_000,
        max_output_tokens: 64_000,
        requires_tool_id_sanitization: false,
        requires_thinking_block_scrubbing: false,
    };
    outgoing(request, &can).unwrap().body
}

fn decoded(chunks: &[Value]) -> Result<crate::model::chat::ChatResponse, ProviderError> {
    let mut decoder: Box<dyn Decoder> = decoder(&request("m", vec![]));
    for chunk in chunks {
        let event = Event {
            name: String::new(),
            data: chunk.to_string(),
        };
        decoder.event(&event, &mut Vec::new())?;
    }
    decoder.finish()
}

fn candidate(parts: Value, reason: &str) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "finishReason": reason }] })
}

#[test]
fn what_was_signed_goes_back_as_it_came() {
    let signed = json!([
        { "text": "hm", "thought": true, "thoughtSignature": "YQ==" },
        { "text": "I look.", "thoughtSignature": "Yg==" },
        { "functionCall": { "id": "x1", "name": "a", "args": {} }, "thoughtSignature": "Yw==" },
        { "functionCall": { "id": "x2", "name": "b", "args": { "n": 1 } } },
        { "text": "", "thoughtSignature": "ZA==" },
    ]);
    let answer = decoded(&[candidate(signed.clone(), "STOP")]).unwrap();
    let messages = vec![Message::user("a"), answer.message(), Message::user("b")];
    for model in ["gemini-2.5-pro", "gemini-3.1-pro"] {
        let body = sent(&request(model, messages.clone()));
        assert_eq!(body["contents"][1]["parts"], signed, "{model}");
    }
}

#[test]
fn calls_of_others_are_marked_where_a_signature_is_needed() {
    let call = Block::ToolCall(crate::model::chat::ToolCall {
        id: "toolu_1".to_owned(),
        name: "a".to_owned(),
        arguments: json!({}),
    });
    let messages = vec![
        Message::user("a"),
        Message::assistant(vec![call.clone(), call]),
        Message::user("b"),
    ];
    let signatures = |model: &str| -> Vec<Value> {
        let body = sent(&request(model, messages.clone()));
        let parts = body["contents"][1]["parts"].as_array().unwrap().clone();
        parts
            .iter()
            .map(|part| part["thoughtSignature"].clone())
            .collect()
    };
    let mark = json!("skip_thought_signature_validator");
    assert_eq!(signatures("gemini-3.8-flash"), [mark, Value::Null]);
    assert_eq!(signatures("gemini-2.5-flash"), [Value::Null, Value::Null]);
}

#[test]
fn thinking_is_asked_for_as_the_model_takes_it() {
    let config = |model: &str, thinking: Option<Effort>, max: u32| {
        let mut request = request(model, vec![Message::user("a")]);
        request.thinking = thinking;
        request.max_output_tokens = max;
        sent(&request)["generationConfig"]["thinkingConfig"].clone()
    };
    let high = Some(Effort::High);
    let level = json!({ "includeThoughts": true, "thinkingLevel": "high" });
    assert_eq!(config("gemini-3.1-pro", high, 8000), level);
    let budget = |tokens: u32| json!({ "includeThoughts": true, "thinkingBudget": tokens });
    assert_eq!(config("gemini-2.5-pro", high, 64_000), budget(24_576));
    assert_eq!(config("gemini-2.5-pro", high, 8000), budget(6000));
    assert_eq!(
        config("gemini-2.5-flash-lite", None, 8000),
        json!({ "thinkingBudget": 0 })
    );
    assert_eq!(config("gemini-2.5-pro", None, 8000), Value::Null);
    assert_eq!(config("gemini-3.1-pro", None, 8000), Value::Null);
}

#[test]
fn a_request_that_is_withheld_is_an_answer_of_nothing() {
    let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" }, "usageMetadata": { "promptTokenCount": 4 } });
    let answer = decoded(&[blocked]).unwrap();
    assert_eq!(answer.finish_reason, FinishReason::ContentFilter);
    assert!(answer.content.is_empty());
    assert_eq!(answer.usage.input, 4);
}

#[test]
fn reasons_are_told_apart() {
    for (reason, finish) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("SPII", FinishReason::ContentFilter),
        ("MALFORMED_FUNCTION_CALL", FinishReason::Error),
        ("OTHER", FinishReason::Error),
        ("SOMETHING_NEW", FinishReason::Error),
    ] {
        let answer = decoded(&[candidate(json!([{ "text": "a" }]), reason)]).unwrap();
        assert_eq!(answer.finish_reason, finish, "{reason}");
    }
    // Without content, as some answers end.
    let answer = decoded(&[json!({ "candidates": [{ "finishReason": "STOP" }] })]).unwrap();
    assert!(answer.content.is_empty());
}

#[test]
fn how_long_to_wait_is_in_the_details() {
    let body = |delay: &str| {
        let info =
            json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay });
        let error = json!({ "code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m", "details": [info] });
        failure(429, json!({ "error": error }).to_string().as_bytes()).retry_after
    };
    assert_eq!(body("34.5s"), Some(Duration::from_millis(34_500)));
    for nonsense in ["", "s", "-1s", "NaNs", "1e300s", "5"] {
        assert_eq!(body(nonsense), None, "{nonsense}");
    }
}
