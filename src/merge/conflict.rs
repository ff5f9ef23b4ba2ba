//! The report on a landing that conflicts: an artifact for programs, a text for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use gix::ObjectId;
use gix::bstr::BString;
use gix::merge::tree::{
    Conflict, Outcome, Resolution, TreatAsUnresolved, apply_index_entries::RemovalMode,
};
use serde::Serialize;

use super::error::{MergeError, git};
use crate::model::ids::CommitId;

/// Which sides of a path take part, in the words of `git status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    BothModified,
    BothAdded,
    BothDeleted,
    DeletedByTarget,
    DeletedBySession,
    AddedByTarget,
    AddedBySession,
    /// The sides clash in another way, such as two renames or a submodule.
    Other,
}

impl ConflictKind {
    fn of(base: bool, ours: bool, theirs: bool) -> Self {
        match (base, ours, theirs) {
            (true, true, true) => Self::BothModified,
            (false, true, true) => Self::BothAdded,
            (true, false, false) => Self::BothDeleted,
            (true, false, true) => Self::DeletedByTarget,
            (true, true, false) => Self::DeletedBySession,
            (false, true, false) => Self::AddedByTarget,
            (false, false, true) => Self::AddedBySession,
            (false, false, false) => Self::Other,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::BothModified => "both modified",
            Self::BothAdded => "both added",
            Self::BothDeleted => "both deleted",
            Self::DeletedByTarget => "deleted by target",
            Self::DeletedBySession => "deleted by session",
            Self::AddedByTarget => "added by target",
            Self::AddedBySession => "added by session",
            Self::Other => "other",
        }
    }
}

/// One path in conflict, with the blob of each side that has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictPath {
    /// Relative to the root; bytes that are not UTF-8 are replaced.
    pub path: String,
    pub kind: ConflictKind,
    pub base: Option<String>,
    /// The target's side.
    pub ours: Option<String>,
    /// The session's side.
    pub theirs: Option<String>,
}

/// Everything known about a landing that conflicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictReport {
    pub schema_version: u32,
    pub target_tip: CommitId,
    pub session_tip: CommitId,
    /// The common ancestor.
    pub base: Option<CommitId>,
    /// The commit that could not be applied, when rebasing.
    pub commit: Option<CommitId>,
    /// Sorted by path.
    pub paths: Vec<ConflictPath>,
}

impl ConflictReport {
    /// Plain text of at most 80 columns, except where a path alone is longer.
    pub fn render(&self) -> String {
        let mut text = format!(
            "Landing {} on {} conflicts in {} path(s).\n",
            self.session_tip.short(),
            self.target_tip.short(),
            self.paths.len()
        );
        if let Some(commit) = &self.commit {
            let _ = writeln!(text, "The commit that does not apply: {}", commit.short());
        }
        if let Some(base) = &self.base {
            let _ = writeln!(text, "Common ancestor: {}", base.short());
        }
        text.push('\n');
        for path in &self.paths {
            // A path is outside text: escape what could drive a terminal.
            let shown: String = path.path.chars().flat_map(printable).collect();
            let _ = writeln!(text, "  {:<18}  {shown}", path.kind.text());
        }
        text
    }
}

fn printable(c: char) -> Vec<char> {
    if c.is_control() {
        c.escape_default().collect()
    } else {
        vec![c]
    }
}

/// The unresolved paths of a merge whose merged tree is `tree`; empty when it is clean.
pub(super) fn unresolved(
    repo: &gix::Repository,
    outcome: &Outcome<'_>,
    tree: ObjectId,
) -> Result<Vec<ConflictPath>, MergeError> {
    let how = TreatAsUnresolved::git();
    let moved = outcome.conflicts.iter().filter_map(moved_with_folder);
    let mut stages: BTreeMap<BString, [Option<ObjectId>; 3]> = moved.collect();
    if stages.is_empty() && !outcome.has_unresolved_conflicts(how) {
        return Ok(Vec::new());
    }
    let mut index = repo.index_from_tree(&tree).map_err(git)?;
    outcome.index_changed_after_applying_conflicts(&mut index, how, RemovalMode::Prune);
    for entry in index.entries() {
        let stage = entry.stage_raw() as usize;
        if stage > 0 {
            let path = entry.path(&index).to_owned();
            stages.entry(path).or_default()[stage - 1] = Some(entry.id);
        }
    }
    add_unplaced(outcome, how, &mut stages);
    Ok(stages
        .into_iter()
        .map(|(path, ids)| conflict_path(&path, ids))
        .collect())
}

/// One side renamed a folder, the other one put something new in it. The library takes that along to
/// the new place; git asks, and so does this.
fn moved_with_folder(conflict: &Conflict) -> Option<(BString, [Option<ObjectId>; 3])> {
    match &conflict.resolution {
        Ok(Resolution::SourceLocationAffectedByRename { final_location }) => Some((
            final_location.clone(),
            conflict.entries().map(|entry| entry.map(|e| e.id)),
        )),
        _ => None,
    }
}

/// Some conflicts, such as renames to the same place, have no entry that an index could show.
/// They must be reported all the same.
fn add_unplaced(
    outcome: &Outcome<'_>,
    how: TreatAsUnresolved,
    stages: &mut BTreeMap<BString, [Option<ObjectId>; 3]>,
) {
    let known: BTreeSet<BString> = stages.keys().cloned().collect();
    for conflict in outcome.conflicts.iter().filter(|c| c.is_unresolved(how)) {
        let places = [
            conflict.ours.location(),
            conflict.theirs.location(),
            conflict.ours.source_location(),
            conflict.theirs.source_location(),
        ];
        if !places
            .iter()
            .any(|place| known.iter().any(|path| path == place))
        {
            let ids = conflict.entries().map(|entry| entry.map(|e| e.id));
            stages.insert(conflict.ours.location().to_owned(), ids);
        }
    }
}

fn conflict_path(path: &BString, ids: [Option<ObjectId>; 3]) -> ConflictPath {
    let [base, ours, theirs] = ids.map(|id| id.map(|id| id.to_string()));
    ConflictPath {
        path: path.to_string(),
        kind: ConflictKind::of(base.is_some(), ours.is_some(), theirs.is_some()),
        base,
        ours,
        theirs,
    }
}
