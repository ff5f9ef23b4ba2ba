//! Real exchanges, recorded and answered again.

use std::future::pending;

use crate::model::redact::Redactor;

use super::super::client::Client;
use super::super::endpoint::Endpoint;
use super::super::error::ErrorKind;
use super::super::record::Recorder;
use super::super::scripted::Scripted;
use super::super::source::Provider;
use super::server::{Reply, Server};
use super::*;

#[tokio::test]
async fn a_recording_of_every_provider_answers_the_same() {
    for fixture in fixtures::all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("recording.toml");
        let (status, body, kind) = &fixture.failures[0];
        let replies = fixture.answers.iter();
        let replies = replies.map(|answer| Reply::new(200, &answer.body));
        let server = Server::start(replies.chain([Reply::new(*status, body)]).collect());
        let endpoint = Endpoint::new(fixture.wire, &server.url(), able()).unwrap();
        let client = Provider::from(Client::new(endpoint).unwrap());
        let real = client.recorded(Recorder::open(&path, Redactor::patterns()).unwrap());
        let request = conversation(fixture.wire, fixture.model);
        let mut answers = Vec::new();
        for _ in &fixture.answers {
            answers.push(
                real.chat(&request, None, &mut |_| (), pending())
                    .await
                    .unwrap(),
            );
        }
        let failed = real.chat(&request, None, &mut |_| (), pending()).await;
        assert_eq!(failed.unwrap_err().kind, *kind);

        let scripted = Scripted::open(&path).unwrap();
        let again = Provider::from(scripted.clone());
        for answer in &answers {
            let got = again.chat(&request, None, &mut |_| (), pending()).await;
            assert_eq!(got.as_ref(), Ok(answer), "{}", fixture.wire);
        }
        let failed = again.chat(&request, None, &mut |_| (), pending()).await;
        assert_eq!(failed.unwrap_err().kind, *kind);
        assert!(scripted.unused().is_empty());
        let more = again.chat(&request, None, &mut |_| (), pending()).await;
        assert_eq!(more.unwrap_err().kind, ErrorKind::InvalidRequest);
    }
}

/// So that sessions can be tasks.
#[test]
fn a_recorded_call_may_move_between_threads() {
    fn moves(_: impl Send) {}
    let scripted = Scripted::parse("format = 1", std::path::Path::new("x.toml")).unwrap();
    let provider = Provider::from(scripted);
    moves(provider.chat(&plain("m"), None, &mut |_| (), pending()));
}
