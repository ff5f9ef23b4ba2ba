//! Which submodules a tree declares.

use std::collections::BTreeSet;

use gix::ObjectId;
use gix::bstr::BString;

use super::changes::entries_of;
use super::error::GitError;

/// More is not read: a list of submodules is short.
const LONGEST_LIST: u64 = 1 << 20;

/// The paths of the submodules that a tree's `.gitmodules` has with an address. None, when it is
/// not to be made sense of.
///
/// # Errors
/// When an object is missing or damaged.
pub(super) fn submodules(
    objects: &gix::Repository,
    root: ObjectId,
) -> Result<BTreeSet<BString>, GitError> {
    let failed = || GitError::library("read .gitmodules");
    let entries = entries_of(objects, Some(root))?;
    let is_list = |(name, _): &(BString, _)| name == ".gitmodules";
    let Some((_, (mode, id))) = entries.into_iter().find(is_list) else {
        return Ok(BTreeSet::new());
    };
    let small = objects.find_header(id).map_err(|e| failed()(e))?.size() <= LONGEST_LIST;
    if !mode.is_blob() || !small {
        return Ok(BTreeSet::new());
    }
    let blob = objects.find_blob(id).map_err(|e| failed()(e))?;
    let meta = gix::config::file::Metadata::api();
    let list = gix::config::File::from_bytes_no_includes(&blob.data, meta, Default::default());
    let Ok(list) = list else {
        return Ok(BTreeSet::new());
    };
    let sections = list.sections_by_name("submodule").into_iter().flatten();
    Ok(sections
        .filter(|section| section.value("url").is_some())
        .filter_map(|section| section.value("path"))
        .collect())
}
