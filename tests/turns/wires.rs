//! What servers of each interface send when a model calls a tool, and when it has done.

use serde_json::{Value, json};

/// An interface, as settings name it, with the path that requests come to.
pub struct Wire {
    pub name: &'static str,
    pub path: &'static str,
    call: fn(&str, &str) -> String,
    words: fn(&str) -> String,
}

pub const ALL: [Wire; 6] = [
    Wire {
        name: "anthropic",
        path: "/v1/messages",
        call: anthropic_call,
        words: anthropic_words,
    },
    Wire {
        name: "openai-responses",
        path: "/responses",
        call: responses_call,
        words: responses_words,
    },
    Wire {
        name: "openai-chat",
        path: "/chat/completions",
        call: chat_call,
        words: chat_words,
    },
    Wire {
        name: "openai-compatible",
        path: "/chat/completions",
        call: chat_call,
        words: chat_words,
    },
    Wire {
        name: "gemini",
        path: "/v1beta/models/test:streamGenerateContent",
        call: gemini_call,
        words: gemini_words,
    },
    Wire {
        name: "ollama",
        path: "/api/chat",
        call: ollama_call,
        words: ollama_words,
    },
];

impl Wire {
    /// A call of a tool; where the interface allows it, its arguments come in two parts.
    pub fn call(&self, tool: &str, arguments: &Value) -> String {
        (self.call)(&tool.replace('.', "-"), &arguments.to_string())
    }

    /// Words, and the end of the turn.
    pub fn words(&self, text: &str) -> String {
        (self.words)(text)
    }
}

fn events(all: &[Value]) -> String {
    let event = |one: &Value| format!("event: {}\ndata: {one}\n\n", one["type"].as_str().unwrap());
    all.iter().map(event).collect()
}

fn data(all: &[Value]) -> String {
    all.iter().map(|one| format!("data: {one}\n\n")).collect()
}

fn halves(text: &str) -> (&str, &str) {
    text.split_at(text.len() / 2)
}

fn anthropic(block: Value, deltas: &[Value], reason: &str) -> String {
    let mut all = vec![
        json!({ "type": "message_start", "message": { "id": "m", "type": "message", "role": "assistant",
            "model": "test", "content": [], "stop_reason": null, "stop_sequence": null,
            "usage": { "input_tokens": 20, "output_tokens": 1 } } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
    ];
    let delta = |one: &Value| json!({ "type": "content_block_delta", "index": 0, "delta": one });
    all.extend(deltas.iter().map(delta));
    all.push(json!({ "type": "content_block_stop", "index": 0 }));
    all.push(
        json!({ "type": "message_delta", "delta": { "stop_reason": reason, "stop_sequence": null },
        "usage": { "output_tokens": 9 } }),
    );
    all.push(json!({ "type": "message_stop" }));
    events(&all)
}

fn anthropic_call(tool: &str, arguments: &str) -> String {
    let (head, tail) = halves(arguments);
    let part = |text: &str| json!({ "type": "input_json_delta", "partial_json": text });
    let block = json!({ "type": "tool_use", "id": "toolu_1", "name": tool, "input": {} });
    anthropic(block, &[part(head), part(tail)], "tool_use")
}

fn anthropic_words(text: &str) -> String {
    let block = json!({ "type": "text", "text": "" });
    let delta = json!({ "type": "text_delta", "text": text });
    anthropic(block, &[delta], "end_turn")
}

fn responses(item: Value, deltas: &[Value], done: Value) -> String {
    let mut all = vec![
        json!({ "type": "response.created", "response": { "id": "r", "status": "in_progress", "output": [] } }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": item }),
    ];
    all.extend(deltas.iter().cloned());
    all.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": done }));
    all.push(json!({ "type": "response.completed", "response": { "id": "r", "model": "test", "status": "completed",
        "error": null, "incomplete_details": null, "output": [],
        "usage": { "input_tokens": 20, "output_tokens": 9, "total_tokens": 29 } } }));
    events(&all)
}

fn responses_call(tool: &str, arguments: &str) -> String {
    let (head, tail) = halves(arguments);
    let item = |arguments: &str| {
        json!({ "type": "function_call", "id": "fc", "call_id": "call_1", "name": tool,
            "arguments": arguments, "status": "completed" })
    };
    let part = |text: &str| json!({ "type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 0, "delta": text });
    responses(item(""), &[part(head), part(tail)], item(arguments))
}

fn responses_words(text: &str) -> String {
    let item = |content: Value| json!({ "type": "message", "id": "m", "status": "completed", "role": "assistant", "content": content });
    let delta = json!({ "type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": text });
    let whole = json!([{ "type": "output_text", "text": text, "annotations": [] }]);
    responses(item(json!([])), &[delta], item(whole))
}

fn chat(deltas: &[Value], reason: &str) -> String {
    let chunk = |delta: &Value, reason: Value| {
        json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "test",
            "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }], "usage": null })
    };
    let mut all: Vec<Value> = deltas.iter().map(|one| chunk(one, Value::Null)).collect();
    all.push(chunk(&json!({}), json!(reason)));
    all.push(json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "test", "choices": [],
        "usage": { "prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29 } }));
    format!("{}data: [DONE]\n\n", data(&all))
}

fn chat_call(tool: &str, arguments: &str) -> String {
    let (head, tail) = halves(arguments);
    let first = json!({ "role": "assistant", "content": null, "tool_calls": [{ "index": 0, "id": "call_1",
        "type": "function", "function": { "name": tool, "arguments": head } }] });
    let rest = json!({ "tool_calls": [{ "index": 0, "function": { "arguments": tail } }] });
    chat(&[first, rest], "tool_calls")
}

fn chat_words(text: &str) -> String {
    chat(&[json!({ "role": "assistant", "content": text })], "stop")
}

fn gemini(part: Value) -> String {
    data(&[json!({
        "candidates": [{ "content": { "parts": [part], "role": "model" }, "finishReason": "STOP", "index": 0 }],
        "usageMetadata": { "promptTokenCount": 20, "candidatesTokenCount": 9, "totalTokenCount": 29 },
        "modelVersion": "test", "responseId": "r",
    })])
}

fn gemini_call(tool: &str, arguments: &str) -> String {
    let args: Value = serde_json::from_str(arguments).unwrap();
    gemini(json!({ "functionCall": { "name": tool, "args": args }, "thoughtSignature": "c2ln" }))
}

fn gemini_words(text: &str) -> String {
    gemini(json!({ "text": text }))
}

fn ollama(message: Value) -> String {
    let line = |message: Value, done: bool| json!({ "model": "test", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": done });
    let mut last = line(json!({ "role": "assistant", "content": "" }), true);
    last["done_reason"] = json!("stop");
    last["prompt_eval_count"] = json!(20);
    last["eval_count"] = json!(9);
    format!("{}\n{last}\n", line(message, false))
}

fn ollama_call(tool: &str, arguments: &str) -> String {
    let args: Value = serde_json::from_str(arguments).unwrap();
    ollama(json!({ "role": "assistant", "content": "",
        "tool_calls": [{ "function": { "name": tool, "arguments": args } }] }))
}

fn ollama_words(text: &str) -> String {
    ollama(json!({ "role": "assistant", "content": text }))
}
