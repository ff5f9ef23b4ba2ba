//! Where something that is looked for may begin: a table of hashed starts of three bytes.

use std::collections::BTreeMap;

/// How many bytes of each start are in the table.
pub(super) const WINDOW: usize = 3;

/// Hashed to 16 bits. A bit for each is 8 KiB, which stay in the nearest cache.
const WORDS: usize = 1 << 10;

/// The starts of everything that is looked for. Upper and lower case are one here.
#[derive(Debug)]
pub(super) struct Starts {
    may_begin: Box<[u64]>,
    /// In order, which is found faster than in a map.
    by_start: Vec<([u8; WINDOW], Vec<usize>)>,
}

impl Starts {
    /// `all` are at least three bytes long; their places in it are what [`Starts::at`] gives.
    pub(super) fn new<'a>(all: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut may_begin = vec![0; WORDS].into_boxed_slice();
        let mut by_start: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (place, bytes) in all.enumerate() {
            let Some(start) = folded(bytes) else { continue };
            let slot = slot(start);
            may_begin[slot / 64] |= 1 << (slot % 64);
            by_start.entry(start).or_default().push(place);
        }
        Self {
            may_begin,
            by_start: by_start.into_iter().collect(),
        }
    }

    /// The first place at or after `from` where something may begin.
    pub(super) fn next(&self, bytes: &[u8], from: usize) -> Option<usize> {
        let rest = bytes.get(from..)?;
        let hit = rest.windows(WINDOW).position(|window| {
            let slot = slot([window[0] | 0x20, window[1] | 0x20, window[2] | 0x20]);
            self.may_begin[slot / 64] >> (slot % 64) & 1 != 0
        })?;
        Some(from + hit)
    }

    /// What may begin with these bytes.
    pub(super) fn at(&self, bytes: &[u8]) -> &[usize] {
        let Some(start) = folded(bytes) else {
            return &[];
        };
        match self.by_start.binary_search_by_key(&start, |entry| entry.0) {
            Ok(found) => &self.by_start[found].1,
            Err(_) => &[],
        }
    }
}

/// Not only letters lose a bit; what is found is compared in full anyway.
fn folded(bytes: &[u8]) -> Option<[u8; WINDOW]> {
    match bytes {
        [a, b, c, ..] => Some([a | 0x20, b | 0x20, c | 0x20]),
        _ => None,
    }
}

fn slot([a, b, c]: [u8; WINDOW]) -> usize {
    let key = u32::from(a) | u32::from(b) << 8 | u32::from(c) << 16;
    (key.wrapping_mul(0x9E37_79B1) >> 16) as usize
}
