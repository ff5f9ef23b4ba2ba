//! What goes through the door of a session: one request from inside, one reply from outside. Nothing
//! in a request says whose it is: that is known outside, from whose door it came through.

use serde::{Deserialize, Serialize};

/// A request comes near this size only when somebody plays with the door.
pub const LARGEST_REQUEST: usize = 64 << 10;
/// They are compared with everybody's while nobody else may write.
const MOST_PATTERNS: usize = 64;
const LONGEST_PATTERN: usize = 4096;
/// It is kept in the log.
const LONGEST_COMMAND: usize = 4096;

/// What a session may ask of the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// To change more files: what `treeyard scope request` does.
    Scope {
        /// Patterns, besides what the session has.
        patterns: Vec<String>,
        /// Whether it gets them when they are free, and goes on meanwhile.
        queue: bool,
        /// Whether it stays until they are free.
        wait: bool,
        /// How the answer is to be printed.
        print: Print,
    },
    /// To run a command that is denied otherwise. The reply is exit code 0 when a person has allowed it,
    /// and that permission is used up then.
    Run {
        /// The program and its arguments.
        words: Vec<String>,
        /// The stable word of the rule that it met.
        rule: String,
        /// Where it is to run.
        cwd: String,
    },
}

/// How the one who asks would have printed the answer itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Print {
    /// As one JSON document.
    pub json: bool,
    /// Results only.
    pub quiet: bool,
    /// With colours.
    pub color: bool,
}

/// What the one who asks is to print, and to exit with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The exit code.
    pub exit: u8,
    /// For standard output.
    pub stdout: String,
    /// For standard error.
    pub stderr: String,
}

impl Reply {
    /// An exit code, and nothing to print.
    pub fn only(exit: u8) -> Self {
        Self {
            exit,
            stdout: String::new(),
            stderr: String::new(),
        }
    }
}

/// A request that nothing was done about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// It goes on for ever.
    #[error("a request is at most {LARGEST_REQUEST} bytes")]
    TooLarge,
    /// It is no JSON, or not of a known shape.
    #[error("it is not understood: {0}")]
    Malformed(String),
    /// It asks for what no command line could.
    #[error("{0}")]
    Unusable(&'static str),
}

impl Request {
    /// Reads a request that anybody may have written.
    ///
    /// # Errors
    /// When it is too large, of an unknown shape, or asks for what cannot be asked.
    pub fn read(bytes: &[u8]) -> Result<Self, BadRequest> {
        if bytes.len() > LARGEST_REQUEST {
            return Err(BadRequest::TooLarge);
        }
        let read: Self = serde_json::from_slice(bytes)
            .map_err(|error| BadRequest::Malformed(error.to_string()))?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Result<(), BadRequest> {
        let wrong = |why| Err(BadRequest::Unusable(why));
        match self {
            Self::Scope { patterns, .. } if patterns.is_empty() => wrong("no pattern is given"),
            Self::Scope { patterns, .. } if patterns.len() > MOST_PATTERNS => {
                wrong("a request has at most 64 patterns")
            }
            Self::Scope { patterns, .. } if !patterns.iter().all(|one| is_usable(one)) => {
                wrong("a pattern is longer than 4096 bytes, or has control characters")
            }
            Self::Scope { queue, wait, .. } if *queue && *wait => {
                wrong("either it is queued or waited for")
            }
            Self::Run { words, .. } if words.is_empty() || length(words) > LONGEST_COMMAND => {
                wrong("a command has a word, and at most 4096 bytes")
            }
            Self::Run { rule, cwd, .. } if rule.len() > 64 || cwd.len() > LONGEST_PATTERN => {
                wrong("a rule or a folder is too long")
            }
            Self::Scope { .. } | Self::Run { .. } => Ok(()),
        }
    }
}

/// Each word with what parts it from the next.
fn length(words: &[String]) -> usize {
    words.iter().map(|word| word.len() + 1).sum()
}

fn is_usable(pattern: &str) -> bool {
    pattern.len() <= LONGEST_PATTERN && !pattern.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(patterns: &[&str]) -> Request {
        Request::Scope {
            patterns: patterns.iter().map(|one| (*one).to_owned()).collect(),
            queue: false,
            wait: false,
            print: Print {
                json: true,
                quiet: false,
                color: false,
            },
        }
    }

    #[test]
    fn what_is_asked_is_read_as_it_was_written() {
        let asked = scope(&["src/**", "--session", "-- é"]);
        let text = serde_json::to_vec(&asked).unwrap();
        assert_eq!(Request::read(&text), Ok(asked));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let both = r#"{"ask":"scope","patterns":["a"],"queue":true,"wait":true,"print":{"json":false,"quiet":false,"color":false}}"#;
        let named = both.replace("\"ask\"", "\"session\":\"x\",\"ask\"");
        let many = vec!["a"; 257];
        let long = "a".repeat(4097);
        let long = [long.as_str()];
        for bad in [&[][..], &many, &long, &["a\0b"], &["a\nb"]] {
            let text = serde_json::to_vec(&scope(bad)).unwrap();
            assert!(Request::read(&text).is_err(), "{} patterns", bad.len());
        }
        for bad in ["", "{}", "null", r#"{"ask":"land"}"#, both, &named] {
            assert!(Request::read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(
            Request::read(&vec![b' '; LARGEST_REQUEST + 1]),
            Err(BadRequest::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _either_way = Request::read(&bytes);
        }
    }
}
