//! `rm`.

use super::options;
use super::verdict::{Denial, Place, Rule};

/// Whether it may be run with these words.
pub(super) fn judge(words: &[String], place: &Place<'_>) -> Option<Denial> {
    let options = options::read(words, "", &[]);
    let recursive = options.has_letter("rR") || options.has_long("recursive", "r");
    options.rest.iter().find_map(|word| {
        let path = place.file(word);
        if path.starts_with(place.state) {
            return Denial::new(Rule::RunnerState, format!("rm {word}"));
        }
        match recursive && !place.may_remove(&path) {
            true => Denial::new(Rule::RemoveOutside, format!("rm -r {word}")),
            false => None,
        }
    })
}
