//! Objects and refs made one by one, by git's plumbing, by hand and by another program.

use std::path::Path;

use super::table::{By, Ends::*, Hook::*, Way, way};

const EVIL: &str = "src/evil.txt";

pub const OBJECTS: &[Way] = &[
    way(
        "commit-tree and update-ref",
        Refuses,
        Commit(EVIL),
        "evil; git add -A; C=$(git commit-tree $(git write-tree) -p HEAD -m x); git update-ref HEAD $C; off update-ref HEAD $C",
    ),
    way(
        "update-ref --stdin",
        Refuses,
        Commit(EVIL),
        "stray; printf 'update %s %s\\n' ORIG_HEAD $S $N $S | git update-ref --stdin; printf 'update %s %s\\n' $N $S | off update-ref --stdin",
    ),
    way(
        "hash-object and mktree",
        Refuses,
        Commit(EVIL),
        "I=$(echo evil | git hash-object -w --stdin); T=$( (git ls-tree HEAD:src; printf '100644 blob %s\\tevil.txt\\n' $I) | git mktree); R=$( (git ls-tree HEAD | grep -v src; printf '040000 tree %s\\tsrc\\n' $T) | git mktree); C=$(git commit-tree $R -p HEAD -m x); git update-ref $N $C; off update-ref $N $C",
    ),
    way(
        "fast-import",
        Passed,
        Commit(EVIL),
        "printf 'commit %s\\ncommitter T <t@l> 1700000000 +0000\\ndata 1\\nx\\nfrom %s\\nM 100644 inline src/evil.txt\\ndata 5\\nevil\\n\\n' $N $(git rev-parse HEAD) | off fast-import --quiet --force; off reset -q --hard",
    ),
    way(
        "fast-import with hooks",
        Refuses,
        Commit(EVIL),
        "evil; printf 'commit %s\\ncommitter T <t@l> 1700000000 +0000\\ndata 1\\nx\\nfrom %s\\nM 100644 inline src/evil.txt\\ndata 5\\nevil\\n\\n' $N $(git rev-parse HEAD) | git fast-import --quiet --force",
    ),
    way(
        "merge-tree --write-tree",
        Passed,
        Commit(EVIL),
        "stray; off update-ref HEAD $(git commit-tree $(git merge-tree --write-tree HEAD $S) -p HEAD -m x)",
    ),
    way(
        "replay",
        Passed,
        Commit(EVIL),
        "stray; off branch -q s $S; git replay --onto HEAD $S~..s > $G/u; off update-ref --stdin < $G/u; off reset -q --hard s",
    ),
    way(
        "reset --soft",
        Refuses,
        Commit(EVIL),
        "stray; git reset -q --soft $S; off reset -q --soft $S",
    ),
    way(
        "checkout -B",
        Refuses,
        Commit(EVIL),
        "stray; git checkout -q -B \"${N#refs/heads/}\" $S; off checkout -q -B \"${N#refs/heads/}\" $S",
    ),
    way(
        "branch -f",
        Refuses,
        Commit(EVIL),
        "stray; git checkout -q --detach; git branch -f \"${N#refs/heads/}\" $S; off branch -f \"${N#refs/heads/}\" $S; git checkout -q \"${N#refs/heads/}\"",
    ),
    way(
        "a path in one name",
        Passed,
        Said("src/evil.txt"),
        "I=$(echo evil | git hash-object -w --stdin | sed 's/../\\\\x&/g'); { git cat-file tree HEAD; printf '100644 src/evil.txt\\0'; bash -c \"printf '$I'\"; } > $G/t; T=$(git hash-object -t tree -w --literally $G/t); off update-ref HEAD $(git commit-tree $T -p HEAD -m x)",
    ),
    way(
        "out of the scope by dots",
        Passed,
        Said(".."),
        "I=$(echo evil | git hash-object -w --stdin | sed 's/../\\\\x&/g'); { printf '100644 ..\\0'; bash -c \"printf '$I'\"; } > $G/t; T=$(git hash-object -t tree -w --literally $G/t); U=$(printf '040000 tree %s\\tdocs\\n' $T | git mktree); off update-ref HEAD $(git commit-tree $U -p HEAD -m x)",
    ),
    way(
        "the same name twice",
        Passed,
        Said("TY-"),
        "I=$(echo evil | git hash-object -w --stdin | sed 's/../\\\\x&/g'); { git cat-file tree HEAD:src; printf '100644 second.txt\\0'; bash -c \"printf '$I'\"; } > $G/t; T=$(git hash-object -t tree -w --literally $G/t); R=$( (git ls-tree HEAD | grep -v src; printf '040000 tree %s\\tsrc\\n' $T) | git mktree); off update-ref HEAD $(git commit-tree $R -p HEAD -m x)",
    ),
    way(
        "an object under another's name",
        Passed,
        Said("TY-"),
        "H=$(git rev-parse HEAD); stray; F=$(echo $H | cut -c1-2)/$(echo $H | cut -c3-); E=$(echo $S | cut -c1-2)/$(echo $S | cut -c3-); chmod u+w $G/objects/$F; cp $G/objects/$E $G/objects/$F",
    ),
    way(
        "objects put into the repository's store",
        Passed,
        Commit(EVIL),
        "evil; git add -A; export GIT_OBJECT_DIRECTORY=$M/.git/objects; git add -A; off commit -qm x",
    ),
    way(
        "objects from a store of their own",
        Passed,
        Commit(EVIL),
        "git init -q --bare $G/o; stray; off push -q $G/o $S:refs/heads/s; echo $G/o/objects >> $G/objects/info/alternates; off reset -q --hard $S; git gc -q --prune=now",
    ),
];

pub const REFS: &[Way] = &[
    way(
        "the branch's file written",
        Passed,
        Commit(EVIL),
        "stray; echo $S > $G/$N; git reset -q --hard",
    ),
    way(
        "packed-refs written",
        Passed,
        Commit(EVIL),
        "stray; git pack-refs --all; rm -f $G/$N; sed -i \"s|^[0-9a-f]* $N|$S $N|\" $G/packed-refs; git reset -q --hard",
    ),
    way(
        "reftable",
        Passed,
        Said("TY-"),
        "stray; git pack-refs --all; git refs migrate --ref-format=reftable; off reset -q --hard $S",
    ),
    way(
        "the branch made symbolic",
        Passed,
        Commit(EVIL),
        "stray; off update-ref refs/heads/s $S; off symbolic-ref $N refs/heads/s; off reset -q --hard",
    ),
    way(
        "HEAD written",
        Passed,
        Commit(EVIL),
        "stray; echo $S > $G/HEAD; off reset -q --hard",
    ),
    way(
        "a detached HEAD",
        Passed,
        Commit(EVIL),
        "git checkout -q --detach; evil; git add -A; off commit -qm x",
    ),
    way(
        "a detached HEAD, hooks on",
        Refuses,
        Said("HEAD is not on"),
        "git checkout -q --detach; evil; git add -A; git commit -nqm x",
    ),
    way(
        "a detached HEAD, not committed",
        Passed,
        Said("HEAD is not on"),
        "git checkout -q --detach; evil; git add -A",
    ),
    way(
        "another branch",
        Passed,
        Said("another branch"),
        "git switch -q -c other; evil; git add -A; off commit -qm x",
    ),
    way(
        "another branch, put in place",
        Passed,
        Commit(EVIL),
        "git switch -q -c other; evil; git add -A; off commit -qm x; off branch -M other \"${N#refs/heads/}\"",
    ),
    way(
        "branch -m of its own",
        Passed,
        Said("another branch"),
        "git branch -m gone; evil; git add -A; off commit -qm x",
    ),
    way(
        "its own branch deleted",
        Passed,
        Said("TY-"),
        "evil; git add -A; off commit -qm x; git checkout -q --detach $B; off branch -D \"${N#refs/heads/}\"; off symbolic-ref HEAD $N",
    ),
    way(
        "a branch of the target's name",
        Refuses,
        Said("another branch"),
        "git branch main; git switch -q -c main; off switch -q -c main; evil; git add -A; off commit -qm x",
    ),
    way(
        "a worktree of its own, in the scope",
        Passed,
        Commit(EVIL),
        "git worktree add -q -f $D/wt \"${N#refs/heads/}\"; (cd $D/wt; echo evil > src/evil.txt; git add -A; off commit -qm x); git reset -q --hard; git worktree remove -f $D/wt",
    ),
    way(
        "a worktree left in the scope",
        Passed,
        Said("TY-"),
        "git worktree add -q $D/wt; cd $D/wt; evil; git add -A; off commit -qm x",
    ),
    way(
        "push to the target",
        Refuses,
        Commit(EVIL),
        "stray; git push -q $M +$S:refs/heads/main; off push -q $M +$S:refs/heads/main; off reset -q --hard $S",
    ),
    way(
        "its branch in the repository, by push",
        Refuses,
        Commit(EVIL),
        "stray; git push -q $M $S:$N; off push -q $M $S:$N; off reset -q --hard $S",
    ),
    way(
        "its branch in the repository alone",
        Passed,
        Lands,
        "stray; off update-ref refs/heads/s $S; export GIT_DIR=$M/.git; off fetch -q $G s; off update-ref $N FETCH_HEAD",
    ),
    Way {
        name: "another program",
        hook: Passed,
        ends: Commit(EVIL),
        by: By::Library(by_library),
    },
];

/// A commit as a program makes it that never starts git.
fn by_library(worktree: &Path) {
    let repo = gix::open(worktree).unwrap();
    let head = repo.head_commit().unwrap();
    let mut tree = head.tree().unwrap().edit().unwrap();
    let blob = repo.write_blob("evil\n").unwrap();
    tree.upsert(EVIL, gix::object::tree::EntryKind::Blob, blob)
        .unwrap();
    let tree = tree.write().unwrap();
    let branch = repo.head_name().unwrap().unwrap();
    repo.commit(branch.as_bstr(), "x", tree, [head.id]).unwrap();
}
