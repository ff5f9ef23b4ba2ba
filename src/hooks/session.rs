//! The hooks of a session's worktree. They need neither the runner nor the store.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gix::ObjectId;
use gix::bstr::BString;

use super::error::HookError;
use super::history::{Paths, common_change, merge_base, new_commits};
use super::place::{branch_of, common_dir, main_dir, open, tip};
use super::pushes::{Push, TO_TARGET};
use super::refusal::{Decision, Refusal, scope_of, words};
use super::staged::{not_taken_back, staged_here};
use super::trailers::add_trailers;
use super::updates::{To, Update};
use crate::git::{changed_by, parents};
use crate::model::code::Code;
use crate::model::guard::{GUARD_FILE, GUARD_VERSION, Guard};
use crate::model::lock::Standing;
use crate::model::scope::ScopeLanguage;
use crate::proc::{is_alive, moment};

const REFS: &str = "reference-transaction";

/// Decides for the hook `name` in the shared folder `folder`, with what git gives it to read.
///
/// # Errors
/// Why the change is refused. What cannot be decided is refused.
pub fn session(folder: &Path, name: &str, args: &[OsString], input: &[u8]) -> Result<(), Refusal> {
    // Most transactions are about other refs, and git waits for each.
    if name == REFS && Update::of_branches(input).is_ok_and(|updates| updates.is_empty()) {
        return Ok(());
    }
    let decided = match name {
        "commit-msg" => message(folder, args),
        _ => Session::find(folder).and_then(|session| session.decide(name, args, input)),
    };
    decided.unwrap_or_else(|error| Err(Refusal::undecided(&error)))
}

/// A message is the guard's business alone, so nothing else is opened.
fn message(folder: &Path, args: &[OsString]) -> Decision {
    let guard = guard_of(folder, &common_dir()?)?;
    add_trailers(message_file(args)?, &guard.trailers())?;
    Ok(Ok(()))
}

fn message_file(args: &[OsString]) -> Result<&Path, HookError> {
    args.first().map(Path::new).ok_or(HookError::Arguments)
}

/// As long as nobody changes the message after this, `commit-msg` has nothing to add.
fn date_back(message: &Path) -> Result<(), HookError> {
    let file = fs::File::options().append(true).open(message);
    let dated = file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH));
    dated.map_err(HookError::library("date the message"))
}

pub(super) struct Session {
    repo: gix::Repository,
    guard: Guard,
    scope: ScopeLanguage,
    /// The git directory of the repository that the session belongs to.
    main: PathBuf,
}

impl Session {
    fn find(folder: &Path) -> Result<Self, HookError> {
        let repo = open()?;
        let guard = guard_of(folder, repo.common_dir())?;
        let main = state_dir(folder)?.parent().ok_or(HookError::Arguments)?;
        Ok(Self {
            scope: guard.language()?,
            main: main.to_owned(),
            repo,
            guard,
        })
    }

    /// The session to which a worktree of the repository itself belongs, as an adopted one; `None` in
    /// a person's checkout.
    pub(super) fn here() -> Result<Option<Self>, HookError> {
        if matches!(main_dir(), Ok(Some(_))) {
            return Ok(None);
        }
        // What cannot be opened is no session's; what follows says why.
        let Ok(repo) = open() else {
            return Ok(None);
        };
        let canonical = |path: &Path| path.canonicalize();
        let own =
            canonical(repo.git_dir()).map_err(HookError::library("find the git directory"))?;
        let main =
            canonical(repo.common_dir()).map_err(HookError::library("find the git directory"))?;
        let id = own.file_name().filter(|_| own != main);
        let records = main.join("treeyard").join("workspaces");
        let guard = id.map(|id| records.join(id).join(GUARD_FILE));
        let Some(guard) = guard.filter(|path| path.exists()) else {
            return Ok(None);
        };
        let guard = read_guard(&guard)?;
        Ok(Some(Self {
            scope: guard.language()?,
            main,
            repo,
            guard,
        }))
    }

    pub(super) fn decide(&self, name: &str, args: &[OsString], input: &[u8]) -> Decision {
        match name {
            "prepare-commit-msg" => self.prepared(args),
            "pre-commit" | "pre-merge-commit" => self.commit(),
            "commit-msg" => {
                add_trailers(message_file(args)?, &self.guard.trailers())?;
                Ok(Ok(()))
            }
            REFS => self.refs(&Update::of_branches(input)?),
            "pre-push" => self.pushes(&Push::read(input)?),
            _ => Err(HookError::Arguments),
        }
    }

    /// Before the editor. A message that is there by now, and may have been another commit's, gets its
    /// trailers at once; to one that is still to be written `commit-msg` adds them.
    fn prepared(&self, args: &[OsString]) -> Decision {
        let allowed = self.commit()?;
        let is_written = args.get(1).is_some_and(|source| source != "template");
        if allowed.is_ok() && is_written {
            let file = message_file(args)?;
            add_trailers(file, &self.guard.trailers())?;
            date_back(file)?;
        }
        Ok(allowed)
    }

    /// What is staged. Of a merge, what it takes over as it is does not count here: whether it may be
    /// taken over is seen when the branch moves.
    fn commit(&self) -> Decision {
        if self.has_lost()? {
            return Ok(Err(Refusal::lost(&self.guard)));
        }
        let outside = self.outside(staged_here(&self.repo)?);
        let outside = not_taken_back(&self.repo, outside, |path| path)?;
        let out = match tip(&self.repo, "HEAD") {
            Some(_) => format!(
                "leave them out: git restore --staged -- {}",
                words(&outside)
            ),
            None => format!("leave them out: git rm --cached -- {}", words(&outside)),
        };
        Ok(self.verdict("this commit changes", outside, out))
    }

    /// Whether others may have its files: also when its time is over and nobody has said so yet.
    fn has_lost(&self) -> Result<bool, HookError> {
        let Some(lease) = self.guard.lease.as_ref().filter(|_| !self.guard.lost) else {
            return Ok(self.guard.lost);
        };
        let now = moment().map_err(HookError::library("read the clock"))?;
        Ok(lease.standing(&now, is_alive) == Standing::Over)
    }

    fn refs(&self, updates: &[Update]) -> Decision {
        for update in updates {
            let now = tip(&self.repo, &update.name);
            let decided = match &update.to {
                // Deleting is harmless, and packing refs looks the same.
                To::Nothing => continue,
                To::Object(new) if now == Some(*new) => continue,
                _ if update.name != self.guard.branch => self.other_branch(&update.name),
                To::Ref(_) => Err(self.not_own(&update.name, "is this session's own branch")),
                To::Object(new) => self.own_branch(*new, now)?,
            };
            if decided.is_err() {
                return Ok(decided);
            }
        }
        Ok(Ok(()))
    }

    /// Branches of its own making are the session's own business.
    fn other_branch(&self, name: &str) -> Result<(), Refusal> {
        if name == format!("refs/heads/{}", self.guard.target) {
            return Err(self.not_own(name, "is the branch that the work lands on"));
        }
        if name.starts_with("refs/heads/ty/") {
            return Err(self.not_own(name, "belongs to another session"));
        }
        Ok(())
    }

    fn own_branch(&self, new: ObjectId, now: Option<ObjectId>) -> Decision {
        if self.has_lost()? {
            return Ok(Err(Refusal::lost(&self.guard)));
        }
        let target = branch_of(&self.main, &self.guard.target);
        let base = self.base()?;
        let known: Vec<ObjectId> = [Some(base), now, target].into_iter().flatten().collect();
        let outside = self.outside_of_new(new, &known, target)?;
        let out = format!(
            "take them out, such as by `git reset --soft {}` and a new commit",
            now.map_or("HEAD".to_owned(), |id| id.to_hex_with_len(10).to_string())
        );
        Ok(self.verdict("new commits change", outside, out))
    }

    fn outside_of_new(
        &self,
        new: ObjectId,
        known: &[ObjectId],
        target: Option<ObjectId>,
    ) -> Result<Vec<BString>, HookError> {
        let mut outside = Paths::new();
        for id in new_commits(&self.repo, new, known)? {
            let changed = match parents(&self.repo, id)?.len() {
                0 | 1 => changed_by(&self.repo, id)?,
                _ => self.merged(id, target)?,
            };
            outside.extend(self.outside(changed));
        }
        Ok(outside.into_iter().collect())
    }

    /// What a merge would change where it lands: against the newest commit of the target that it
    /// has, and against the commit that the session started from where that is not in it. So the
    /// target's own changes may come in, and none of them be taken back.
    fn merged(&self, id: ObjectId, target: Option<ObjectId>) -> Result<Paths, HookError> {
        let base = self.base()?;
        let newest = match target {
            Some(target) => merge_base(&self.repo, target, id)?,
            None => None,
        };
        let mut known: Vec<ObjectId> = newest.into_iter().collect();
        let is_older = match newest {
            Some(newest) => merge_base(&self.repo, base, newest)? == Some(base),
            None => false,
        };
        if !is_older && merge_base(&self.repo, base, id)? == Some(base) {
            known.push(base);
        }
        match known.is_empty() {
            true => Ok(changed_by(&self.repo, id)?),
            false => common_change(&self.repo, &known, id),
        }
    }

    fn pushes(&self, pushes: &[Push]) -> Decision {
        for push in pushes {
            let refused = match &push.local {
                None => continue,
                Some(_) if push.remote_ref == format!("refs/heads/{}", self.guard.target) => {
                    Some(self.not_own(&push.remote_ref, TO_TARGET))
                }
                Some(id) => {
                    let target = branch_of(&self.main, &self.guard.target);
                    let base = Some(self.base()?);
                    let known = [base, push.remote, target].into_iter().flatten();
                    let known: Vec<ObjectId> = known.collect();
                    let outside = self.outside_of_new(*id, &known, target)?;
                    let out = format!("push another branch than {}", push.local_ref);
                    self.verdict("this push has changes of", outside, out).err()
                }
            };
            if let Some(refusal) = refused {
                return Ok(Err(refusal));
            }
        }
        Ok(Ok(()))
    }

    fn base(&self) -> Result<ObjectId, HookError> {
        ObjectId::from_hex(self.guard.base.as_str().as_bytes())
            .map_err(HookError::library("read the guard"))
    }

    fn outside(&self, paths: Paths) -> Vec<BString> {
        let mut paths: Vec<BString> = paths.into_iter().collect();
        paths.retain(|path| !self.scope.contains(path));
        paths
    }

    fn verdict(&self, what: &str, outside: Vec<BString>, out: String) -> Result<(), Refusal> {
        match outside.is_empty() {
            true => Ok(()),
            false => Err(Refusal::outside(&self.guard, what, &outside, out)),
        }
    }

    fn not_own(&self, name: &str, why: &str) -> Refusal {
        let branch = name.trim_start_matches("refs/heads/");
        let own = self.guard.branch.trim_start_matches("refs/heads/");
        Refusal::new(
            Code::BranchGuarded,
            format!("the branch {branch} {why}"),
            [
                ("branch", branch.to_owned()),
                ("scope", scope_of(&self.guard)),
                (
                    "do",
                    format!("commit on {own}, or on a branch with another name"),
                ),
                ("", "what is done here lands by `treeyard land`".to_owned()),
            ],
        )
    }
}

fn state_dir(folder: &Path) -> Result<&Path, HookError> {
    folder.ancestors().nth(2).ok_or(HookError::Arguments)
}

/// The guard has the name that the session's git directory has.
fn guard_of(folder: &Path, git_dir: &Path) -> Result<Guard, HookError> {
    let own = git_dir.canonicalize();
    let own = own.map_err(HookError::library("find the git directory"))?;
    let id = own.file_name().ok_or(HookError::Arguments)?;
    let records = state_dir(folder)?.join("workspaces");
    read_guard(&records.join(id).join(GUARD_FILE))
}

fn read_guard(path: &Path) -> Result<Guard, HookError> {
    let wrong = |what: String| HookError::Guard(format!("{}: {what}", path.display()));
    let text = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let guard: Guard = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    match guard.version {
        GUARD_VERSION => Ok(guard),
        other => Err(wrong(format!("version {other} is not known"))),
    }
}
