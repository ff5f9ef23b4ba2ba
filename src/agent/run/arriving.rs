//! What arrives of an answer is kept while it is being given, so that a process that dies in the middle of it has not paid
//! for nothing: whoever comes after it has its model go on from there.

use super::error::RunError;
use super::ledger::{Ledger, New};
use super::setup::Setup;
use super::spending::BYTES_A_TOKEN;
use crate::agent::excerpt::without_cut_end;
use crate::fault::{self, Point};
use crate::model::chat::{Block, Piece};
use crate::model::event::{Actor, Event};
use crate::model::ids::{MessageId, ModelCallId};
use crate::model::redact::RedactStream;
use crate::model::thread::Said;
use crate::store::ModelCallRow;

/// The words of an answer so far. Thoughts and calls of tools are nothing that can be gone on from before they are whole.
pub(super) struct Arriving {
    call: ModelCallId,
    /// The last message that the model has seen.
    answers: Option<MessageId>,
    stream: RedactStream,
    words: Vec<u8>,
    /// How many bytes have come since they were kept last, and after how many they are kept again; never without.
    since: u64,
    every: Option<u64>,
    /// How many of the words were kept.
    kept: usize,
}

impl Arriving {
    pub fn of(ledger: &Ledger, setup: &Setup, call: ModelCallId) -> Self {
        let tokens = u64::from(setup.checkpoints.stream_tokens);
        // Who knows requests again gives the whole answer again.
        let is_on = setup.checkpoints.is_on && tokens > 0 && !setup.caller.provider.takes_keys();
        Self {
            call,
            answers: ledger.thread.last(),
            stream: setup.redactor.stream(),
            words: Vec::new(),
            since: 0,
            kept: 0,
            every: is_on.then_some(tokens.saturating_mul(BYTES_A_TOKEN)),
        }
    }

    /// The next piece. All whole lines until now are on the disk from time to time. An answer that cannot be kept goes on.
    pub fn take(&mut self, ledger: &mut Ledger, piece: &Piece) {
        let (Piece::Text(text), Some(every)) = (piece, self.every) else {
            return;
        };
        self.stream.push(text.as_bytes(), &mut self.words);
        self.since += text.len() as u64;
        if self.since < every || self.words.len() == self.kept {
            return;
        }
        self.since = 0;
        self.kept = self.words.len();
        if let Err(error) = self.keep(ledger) {
            tracing::warn!(%error, "what arrives of an answer is not kept");
            self.every = None;
        }
    }

    fn keep(&self, ledger: &mut Ledger) -> Result<(), RunError> {
        let text = String::from_utf8_lossy(without_cut_end(&self.words));
        let hash = ledger.keep(text.as_bytes(), "answer_so_far", "text/plain")?;
        let event = Event::AnswerArriving {
            job_id: ledger.job,
            call_id: self.call,
            answers: self.answers,
            hash,
        };
        ledger.note(Actor::System, event);
        ledger.commit()?;
        Ok(fault::at(Point::AnswerArriving)?)
    }
}

/// What had arrived of the answer to a call whose process died, as an answer that was cut off; if anything had, and what it
/// answers is still the end of the thread: a person may have gone back since.
pub(super) fn left_of(ledger: &Ledger, call: &ModelCallRow) -> Result<Option<New>, RunError> {
    let arrived = ledger.store.arrived(ledger.session, call.call_id)?;
    let is_next = |id: &Option<MessageId>| id.is_some_and(|id| ledger.thread.only_words_since(id));
    let Some((answers, hash)) = arrived.filter(|(answers, _)| is_next(answers)) else {
        return Ok(None);
    };
    let words = match ledger.cas.bytes(&hash) {
        Ok(words) => words,
        Err(error) => {
            tracing::warn!(%error, "what had arrived of an answer cannot be read");
            return Ok(None);
        }
    };
    let said = Said::Assistant(vec![Block::text(String::from_utf8_lossy(&words))]);
    let answer = New {
        answers,
        incomplete: true,
        ..New::of(Actor::Agent, said)
    };
    Ok((!words.is_empty()).then_some(answer))
}
