//! What a session leaves for the runner to take in, and what it uses up. Each in a session of its own.

use super::table::{Attempt, stopped};

pub const BEHIND: &[Attempt] = &[
    stopped(
        "pipes and sockets in the work",
        "mkfifo p src/p .gitignore2 .gitattributes; tool listen s /dev/null & sleep .1; kill $!; mkfifo $G/p $G/info/p",
    ),
    stopped(
        "a pipe for a file of git",
        "for f in info/attributes info/exclude packed-refs index MERGE_HEAD; do rm -f $G/$f; mkfifo $G/$f; done; echo x > x",
    ),
    stopped("a pipe for its head", "rm $G/HEAD; mkfifo $G/HEAD"),
    stopped("a pipe for its settings", "rm $G/config; mkfifo $G/config"),
    stopped(
        "a pipe for ignored patterns",
        "rm -f .gitignore; mkfifo .gitignore src/.gitignore; rm -f .git; mkfifo .git; echo x > x",
    ),
    stopped(
        "a pipe for alternates",
        "rm -f $G/objects/info/alternates; mkfifo $G/objects/info/alternates",
    ),
    stopped(
        "names that are odd",
        "touch \"$(printf 'a\\nb')\" \"$(printf '\\033]0;x\\007')\" -- -rf ' ' \"$(printf '%0250d' 0)\"; mkdir \"$(printf 'gitdir: x\\n')\"; printf '\\377' | xargs touch",
    ),
    stopped(
        "a path that is too long",
        "perl -e 'for (1..600) { mkdir \"dddddddddd\" and chdir \"dddddddddd\" or last }'; perl -e 'chdir shift; for (1..600) { mkdir \"e\" and chdir \"e\" or last } open F, \">f\"' $TMPDIR",
    ),
    stopped(
        "folders that are shut",
        "mkdir -p s/s; touch s/s/f; chmod 0 s/s s; mkdir $G/shut; chmod 0 $G/shut; chmod 0 $G/objects",
    ),
    stopped("everything shut", "chmod 0 $G $D"),
    stopped(
        "its output shut",
        "echo said; o=$(readlink /proc/self/fd/3); chmod 0 $o; : > $o; rm -f $o; mv $o x; ln -sf $H/.netrc $o",
    ),
    stopped(
        "its output made large",
        "truncate -s 3M $(readlink /proc/self/fd/3)",
    ),
    stopped(
        "a program with its user's rights",
        "cp /bin/sh ./sh; chmod 6755 sh; tool setid other; ls -l sh",
    ),
    stopped(
        "links that leave the work",
        "ln -s $H/.ssh/id_ed25519 key; ln -s /dev/zero zero; ln -s self self; git add -A; git commit -qm links; ln -s $H/.ssh src/ssh",
    ),
    stopped(
        "its own worktree removed",
        "rm -rf $D/* $D/.[a-z]* $G/* $G/.[a-z]*",
    ),
    stopped(
        "its own folders moved",
        "mv $D $D-moved; mv $G $G-moved; rmdir $D; ln -s $H $D; mv src ../src",
    ),
];

pub const USED_UP: &[Attempt] = &[
    stopped(
        "a process that hops",
        "tool hop 30 & tool hop 30 & tool hop 30 & sleep .3",
    ),
    stopped(
        "sessions of their own",
        "for i in 1 2 3 4 5; do setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep 60 &) ; sleep 60' & done; cp /bin/sleep $MARK; (setsid env -i ./$MARK 60 &); (cd /; nohup perl -e '$SIG{TERM} = \"IGNORE\"; $ENV{MARK} = \"\"; fork; fork; setpgrp; sleep 60' >/dev/null 2>&1 &) ; sleep .2",
    ),
    stopped(
        "a storm of forks",
        "perl -e 'for (1..100) { fork or last } sleep 60' & perl -e 'for (1..6) { fork } $SIG{TERM} = \"IGNORE\"; sleep 60' & sleep .3",
    ),
    stopped(
        "a stopped family",
        "sh -c 'kill -STOP $$' & sh -c 'trap \"\" TERM; kill -STOP 0' & sleep .1; kill -STOP $$",
    ),
    stopped("traced by its supervisor", "exec $D/tool traced"),
    stopped(
        "a process that stands in the worktree",
        "cd src; (setsid sh -c 'exec >/dev/null 2>&1 </dev/null; trap \"\" TERM; exec 9>../held; sleep 60' &); sleep .1",
    ),
    stopped("time", "trap '' TERM; while :; do sleep 1; done"),
    stopped(
        "processor time",
        "perl -e '$SIG{XCPU} = \"IGNORE\"; 1 while 1'; echo $? | grep -q 137 || leaked cpu",
    ),
    stopped(
        "large files",
        "head -c 9M /dev/zero > x; [ $(stat -c%s x) -le 8388608 ] || leaked size; truncate -s 1G x && leaked size; truncate -s 1G $(readlink /proc/self/fd/3) && leaked output; rm -f x",
    ),
    stopped(
        "files that are open",
        "perl -e 'for (1..5000) { open $f[$_], \"/dev/null\" or exit 1 }' && leaked files",
    ),
    stopped(
        "many files",
        "mkdir many; perl -e 'for (1..4000) { open F, \">many/$_\" }'; perl -e 'mkdir \"$ENV{TMPDIR}/many\"; for (1..4000) { open F, \">$ENV{TMPDIR}/many/$_\" }'",
    ),
];
