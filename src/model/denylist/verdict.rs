//! What a decision is made from, and what comes out.

use std::path::{Path, PathBuf};

/// What is not run without a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// `git reset --hard`.
    ResetHard,
    /// `git clean -f`.
    Clean,
    /// `git rebase`.
    Rebase,
    /// `git push --force`.
    ForcePush,
    /// `git worktree remove`.
    WorktreeRemove,
    /// `git config core.hooksPath`.
    HooksPath,
    /// `rm -r` of what is not the session's.
    RemoveOutside,
    /// Anything that changes the runner's own records.
    RunnerState,
}

impl Rule {
    /// A stable word for programs.
    pub fn id(self) -> &'static str {
        match self {
            Self::ResetHard => "git-reset-hard",
            Self::Clean => "git-clean",
            Self::Rebase => "git-rebase",
            Self::ForcePush => "git-push-force",
            Self::WorktreeRemove => "git-worktree-remove",
            Self::HooksPath => "git-hooks-path",
            Self::RemoveOutside => "rm-outside",
            Self::RunnerState => "runner-state",
        }
    }

    /// What is wrong with it, as the end of "this command …".
    pub fn why(self) -> &'static str {
        match self {
            Self::ResetHard => "throws uncommitted work away",
            Self::Clean => "deletes files that git does not have",
            Self::Rebase => "rewrites commits",
            Self::ForcePush => "overwrites what others may have built on",
            Self::WorktreeRemove => "removes a worktree and what is in it",
            Self::HooksPath => "takes the hooks away that keep this session in its scope",
            Self::RemoveOutside => "removes what is not this session's",
            Self::RunnerState => "changes the runner's own records",
        }
    }

    /// What to do in its place.
    pub fn instead(self) -> &'static str {
        match self {
            Self::ResetHard => {
                "keep it with `git stash`, or take single files back with `git restore FILE`"
            }
            Self::Clean => "look with `git clean -n`, and remove by name what is yours to remove",
            Self::Rebase => "merge, or add a commit on top; landing can squash or rebase",
            Self::ForcePush => "push to a new branch, or merge first and push without force",
            Self::WorktreeRemove => {
                "leave it: `treeyard gc` removes worktrees when their work is safe"
            }
            Self::HooksPath => {
                "leave the hooks as they are; `treeyard scope request` asks for more files"
            }
            Self::RemoveOutside => {
                "name what is inside of the worktree, or in the temporary folder"
            }
            Self::RunnerState => {
                "leave it to `treeyard`; `treeyard doctor` repairs what is damaged"
            }
        }
    }
}

/// Why a command is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule that it meets.
    pub rule: Rule,
    /// The part of it that does, for a person.
    pub what: String,
}

impl Denial {
    pub(super) fn new(rule: Rule, what: impl Into<String>) -> Option<Self> {
        let what = what.into();
        Some(Self { rule, what })
    }
}

/// What only the one who runs it can know.
pub trait Surroundings {
    /// What git's configuration says of `key`, such as `alias.co`, in a folder.
    fn setting(&self, folder: &Path, key: &str) -> Option<String>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// The root of the worktree that a folder lies in.
    fn root(&self, folder: &Path) -> Option<PathBuf>;
    /// An absolute path with the links of its folder followed, and without `.` and `..`. What `rm`
    /// would remove: a link at the end is not followed.
    fn resolve(&self, path: &Path) -> PathBuf;
}

/// Where a command is run.
pub struct Place<'a> {
    /// The folder that it starts in.
    pub cwd: &'a Path,
    /// The root of the session's worktree.
    pub worktree: &'a Path,
    /// Other folders in which the session may do as it likes.
    pub own: &'a [PathBuf],
    /// Folders in which it may not, also where they lie in one of those.
    pub others: &'a [PathBuf],
    /// Where the runner keeps its records.
    pub state: &'a Path,
    /// What else is to be known.
    pub around: &'a dyn Surroundings,
}

impl Place<'_> {
    /// The file that a word names, as `rm` would find it.
    pub(super) fn file(&self, word: &str) -> PathBuf {
        self.around.resolve(&self.cwd.join(word))
    }

    /// Whether a folder lies in a repository that the session has made for itself, as tests do: what is
    /// in it is as much the session's to throw away as all of it.
    pub(super) fn is_scratch(&self, folder: &Path) -> bool {
        let root = self.around.root(folder);
        root.is_some_and(|root| self.may_remove(&self.around.resolve(&root)))
    }

    /// Whether the session may remove `path` and all below it: the folder nearest above it decides.
    pub(super) fn may_remove(&self, path: &Path) -> bool {
        let free = std::iter::once(self.worktree).chain(self.own.iter().map(PathBuf::as_path));
        let kept = std::iter::once(self.state).chain(self.others.iter().map(PathBuf::as_path));
        let known: Vec<(&Path, bool)> = free
            .map(|folder| (folder, true))
            .chain(kept.map(|folder| (folder, false)))
            .collect();
        // One of them itself, or with it.
        if known.iter().any(|(folder, _)| folder.starts_with(path)) {
            return false;
        }
        let above = known.iter().filter(|(folder, _)| path.starts_with(folder));
        let nearest = above.max_by_key(|(folder, is_free)| (folder.components().count(), !is_free));
        nearest.is_some_and(|(_, is_free)| *is_free)
    }
}
