//! One value of git's configuration, as git would find it in a folder.

use std::path::Path;

use super::repo::open_checkout;

/// What configuration says of `key`; `None` also where it cannot be read. Files of the person and the
/// machine count as well.
pub fn setting(folder: &Path, key: &str) -> Option<String> {
    let root = folder.ancestors().find(|above| above.join(".git").exists());
    let value = match root {
        Some(root) => {
            let repo = open_checkout(root).ok()?;
            repo.config_snapshot().string(key)?.to_string()
        }
        None => {
            let files = gix::config::File::from_globals().ok()?;
            files.string(key)?.to_string()
        }
    };
    Some(value)
}
