//! Git hooks, with real git commands in real repositories.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::yard::{Yard, text};

#[path = "hooks/behind.rs"]
mod behind;
#[path = "hooks/checkout.rs"]
mod checkout;
#[path = "hooks/index.rs"]
mod index;
#[path = "hooks/messages.rs"]
mod messages;
#[path = "hooks/session.rs"]
mod session;

const OUTSIDE: &str = "TY-OUT-OF-SCOPE";
const HELD: &str = "CX-MM-002";

/// A folder in which git commands run.
struct Place<'y> {
    yard: &'y Yard,
    path: PathBuf,
}

impl<'y> Place<'y> {
    fn new(yard: &'y Yard, path: &Path) -> Self {
        let path = path.to_owned();
        Self { yard, path }
    }

    /// The worktree of a session that has run once and may change `docs/**` only.
    fn of_session(yard: &'y Yard, name: &str, scope: &[&str]) -> Self {
        Self::of_session_by(yard, name, scope, &[])
    }

    fn of_session_by(yard: &'y Yard, name: &str, scope: &[&str], flags: &[&str]) -> Self {
        let mut run = [&["run", "-q", "--name", name], flags].concat();
        scope.iter().for_each(|one| run.extend(["--scope", one]));
        // A session that changed nothing would give its worktree back.
        let began = "git commit -q --allow-empty -m began";
        run.extend(["--", "sh", "-c", began]);
        yard.exits(0, &run);
        Self::new(yard, Path::new(yard.exits(0, &["open", name]).trim_end()))
    }

    fn try_git(&self, args: &[&str]) -> Output {
        let mut git = self.yard.command("git");
        git.current_dir(&self.path).env("GIT_EDITOR", "true");
        git.args(args).output().unwrap()
    }

    /// A commit of everything that no hook has seen.
    fn commit_unseen(&self) {
        self.git(&["-c", "core.hooksPath=/dev/null", "commit", "-qam", "stray"]);
    }

    fn git(&self, args: &[&str]) -> String {
        let done = self.try_git(args);
        assert!(done.status.success(), "{args:?}: {}", text(&done.stderr));
        text(&done.stdout).trim_end().to_owned()
    }

    /// Insists that it is refused with this code, and gives what was said.
    fn refused(&self, code: &str, args: &[&str]) -> String {
        let done = self.try_git(args);
        let said = text(&done.stderr);
        assert!(!done.status.success(), "{args:?} went through");
        assert!(said.contains(code), "{args:?}: {said}");
        said
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }
}
