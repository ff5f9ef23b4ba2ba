//! Ordinary commits, with everything that keeps hooks from running or shows them something else.

use super::table::{Ends::*, Hook::*, Way, way};

const EVIL: &str = "src/evil.txt";

pub const SWITCHED_OFF: &[Way] = &[
    way(
        "commit",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; git commit -qm x",
    ),
    way("not committed", Passed, Commit(EVIL), "evil"),
    way(
        "commit --no-verify",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; git commit -qm x --no-verify",
    ),
    way(
        "commit -n --amend",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; git commit -qn --amend --no-edit",
    ),
    way(
        "-c core.hooksPath",
        Passed,
        Commit(EVIL),
        "evil; git add -A; git -c core.hooksPath=/dev/null commit -qm x",
    ),
    way(
        "GIT_CONFIG_COUNT",
        Passed,
        Commit(EVIL),
        "evil; git add -A; GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null git commit -qm x",
    ),
    way(
        "GIT_CONFIG_PARAMETERS",
        Passed,
        Commit(EVIL),
        "evil; git add -A; GIT_CONFIG_PARAMETERS=\"'core.hooksPath=/dev/null'\" git commit -qm x",
    ),
    way(
        "GIT_CONFIG_GLOBAL",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; printf '[core]\\n\\thooksPath = /dev/null\\n' > $G/global; GIT_CONFIG_GLOBAL=$G/global git commit -qm x",
    ),
    way(
        "--config-env",
        Passed,
        Commit(EVIL),
        "evil; git add -A; O=/dev/null git --config-env=core.hooksPath=O commit -qm x",
    ),
    way(
        "git config core.hooksPath",
        Passed,
        Commit(EVIL),
        "evil; git config core.hooksPath /dev/null; git add -A; git commit -qm x",
    ),
    way(
        "git config include.path",
        Passed,
        Commit(EVIL),
        "evil; printf '[core]\\n\\thooksPath = /dev/null\\n' > $G/more; git config include.path more; git add -A; git commit -qm x",
    ),
    way(
        "git config --worktree",
        Passed,
        Commit(EVIL),
        "evil; git config extensions.worktreeConfig true; git config --worktree core.hooksPath /dev/null; git add -A; git commit -qm x",
    ),
    way(
        "an alias without hooks",
        Passed,
        Commit(EVIL),
        "evil; git config alias.ci '!git -c core.hooksPath=/dev/null commit'; git add -A; git ci -qm x",
    ),
    way(
        "TREEYARD_SCOPE widened",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; TREEYARD_SCOPE='**' git commit -qm x",
    ),
    way(
        "forged trailers",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x --trailer Treeyard-Session:01a20068-04df-722f-996e-482856eb6fd6 --trailer Treeyard-Task:keeper --trailer Treeyard-Lock:1",
    ),
    way(
        "--git-dir and --work-tree",
        Refuses,
        Commit(EVIL),
        "evil; W=$PWD; cd /; git --git-dir=\"$G\" --work-tree=\"$W\" add -A; git --git-dir=\"$G\" --work-tree=\"$W\" commit -qm x",
    ),
    way(
        "GIT_DIR without hooks",
        Passed,
        Commit(EVIL),
        "evil; export GIT_DIR=$G GIT_WORK_TREE=$PWD; git add -A; off commit -qm x",
    ),
];

pub const INDEXES: &[Way] = &[
    way(
        "commit -o",
        Refuses,
        Commit(EVIL),
        "evil; git add -N src; git commit -qm x -o src/evil.txt",
    ),
    way(
        "commit -i",
        Refuses,
        Commit(EVIL),
        "evil; git add -N src; git commit -qm x -i src/evil.txt",
    ),
    way(
        "commit -p",
        Refuses,
        Commit("src/lib.txt"),
        "echo evil >> src/lib.txt; yes | git commit -qm x -p",
    ),
    way(
        "commit -o --no-verify",
        Refuses,
        Commit(EVIL),
        "evil; git add -N src; git commit -nqm x -o src/evil.txt",
    ),
    way(
        "GIT_INDEX_FILE",
        Refuses,
        Commit(EVIL),
        "evil; cp $G/index $G/other; export GIT_INDEX_FILE=$G/other; git add -A; git commit -qm x",
    ),
    way(
        "GIT_INDEX_FILE without hooks",
        Passed,
        Commit(EVIL),
        "evil; export GIT_INDEX_FILE=$G/other; git read-tree HEAD; git add -A; off commit -qm x",
    ),
    way(
        "update-index --cacheinfo",
        Refuses,
        Commit(EVIL),
        "id=$(echo evil | git hash-object -w --stdin); git update-index --add --cacheinfo 100644,$id,src/evil.txt; git commit -qm x; off commit -qm x",
    ),
    way(
        "apply --cached",
        Refuses,
        Commit(EVIL),
        "stray; git diff $S~ $S | git apply --cached; git commit -qm x; off commit -qm x",
    ),
    way(
        "assume-unchanged",
        Passed,
        Commit("src/lib.txt"),
        "git update-index --assume-unchanged src/lib.txt; echo evil >> src/lib.txt",
    ),
    way(
        "skip-worktree",
        Passed,
        Commit("src/lib.txt"),
        "git update-index --skip-worktree src/lib.txt; echo evil >> src/lib.txt",
    ),
    way(
        "intent to add",
        Refuses,
        Commit(EVIL),
        "evil; git add -N src; git commit -qam x",
    ),
    way(
        "sparse-checkout",
        Passed,
        Commit("src/lib.txt"),
        "git sparse-checkout set docs",
    ),
    way(
        "an index of nothing",
        Passed,
        Commit("README.md"),
        "git read-tree --empty; git add docs; off commit -qm x; off checkout -q HEAD -- .",
    ),
    way(
        "read-tree of an older commit",
        Refuses,
        Commit("src/second.txt"),
        "git read-tree -m $B~1; git commit -qm x; off commit -qm x",
    ),
    way(
        "an ignored file, forced",
        Refuses,
        Commit(EVIL),
        "evil; echo src/evil.txt >> $G/info/exclude; git add -f src; git commit -qm x",
    ),
    way(
        "a merge left open",
        Passed,
        Commit(EVIL),
        "git checkout -q --detach $B; mkdir -p $D; echo one > $D/c; git add -A; git commit -qm c -n; C=$(git rev-parse HEAD); git checkout -q \"${N#refs/heads/}\"; echo two > $D/c; evil; git add $D; git commit -qm d; git merge -q $C",
    ),
];

pub const KINDS: &[Way] = &[
    way(
        "a deletion",
        Refuses,
        Commit("src/lib.txt"),
        "git rm -q src/lib.txt; git commit -qm x",
    ),
    way(
        "a deletion without hooks",
        Passed,
        Commit("src/lib.txt"),
        "git rm -q src/lib.txt; off commit -qm x",
    ),
    way(
        "renamed into the scope",
        Refuses,
        Commit("src/lib.txt"),
        "git mv src/lib.txt $D/lib.txt; git commit -qm x",
    ),
    way(
        "renamed out of it",
        Refuses,
        Commit(EVIL),
        "git mv $D/in.md src/evil.txt; git commit -qm x",
    ),
    way(
        "renamed without hooks",
        Passed,
        Commit("src/lib.txt"),
        "git mv src/lib.txt $D/lib.txt; off commit -qm x",
    ),
    way(
        "a mode",
        Refuses,
        Commit("src/lib.txt"),
        "chmod +x src/lib.txt; git commit -qam x",
    ),
    way(
        "a mode without hooks",
        Passed,
        Commit("src/lib.txt"),
        "git update-index --chmod=+x src/lib.txt; off commit -qm x",
    ),
    way(
        "a file made a link",
        Passed,
        Commit("src/lib.txt"),
        "ln -sf second.txt src/lib.txt; git add -A; off commit -qm x",
    ),
    way(
        "a file made a folder",
        Passed,
        Commit("src/lib.txt"),
        "rm src/lib.txt; mkdir src/lib.txt; touch src/lib.txt/in; git add -A; off commit -qm x",
    ),
    way(
        "a folder made a link into the scope",
        Passed,
        Commit("src"),
        "rm -r src; ln -s $D src; git add -A; off commit -qm x",
    ),
    way(
        "a folder made a file",
        Passed,
        Commit("src"),
        "rm -r src; echo > src; git add -A; off commit -qm x",
    ),
    way(
        "through a link in the scope",
        Refuses,
        Commit(EVIL),
        "ln -s ../../src $D/s; echo evil > $D/s/evil.txt; git add -A; git commit -qm x",
    ),
    way(
        "a submodule",
        Refuses,
        Commit("src/sub"),
        "git update-index --add --cacheinfo 160000,$B,src/sub; git commit -qm x; off commit -qm x",
    ),
    way(
        "a submodule without hooks",
        Passed,
        Commit("src/sub"),
        "git init -q src/sub; git -C src/sub commit -q --allow-empty -m s; git -c advice.addEmbeddedRepo=false add -A; off commit -qm x",
    ),
    way(
        ".gitmodules",
        Refuses,
        Commit(".gitmodules"),
        "git config -f .gitmodules submodule.s.path $D/s; git config -f .gitmodules submodule.s.url /; git update-index --add --cacheinfo 160000,$B,$D/s; git add .gitmodules; git commit -qm x",
    ),
    way(
        ".gitattributes",
        Refuses,
        Commit(".gitattributes"),
        "echo '* filter=evil' > .gitattributes; git add -A; git commit -qm x",
    ),
    way(
        ".gitignore",
        Passed,
        Commit(".gitignore"),
        "echo '*' > .gitignore; git add -f .gitignore; off commit -qm x",
    ),
    way(
        "a folder in capitals",
        Passed,
        Said("the same file"),
        "mkdir -p DOCS; echo evil > DOCS/x; git add -A; off commit -qm x",
    ),
];
