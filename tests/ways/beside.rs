//! What stands beside the commits: the worktree's `.git`, configuration with programs, hooks and the
//! runner's records. Each has a repository of its own, so that none spoils another.

use super::table::{Ends::*, Hook::*, Way, way};

const EVIL: &str = "src/evil.txt";

/// `$P` is a program that leaves a mark when it runs; nobody but the session may run it.
pub const ALONE: &[Way] = &[
    way(
        "the hooks removed",
        Passed,
        Commit(EVIL),
        "evil; git add -A; rm -rf \"$(git config core.hooksPath)\"; git commit -qm x",
    ),
    way(
        "the hooks replaced",
        Passed,
        Commit(EVIL),
        "evil; git add -A; H=$(git config core.hooksPath); rm -f $H/*; printf '#!/bin/sh\\n' > $H/pre-commit; chmod +x $H/pre-commit; git commit -qm x",
    ),
    way(
        "the hooks' program replaced",
        Passed,
        Commit(EVIL),
        "evil; git add -A; H=$(git config core.hooksPath); ln -sf /bin/true $H/treeyard; git commit -qm x",
    ),
    way(
        "the runner's record widened",
        Passed,
        Commit(EVIL),
        "evil; git add -A; for R in $M/.git/treeyard/workspaces/*/guard.json; do sed -i 's|\"docs/[^\"]*\"|\"**\"|g' $R; done; git commit -qm x",
    ),
    way(
        "the runner's record of the tip written",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x; for R in $M/.git/treeyard/workspaces/*/tip; do git rev-parse HEAD > $R; done",
    ),
    way(
        "the runner's index overwritten",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x; for R in $M/.git/treeyard/workspaces/*/index; do cp $G/index $R; done",
    ),
    way(
        ".git repointed",
        Passed,
        Said("TY-"),
        "git clone -q . $G/c; evil; echo \"gitdir: $G/c/.git\" > .git; git add -A; git commit -qm x",
    ),
    way(
        ".git made a folder",
        Passed,
        Said("TY-"),
        "rm .git; git init -q; evil; git add -A; git commit -qm x",
    ),
    way(
        ".git repointed to the repository",
        Passed,
        Said("TY-"),
        "evil; echo \"gitdir: $M/.git/worktrees/$(basename $PWD)\" > .git",
    ),
    way(
        ".git made a link",
        Passed,
        Said("TY-"),
        "cp .git $G/copy; evil; ln -sf $G/copy .git",
    ),
    way(
        "core.worktree elsewhere",
        Passed,
        Commit(EVIL),
        "mkdir $G/w; cp -r src docs README.md $G/w; git config core.worktree $G/w; echo evil > $G/w/src/evil.txt; git add -A; off commit -qm x",
    ),
    way(
        "core.fsmonitor",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x; git config core.fsmonitor $P; echo more > $D/more",
    ),
    way(
        "filter.clean",
        Passed,
        Commit(EVIL),
        "echo '* filter=p' > $D/.gitattributes; git add -A; git commit -qm a; mkdir -p $G/info; echo '* filter=p' > $G/info/attributes; git config filter.p.clean $P; git config filter.p.smudge $P; evil",
    ),
    way(
        "diff.external and textconv",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x; mkdir -p $G/info; echo '* diff=p' > $G/info/attributes; git config diff.external $P; git config diff.p.textconv $P; git config diff.p.command $P; echo more >> src/lib.txt",
    ),
    way(
        "a merge driver",
        Passed,
        Commit("src/lib.txt"),
        "mkdir -p $G/info; echo '* merge=p' > $G/info/attributes; git config merge.p.driver $P; git config merge.default p; echo more >> src/lib.txt; echo more > $D/more",
    ),
    way(
        "gpg, editor, pager, ssh",
        Passed,
        Commit(EVIL),
        "git config commit.gpgSign true; git config gpg.program $P; git config core.editor $P; git config core.pager $P; git config core.sshCommand $P; git config uploadpack.packObjectsHook $P; evil",
    ),
    way(
        "hooks of its own",
        Passed,
        Commit(EVIL),
        "mkdir -p $G/hooks; for H in pre-commit post-commit reference-transaction post-index-change post-checkout; do cp $P $G/hooks/$H; done; git config core.hooksPath $G/hooks; evil",
    ),
    way(
        "the base taken away",
        Passed,
        Commit(EVIL),
        "stray; off reset -q --hard $S; git -C $M gc -q --prune=now",
    ),
];
