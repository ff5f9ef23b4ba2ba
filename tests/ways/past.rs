//! Ways that go past treeyard: a session runs as the person who started it, and so can do in the main
//! repository what that person can. The hooks of the main checkout refuse some; what they do not see reaches the
//! target, and will until sessions are confined. None of it is landed by treeyard.

use std::path::{Path, PathBuf};

use crate::yard::{Yard, text};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Met {
    /// The hooks of the main checkout refuse it, as a session holds the path.
    Hooks,
    /// Git refuses it by itself.
    Git,
    /// Nothing. The target has it, for this reason.
    Nothing(&'static str),
    /// Nothing, and `treeyard doctor` says afterwards what is wrong.
    Doctor(&'static str),
}

use Met::*;

/// In the worktree of a session, by its own user: `$M` is the main checkout, `$S` a commit with the
/// change on top of the target, in the session's own git directory `$G`.
const PAST: &[(&str, Met, &str)] = &[
    (
        "GIT_DIR of the repository: commit",
        Hooks,
        "export GIT_DIR=$M/.git GIT_WORK_TREE=$M; cd $M; evil; git add -A; git commit -qm x",
    ),
    (
        "GIT_DIR of the repository: --no-verify",
        Hooks,
        "export GIT_DIR=$M/.git GIT_WORK_TREE=$M; cd $M; evil; git add -A; git commit -nqm x",
    ),
    (
        "GIT_DIR of the repository: update-ref",
        Hooks,
        "export GIT_DIR=$M/.git; export GIT_INDEX_FILE=$G/i; git read-tree main; git update-index --add --cacheinfo 100644,$(echo evil | git hash-object -w --stdin),src/evil.txt; git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p main -m x)",
    ),
    (
        "GIT_DIR of the repository: fast-import",
        Hooks,
        "export GIT_DIR=$M/.git; printf 'commit refs/heads/main\\ncommitter T <t@l> 1700000000 +0000\\ndata 1\\nx\\nfrom %s\\nM 100644 inline src/evil.txt\\ndata 5\\nevil\\n\\n' $(git rev-parse main) | git fast-import --quiet",
    ),
    (
        "push to the target, own hooks off",
        Git,
        "off push -q $M $S:refs/heads/main",
    ),
    (
        "push to the target, refusals of both off",
        Nothing("what comes from elsewhere is not refused"),
        "git -C $M config receive.denyCurrentBranch ignore; off push -q $M $S:refs/heads/main",
    ),
    (
        "pull from the session's directory",
        Nothing("what comes from elsewhere is not refused"),
        "off update-ref refs/heads/s $S; cd $M; git pull -q --ff-only $G s",
    ),
    (
        "-c core.hooksPath in the main checkout",
        Nothing("git runs no hook"),
        "cd $M; evil; git add -A; off commit -qm x",
    ),
    (
        "GIT_CONFIG_COUNT in the main checkout",
        Nothing("git runs no hook"),
        "cd $M; evil; git add -A; GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null git commit -qm x",
    ),
    (
        "git config core.hooksPath in the repository",
        Doctor("not these"),
        "cd $M; evil; git add -A; git config --replace-all core.hooksPath /dev/null; git commit -qm x",
    ),
    (
        "the hooks of the repository removed",
        Doctor("not as it was"),
        "cd $M; evil; git add -A; rm -r .git/treeyard/hooks/checkout; git commit -qm x",
    ),
    (
        "the target's file written",
        Nothing("git is not asked"),
        "off update-ref refs/heads/s $S; GIT_DIR=$M/.git git fetch -q $G s; echo $S > $M/.git/refs/heads/main",
    ),
    (
        "packed-refs written",
        Nothing("git is not asked"),
        "off update-ref refs/heads/s $S; cd $M; git fetch -q $G s; off pack-refs --all; sed -i \"s|^[0-9a-f]* refs/heads/main|$S refs/heads/main|\" .git/packed-refs",
    ),
    (
        "a branch renamed to the target",
        Nothing("git runs no hook for it"),
        "off update-ref refs/heads/s $S; cd $M; git fetch -q $G s:s; git checkout -q --detach; git branch -M s main; git checkout -q main",
    ),
];

const HELPERS: &str = r#"
off() { git -c core.hooksPath=/dev/null "$@"; }
evil() { echo evil > src/evil.txt; }
export GIT_EDITOR=true
G=$(git rev-parse --absolute-git-dir)
T=$(git -C "$M" rev-parse main)
git checkout -q --detach "$T"; evil; git add -A; off commit -qm x; S=$(git rev-parse HEAD)
"#;

/// What was met on each way, a line for each.
pub fn all() -> Vec<String> {
    let yard = Yard::new();
    yard.exits(0, &["hooks", "install"]);
    let config = std::fs::read(yard.repo().join(".git/config")).unwrap();
    for (name, scope) in [("docs", "docs/**"), ("code", "src/**")] {
        let line = "git commit -q --allow-empty -m began";
        let run = ["run", "-q", "--name", name, "--scope", scope, "--"];
        yard.exits(0, &[&run[..], &["sh", "-c", line]].concat());
    }
    let worktree = PathBuf::from(yard.exits(0, &["open", "docs"]).trim_end());
    let tip = yard.git(&["rev-parse", "main"]);
    let ways = PAST.iter().map(|(name, met, lines)| {
        let given = format!("M={:?}\n", yard.repo());
        let said = go(&yard, &worktree, &format!("{given}{HELPERS}({lines}) 2>&1"));
        let found = find(&yard, met, &said);
        assert_eq!(found, *met, "{name}: {said}");
        put_back(&yard, &config, &tip);
        format!("{name:44} {}", told(*met))
    });
    let mut ways: Vec<String> = ways.collect();
    ways.push(rewritten(&yard, &worktree));
    ways
}

/// A table alone decides nothing; who rewrites the log as well has to make its chain anew.
fn rewritten(yard: &Yard, worktree: &Path) -> String {
    let own = "git checkout -q -f $(git for-each-ref --format='%(refname:short)' refs/heads/ty)";
    go(yard, worktree, own);
    std::fs::write(worktree.join("src/evil.txt"), "evil\n").unwrap();
    yard.exits(5, &["land", "docs"]);
    let store = yard.repo().join(".git/treeyard/treeyard.db");
    let store = rusqlite::Connection::open(store).unwrap();
    let widen = "UPDATE locks SET scope = replace(scope, 'docs/**', '**')";
    store.execute(widen, []).unwrap();
    let refused = yard.treeyard(&["land", "docs"]);
    assert!(text(&refused.stderr).contains("than was granted"));
    assert!(
        !yard
            .git(&["ls-tree", "-r", "--name-only", "main"])
            .contains("evil")
    );
    let told = "past treeyard  refused: the log says what was granted";
    format!("{:44} {told}", "the runner's database rewritten")
}

fn go(yard: &Yard, worktree: &Path, lines: &str) -> String {
    let mut sh = yard.command("sh");
    let done = sh.current_dir(worktree).args(["-c", lines]).output();
    text(&done.unwrap().stdout)
}

/// What was met indeed; `as_told` says what to look for in the doctor's words.
fn find(yard: &Yard, as_told: &Met, said: &str) -> Met {
    let files = yard.git(&["ls-tree", "-r", "--name-only", "main"]);
    match as_told {
        _ if !files.contains("src/evil.txt") => match said.contains("CX-MM-002") {
            true => Hooks,
            false => Git,
        },
        Doctor(words) if yard.json(&["doctor"])["checks"].to_string().contains(words) => *as_told,
        Nothing(_) => *as_told,
        _ => Nothing(""),
    }
}

fn told(met: Met) -> String {
    let how = match met {
        Hooks => "refused by the hooks of the main checkout, as a session holds it".to_owned(),
        Git => "refused by git".to_owned(),
        Nothing(why) => format!("not covered: {why}"),
        Doctor(_) => "not covered, and `treeyard doctor` notices".to_owned(),
    };
    format!("past treeyard  {how}")
}

fn put_back(yard: &Yard, config: &[u8], tip: &str) {
    let git = yard.repo().join(".git");
    std::fs::write(git.join("config"), config).unwrap();
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(git.join("refs/heads/main"), tip).unwrap();
    yard.git(&["-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard"]);
    yard.git(&["clean", "-qfd"]);
    yard.exits(0, &["hooks", "install"]);
}
