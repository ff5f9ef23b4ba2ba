//! Making a long conversation shorter: what tools said long ago is left out, and the model is told where it is.
//!
//! It is a pure function of the conversation and of one number, so that what was sent can be made again from the
//! thread and the log.

use crate::model::chat::{Block, Message, ToolResult};

/// Results of this many turns stay as they are.
const KEPT_TURNS: usize = 6;
/// A result that is shorter than this is not worth leaving out, in bytes.
const SHORT: usize = 400;

/// How much of a conversation is left out: results in its first so many messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Compaction {
    /// Messages from the start.
    pub upto: usize,
}

impl Compaction {
    /// Leaves out as much as may be left out.
    pub fn of(conversation: &[Message]) -> Self {
        let upto = conversation.len().saturating_sub(2 * KEPT_TURNS);
        Self { upto }
    }

    /// The conversation as it is sent.
    pub fn apply(self, mut conversation: Vec<Message>) -> Vec<Message> {
        let upto = self.upto.min(conversation.len());
        conversation[..upto].iter_mut().for_each(leave_out);
        conversation
    }
}

/// Leaves out what tools said in a message.
pub(super) fn leave_out(message: &mut Message) {
    message.content.iter_mut().for_each(shorten);
}

fn shorten(block: &mut Block) {
    if let Block::ToolResult(ToolResult { content, name, .. }) = block
        && content.len() > SHORT
    {
        *content = format!(
            "{{\"left_out\":\"{} bytes that {name} said earlier; call it again if they are needed\"}}",
            content.len()
        );
    }
}

/// Bytes that are sent of a conversation's results and words.
pub(super) fn weight(conversation: &[Message]) -> u64 {
    let blocks = conversation.iter().flat_map(|message| &message.content);
    let length = |block: &Block| match block {
        Block::Text { text } | Block::Thinking { text, .. } => text.len(),
        Block::ToolResult(result) => result.content.len(),
        Block::ToolCall(call) => call.arguments.to_string().len(),
        Block::Image(image) => image.data.len(),
    };
    blocks.map(|block| length(block) as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(at: usize) -> [Message; 2] {
        let result = Block::ToolResult(ToolResult {
            call_id: at.to_string(),
            name: "file.read".to_owned(),
            content: "x".repeat(1000),
            is_error: false,
        });
        let mut user = Message::user("");
        user.content = vec![result];
        [Message::assistant(vec![Block::text("I look")]), user]
    }

    #[test]
    fn old_results_are_left_out_and_new_ones_stay() {
        let conversation: Vec<Message> = (0..10).flat_map(turn).collect();
        let short = Compaction::of(&conversation).apply(conversation.clone());
        assert_eq!(short.len(), conversation.len());
        let left: Vec<bool> = short
            .iter()
            .filter_map(|one| match one.content.first()? {
                Block::ToolResult(result) => Some(result.content.len() == 1000),
                _ => None,
            })
            .collect();
        assert_eq!(left, [vec![false; 4], vec![true; 6]].concat());
        assert!(weight(&short) * 10 < weight(&conversation) * 7);
        assert_eq!(
            Compaction::default().apply(conversation.clone()),
            conversation
        );
    }
}
