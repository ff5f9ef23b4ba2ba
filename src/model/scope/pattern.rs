//! One gitignore-style pattern, read.

use std::borrow::Cow;

use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, Look, Repetition};

use super::class;
use super::component::{Component, components_meet};
use super::cursor::{Cursor, Flaw, FlawKind};
use super::fold::Fold;

/// A pattern as a sequence of pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// It takes out what it matches.
    pub negated: bool,
    /// It begins at the repository root; otherwise at any depth.
    anchored: bool,
    pieces: Vec<Piece>,
    tail: Tail,
    key: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    /// `?` and brackets: one byte.
    Class(ClassBytes),
    /// `*`: within a component.
    Star,
    /// `**` at the end, or before an escaped slash: anything.
    Deep,
    /// `**/`: any number of whole components, none too.
    DeepFolders,
}

/// What follows the pieces. As soon as it is read, all that follows is matched, since a pattern
/// that matches a folder matches what is below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Whatever there is: the pattern ended in stars.
    Open,
    /// The end of a component.
    Here,
    /// The end of a folder's name.
    Below,
}

impl Pattern {
    /// Reads a pattern. Offsets of flaws are those in `text`.
    pub fn parse(text: &str, fold: Fold) -> Result<Self, Flaw> {
        let text = without_trailing_spaces(text);
        let negated = text.starts_with('!');
        let (rooted, start) = body(text);
        let folder_only = text.len() > start && text.ends_with('/');
        let end = text.len() - usize::from(folder_only);
        let anchored = rooted || anchors(&text[start..]);
        let cursor = Cursor::new(&text[..end], start);
        let mut pieces = Reader::new(cursor, anchored, fold).pieces()?;
        let mut tail = if folder_only { Tail::Below } else { Tail::Here };
        while !folder_only && matches!(pieces.last(), Some(Piece::Star | Piece::Deep)) {
            pieces.pop();
            tail = Tail::Open;
        }
        let key = key(anchored, &pieces, tail);
        Ok(Self {
            negated,
            anchored,
            pieces,
            tail,
            key,
        })
    }

    /// What is below the folder of this path, which is folded already.
    pub fn below(folder: Vec<u8>) -> Self {
        let pieces = vec![Piece::Literal(folder)];
        Self {
            negated: false,
            anchored: true,
            key: key(true, &pieces, Tail::Below),
            pieces,
            tail: Tail::Below,
        }
    }

    /// How every path begins that it matches, when a slash is added to the path.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether a path may match both, by their literal parts. A quick look, right when it says no.
    pub fn may_meet(&self, other: &Self) -> bool {
        let keys = self.key.starts_with(&other.key) || other.key.starts_with(&self.key);
        keys && components_meet(&self.components(), &other.components())
    }

    /// What is known of the first components of a path that it matches.
    fn components(&self) -> Vec<Component> {
        let mut components = Vec::new();
        if !self.anchored {
            return components;
        }
        let mut last = Component::default();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(bytes) => {
                    for byte in bytes {
                        match byte {
                            b'/' => components.push(std::mem::take(&mut last)),
                            _ => last.push(*byte),
                        }
                    }
                }
                Piece::Class(_) | Piece::Star => last.open(),
                Piece::Deep | Piece::DeepFolders => return components,
            }
        }
        if self.tail == Tail::Open {
            last.open();
        }
        components.push(last);
        components
    }

    /// The expression that has matched as soon as the pattern has. Lazy everywhere, so that of two
    /// ways to match the one that began first comes first, and later ones are dropped with it.
    pub fn expression(&self) -> Hir {
        let start = (!self.anchored).then(deep_folders);
        let end = match self.tail {
            Tail::Open => None,
            Tail::Here => Some(Hir::alternation(vec![slash(), Hir::look(Look::End)])),
            Tail::Below => Some(slash()),
        };
        let pieces = self.pieces.iter().map(Piece::expression);
        Hir::concat(start.into_iter().chain(pieces).chain(end).collect())
    }
}

impl Piece {
    fn expression(&self) -> Hir {
        match self {
            Self::Literal(bytes) => Hir::literal(bytes.as_slice()),
            Self::Class(class) => Hir::class(Class::Bytes(class.clone())),
            Self::Star => repeated(one_byte()),
            Self::Deep => repeated(any_byte()),
            Self::DeepFolders => deep_folders(),
        }
    }
}

/// Whether it stands at the root by a leading `./`, and the offset of what follows that and `!`.
pub(super) fn body(text: &str) -> (bool, usize) {
    let bare = text.strip_prefix('!').unwrap_or(text);
    let mut rest = bare;
    while let Some(shorter) = rest.strip_prefix("./") {
        rest = shorter;
    }
    (rest.len() < bare.len(), text.len() - rest.len())
}

/// Whether what follows `!` and `./` is tied to the root by a slash that is not its last byte.
pub(super) fn anchors(body: &str) -> bool {
    let body = without_trailing_spaces(body);
    body.strip_suffix('/').unwrap_or(body).contains('/')
}

/// Git's rule for lines: trailing spaces count only when they are escaped.
fn without_trailing_spaces(text: &str) -> &str {
    let mut end = 0;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b' ' => {}
            b'\\' => end = bytes.next().map_or(at, |(escaped, _)| escaped) + 1,
            _ => end = at + 1,
        }
    }
    // Always between characters: the end of the text, or before a space.
    text.get(..end).unwrap_or(text)
}

fn key(anchored: bool, pieces: &[Piece], tail: Tail) -> Vec<u8> {
    match pieces {
        _ if !anchored => Vec::new(),
        [Piece::Literal(whole)] if tail != Tail::Open => [whole, &b"/"[..]].concat(),
        [Piece::Literal(beginning), ..] => beginning.clone(),
        _ => Vec::new(),
    }
}

/// Turns bytes into pieces.
struct Reader<'t> {
    cursor: Cursor<'t>,
    anchored: bool,
    fold: Fold,
    start: usize,
    literal: Vec<u8>,
    pieces: Vec<Piece>,
}

impl<'t> Reader<'t> {
    fn new(cursor: Cursor<'t>, anchored: bool, fold: Fold) -> Self {
        let start = cursor.at();
        let literal = Vec::with_capacity(cursor.rest().len());
        let pieces = Vec::new();
        Self {
            cursor,
            anchored,
            fold,
            start,
            literal,
            pieces,
        }
    }

    fn pieces(mut self) -> Result<Vec<Piece>, Flaw> {
        let mut at = self.start;
        while let Some(byte) = self.cursor.take() {
            match byte {
                b'\\' => {
                    let escaped = self.cursor.take();
                    let lone = Flaw::new(at, FlawKind::LoneBackslash);
                    self.literal.push(escaped.ok_or(lone)?);
                }
                b'?' => self.push(Piece::Class(one_byte())),
                b'[' => {
                    let class = class::parse(&mut self.cursor, at, self.fold)?;
                    self.push(Piece::Class(class));
                }
                b'*' => {
                    let stars = self.stars(at);
                    self.push(stars);
                }
                byte => self.literal.push(byte),
            }
            at = self.cursor.at();
        }
        self.end_literal();
        Ok(self.pieces)
    }

    /// Two or more stars are special only where they are a whole component.
    fn stars(&mut self, at: usize) -> Piece {
        let begins = at == self.start || self.cursor.before()[..at].ends_with(b"/");
        let single = self.cursor.peek() != Some(b'*');
        while self.cursor.peek() == Some(b'*') {
            self.cursor.take();
        }
        let rest = self.cursor.rest();
        if single || !begins || !self.anchored {
            Piece::Star
        } else if rest.starts_with(b"/") {
            self.cursor.take();
            Piece::DeepFolders
        } else if rest.is_empty() || rest.starts_with(b"\\/") {
            Piece::Deep
        } else {
            Piece::Star
        }
    }

    fn push(&mut self, piece: Piece) {
        self.end_literal();
        self.pieces.push(piece);
    }

    fn end_literal(&mut self) {
        let literal = std::mem::take(&mut self.literal);
        if literal.is_empty() {
            return;
        }
        let literal = match self.fold.path(&literal) {
            Cow::Borrowed(_) => literal,
            Cow::Owned(folded) => folded,
        };
        self.pieces.push(Piece::Literal(literal));
    }
}

fn slash() -> Hir {
    Hir::literal(&b"/"[..])
}

fn deep_folders() -> Hir {
    let folders = vec![repeated(any_byte()), slash()];
    lazy(0, Some(1), Hir::concat(folders))
}

fn repeated(class: ClassBytes) -> Hir {
    lazy(0, None, Hir::class(Class::Bytes(class)))
}

fn lazy(min: u32, max: Option<u32>, sub: Hir) -> Hir {
    Hir::repetition(Repetition {
        min,
        max,
        greedy: false,
        sub: Box::new(sub),
    })
}

fn any_byte() -> ClassBytes {
    ClassBytes::new([ClassBytesRange::new(1, 255)])
}

fn one_byte() -> ClassBytes {
    let mut class = any_byte();
    class.difference(&ClassBytes::new([ClassBytesRange::new(b'/', b'/')]));
    class
}
