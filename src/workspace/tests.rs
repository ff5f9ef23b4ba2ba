use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::ids::{CommitId, SessionId};

pub(super) struct Field {
    pub(super) dir: tempfile::TempDir,
    pub(super) repo: Repo,
    pub(super) base: CommitId,
}

/// Plain git as a person would run it, without the machine's configuration.
pub(super) fn git(dir: &Path, args: &[&str]) -> String {
    let out = Command::new("git")
        .current_dir(dir)
        .args(args)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "git {args:?}: {err}");
    String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
}

pub(super) fn import(repo: &Repo, ws: &Located) -> Result<Imported, WorkspaceError> {
    take_in(repo, ws, Uncommitted::Leave)
}

/// The commit that was made of what was uncommitted, if anything was.
pub(super) fn commit_all(
    repo: &Repo,
    ws: &Located,
    message: &str,
) -> Result<Option<CommitId>, WorkspaceError> {
    let before = git(&ws.path, &["rev-parse", "HEAD"]);
    let taken = take_in(repo, ws, Uncommitted::Commit(message))?;
    Ok(Some(taken.new).filter(|new| new.as_str() != before))
}

pub(super) fn put(path: PathBuf, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

impl Field {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(prepare: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let main = dir.path().join("main");
        fs::create_dir(&main).unwrap();
        git(&main, &["init", "-q", "-b", "main"]);
        git(&main, &["config", "user.name", "Ada"]);
        git(&main, &["config", "user.email", "ada@example.org"]);
        put(main.join("src/a.txt"), "one\n");
        put(main.join(".gitignore"), "ignored\n");
        put(main.join("run.sh"), "#!/bin/sh\n");
        fs::set_permissions(main.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("src/a.txt", main.join("link")).unwrap();
        prepare(&main);
        git(&main, &["add", "-A"]);
        git(&main, &["commit", "-qm", "start"]);
        let repo = Repo::discover(&main).unwrap();
        let base = repo.resolve("HEAD").unwrap();
        Self { dir, repo, base }
    }

    pub(super) fn main(&self) -> PathBuf {
        self.dir.path().join("main")
    }

    pub(super) fn try_make(
        &self,
        name: &str,
        isolation: Isolation,
    ) -> Result<Workspace, WorkspaceError> {
        create(&Request {
            repo: &self.repo,
            root: &self.dir.path().join("trees"),
            name,
            short_id: "0a1b2c3d",
            base: &self.base,
            isolation,
            identity: ("Ty \"the\" Coder", "ty@example.org"),
            include: true,
            hooks: None,
        })
    }

    pub(super) fn make(&self, name: &str) -> Workspace {
        self.try_make(name, Isolation::Private).unwrap()
    }

    pub(super) fn check_main(&self) {
        git(&self.main(), &["gc", "-q", "--prune=now"]);
        git(&self.main(), &["fsck", "--strict", "--full"]);
        assert_eq!(git(&self.main(), &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_new_worktree_is_complete_clean_and_listed_as_locked() {
    let field = Field::new();
    let ws = field.make("docs");
    assert_eq!(ws.method, FillMethod::Checkout);
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert_eq!(
        fs::read_link(ws.path.join("link")).unwrap(),
        Path::new("src/a.txt")
    );
    let mode = fs::metadata(ws.path.join("run.sh"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(git(&ws.path, &["config", "user.name"]), "Ty \"the\" Coder");
    let listed = git(&field.main(), &["worktree", "list", "--porcelain"]);
    assert!(listed.contains("locked in use by treeyard"), "{listed}");
    assert_eq!(inspect(&field.repo, &ws.located()).unwrap(), Health::Ok);
    field.check_main();
    assert!(field.make_again_fails("docs"));
}

impl Field {
    fn make_again_fails(&self, name: &str) -> bool {
        let failed = self.try_make(name, Isolation::Private).is_err();
        // The first one is still whole.
        failed
            && self
                .dir
                .path()
                .join("trees")
                .join(format!("{name}-0a1b2c3d"))
                .is_dir()
    }
}

#[test]
fn commits_come_across_and_nothing_else_does() {
    let field = Field::new();
    let ws = field.make("work");
    put(ws.path.join("new.txt"), "new\n");
    git(&ws.path, &["add", "-A"]);
    git(&ws.path, &["commit", "-qm", "work"]);
    git(&ws.path, &["tag", "mine"]);
    git(&ws.path, &["branch", "side"]);
    git(&ws.path, &["config", "alias.x", "!true"]);
    put(ws.path.join("new.txt"), "stashed\n");
    git(&ws.path, &["stash", "-q"]);
    git(&ws.path, &["gc", "-q"]);
    let tip = git(&ws.path, &["rev-parse", "HEAD"]);
    let done = import(&field.repo, &ws.located()).unwrap();
    assert!(done.moved);
    assert_eq!(
        (done.old, done.new.as_str()),
        (field.base.clone(), tip.as_str())
    );
    assert!(!import(&field.repo, &ws.located()).unwrap().moved);
    let refs = git(&field.main(), &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs, "refs/heads/main\nrefs/heads/ty/work-0a1b2c3d");
    git(&ws.path, &["commit", "-q", "--amend", "-m", "better"]);
    assert!(import(&field.repo, &ws.located()).unwrap().moved);
    field.check_main();
    let config = fs::read_to_string(field.main().join(".git/config")).unwrap();
    assert!(!config.contains("alias"));
}

#[test]
fn a_tree_with_a_dot_git_entry_is_refused() {
    let field = Field::new();
    let ws = field.make("evil");
    let blob = git(&ws.path, &["rev-parse", "HEAD:run.sh"]);
    let make_tree = format!("printf '100644 blob {blob}\\t.GIT\\n' | git mktree");
    let out = Command::new("sh")
        .current_dir(&ws.path)
        .args(["-c", &make_tree])
        .output()
        .unwrap();
    let tree = String::from_utf8(out.stdout).unwrap();
    let commit = git(
        &ws.path,
        &["commit-tree", tree.trim(), "-p", "HEAD", "-m", "x"],
    );
    git(&ws.path, &["update-ref", "HEAD", &commit]);
    let error = import(&field.repo, &ws.located()).unwrap_err();
    assert_eq!(error.code(), Code::ImportRefused, "{error}");
    assert_eq!(
        field.repo.branch_tip(&ws.branch).unwrap(),
        Some(field.base.clone())
    );
}

#[test]
fn commits_without_a_common_ancestor_are_refused() {
    let field = Field::new();
    let ws = field.make("orphan");
    let commit = git(&ws.path, &["commit-tree", "HEAD^{tree}", "-m", "x"]);
    git(&ws.path, &["update-ref", "HEAD", &commit]);
    let error = import(&field.repo, &ws.located()).unwrap_err();
    assert_eq!(error.code(), Code::ImportRefused, "{error}");
}

#[test]
fn sixteen_at_once() {
    let field = Field::new();
    std::thread::scope(|scope| {
        let names: Vec<_> = (0..16).map(|n| format!("t{n}")).collect();
        let field = &field;
        for name in names {
            scope.spawn(move || field.make(&name));
        }
    });
    let listed = git(&field.main(), &["worktree", "list"]);
    assert_eq!(listed.lines().count(), 17);
    field.check_main();
}

#[test]
fn what_would_be_lost_is_saved_and_comes_back() {
    let field = Field::new();
    let ws = field.make("lost");
    let session = SessionId::new();
    assert_eq!(save(&field.repo, &ws.located(), &session).unwrap(), None);
    put(ws.path.join("unmerged.txt"), "committed\n");
    git(&ws.path, &["add", "-A"]);
    git(&ws.path, &["commit", "-qm", "unmerged"]);
    put(ws.path.join("stash.txt"), "stashed\n");
    git(&ws.path, &["stash", "-qu"]);
    put(ws.path.join("src/a.txt"), "changed\n");
    put(ws.path.join("deep/untracked.txt"), "untracked\n");
    put(ws.path.join("ignored"), "not work\n");
    git(
        &ws.path,
        &["update-index", "--assume-unchanged", "src/a.txt"],
    );
    let done = release(&field.repo, &ws.located(), &session, Keep::Remove).unwrap();
    let saved = done.salvaged.unwrap();
    assert!(!ws.path.exists() && !ws.git_dir.exists());
    field.check_main();
    assert_eq!(
        salvage_list(&field.repo).unwrap(),
        [(session, saved.clone())]
    );
    salvage_restore(&field.repo, &session, "back").unwrap();
    let files = git(&field.main(), &["ls-tree", "-r", "--name-only", "back"]);
    for file in ["deep/untracked.txt", "src/a.txt", "unmerged.txt"] {
        assert!(files.contains(file), "{files}");
    }
    assert!(!files.contains("ignored\n") || files.contains(".gitignore"));
    assert_eq!(git(&field.main(), &["show", "back:src/a.txt"]), "changed");
    assert_eq!(
        git(&field.main(), &["show", "back^2^3:stash.txt"]),
        "stashed"
    );
    let unknown = salvage_restore(&field.repo, &SessionId::new(), "x").unwrap_err();
    assert_eq!(unknown.code(), Code::SalvageUnknown);
    assert_eq!(git(&field.main(), &["worktree", "list"]).lines().count(), 1);
}

#[test]
fn uncommitted_work_is_committed_without_anything_planted_running() {
    let field = Field::new();
    let ws = field.make("commit");
    let located = ws.located();
    assert!(!dirty(&field.repo, &located).unwrap());
    assert_eq!(commit_all(&field.repo, &located, "x").unwrap(), None);
    put(ws.path.join("src/a.txt"), "two\n");
    put(ws.path.join(".gitattributes"), "* filter=evil\n");
    assert!(dirty(&field.repo, &located).unwrap());
    let commit = commit_all(&field.repo, &located, "left over")
        .unwrap()
        .unwrap();
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert_eq!(
        git(&ws.path, &["log", "-1", "--format=%H %an"]),
        format!("{commit} Ty \"the\" Coder")
    );
    assert_eq!(import(&field.repo, &located).unwrap().new, commit);
    let trap = field.dir.path().join("trapped");
    git(
        &ws.path,
        &[
            "config",
            "filter.evil.clean",
            &format!("touch {}", trap.display()),
        ],
    );
    git(
        &ws.path,
        &[
            "config",
            "core.fsmonitor",
            &format!("touch {}", trap.display()),
        ],
    );
    put(ws.path.join("src/a.txt"), "three\n");
    assert!(dirty(&field.repo, &located).unwrap());
    assert!(
        save(&field.repo, &located, &SessionId::new())
            .unwrap()
            .is_some()
    );
    let planted = ws.git_dir.join("planted");
    fs::create_dir_all(&planted).unwrap();
    for hook in ["reference-transaction", "pre-commit", "post-commit"] {
        put(
            planted.join(hook),
            &format!("#!/bin/sh\ntouch {}\n", trap.display()),
        );
        fs::set_permissions(planted.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    git(
        &ws.path,
        &["config", "core.hooksPath", &planted.display().to_string()],
    );
    // The session's own hook did run for its own git just now.
    let _made_by_its_own_git = fs::remove_file(&trap);
    let second = commit_all(&field.repo, &located, "x").unwrap().unwrap();
    assert_eq!(import(&field.repo, &located).unwrap().new, second);
    assert!(!trap.exists());
}

#[test]
fn a_pooled_worktree_is_clean() {
    let field = Field::new();
    let first = field.make("first");
    put(first.path.join("src/a.txt"), "changed\n");
    put(first.path.join("ignored"), "left over\n");
    put(first.path.join("extra/x"), "left over\n");
    let keep = Keep::Pool { max: 1 };
    let done = release(&field.repo, &first.located(), &SessionId::new(), keep).unwrap();
    assert!(done.pooled && done.salvaged.is_some());
    let second = field.make("second");
    assert_eq!(second.method, FillMethod::Pool);
    assert_eq!(
        git(&second.path, &["status", "--porcelain", "--ignored"]),
        ""
    );
    assert_eq!(
        fs::read_to_string(second.path.join("src/a.txt")).unwrap(),
        "one\n"
    );
    assert!(!second.path.join("extra").exists());
    assert_eq!(field.make("third").method, FillMethod::Checkout);
    field.check_main();
}

#[test]
fn a_repointed_git_file_is_refused_and_kept() {
    let field = Field::new();
    let ws = field.make("moved");
    let target = field.main().join(".git");
    fs::write(
        ws.path.join(".git"),
        format!("gitdir: {}\n", target.display()),
    )
    .unwrap();
    let located = ws.located();
    assert_eq!(
        inspect(&field.repo, &located).unwrap(),
        Health::GitFileChanged
    );
    let error = release(&field.repo, &located, &SessionId::new(), Keep::Remove).unwrap_err();
    assert_eq!(error.code(), Code::WorkspaceChanged);
    assert!(ws.path.join("src/a.txt").exists() && ws.git_dir.exists());
}

#[test]
fn linked_isolation_shares_the_branch() {
    let field = Field::new();
    let ws = field.try_make("plain", Isolation::Linked).unwrap();
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    put(ws.path.join("x"), "x\n");
    let commit = commit_all(&field.repo, &ws.located(), "x")
        .unwrap()
        .unwrap();
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    assert_eq!(import(&field.repo, &ws.located()).unwrap().new, commit);
    release(&field.repo, &ws.located(), &SessionId::new(), Keep::Remove).unwrap();
    field.check_main();
}

#[test]
fn bare_and_from_a_linked_worktree() {
    let field = Field::new();
    let bare = field.dir.path().join("bare.git");
    git(
        &field.main(),
        &["clone", "-q", "--bare", ".", bare.to_str().unwrap()],
    );
    let side = field.dir.path().join("side");
    git(
        &field.main(),
        &["worktree", "add", "-q", side.to_str().unwrap()],
    );
    for from in [bare, side] {
        let repo = Repo::discover(&from).unwrap();
        let field = Field {
            dir: tempfile::tempdir().unwrap(),
            repo,
            base: field.base.clone(),
        };
        let ws = field.make("job");
        put(ws.path.join("x"), "x\n");
        let made = commit_all(&field.repo, &ws.located(), "x").unwrap();
        assert!(made.is_some());
        assert_eq!(field.repo.branch_tip(&ws.branch).unwrap(), made);
        release(&field.repo, &ws.located(), &SessionId::new(), Keep::Remove).unwrap();
    }
}
