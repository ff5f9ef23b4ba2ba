//! What a person types, line by line.

use std::io::{BufRead, IsTerminal, Write};

/// Standard input. A prompt is printed only where somebody sees it.
pub struct Typed {
    terminal: bool,
}

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A message.
    Message(String),
    /// The session is over.
    Done,
    /// The session goes on waiting.
    Quit,
    /// How this works.
    Help,
}

impl Typed {
    /// From standard input.
    pub fn new() -> Self {
        let terminal = std::io::stdin().is_terminal();
        Self { terminal }
    }

    /// The next line that says anything. `None` at the end.
    pub fn line(&self, prompt: &str) -> Option<String> {
        loop {
            let line = self.raw(prompt)?;
            if !line.trim().is_empty() {
                return Some(line);
            }
        }
    }

    /// The next message or command. The end of the input ends the session.
    pub fn input(&self, prompt: &str) -> Input {
        let Some(mut text) = self.line(prompt) else {
            return Input::Done;
        };
        match text.trim() {
            "/done" => return Input::Done,
            "/quit" => return Input::Quit,
            "/help" => return Input::Help,
            _ => {}
        }
        while let Some(so_far) = text.strip_suffix('\\') {
            let more = self.raw("  … ").unwrap_or_default();
            text = format!("{so_far}\n{more}");
        }
        Input::Message(text)
    }

    fn raw(&self, prompt: &str) -> Option<String> {
        if self.terminal {
            let mut out = std::io::stderr().lock();
            // Nobody sees it when standard error is gone.
            let _unseen = write!(out, "{prompt}").and_then(|()| out.flush());
        }
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_until(b'\n', &mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        (read > 0).then(|| text.trim_end_matches(['\n', '\r']).to_owned())
    }
}
