//! Adapters without a connection.

use proptest::prelude::*;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use crate::model::chat::{ChatResponse, FinishReason};

use super::super::error::ErrorKind;
use super::fixtures::{self, Answer, EXPECTED};
use super::*;

/// Every answer of every provider.
fn answers() -> impl Iterator<Item = (Fixture, Answer)> {
    let fixtures = fixtures::all().into_iter();
    fixtures.flat_map(|fixture| {
        let answers = std::mem::take(&mut fixture.clone().answers);
        answers
            .into_iter()
            .map(move |answer| (fixture.clone(), answer))
    })
}

fn whole(fixture: &Fixture, body: &str) -> (ChatResponse, Vec<Piece>) {
    decoded(fixture, &[body.as_bytes()]).unwrap()
}

#[test]
fn every_provider_says_the_same_in_its_own_words() {
    for fixture in fixtures::all() {
        let names: Vec<&str> = fixture.answers.iter().map(|answer| answer.name).collect();
        assert_eq!(names, EXPECTED, "{}", fixture.wire);
        for answer in &fixture.answers {
            let (response, _) = whole(&fixture, &answer.body);
            assert_eq!(
                response, answer.response,
                "{}: {}",
                fixture.wire, answer.name
            );
            fixtures::assert_meaning(answer);
        }
    }
}

#[test]
fn where_the_bytes_are_cut_does_not_matter() {
    for (fixture, answer) in answers() {
        let body = answer.body.as_bytes();
        let expected = whole(&fixture, &answer.body);
        for at in 0..=body.len() {
            let (head, tail) = body.split_at(at);
            let got = decoded(&fixture, &[head, tail]);
            assert_eq!(got.as_ref(), Ok(&expected), "{} at {at}", answer.name);
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(decoded(&fixture, &bytes), Ok(expected));
    }
}

proptest! {
    #[test]
    fn nor_how_often(cuts in proptest::collection::vec(0.0..1.0f64, 0..30)) {
        for (fixture, answer) in answers() {
            let body = answer.body.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| (cut * body.len() as f64) as usize).collect();
            at.extend([0, body.len()]);
            at.sort_unstable();
            let parts: Vec<&[u8]> = at.windows(2).map(|two| &body[two[0]..two[1]]).collect();
            prop_assert_eq!(decoded(&fixture, &parts), Ok(whole(&fixture, &answer.body)));
        }
    }

    #[test]
    fn no_bytes_make_an_adapter_panic(noise in "[\\x00-\\x7fäß]{0,80}", at in 0.0..1.0f64) {
        for (fixture, answer) in answers() {
            let mut at = (at * answer.body.len() as f64) as usize;
            while !answer.body.is_char_boundary(at) {
                at -= 1;
            }
            let (head, tail) = answer.body.split_at(at);
            let _ = decoded(&fixture, &[head.as_bytes(), noise.as_bytes(), tail.as_bytes()]);
            let _ = fixture.wire.failure(400, &HeaderMap::new(), noise.as_bytes(), Timestamp::UNIX_EPOCH);
        }
    }
}

#[test]
fn a_stream_that_ends_too_early_is_no_answer() {
    for (fixture, answer) in answers() {
        let body = answer.body.as_bytes();
        for end in 0..body.len() {
            match decoded(&fixture, &[&body[..end]]) {
                Ok((response, _)) => {
                    assert_eq!(response, answer.response, "{} up to {end}", answer.name);
                }
                Err(error) => assert_eq!(error.kind, ErrorKind::Protocol, "{error}"),
            }
        }
    }
}

#[test]
fn the_pieces_are_the_answer() {
    for (fixture, answer) in answers() {
        let (response, pieces) = whole(&fixture, &answer.body);
        let (mut words, mut thoughts, mut calls) = (String::new(), String::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Text(text) => words += &text,
                Piece::Thinking(text) => thoughts += &text,
                Piece::ToolCall { name } => calls.push(name),
            }
        }
        let message = response.message();
        assert_eq!(words, message.text(), "{}", answer.name);
        let named: Vec<&str> = message
            .tool_calls()
            .map(|call| call.name.as_str())
            .collect();
        assert_eq!(calls, named, "{}", answer.name);
        let all: String = response.content.iter().map(thought).collect();
        assert_eq!(thoughts, all, "{}", answer.name);
    }
}

fn thought(block: &Block) -> &str {
    match block {
        Block::Thinking { text, .. } => text,
        _ => "",
    }
}

#[test]
fn a_broken_event_is_an_error() {
    for fixture in fixtures::all() {
        let broken = match framing(&fixture) {
            Framing::ServerSentEvents => "data: {\"type\":\n\n",
            Framing::JsonLines => "{\"type\":\n",
        };
        let body = format!("{broken}{}", fixture.says("Hello."));
        let error = decoded(&fixture, &[body.as_bytes()]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{}", fixture.wire);
    }
}

#[test]
fn failures_are_told_apart() {
    for fixture in fixtures::all() {
        for (status, body, kind) in &fixture.failures {
            let failure = |body: &str| {
                let headers = HeaderMap::new();
                let wire = fixture.wire;
                wire.failure(*status, &headers, body.as_bytes(), Timestamp::UNIX_EPOCH)
            };
            let error = failure(body);
            assert_eq!((error.kind, error.status), (*kind, Some(*status)), "{body}");
            assert!(
                !error.message.is_empty() && !error.message.starts_with('{'),
                "{error}"
            );
            // A gateway in between answers with a page.
            let error = failure("<html>no</html>");
            assert_eq!(error.kind, ErrorKind::of_status(*status));
        }
        let kinds = |wanted| fixture.failures.iter().any(|(.., kind)| *kind == wanted);
        for wanted in [ErrorKind::Auth, ErrorKind::Rate, ErrorKind::ContextLength] {
            assert!(kinds(wanted), "{}: no {wanted}", fixture.wire);
        }
        for (body, kind) in &fixture.broken_off {
            let error = decoded(&fixture, &[body.as_bytes()]).unwrap_err();
            assert_eq!(error.kind, *kind, "{body}");
        }
    }
}

#[test]
fn what_is_sent_is_what_the_provider_takes() {
    for fixture in fixtures::all() {
        let sent = |request| fixture.wire.outgoing(&request, &able()).unwrap();
        let outgoing = sent(conversation(fixture.wire, fixture.model));
        assert_eq!(outgoing.path, fixture.path);
        assert_eq!(outgoing.body, fixture.conversation, "{}", fixture.wire);
        let body = sent(forced(fixture.model)).body;
        assert_eq!(body, fixture.forced, "{}", fixture.wire);
    }
}

#[test]
fn an_answer_goes_back_as_a_part_of_the_conversation() {
    for (fixture, answer) in answers() {
        let mut request = conversation(fixture.wire, fixture.model);
        request.messages.truncate(1);
        request.messages.push(answer.response.message());
        request.messages.push(Message::user("Go on."));
        let again = fixture.wire.outgoing(&request, &able()).unwrap();
        let body = again.body.to_string();
        for call in answer.response.message().tool_calls() {
            assert!(body.contains(&call.name.replace('.', "-")), "{body}");
        }
        // Nothing of how it is kept here gets out.
        assert!(!body.contains(&fixture.wire.seal("")), "{body}");
    }
}

#[test]
fn scrubbed_thoughts_are_not_sent() {
    let can = ProviderCapabilities {
        requires_thinking_block_scrubbing: true,
        ..able()
    };
    for fixture in fixtures::all() {
        let request = conversation(fixture.wire, fixture.model);
        let body = fixture
            .wire
            .outgoing(&request, &can)
            .unwrap()
            .body
            .to_string();
        for thought in ["I look.", "c2ln", "Elsewhere."] {
            assert!(!body.contains(thought), "{}: {body}", fixture.wire);
        }
    }
}

#[test]
fn what_a_provider_cannot_do_is_an_error() {
    type Lack = fn(&mut ProviderCapabilities);
    let lacks: [Lack; 6] = [
        |can| can.supports_streaming = false,
        |can| can.supports_tool_calling = false,
        |can| can.supports_multi_turn = false,
        |can| can.supports_vision = false,
        |can| can.supports_thinking = false,
        |can| can.max_output_tokens = 999,
    ];
    for fixture in fixtures::all() {
        let refused = |request: &ChatRequest, lack: Lack| {
            let mut can = able();
            lack(&mut can);
            fixture.wire.outgoing(request, &can).unwrap_err().kind
        };
        for lack in lacks {
            let request = conversation(fixture.wire, fixture.model);
            assert_eq!(refused(&request, lack), ErrorKind::NotSupported);
        }
        let lack: Lack = |can| can.supports_structured_output = false;
        assert_eq!(
            refused(&forced(fixture.model), lack),
            ErrorKind::NotSupported
        );
    }
}

#[test]
fn a_request_that_is_none_is_not_sent() {
    type Spoil = fn(&mut ChatRequest);
    let spoils: [Spoil; 9] = [
        |request| request.model.clear(),
        |request| request.messages.clear(),
        |request| {
            request
                .messages
                .push(Message::assistant(vec![Block::text("no")]))
        },
        |request| request.max_output_tokens = 0,
        |request| request.temperature = Some(f32::NAN),
        |request| request.tool_choice = ToolChoice::Only("file.write".to_owned()),
        |request| request.tools[0].name = "read a file".to_owned(),
        |request| request.tools[0].schema = json!(true),
        |request| {
            request.messages[0].content = vec![Block::Image(Image {
                media_type: "image/png".to_owned(),
                data: "\"}".to_owned(),
            })];
        },
    ];
    for fixture in fixtures::all() {
        for spoil in spoils {
            let mut request = forced(fixture.model);
            spoil(&mut request);
            let error = fixture.wire.outgoing(&request, &able()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{error}");
        }
    }
}

#[test]
fn thoughts_are_kept_as_the_provider_wants_them_back() {
    for fixture in fixtures::all() {
        let reason = |name| fixture.answer(name).response.finish_reason;
        assert_eq!(reason("filtered"), FinishReason::ContentFilter);
        let thinking = &fixture.answer("thinking").response.content;
        let signature = thinking.iter().find_map(|block| match block {
            Block::Thinking { signature, .. } => signature.as_deref(),
            _ => None,
        });
        if let Some(signature) = signature {
            assert!(fixture.wire.unseal(signature).is_some(), "{signature}");
        }
    }
}
