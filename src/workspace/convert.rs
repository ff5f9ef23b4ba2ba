//! What git makes of stored bytes on their way into a worktree: line endings, encodings, `$Id$`.
//! Filter programs are not run, so that an LFS pointer stays a pointer.

use std::borrow::Cow;

use gix::attrs::StateRef;
use gix::bstr::{BStr, ByteSlice};
use gix::filter::plumbing::Pipeline;
use gix::filter::plumbing::pipeline::convert::to_worktree::Options;
use gix::filter::plumbing::pipeline::convert::{ToGitOutcome, ToWorktreeOutcome};
use gix::worktree::Stack;
use gix::worktree::stack::state::attributes::Source;

use super::private::personal_file;
use crate::git::GitError;

/// The conversions of one repository's files. A clone for each thread.
#[derive(Clone)]
pub(super) struct Conversion {
    pipeline: Pipeline,
    attributes: Stack,
}

impl Conversion {
    /// What the settings and the `.gitattributes` in `index` ask for, `None` if it is nothing.
    pub(super) fn of(
        repo: &gix::Repository,
        index: &gix::index::State,
    ) -> Result<Option<Self>, GitError> {
        if !is_possible(repo, index) {
            return Ok(None);
        }
        let (mut pipeline, attributes) = repo
            .attributes_only(index, Source::IdMapping)
            .and_then(|attributes| gix::filter::Pipeline::new(repo, attributes.detach()))
            .map_err(GitError::library("read the attributes of the base"))?
            .into_parts();
        pipeline.options_mut().drivers.clear();
        Ok(Some(Self {
            pipeline,
            attributes,
        }))
    }

    /// The bytes to write for the file `name` that is stored as the object `id`, `content`. `None`
    /// for one in another encoding: the library has no UTF-16, so these are left to git.
    pub(super) fn apply<'a>(
        &'a mut self,
        objects: &gix::Repository,
        id: &gix::oid,
        name: &BStr,
        content: &'a [u8],
    ) -> Result<Option<Cow<'a, [u8]>>, GitError> {
        const WHAT: &str = "convert a file of the base";
        let attributes = self
            .attributes
            .at_entry(name, None, &objects.objects)
            .map_err(GitError::library(WHAT))?;
        let mut is_encoded = false;
        let converted = self
            .pipeline
            .convert_to_worktree(
                content,
                name,
                &mut |_, found| {
                    attributes.matching_attributes(found);
                    is_encoded = names_encoding(found);
                },
                Options::default(),
            )
            .map_err(GitError::library(WHAT))?;
        if is_encoded {
            return Ok(None);
        }
        match converted {
            ToWorktreeOutcome::Unchanged(bytes) => Ok(Some(Cow::Borrowed(bytes))),
            ToWorktreeOutcome::Buffer(bytes) => Ok(Some(spaced_id(bytes, id))),
            ToWorktreeOutcome::Process(_) => {
                let error = std::io::Error::other("a filter program ran");
                Err(GitError::library(WHAT)(error))
            }
        }
    }
}

impl Conversion {
    /// Whether the file is in another encoding in a worktree.
    pub(super) fn is_encoded(&mut self, objects: &gix::Repository, name: &BStr) -> bool {
        let mut found = gix::attrs::search::Outcome::default();
        found.initialize_with_selection(&Default::default(), ["working-tree-encoding"]);
        let attributes = self.attributes.at_entry(name, None, &objects.objects);
        attributes.is_ok_and(|attributes| {
            attributes.matching_attributes(&mut found);
            names_encoding(&found)
        })
    }

    /// The bytes that git would store of the file `name` with `content`. `None` where the library does not
    /// know, or refuses.
    pub(super) fn undo(
        &mut self,
        objects: &gix::Repository,
        name: &BStr,
        content: &[u8],
    ) -> Option<Vec<u8>> {
        let attributes = self
            .attributes
            .at_entry(name, None, &objects.objects)
            .ok()?;
        let mut is_encoded = false;
        let stored = self.pipeline.convert_to_git(
            content,
            &name.to_path_lossy(),
            &mut |_, found| {
                attributes.matching_attributes(found);
                is_encoded = names_encoding(found);
            },
            &mut |_| Ok(None),
        );
        match stored {
            Ok(_) | Err(_) if is_encoded => None,
            Ok(ToGitOutcome::Unchanged(same)) => Some(same.to_vec()),
            Ok(ToGitOutcome::Buffer(stored)) => Some(stored.to_vec()),
            Ok(ToGitOutcome::Process(_)) | Err(_) => None,
        }
    }
}

fn names_encoding(attributes: &gix::attrs::search::Outcome) -> bool {
    attributes.iter_selected().any(|found| {
        found.assignment.name.as_str() == "working-tree-encoding"
            && matches!(found.assignment.state, StateRef::Value(_))
    })
}

/// Git writes `$Id: … $`, the library leaves out the last space. Nothing but this conversion can
/// have put an object's own hash into its bytes.
fn spaced_id<'a>(bytes: &'a [u8], id: &gix::oid) -> Cow<'a, [u8]> {
    let without = format!("$Id: {id}$");
    match bytes.contains_str(&without) {
        true => Cow::Owned(bytes.replace(&without, format!("$Id: {id} $"))),
        false => Cow::Borrowed(bytes),
    }
}

/// Whether a file says what is converted.
pub(super) fn is_attributes(path: &BStr) -> bool {
    path == ".gitattributes" || path.ends_with(b"/.gitattributes")
}

/// Most repositories convert nothing, and need not look at each file's attributes.
pub(super) fn is_possible(repo: &gix::Repository, index: &gix::index::State) -> bool {
    let settings = repo.config_snapshot();
    let names_attributes = |entry: &gix::index::Entry| is_attributes(entry.path(index));
    settings.string("core.autocrlf").is_some()
        || settings.string("core.eol").is_some()
        || personal_file(&settings, "attributesFile", "attributes").is_some()
        || repo.common_dir().join("info/attributes").exists()
        || index.entries().iter().any(names_attributes)
}
