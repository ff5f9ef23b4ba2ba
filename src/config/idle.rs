//! Scope patterns of a plan that change nothing. A task may still make the files that they are for:
//! that is worth a warning, and no error.

use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Cursor, Problem};
use super::reader::quoted;
use crate::model::scope::{Files, Scope};

/// More of one task help nobody.
const MOST: usize = 3;

/// Where the items of a list stand, in bytes.
pub(super) fn places(value: &Spanned<DeValue<'_>>) -> Vec<usize> {
    let list = value.get_ref().as_array();
    let items = list.into_iter().flat_map(|list| list.iter());
    items.map(|item| item.span().start).collect()
}

/// The first few idle patterns of each scope, at their places in `text`.
pub(super) fn idle<'p>(
    scopes: impl Iterator<Item = (&'p Scope, &'p Vec<usize>)>,
    files: &Files,
    text: &str,
) -> Vec<Problem> {
    let mut cursor = Cursor::new(text);
    let mut found = Vec::new();
    for (scope, places) in scopes {
        for (at, message) in idle_patterns(scope, files) {
            // A scope that was left out has no place.
            if let Some(offset) = places.get(at) {
                found.push(cursor.problem(*offset, message, None));
            }
        }
    }
    found
}

/// The first few patterns of a scope that change nothing, and what to say of them.
pub fn idle_patterns(scope: &Scope, files: &Files) -> Vec<(usize, String)> {
    let said = |at: usize| {
        let pattern = &scope.patterns()[at];
        let what = match pattern.starts_with('!') {
            true => "takes out no file",
            false => "matches no file",
        };
        (at, format!("scope pattern {} {what} yet", quoted(pattern)))
    };
    // What cannot be read is told by those who enforce it.
    let idle = files.idle(scope).unwrap_or_default();
    idle.into_iter().take(MOST).map(said).collect()
}
