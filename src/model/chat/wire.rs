//! What providers speak.

use std::fmt;
use std::str::FromStr;

/// The interface of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// Anthropic's Messages.
    AnthropicMessages,
    /// OpenAI's Chat Completions, at OpenAI itself.
    OpenAiChat,
    /// The same where others speak it: vLLM, the server of llama.cpp, LM Studio.
    OpenAiCompatible,
    /// OpenAI's Responses.
    OpenAiResponses,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

impl Wire {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AnthropicMessages,
        Self::OpenAiChat,
        Self::OpenAiCompatible,
        Self::OpenAiResponses,
        Self::Gemini,
        Self::Ollama,
    ];

    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnthropicMessages => "anthropic",
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiCompatible => "openai-compatible",
            Self::OpenAiResponses => "openai-responses",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    /// The header that the key goes into, and what stands before it there.
    pub fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::AnthropicMessages => ("x-api-key", ""),
            Self::Gemini => ("x-goog-api-key", ""),
            Self::OpenAiChat | Self::OpenAiCompatible | Self::OpenAiResponses | Self::Ollama => {
                ("authorization", "Bearer ")
            }
        }
    }

    /// A signature of thoughts, marked as this provider's. Conversations move between providers, and
    /// none takes the thoughts of another.
    pub fn seal(self, signature: &str) -> String {
        format!("{}:{signature}", self.name())
    }

    /// The signature as it came, if it came from this provider.
    pub fn unseal(self, sealed: &str) -> Option<&str> {
        sealed.strip_prefix(self.name())?.strip_prefix(':')
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text names no interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no interface of a provider: they are anthropic, openai-chat, openai-compatible, openai-responses, gemini and ollama"
)]
pub struct UnknownWire(String);

impl FromStr for Wire {
    type Err = UnknownWire;

    fn from_str(text: &str) -> Result<Self, UnknownWire> {
        let found = Self::ALL.into_iter().find(|wire| wire.name() == text);
        found.ok_or_else(|| UnknownWire(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        for wire in Wire::ALL {
            assert_eq!(wire.name().parse(), Ok(wire));
            assert_eq!(wire.unseal(&wire.seal("a:b")), Some("a:b"));
            for other in Wire::ALL.into_iter().filter(|other| *other != wire) {
                assert_eq!(other.unseal(&wire.seal("a")), None);
            }
        }
        assert!("openai".parse::<Wire>().is_err());
    }
}
