//! What arrives of an answer is kept while it is being given, so that a process that dies in the middle of it has not paid
//! for nothing: whoever comes after it has its model go on from there.

use super::error::RunError;
use super::ledger::{Ledger, New};
use super::setup::Setup;
use super::spending::BYTES_A_TOKEN;
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
    /// How many bytes have come since they were kept last, and after how many they are kept again.
    since: usize,
    every: usize,
}

impl Arriving {
    pub fn of(ledger: &Ledger, setup: &Setup, call: ModelCallId) -> Self {
        let tokens = u64::from(setup.checkpoints.stream_tokens);
        // Who knows requests again gives the whole answer again.
        let is_on = setup.checkpoints.is_on && tokens > 0 && !setup.caller.provider.takes_keys();
        let every = tokens.saturating_mul(BYTES_A_TOKEN);
        Self {
            call,
            answers: ledger.thread.last(),
            stream: setup.redactor.stream(),
            words: Vec::new(),
            since: 0,
            every: match is_on {
                true => usize::try_from(every).unwrap_or(usize::MAX),
                false => usize::MAX,
            },
        }
    }

    /// The next piece. All words until now are on the disk from time to time.
    pub fn take(&mut self, ledger: &mut Ledger, piece: &Piece) -> Result<(), RunError> {
        let Piece::Text(text) = piece else {
            return Ok(());
        };
        if self.every == usize::MAX {
            return Ok(());
        }
        self.stream.push(text.as_bytes(), &mut self.words);
        self.since += text.len();
        if self.since < self.every {
            return Ok(());
        }
        self.since = 0;
        let text = String::from_utf8_lossy(whole_characters(&self.words));
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

/// What comes piece by piece may end within a character.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => &bytes[..error.valid_up_to()],
        _ => bytes,
    }
}

/// What had arrived of the answer to a call whose process died, as an answer that was cut off; if anything had.
pub(super) fn left_of(ledger: &Ledger, call: &ModelCallRow) -> Result<Option<New>, RunError> {
    let arrived = ledger.store.arrived(ledger.session, call.call_id)?;
    let Some((answers, hash)) = arrived else {
        return Ok(None);
    };
    let words = ledger.cas.bytes(&hash)?;
    let said = Said::Assistant(vec![Block::text(String::from_utf8_lossy(&words))]);
    let answer = New {
        answers,
        incomplete: true,
        ..New::of(Actor::Agent, said)
    };
    Ok((!words.is_empty()).then_some(answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_kept_whole_or_not_at_all() {
        let text = "aé€😀";
        for end in 0..=text.len() {
            let whole = whole_characters(&text.as_bytes()[..end]);
            assert!(text.starts_with(std::str::from_utf8(whole).unwrap()));
            assert!(end - whole.len() < 4);
        }
        assert_eq!(whole_characters(b"a\xffb"), b"a\xffb");
    }
}
