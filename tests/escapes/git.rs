//! Git as the way out: what a session may write makes whoever reads it write or run something.

use super::table::{Attempt, prepared, stopped};

/// In the worktree and git directory that the session shares with nobody.
pub const INSIDE: &[Attempt] = &[
    stopped(
        "another git directory by variables",
        "export GIT_DIR=$R/.git GIT_WORK_TREE=$D; git add -A; git commit -qm x; git update-ref refs/heads/main HEAD; git stash; git config a.b c; git gc",
    ),
    stopped(
        "parts of another git directory",
        "echo x > x; GIT_OBJECT_DIRECTORY=$R/.git/objects git add x; GIT_INDEX_FILE=$R/.git/index git add x; GIT_COMMON_DIR=$R/.git git branch planted; GIT_WORK_TREE=$H git checkout -f; git reset -q; rm x",
    ),
    stopped(
        "objects of the repository",
        "cd $R/.git/objects; for f in */*; do : > $f; rm -f $f; echo x > $f; done; mkdir ab; mv pack pack.old; echo x > info/alternates",
    ),
    stopped(
        "refs of the repository",
        "cd $R/.git; echo x > refs/heads/main; echo x > packed-refs; rm -f packed-refs; echo x > HEAD; echo x > refs/stash; rm -f logs/HEAD; echo x > index; mkdir refs/heads/x; : > refs/heads/main.lock",
    ),
    stopped(
        "hooks and settings of the repository",
        "cd $R/.git; printf '#!/bin/sh\\ntouch %s/ran/hook' $F > hooks/post-commit; cp $D/tool hooks/pre-commit; echo '[core]' >> config; echo '[core]' > config.worktree; echo x > info/attributes; echo x > $R/.gitattributes; git -C $R config core.fsmonitor x",
    ),
    stopped(
        "hooks of the sessions and the record of the worktree",
        "cd $R/.git/treeyard; for f in hooks/*/* workspaces/*/*; do echo x > $f; rm -f $f; done; touch hooks/session/x; mv hooks h",
    ),
    stopped(
        "worktrees of others",
        "git -C $R worktree prune; git -C $R worktree remove -f -f $O; git --git-dir=$R/.git worktree unlock $O; git worktree add $F/w; echo x > $R/.git/worktrees/x; rm -rf $R/.git/worktrees; git -C $O stash -u; git -C $O commit -qam x",
    ),
    stopped(
        "a push and a fetch",
        "git push -q $R HEAD:refs/heads/main; git push -q $R HEAD:refs/heads/planted; git push -q file://$OG HEAD:refs/heads/x; git -C $R fetch $G; git bundle create $F/b HEAD",
    ),
    stopped(
        "the runner by its own program",
        "cd $R; $T run --name planted -- true; $T land --all; $T cancel --all; $T gc; $T claim '**'; $T down; $T events; $T config show; $T doctor --fix; echo x | $T __hook pre-commit; $T __forkserver",
    ),
    stopped(
        "the runner's files",
        "cd $R/.git/treeyard; : > treeyard.db; echo x > wake; for f in *.lock jobs/*/[!o]*; do echo x > $f; rm -f $f; done; echo '{}' > jobs/exit.json",
    ),
    stopped(
        "a work tree elsewhere",
        "git config core.worktree $H; git checkout -f; git clean -fdx; git add -A; git config --unset core.worktree; git --work-tree=$R checkout -f; git --work-tree=$H clean -fdx",
    ),
    stopped(
        "a submodule that is elsewhere",
        "git -c protocol.file.allow=always submodule add -f file://$R sub; git -c protocol.file.allow=always submodule add -f $H/private sub2; git config -f .gitmodules submodule.s.path ../../repo; git config -f .gitmodules submodule.s.update '!touch $F/ran/sub'; git config -f .gitmodules submodule.s.url $R; git submodule update --init; git rm -qrf --cached sub sub2; rm -rf .gitmodules sub sub2",
    ),
];

/// What is left for whoever looks at the session's work. Each would leave a mark in `$F/ran`.
pub const PAYLOADS: &[Attempt] = &[
    stopped(
        "fsmonitor in config and config.worktree",
        "printf '#!/bin/sh\\ntouch %s/ran/$(basename $0)\\n' $F > $G/evil; chmod +x $G/evil; git config core.fsmonitor $G/evil; git config extensions.worktreeConfig true; git config --worktree core.fsmonitor $G/evil",
    ),
    stopped(
        "filters, diffs and merges",
        "for k in filter.e.clean filter.e.smudge filter.e.process diff.e.command diff.e.textconv merge.e.driver diff.external; do git config $k $G/evil; done; echo '* filter=e diff=e merge=e' > .gitattributes; cp .gitattributes $G/info/attributes",
    ),
    stopped(
        "editors, pagers and other programs",
        "for k in core.editor core.pager pager.diff sequence.editor core.sshCommand core.askPass core.gitProxy gpg.program credential.helper core.alternateRefsCommand uploadpack.packObjectsHook interactive.diffFilter trailer.treeyard-task.cmd gc.recentObjectsHook; do git config $k $G/evil; done; git config alias.status \"!$G/evil\"; git config commit.gpgSign true",
    ),
    stopped(
        "hooks of its own",
        "for h in pre-commit post-commit post-checkout post-merge post-index-change reference-transaction pre-push post-rewrite fsmonitor-watchman; do cp $G/evil $G/hooks/$h; done; git config core.hooksPath $G/hooks",
    ),
    stopped(
        "settings that include others",
        "git config include.path $H/.gitconfig; git config --add includeIf.gitdir:/.path $G/evil.config; git config -f $G/evil.config core.fsmonitor $G/evil; git config core.excludesFile $H/.netrc; git config core.attributesFile $H/.netrc",
    ),
    stopped(
        "work for all that to happen on",
        "echo more >> README.md; echo x > src/new; git add src/new",
    ),
];

/// Git directories that lead elsewhere. Each in a session of its own, which need not end well.
pub const LED_ELSEWHERE: &[Attempt] = &[
    prepared(
        "the .git file swapped",
        "rm -f .git; echo \"gitdir: $R/.git\" > .git; git add -A; git commit -qm x",
        "rm -f .git; ln -s $H/.ssh .git",
    ),
    prepared(
        "the .git file a link to secrets",
        "rm -f .git; ln -s $H/.ssh .git",
        "cat .git/id_ed25519; cat $H/.ssh/id_ed25519",
    ),
    stopped(
        "a commondir file",
        "echo $R/.git > $G/commondir; git branch planted; git update-ref refs/heads/main $(git hash-object -t tree /dev/null)",
    ),
    stopped(
        "a submodule with filters",
        "git init -q sub; cd sub; echo '* filter=e' > .gitattributes; echo x > f; git add -A; git commit -qm x; cd ..; git update-index --add --cacheinfo 160000,$(git -C sub rev-parse HEAD),sub; C=$(git commit-tree -p HEAD -m x $(git write-tree)); echo $C > $G/$(echo $N); cd sub; git config filter.e.clean \"touch $F/ran/sub; cat\"; echo yy > f",
    ),
    stopped(
        "a pipe for the head of another repository",
        "git init -q inner; echo x > inner/x; rm inner/.git/HEAD; mkfifo inner/.git/HEAD",
    ),
    stopped(
        "a gitdir file",
        "echo $R/.git > $G/gitdir; echo x > x; git add x; git commit -qm x",
    ),
    stopped(
        "links for refs",
        "git pack-refs --all; rm -rf $G/refs/heads/ty; ln -s $R/.git/refs/heads $G/refs/heads/ty; echo x > x",
    ),
    stopped(
        "links for objects",
        "cp -r $G/objects $G/o; rm -rf $G/objects; ln -s $H/targets $G/objects; echo x > x",
    ),
    stopped(
        "a link for packs",
        "rm -rf $G/objects/pack; ln -s $H/targets $G/objects/pack; echo x > x",
    ),
    stopped(
        "links for the index, logs and notes",
        "rm -rf $G/logs; ln -s $H/targets $G/logs; for f in index.treeyard treeyard-warning warning COMMIT_EDITMSG ORIG_HEAD; do rm -f $G/$f; ln -s $H/targets/$f $G/$f; done; mv $G/index $G/i; ln -s $H/.bashrc $G/index; echo x > x",
    ),
    stopped(
        "alternates of a private repository",
        "echo $H/private/.git/objects >> $G/objects/info/alternates; C=$(printf 'tree %s\\nparent %s\\nparent %s\\nauthor T <t@l> 1700000000 +0000\\ncommitter T <t@l> 1700000000 +0000\\n\\nx\\n' $(git rev-parse HEAD^{tree}) $(git rev-parse HEAD) $P | git hash-object -t commit -w --literally --stdin); echo $C > $G/$N",
    ),
    stopped(
        "a link to objects of a private repository",
        "p=$(echo $P | cut -c1-2); for x in $PX; do rm -rf $G/objects/$x; ln -s $H/private/.git/objects/$x $G/objects/$x; done; C=$(printf 'tree %s\\nparent %s\\nparent %s\\nauthor T <t@l> 1700000000 +0000\\ncommitter T <t@l> 1700000000 +0000\\n\\nx\\n' $(git rev-parse HEAD^{tree}) $(git rev-parse HEAD) $P | git hash-object -t commit -w --literally --stdin); echo $C > $G/$N",
    ),
    prepared(
        "its folder for temporary files led elsewhere",
        "mv $G/treeyard/tmp $G/treeyard/t; ln -s ../../../../home $G/treeyard/tmp",
        "cat /tmp/.netrc $TMPDIR/.netrc; echo x > /tmp/new; echo x > $TMPDIR/new",
    ),
    prepared(
        "its folder for temporary files a link to a home",
        "mv $G/treeyard/tmp $G/treeyard/t; ln -s $H $G/treeyard/tmp",
        "cat /tmp/.netrc $TMPDIR/.netrc; echo x > /tmp/new; echo x > $TMPDIR/new",
    ),
    prepared(
        "folders in its /tmp led elsewhere",
        "mv $G/treeyard/tmp $G/treeyard/t; t=$G/treeyard/tmp/${F#/tmp/}; mkdir -p $(dirname $t); ln -s /old$H/targets $t",
        "cat $F/size",
    ),
    prepared(
        "its home led elsewhere",
        "rm -rf $G/treeyard/home; ln -s $H/targets $G/treeyard/home",
        "true",
    ),
    prepared(
        "a folder of its home led elsewhere",
        "rm -rf $G/treeyard/home/.cargo; ln -s $H/targets $G/treeyard/home/.cargo",
        "true",
    ),
    prepared(
        "all of its own folders led elsewhere",
        "rm -rf $G/treeyard; ln -s $H/targets $G/treeyard",
        "true",
    ),
    Attempt {
        variable: "LD_PRELOAD = \"lib/l.so\"",
        ..prepared(
            "a library before the sandbox",
            "mkdir lib; printf '#include <stdlib.h>\\n__attribute__((constructor)) static void f(void) { unsetenv(\"LD_PRELOAD\"); system(\"touch %s/ran/library\"); }' $F > l.c; env -u LD_PRELOAD cc -shared -fPIC -o lib/l.so l.c",
            "true",
        )
    },
];
