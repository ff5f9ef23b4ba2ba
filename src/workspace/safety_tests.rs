use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::tests::{Field, commit_all, git, import, put};
use super::*;
use crate::model::code::Code;
use crate::model::ids::SessionId;

#[test]
fn a_commit_of_a_submodule_that_only_the_session_has_keeps_the_worktree() {
    let (field, ws) = with_submodule();
    let sub = ws.path.join("sub");
    let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
    git(&sub, &[&AS_ADA[..], &commit].concat());
    git(&ws.path, &["commit", "-qam", "Use it"]);
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), "");
    forget_submodule_settings(&field, &ws);
    refused(&field, &ws, "sub");
}

#[test]
fn ignored_files_that_were_added_and_older_stashes_are_work() {
    let field = Field::with(|main| put(main.join(".gitignore"), "dist/\n"));
    let ws = field.make("forced");
    put(ws.path.join("dist/kept.txt"), "kept\n");
    put(ws.path.join("dist/passed-by.txt"), "not added\n");
    git(&ws.path, &["add", "-f", "dist/kept.txt"]);
    let commit = commit_all(&field.repo, &ws.located(), "x")
        .unwrap()
        .unwrap();
    import(&field.repo, &ws.located()).unwrap();
    let files = git(
        &field.main(),
        &["ls-tree", "-r", "--name-only", commit.as_str()],
    );
    assert!(files.contains("dist/kept.txt") && !files.contains("passed-by"));

    let ws = field.make("stashes");
    for text in ["older", "newer"] {
        put(ws.path.join("src/a.txt"), text);
        git(&ws.path, &["stash", "-q"]);
    }
    let session = SessionId::new();
    let older = git(&ws.path, &["rev-parse", "stash@{1}"]);
    release(&field.repo, &ws.located(), &session, Keep::Remove).unwrap();
    assert_eq!(
        git(&field.main(), &["show", &format!("{older}:src/a.txt")]),
        "older"
    );
    git(&field.main(), &["gc", "-q", "--prune=now"]);
    assert_eq!(
        git(&field.main(), &["show", &format!("{older}:src/a.txt")]),
        "older"
    );
}

#[test]
fn an_included_file_is_never_written_through_a_link_of_the_base() {
    let outside = tempfile::tempdir().unwrap();
    let field = Field::with(|main| {
        put(main.join(".worktreeinclude"), "ignored\n");
        symlink(outside.path(), main.join("data")).unwrap();
    });
    // The main worktree has moved on: a directory stands where the base has the link.
    fs::remove_file(field.main().join("data")).unwrap();
    put(field.main().join("data/deep/ignored"), "secret\n");
    let error = field.try_make("through", Isolation::Private).unwrap_err();
    assert_eq!(error.code(), Code::WorkspaceFailed);
    assert!(error.to_string().contains("data/deep/ignored"), "{error}");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    let tree = field.dir.path().join("trees/through-0a1b2c3d");
    assert!(!tree.exists(), "a failed create leaves nothing");
}

#[test]
fn an_included_file_keeps_its_mode_and_makes_its_directories() {
    use std::os::unix::fs::PermissionsExt;
    let field = Field::with(|main| put(main.join(".worktreeinclude"), "ignored\n"));
    put(field.main().join("deep/er/ignored"), "secret\n");
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(field.main().join("deep/er/ignored"), mode).unwrap();
    let ws = field.make("mode");
    let copied = ws.path.join("deep/er/ignored");
    assert_eq!(fs::read_to_string(&copied).unwrap(), "secret\n");
    let mode = fs::metadata(&copied).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// A field whose main repository pins a submodule at `sub`, and a worktree with it populated.
fn with_submodule() -> (Field, Workspace) {
    let origin = tempfile::tempdir().unwrap();
    git(origin.path(), &["init", "-q", "-b", "main"]);
    put(origin.path().join("lib.txt"), "lib\n");
    git(origin.path(), &["add", "-A"]);
    git(
        origin.path(),
        &[&AS_ADA[..], &["commit", "-qm", "lib"]].concat(),
    );
    let field = Field::with(|main| {
        let url = origin.path().to_str().unwrap();
        git(
            main,
            &[&FILES[..], &["submodule", "--quiet", "add", url, "sub"]].concat(),
        );
    });
    let ws = field.make("sub");
    git(
        &ws.path,
        &[&FILES[..], &["submodule", "--quiet", "update", "--init"]].concat(),
    );
    (field, ws)
}

const AS_ADA: [&str; 4] = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
const FILES: [&str; 2] = ["-c", "protocol.file.allow=always"];

fn refused(field: &Field, ws: &Workspace, path: &str) {
    let keep = Keep::Pool { max: 4 };
    let error = release(&field.repo, &ws.located(), &SessionId::new(), keep).unwrap_err();
    assert!(
        matches!(error, WorkspaceError::NestedRepository(_)),
        "{error}"
    );
    assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
    assert!(ws.path.join("src/a.txt").exists() && ws.git_dir.exists());
}

/// Restores what `init` of a submodule wrote into the session's configuration, which is
/// compared with the record.
fn forget_submodule_settings(field: &Field, ws: &Workspace) {
    let record = ws.located().record(&field.repo).unwrap();
    fs::copy(record.join("config"), ws.git_dir.join("config")).unwrap();
}

#[test]
fn work_in_a_submodule_keeps_the_worktree() {
    let (field, ws) = with_submodule();
    forget_submodule_settings(&field, &ws);
    let sub = ws.path.join("sub");
    put(sub.join("untracked.txt"), "work\n");
    refused(&field, &ws, "sub");
    fs::remove_file(sub.join("untracked.txt")).unwrap();
    put(sub.join("lib.txt"), "changed\n");
    refused(&field, &ws, "sub");
    git(&sub, &[&AS_ADA[..], &["stash", "-q"]].concat());
    refused(&field, &ws, "sub");
    git(&sub, &["stash", "drop", "-q"]);
    git(
        &sub,
        &[&AS_ADA[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat(),
    );
    refused(&field, &ws, "sub");
    git(&sub, &["branch", "mine"]);
    git(&sub, &["reset", "-q", "--hard", "HEAD~1"]);
    refused(&field, &ws, "sub");
    git(&sub, &["branch", "-qD", "mine"]);
    git(&sub, &["init", "-q", "deeper"]);
    refused(&field, &ws, "sub");
    fs::remove_dir_all(sub.join("deeper")).unwrap();
    let keep = Keep::Pool { max: 4 };
    let done = release(&field.repo, &ws.located(), &SessionId::new(), keep).unwrap();
    assert!(done.salvaged.is_none() && !done.pooled);
    assert!(!ws.path.exists());
}

#[test]
fn a_repository_made_inside_keeps_the_worktree() {
    let field = Field::new();
    let ws = field.make("nest");
    let nest = |at: &str| {
        git(&ws.path, &["init", "-q", at]);
        ws.path.join(at)
    };
    let empty = nest("empty");
    refused(&field, &ws, "empty");
    fs::remove_dir_all(empty).unwrap();
    let full = nest("deep/full");
    put(full.join("x"), "x\n");
    git(
        &full,
        &[&AS_ADA[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat(),
    );
    refused(&field, &ws, "deep/full");
    fs::remove_dir_all(full).unwrap();
    let over = nest("src");
    git(
        &over,
        &[&AS_ADA[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat(),
    );
    refused(&field, &ws, "src");
    fs::remove_dir_all(over.join(".git")).unwrap();
    // What is ignored is not work.
    put(ws.path.join("ignored/x"), "x\n");
    nest("ignored");
    release(&field.repo, &ws.located(), &SessionId::new(), Keep::Remove).unwrap();
    assert!(!Path::new(&ws.path).exists());
}

#[test]
fn what_killed_processes_left_is_swept_and_nothing_else() {
    let field = Field::new();
    let root = field.dir.path().join("trees");
    let (whole, half) = (field.make("whole"), field.make("half"));
    let forgotten = field.make("forgotten");
    let state = field.repo.state_dir();
    put(state.join("bench-x/HEAD"), "x");
    put(state.join("scratch-x/events"), "x");
    put(root.join(".pool/.taken-x/tree/a"), "x");
    put(root.join(".pool/.making-y/index"), "x");
    put(root.join(".pool/ready/tree/a"), "x");
    // As a kill in the middle of filling leaves it.
    fs::remove_file(state.join("workspaces/half-0a1b2c3d/index")).unwrap();
    fs::remove_file(half.git_dir.join("index")).unwrap();
    // As when a damaged store was moved away, records and all.
    fs::remove_dir_all(state.join("workspaces/forgotten-0a1b2c3d")).unwrap();
    put(state.join("workspaces/gone-0a1b2c3d/linked"), "/nowhere/x");
    let young = sweep(&field.repo, &root, Duration::from_secs(3600)).unwrap();
    assert_eq!(young, Swept::default());
    let swept = sweep(&field.repo, &root, Duration::ZERO).unwrap();
    let expected = Swept {
        benches: 2,
        pool: 2,
        worktrees: 2,
    };
    assert_eq!(swept, expected);
    assert!(!half.path.exists() && !half.git_dir.exists());
    assert!(forgotten.path.exists() && forgotten.git_dir.exists());
    assert_eq!(field.repo.branch_tip(&half.branch).unwrap(), None);
    assert!(root.join(".pool/ready/tree/a").exists());
    fs::remove_dir_all(root.join(".pool/ready")).unwrap();
    assert_eq!(inspect(&field.repo, &whole.located()).unwrap(), Health::Ok);
    assert_eq!(
        sweep(&field.repo, &root, Duration::ZERO).unwrap(),
        Swept::default()
    );
    field.make("half");
    field.check_main();
}

#[test]
fn sweeping_beside_creates_takes_nothing_from_them() {
    let field = Field::new();
    let root = field.dir.path().join("trees");
    std::thread::scope(|scope| {
        let field = &field;
        for n in 0..4 {
            scope.spawn(move || field.make(&format!("t{n}")));
        }
        for _ in 0..8 {
            sweep(&field.repo, &root, Duration::from_secs(60)).unwrap();
        }
    });
    let listed = git(&field.main(), &["worktree", "list"]);
    assert_eq!(listed.lines().count(), 5);
}

#[test]
fn a_new_worktree_is_younger_than_its_files_and_its_index_is_true() {
    let field = Field::with(|main| {
        put(main.join("deep/er/b.txt"), "b\n");
        symlink("../nowhere", main.join("deep/dangling")).unwrap();
    });
    let ws = field.make("stat");
    // Nothing to refresh: git finds all stat data as they are.
    let stale = git(&ws.path, &["diff-files", "--name-only"]);
    assert_eq!(stale, "");
    let index = fs::metadata(ws.git_dir.join("index")).unwrap();
    for file in ["deep/er/b.txt", "deep/dangling", "run.sh"] {
        let file = fs::symlink_metadata(ws.path.join(file)).unwrap();
        assert!(file.mtime() < index.mtime());
    }
    // A change of the same size in the same second is seen.
    fs::write(ws.path.join("src/a.txt"), "two\n").unwrap();
    assert_eq!(git(&ws.path, &["status", "--porcelain"]), " M src/a.txt");
}

#[test]
fn what_is_staged_and_nowhere_else_is_saved_too() {
    let field = Field::new();
    let saved = |name: &str, change: &dyn Fn(&Path)| {
        let ws = field.make(name);
        change(&ws.path);
        let id = SessionId::new();
        let done = release(&field.repo, &ws.located(), &id, Keep::Remove).unwrap();
        done.salvaged.map(|saved| {
            let parents = git(
                &field.main(),
                &["log", "-1", "--format=%p", saved.commit.as_str()],
            );
            (saved.commit.to_string(), parents.split(' ').count())
        })
    };
    let file = |rev: &str| git(&field.main(), &["show", &format!("{rev}:src/a.txt")]);
    let stage = |path: &Path, text: &str| {
        put(path.join("src/a.txt"), text);
        git(path, &["add", "src/a.txt"]);
    };

    // Staged, changed again, and an untracked file beside it.
    let both = saved("both", &|path| {
        stage(path, "staged\n");
        put(path.join("src/a.txt"), "changed\n");
        put(path.join("new.txt"), "new\n");
    });
    let (commit, parents) = both.unwrap();
    assert_eq!((file(&commit), parents), ("changed".into(), 2));
    assert_eq!(file(&format!("{commit}^2")), "staged");
    let subject = git(
        &field.main(),
        &["log", "-1", "--format=%s", &format!("{commit}^2")],
    );
    assert!(
        subject.starts_with("index on refs/heads/ty/both-"),
        "{subject}"
    );

    // Staged while the file is as it was made, also when no file was touched at all.
    let back = saved("back", &|path| {
        stage(path, "staged\n");
        put(path.join("src/a.txt"), "one\n");
    });
    assert_eq!(file(&format!("{}^2", back.unwrap().0)), "staged");
    let patch = field.dir.path().join("patch");
    fs::write(
        &patch,
        "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1 +1 @@\n-one\n+patched\n",
    )
    .unwrap();
    let cached = ["apply", "--cached", patch.to_str().unwrap()];
    let untouched = saved("untouched", &|path| drop(git(path, &cached)));
    assert_eq!(file(&format!("{}^2", untouched.unwrap().0)), "patched");

    // In conflict, with the session's own side of it staged by git.
    let conflict = saved("conflict", &|path| {
        git(path, &["checkout", "-qb", "side"]);
        stage(path, "theirs\n");
        git(path, &["commit", "-qm", "theirs"]);
        git(path, &["checkout", "-q", "-"]);
        stage(path, "ours\n");
        git(path, &["commit", "-qm", "ours"]);
        let merge = std::process::Command::new("git")
            .current_dir(path)
            .args(["merge", "-q", "side"])
            .output();
        assert_eq!(merge.unwrap().status.code(), Some(1));
    });
    assert!(file(&conflict.unwrap().0).contains("<<<<<<<"));

    // What is staged is what is there, or what is checked out.
    let plain = saved("plain", &|path| stage(path, "staged\n"));
    assert_eq!(plain.unwrap().1, 1);
    let unstaged = saved("unstaged", &|path| put(path.join("src/a.txt"), "changed\n"));
    assert_eq!(unstaged.unwrap().1, 1);
    let intent = saved("intent", &|path| {
        put(path.join("new.txt"), "new\n");
        git(path, &["add", "-N", "new.txt"]);
    });
    assert_eq!(intent.unwrap().1, 1);
    assert_eq!(saved("nothing", &|_| {}), None);
    field.check_main();
}

#[test]
fn a_worktree_that_somebody_stands_in_is_not_handed_to_another_session() {
    let field = Field::new();
    let keep = Keep::Pool { max: 4 };
    for touched in [false, true] {
        let ws = field.make(if touched { "touched" } else { "idle" });
        if touched {
            put(ws.path.join("new"), "new\n");
        }
        let mut shell = std::process::Command::new("sleep")
            .arg("600")
            .current_dir(ws.path.join("src"))
            .spawn()
            .unwrap();
        let done = release(&field.repo, &ws.located(), &SessionId::new(), keep);
        let stands = fs::read_link(format!("/proc/{}/cwd", shell.id()));
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(!done.unwrap().pooled && !ws.path.exists());
        let stands = stands.unwrap().display().to_string();
        assert!(stands.ends_with(" (deleted)"), "{stands}");
    }
    let ws = field.make("left");
    let done = release(&field.repo, &ws.located(), &SessionId::new(), keep).unwrap();
    assert!(done.pooled);
}
