//! The first pass: every occurrence of a value that was passed, in any of its forms.

use super::encodings::{Unredactable, forms, label};
use super::prefilter::{Starts, WINDOW};
use super::redactor::Findings;
use super::rules::rule_names;
use crate::model::secret::{SecretName, SecretValue};

/// Something to look for.
#[derive(Debug)]
struct Literal {
    bytes: Vec<u8>,
    /// The secret that it is a form of; without one it is a replacement, which stays as it is.
    secret: Option<String>,
}

/// All forms of all values.
#[derive(Debug)]
pub(super) struct Values {
    literals: Vec<Literal>,
    starts: Starts,
}

/// What is found next.
enum Next {
    /// All of a literal.
    Whole {
        at: usize,
        literal: usize,
    },
    /// The bytes end here within what may be one.
    Partly {
        at: usize,
    },
    Nothing,
}

impl Values {
    /// `None` when there are none.
    pub(super) fn new(
        values: &[(SecretName, SecretValue)],
    ) -> Result<Option<Self>, (SecretName, Unredactable)> {
        if values.is_empty() {
            return Ok(None);
        }
        let rules: Vec<Vec<u8>> = rule_names().map(label).collect();
        let mut literals: Vec<Literal> = Vec::new();
        for (name, value) in values {
            let own = [&rules[..], &[label(name.as_str())]].concat();
            let forms = forms(value.expose(), &own).map_err(|why| (name.clone(), why))?;
            literals.extend(forms.into_iter().map(|bytes| Literal {
                bytes,
                secret: Some(name.as_str().to_owned()),
            }));
        }
        let named = values.iter().map(|(name, _)| label(name.as_str()));
        literals.extend(rules.iter().cloned().chain(named).map(|bytes| Literal {
            bytes,
            secret: None,
        }));
        let starts = Starts::new(literals.iter().map(|literal| literal.bytes.as_slice()));
        Ok(Some(Self { literals, starts }))
    }

    /// The first literal at or after `from`, of several at one place the longest. Unless it is the
    /// `last` piece, the bytes may go on.
    fn next(&self, bytes: &[u8], from: usize, last: bool) -> Next {
        let mut from = from;
        while let Some(at) = self.starts.next(bytes, from) {
            match self.at(bytes, at, last) {
                Next::Nothing => from = at + 1,
                found => return found,
            }
        }
        let tail = from.max(bytes.len().saturating_sub(WINDOW - 1));
        let begins = |at: &usize| {
            self.literals
                .iter()
                .any(|l| l.bytes.starts_with(&bytes[*at..]))
        };
        match (tail..bytes.len()).find(begins) {
            Some(at) if !last => Next::Partly { at },
            _ => Next::Nothing,
        }
    }

    fn at(&self, bytes: &[u8], at: usize, last: bool) -> Next {
        let rest = &bytes[at..];
        let mut whole: Option<usize> = None;
        for place in self.starts.at(rest) {
            let literal = &self.literals[*place].bytes;
            if rest.starts_with(literal) {
                let longest = whole.map_or(0, |other| self.literals[other].bytes.len());
                whole = (literal.len() > longest).then_some(*place).or(whole);
            } else if !last && literal.starts_with(rest) {
                return Next::Partly { at };
            }
        }
        whole.map_or(Next::Nothing, |literal| Next::Whole { at, literal })
    }
}

/// The pass over one stream.
#[derive(Debug, Default)]
pub(super) struct ValueStream {
    /// Not decided yet: what may be the start of a value.
    held: Vec<u8>,
    /// How many of the next bytes belong to a value that was replaced already.
    covered: usize,
}

impl ValueStream {
    /// Appends what is decided now to `out`. Values that overlap are replaced as one.
    pub(super) fn push(
        &mut self,
        values: &Values,
        input: &[u8],
        last: bool,
        out: &mut Vec<u8>,
        findings: &mut Findings,
    ) {
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(input);
        let mut done = self.covered;
        let mut from = 0;
        let stop = loop {
            let (at, literal) = match values.next(&bytes, from, last) {
                Next::Whole { at, literal } => (at, &values.literals[literal]),
                Next::Partly { at } => break at,
                Next::Nothing => break bytes.len(),
            };
            let end = at + literal.bytes.len();
            let Some(secret) = &literal.secret else {
                from = end;
                continue;
            };
            if at >= done {
                out.extend_from_slice(&bytes[done..at]);
                out.extend_from_slice(&label(secret));
                findings.add(secret);
            }
            done = done.max(end);
            from = at + 1;
        };
        if done < stop {
            out.extend_from_slice(&bytes[done..stop]);
        }
        self.covered = done.saturating_sub(stop);
        bytes.drain(..stop);
        self.held = bytes;
    }
}
