//! Commits that come from elsewhere, and histories that tell less than they did.

use super::table::{Ends::*, Hook::*, Way, way};

const EVIL: &str = "src/evil.txt";

pub const BROUGHT: &[Way] = &[
    way(
        "cherry-pick",
        Refuses,
        Commit(EVIL),
        "stray; git cherry-pick $S; git cherry-pick --abort; off cherry-pick $S",
    ),
    way(
        "cherry-pick --no-commit",
        Refuses,
        Commit(EVIL),
        "stray; git cherry-pick -n $S; git commit -qm x",
    ),
    way(
        "revert",
        Refuses,
        Commit("src/second.txt"),
        "git revert --no-edit $B; git revert --abort; off revert --no-edit $B",
    ),
    way(
        "rebase onto",
        Refuses,
        Commit(EVIL),
        "stray; git rebase -q $S; git rebase --abort; git checkout -q \"${N#refs/heads/}\"; off rebase -q $S",
    ),
    way(
        "rebase --exec",
        Refuses,
        Commit(EVIL),
        "git rebase -q --exec 'test -e src/evil.txt || { echo evil > src/evil.txt; git add -A; git -c core.hooksPath=/dev/null commit -qm x; }' $B",
    ),
    way(
        "rebase --exec, hooks on",
        Refuses,
        Said("HEAD is not on"),
        "git rebase -q --exec 'echo evil > src/evil.txt; git add -A; git commit -nqm x' $B",
    ),
    way(
        "rebase --autosquash",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -q --fixup HEAD; GIT_EDITOR=true off rebase -q -i --autosquash $B",
    ),
    way(
        "a rebase left open",
        Passed,
        Commit(EVIL),
        "git -c core.hooksPath=/dev/null rebase -q --exec 'echo evil > src/evil.txt; git add -A; git commit -nqm x; false' $B",
    ),
    way(
        "am",
        Refuses,
        Commit(EVIL),
        "stray; git format-patch -1 --stdout $S > $G/p; git am -q $G/p; git am --abort; off am -q $G/p",
    ),
    way(
        "apply --index",
        Refuses,
        Commit(EVIL),
        "stray; git diff $S~ $S | git apply --index; git commit -qm x",
    ),
    way(
        "merge --ff-only",
        Refuses,
        Commit(EVIL),
        "stray; git merge -q --ff-only $S; off merge -q --ff-only $S",
    ),
    way(
        "merge --no-ff --no-verify",
        Refuses,
        Commit(EVIL),
        "stray; git merge -q --no-ff --no-verify -m m $S; git merge --abort; off merge -q --no-ff -m m $S",
    ),
    way(
        "merge --squash",
        Refuses,
        Commit(EVIL),
        "stray; git merge -q --squash $S; git commit -qm x",
    ),
    way(
        "an octopus",
        Passed,
        Commit(EVIL),
        "stray; A=$S; git checkout -q --detach $B; echo o > $D/o; git add -A; git commit -nqm o; O=$(git rev-parse HEAD); git checkout -q \"${N#refs/heads/}\"; git commit -q --allow-empty -m e; off merge -q -m m $A $O",
    ),
    way(
        "more in the merge than it merges",
        Passed,
        Commit(EVIL),
        "git checkout -q --detach $B; echo o > $D/o; git add -A; git commit -nqm o; O=$(git rev-parse HEAD); git checkout -q \"${N#refs/heads/}\"; off merge -q --no-commit --no-ff $O; evil; git add -A; off commit -qm m",
    ),
    way(
        "a merge that takes the base back",
        Passed,
        Commit("src/second.txt"),
        "T=$(git rev-parse $B~1^{tree}); C=$(git commit-tree $T -p HEAD -p $B~1 -m x); off update-ref HEAD $C",
    ),
    way(
        "fetch into the branch",
        Refuses,
        Commit(EVIL),
        "stray; git fetch -q --update-head-ok . +$S:$N; off fetch -q --update-head-ok . +$S:$N",
    ),
    way(
        "push into the branch",
        Refuses,
        Commit(EVIL),
        "stray; git config receive.denyCurrentBranch ignore; git push -q . +$S:$N; git push -q --receive-pack='git -c core.hooksPath=/dev/null receive-pack' --no-verify . +$S:$N",
    ),
    way(
        "pull from a bundle",
        Refuses,
        Commit(EVIL),
        "stray; git tag t $S; git bundle create -q $G/b t ^$B; git pull -q --ff-only $G/b t; off pull -q --ff-only $G/b t",
    ),
    way(
        "fetch from a clone",
        Passed,
        Commit(EVIL),
        "git clone -q . $G/c; (cd $G/c; echo evil > src/evil.txt; git add -A; git commit -qm x); off pull -q --ff-only $G/c \"${N#refs/heads/}\"",
    ),
    way("stash", Passed, Lands, "evil; git add -A; git stash -q"),
    way(
        "stash branch",
        Passed,
        Said("HEAD is not on"),
        "evil; git add -A; git stash -q; git stash branch other",
    ),
    way(
        "stash as a commit",
        Passed,
        Commit(EVIL),
        "evil; git add -A; git stash -q; off reset -q --hard stash",
    ),
    way(
        "notes",
        Passed,
        Lands,
        "stray; git notes add -m evil; git notes copy HEAD $S; git update-ref refs/notes/more $S",
    ),
    way(
        "tags",
        Passed,
        Lands,
        "stray; git tag evil $S; git tag -a -m evil evil2 $S",
    ),
];

pub const RETOLD: &[Way] = &[
    way(
        "undone in the next commit",
        Passed,
        Commit(EVIL),
        "evil; git add -A; off commit -qm x; git rm -q src/evil.txt; off commit -qm y",
    ),
    way(
        "undone in a merge",
        Passed,
        Commit(EVIL),
        "stray; off merge -q --no-ff -s ours -m m $S",
    ),
    way(
        "replace",
        Passed,
        Commit(EVIL),
        "H=$(git rev-parse HEAD); stray; off reset -q --hard $S; git replace $S $H",
    ),
    way(
        "replace --graft",
        Passed,
        Commit(EVIL),
        "stray; off reset -q --hard $S; echo more > $D/more; git add -A; off commit -qm more; git replace --graft HEAD $B",
    ),
    way(
        "grafts",
        Passed,
        Commit(EVIL),
        "stray; off reset -q --hard $S; mkdir -p $G/info; echo $S > $G/info/grafts",
    ),
    way(
        "a shallow end",
        Passed,
        Commit(EVIL),
        "stray; off reset -q --hard $S; echo more > $D/more; git add -A; off commit -qm more; git rev-parse HEAD > $G/shallow",
    ),
    way(
        "a commit-graph",
        Passed,
        Commit(EVIL),
        "stray; off reset -q --hard $S; git commit-graph write --reachable",
    ),
    way(
        "the target's branch moved in private",
        Passed,
        Commit(EVIL),
        "stray; off update-ref refs/heads/main $S; off reset -q --hard main",
    ),
    way(
        "the base amended",
        Passed,
        Commit(EVIL),
        "git checkout -q --detach $B; evil; git add -A; off commit -q --amend --no-edit; S=$(git rev-parse HEAD); git checkout -q \"${N#refs/heads/}\"; off rebase -q --onto $S $B",
    ),
    way(
        "no history in common",
        Passed,
        Said("nothing in common"),
        "evil; git add -A; off update-ref $N $(git commit-tree $(git write-tree) -m x)",
    ),
    way(
        "a second root",
        Passed,
        Commit("README.md"),
        "evil; git add -A; R=$(git commit-tree $(git write-tree) -m x); off update-ref $N $(git commit-tree HEAD^{tree} -p HEAD -p $R -m m)",
    ),
    way(
        "from before the target",
        Passed,
        Lands,
        "off reset -q --hard $B~1; mkdir -p $D; echo in > $D/in.md; git add -A; off commit -qm x",
    ),
    way(
        "many commits, one of them",
        Passed,
        Commit(EVIL),
        "for n in 1 2 3 4 5; do echo $n > $D/$n; test $n != 3 || evil; git add -A; off commit -qm $n; rm -f src/evil.txt; done",
    ),
];
