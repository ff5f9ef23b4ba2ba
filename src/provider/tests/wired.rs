//! Adapters, client and retries against a server.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::model::secret::SecretValue;

use super::super::client::Client;
use super::super::endpoint::{Endpoint, Limits};
use super::super::error::ErrorKind;
use super::fixtures::{self, WORDS};
use super::server::{Reply, Server, Step, chunk};
use super::*;

const LIMITS: Limits = Limits {
    connect: Duration::from_secs(5),
    first_byte: Duration::from_secs(5),
    between_chunks: Duration::from_secs(5),
    whole: Duration::from_secs(60),
    event_bytes: 4 << 20,
    answer_bytes: 8 << 20,
};

fn client(fixture: &Fixture, base: &str, limits: Limits) -> Client {
    let mut endpoint = Endpoint::new(fixture.wire, base, able()).unwrap();
    endpoint.limits = limits;
    let key = SecretValue::new(b"key-123\n".to_vec());
    Client::new(endpoint.with_key(&key).unwrap()).unwrap()
}

/// Asks once, and gives what was handed on too.
async fn ask(client: &Client, fixture: &Fixture) -> (Result<ChatResponse, ProviderError>, String) {
    let mut words = String::new();
    let mut watch = |piece| {
        if let Piece::Text(text) = piece {
            words += &text;
        }
    };
    let answer = client
        .chat(&plain(fixture.model), None, &mut watch, pending())
        .await;
    (answer, words)
}

async fn error_of(fixture: &Fixture, reply: Reply, limits: Limits) -> ProviderError {
    let server = Server::start(vec![reply]);
    let (answer, _) = ask(&client(fixture, &server.url(), limits), fixture).await;
    answer.unwrap_err()
}

#[tokio::test]
async fn answers_come_whole_however_they_are_sent() {
    for fixture in fixtures::all() {
        let steps = |body: &str| body.as_bytes().chunks(7).map(chunk).collect();
        let replies = fixture
            .answers
            .iter()
            .map(|answer| Reply::ok(steps(&answer.body)));
        let server = Server::start(replies.collect());
        let client = client(&fixture, &server.url(), LIMITS);
        for answer in &fixture.answers {
            let (got, _) = ask(&client, &fixture).await;
            assert_eq!(
                got.as_ref(),
                Ok(&answer.response),
                "{}: {}",
                fixture.wire,
                answer.name
            );
        }
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_written() {
    for fixture in fixtures::all() {
        let server = Server::start(vec![Reply::new(200, &fixture.says("Hello."))]);
        // The last slash of a base URL is no part of it.
        let client = client(&fixture, &format!("{}/base/", server.url()), LIMITS);
        let request = conversation(fixture.wire, fixture.model);
        let answer = client
            .chat(&request, None, &mut |_| (), pending())
            .await
            .unwrap();
        assert_eq!(answer.message().text(), "Hello.");
        let sent = server.request();
        assert_eq!(sent.line, format!("POST /base{} HTTP/1.1", fixture.path));
        assert_eq!(sent.body, fixture.conversation);
        let (name, before) = fixture.wire.key_header();
        assert!(sent.headers.contains(&format!("{name}: {before}key-123")));
        assert!(
            sent.headers
                .contains(&"content-type: application/json".to_owned())
        );
        assert!(!format!("{client:?}").contains("key-123"));
    }
}

#[tokio::test]
async fn pieces_come_while_the_answer_is_given() {
    for fixture in fixtures::all() {
        let body = &fixture.answer("plain").body;
        // Behind the words, before the end.
        let at = body.find("Second").unwrap() + 60;
        let server = Server::start(vec![Reply::ok(vec![
            chunk(&body.as_bytes()[..at]),
            Step::Silence,
        ])]);
        let client = client(&fixture, &server.url(), LIMITS);
        let (mut first, arrived) = (None, Notify::new());
        let mut watch = |piece| {
            first.get_or_insert(piece);
            arrived.notify_one();
        };
        let request = plain(fixture.model);
        let answer = client
            .chat(&request, None, &mut watch, arrived.notified())
            .await;
        assert_eq!(answer.unwrap_err().kind, ErrorKind::Cancelled);
        let Some(Piece::Text(text)) = first else {
            panic!("nothing came")
        };
        assert!(!text.is_empty() && WORDS.starts_with(&text), "{text}");
    }
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    for fixture in fixtures::all() {
        let body = fixture.says(WORDS);
        let half = &body.as_bytes()[..body.len() / 2];
        for steps in [vec![Step::Silence], vec![chunk(half), Step::Silence]] {
            let server = Server::start(vec![Reply::ok(steps)]);
            let client = client(&fixture, &server.url(), LIMITS);
            let asked = Duration::from_millis(50);
            let start = Instant::now();
            let request = plain(fixture.model);
            let cancelled = tokio::time::sleep(asked);
            let answer = client.chat(&request, None, &mut |_| (), cancelled).await;
            assert_eq!(answer.unwrap_err().kind, ErrorKind::Cancelled);
            assert!(start.elapsed() - asked < Duration::from_millis(200));
            let gone = tokio::task::spawn_blocking(move || server.gone.recv().unwrap());
            assert!(gone.await.unwrap() - start < asked + Duration::from_millis(200));
        }
    }
}

#[tokio::test]
async fn a_failure_says_when_to_ask_again_and_which_request_it_was() {
    for fixture in fixtures::all() {
        let busy = fixture
            .failures
            .iter()
            .find(|(.., kind)| *kind == ErrorKind::Rate);
        let (status, body, _) = busy.unwrap();
        let reply = Reply::new(*status, body)
            .header("retry-after-ms: 40")
            .header("x-request-id: r-1");
        let error = error_of(&fixture, reply, LIMITS).await;
        assert_eq!((error.kind, error.is_retryable()), (ErrorKind::Rate, true));
        assert_eq!(error.retry_after, Some(Duration::from_millis(40)));
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
        assert!(!error.unsent);
        let error = error_of(&fixture, Reply::new(529, "overloaded"), LIMITS).await;
        assert_eq!(
            (error.kind, error.retry_after),
            (ErrorKind::Overloaded, None)
        );
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_ended() {
    for fixture in fixtures::all() {
        let words = fixture.says(WORDS);
        let mut steps = vec![chunk(&words.as_bytes()[..words.len() / 2])];
        steps.push(Step::Silence);
        let limits = Limits {
            whole: Duration::from_millis(80),
            ..LIMITS
        };
        let start = Instant::now();
        let error = error_of(&fixture, Reply::ok(steps), limits).await;
        assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
        assert!(error.message.contains("no end"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test]
async fn what_ends_too_early_or_makes_no_sense_is_told_apart() {
    for fixture in fixtures::all() {
        let body = fixture.says(WORDS);
        let half = &body.as_bytes()[..body.len() / 2];
        let error = error_of(&fixture, Reply::ok(vec![chunk(half)]), LIMITS).await;
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        let error = error_of(&fixture, Reply::ok(vec![chunk(half), Step::Cut]), LIMITS).await;
        assert_eq!(error.kind, ErrorKind::Network, "{error}");
        let page = Reply::new(200, "<html>Sign in</html>\n");
        let error = error_of(&fixture, page, LIMITS).await;
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        let away = Reply::new(302, "").header("location: http://127.0.0.1:1/");
        let error = error_of(&fixture, away, LIMITS).await;
        assert_eq!(
            (error.kind, error.status),
            (ErrorKind::InvalidRequest, Some(302))
        );
    }
}

#[tokio::test]
async fn silence_ends_a_call() {
    for fixture in fixtures::all() {
        let body = fixture.says(WORDS);
        let half = &body.as_bytes()[..body.len() / 2];
        let short = Duration::from_millis(60);
        let first = Limits {
            first_byte: short,
            ..LIMITS
        };
        let error = error_of(&fixture, Reply::ok(vec![Step::Silence]), first).await;
        assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
        let between = Limits {
            between_chunks: short,
            ..LIMITS
        };
        let error = error_of(
            &fixture,
            Reply::ok(vec![chunk(half), Step::Silence]),
            between,
        )
        .await;
        assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_not_silent() {
    let fixture = &fixtures::all()[0];
    let body = fixture.says(WORDS);
    let pause = Duration::from_millis(100);
    let parts = body.as_bytes().chunks(body.len() / 6);
    let steps = parts.flat_map(|part| [chunk(part), Step::Pause(pause)]);
    let server = Server::start(vec![Reply::ok(steps.collect())]);
    let limits = Limits {
        first_byte: pause * 5,
        between_chunks: pause * 5,
        ..LIMITS
    };
    let (answer, _) = ask(&client(fixture, &server.url(), limits), fixture).await;
    assert_eq!(answer.unwrap().message().text(), WORDS);
}

#[tokio::test]
async fn long_events_are_taken_up_to_a_limit() {
    for fixture in fixtures::all() {
        let long = "a longer word \u{1f980} ".repeat(50_000);
        let body = fixture.says(&long);
        let server = Server::start(vec![Reply::new(200, &body)]);
        let (answer, words) = ask(&client(&fixture, &server.url(), LIMITS), &fixture).await;
        assert!(answer.unwrap().message().text() == long && words == long);
        let small = Limits {
            event_bytes: 1 << 16,
            ..LIMITS
        };
        let error = error_of(&fixture, Reply::new(200, &body), small).await;
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        let little = Limits {
            answer_bytes: 1 << 16,
            ..LIMITS
        };
        let error = error_of(&fixture, Reply::new(200, &body), little).await;
        assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
        // Of what goes with an error, only the beginning is read.
        let error = error_of(&fixture, Reply::new(400, &long), LIMITS).await;
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
        assert!(error.message.len() <= 2048);
    }
}

/// So that sessions can be tasks.
#[test]
fn a_call_may_move_between_threads() {
    fn moves(_: impl Send) {}
    let fixture = &fixtures::all()[0];
    let client = client(fixture, "http://127.0.0.1:1", LIMITS);
    let request = plain(fixture.model);
    moves(client.chat(&request, None, &mut |_| (), pending()));
}

#[tokio::test]
async fn nobody_there_is_an_error_of_the_network() {
    let fixture = &fixtures::all()[0];
    let client = client(fixture, "http://127.0.0.1:1", LIMITS);
    let error = ask(&client, fixture).await.0.unwrap_err();
    assert_eq!((error.kind, error.unsent), (ErrorKind::Network, true));
    assert!(
        error.message.contains("refused") && !error.message.contains("127.0.0.1:1/"),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_that_stays_open_after_the_answer_does_not_hold_it_up() {
    for fixture in fixtures::all() {
        if fixture.wire == Wire::Gemini {
            continue; // Its streams have no last event.
        }
        let steps = vec![chunk(fixture.says("Hello.")), Step::Silence];
        let server = Server::start(vec![Reply::ok(steps)]);
        let start = Instant::now();
        let (answer, _) = ask(&client(&fixture, &server.url(), LIMITS), &fixture).await;
        assert_eq!(answer.unwrap().message().text(), "Hello.");
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
