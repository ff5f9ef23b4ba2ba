//! Permissions to commit what a session holds, each for one time.

use std::path::Path;

use gix::bstr::BString;

use super::error::HookError;
use crate::model::event::{Actor, Event};
use crate::store::{Override, Store};

/// Whether there is a permission for all of the paths.
pub(super) fn allows(left: &[Override], paths: &[&BString]) -> bool {
    needed(left, paths).is_some()
}

/// Uses permissions up, if there are some for all of the paths. One that cannot be written down as
/// used is none.
pub(super) fn spend(state_dir: &Path, seen: &Store, paths: &[&BString]) -> Result<bool, HookError> {
    if !allows(&seen.overrides()?, paths) {
        return Ok(false);
    }
    let Ok(mut store) = Store::open(state_dir) else {
        return Ok(false);
    };
    let spent = store.write(|tx| {
        let left = tx.overrides()?;
        let Some(used) = needed(&left, paths) else {
            return Ok(false);
        };
        for one in used {
            let event = Event::HookOverrideUsed {
                granted: one.granted,
                path: one.path.clone(),
            };
            tx.append(Actor::Human, one.session, event)?;
        }
        Ok::<_, HookError>(true)
    });
    Ok(spent.unwrap_or(false))
}

/// The first permission for each path, `None` when one has none.
fn needed<'a>(left: &'a [Override], paths: &[&BString]) -> Option<Vec<&'a Override>> {
    let mut used: Vec<&Override> = Vec::new();
    for path in paths {
        let one = left.iter().find(|one| **path == one.path.as_bytes())?;
        if !used.iter().any(|known| known.granted == one.granted) {
            used.push(one);
        }
    }
    Some(used)
}
