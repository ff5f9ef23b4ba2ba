//! Reading what is not the session's: files, and other processes.

use super::table::Gap::*;
use super::table::Sign::*;
use super::table::{Attempt, gap, stopped};

pub const FILES: &[Attempt] = &[
    stopped(
        "absolute paths",
        "cat $H/.ssh/id_ed25519 $H/.aws/credentials $H/.config/gh/hosts.yml $H/.git-credentials $H/.bashrc",
    ),
    stopped(
        "paths with dots",
        "cat ../../home/.ssh/id_ed25519 ../../../../../../../../..$H/.ssh/id_ed25519 /usr/../$H/.netrc",
    ),
    stopped(
        "a link in the worktree",
        "ln -s $H/.ssh keys; cat keys/id_ed25519; cp -rL keys copy; cat copy/*; rm -rf keys copy",
    ),
    stopped(
        "a hard link",
        "ln $H/.ssh/id_ed25519 hard && cat hard; ln -P $R/keys.env hard && cat hard; rm -f hard",
    ),
    stopped(
        "its own root and folder in /proc",
        "cat /proc/self/root$H/.ssh/id_ed25519 /proc/self/cwd/../../home/.netrc /proc/thread-self/root$R/keys.env",
    ),
    stopped(
        "everything below the yard",
        "find $F -type f -size -64k -exec cat {} + | grep -a 'SECR[E]T'",
    ),
    stopped(
        "a copy of the home directory",
        "cp -r $H copy; tar cf - $H | tr -d '\\0'; cat copy/.netrc; rm -rf copy",
    ),
    stopped(
        "another session's worktree",
        "cat $O/keys.env $O/*; git -C $O status; cat $OG/*",
    ),
    stopped(
        "the main checkout",
        "cat $R/keys.env $R/untracked; git -C $R diff HEAD; ls -A $R/src",
    ),
    stopped(
        "the runner's store",
        "cat $R/.git/treeyard/treeyard.db* $R/.git/treeyard/jobs/*/output.log; grep -ra . $R/.git/treeyard/cas",
    ),
    stopped(
        "what others of the machine may not read",
        "for f in /etc/shadow /etc/gshadow /etc/sudoers; do [ -s $f ] && cat $f >/dev/null && leaked $f; done",
    ),
    stopped(
        "disks and memory as devices",
        "for f in /dev/[svx]d[a-z] /dev/mem /dev/kmsg /dev/dm-0 /proc/kcore /proc/kmsg; do head -c1 $f | grep -q . && leaked $f; done",
    ),
    stopped(
        "traces of the kernel",
        "for f in /sys/kernel/debug /sys/kernel/tracing; do ls $f | grep -q . && leaked $f; done; head -c1 /sys/kernel/tracing/trace | grep -q . && leaked trace",
    ),
    stopped(
        "files by number",
        "tool handle | grep MET && leaked handle; tool open-tree | grep MET && leaked tree",
    ),
    stopped("a program without a file", "tool memfd $H/.netrc"),
    stopped(
        "what it was started with",
        "ls -l /proc/$$/fd > $TMPDIR/open; grep -e '->' $TMPDIR/open | grep -vF -e /dev/null -e \"$(readlink /proc/$$/fd/2)\" -e /try/ -e tmp/open && leaked file",
    ),
    stopped(
        "the runner's environment",
        "env; cat /proc/self/environ /proc/$SUP/environ",
    ),
    stopped(
        "git in the main repository",
        "cd $R; git stash show -p; git --git-dir=$R/.git log -p --all; GIT_DIR=$R/.git git show stash; GIT_INDEX_FILE=$R/.git/index git ls-files | grep keys",
    ),
    stopped(
        "a clone of the main checkout",
        "cd /tmp; git clone $R c; git clone file://$R d; git clone --no-local $OG e; git archive --remote=$R HEAD | cat; cat */keys.env",
    ),
    gap(
        "objects of the repository",
        Everywhere(Says("TOLD-stash")),
        "git cat-file --batch-all-objects --batch | grep -a 'TOLD-stash'",
    ),
    gap(
        "names and sizes one by one",
        Standard(Says("told 4711")),
        "stat -c 'told %s' $H/targets/size",
    ),
    gap(
        "where links lead",
        Standard(Says("/nowhere/told")),
        "readlink $H/targets/link",
    ),
    gap(
        "what happens in a folder",
        Standard(Says("MET watch")),
        "tool watch $H/.ssh",
    ),
    stopped(
        "names in a folder",
        "ls -A $H/targets | grep size && leaked names",
    ),
];

pub const PROCESSES: &[Attempt] = &[
    stopped(
        "the environment of a process",
        "cat /proc/$V/environ | tr '\\0' '\\n'; cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep 'SECR[E]T'",
    ),
    stopped(
        "the files of a process",
        "for f in /proc/$V/root$H/.netrc /proc/$V/cwd/.netrc /proc/1/root$H/.netrc /proc/$SUP/cwd$H/.netrc; do cat $f; done; ls -l /proc/$V/fd/ /proc/$SUP/fd/ | grep -e '->' && leaked fd",
    ),
    stopped(
        "the memory of a process",
        "head -c1 /proc/$V/maps | grep . && leaked maps; head -c1 /proc/$SUP/mem | grep -q . && leaked mem; cat /proc/$V/auxv | grep -q . && leaked auxv; tool readv $V 0x400000 | grep MET && leaked readv",
    ),
    stopped(
        "tracing a process",
        "tool ptrace $V | grep MET && leaked ptrace; tool ptrace $SUP | grep MET && leaked ptrace; tool getfd $V | grep MET && leaked getfd",
    ),
    stopped(
        "its namespaces",
        "nsenter -t $V -m cat $H/.netrc; nsenter -t 1 -m -p cat $H/.netrc; readlink /proc/$V/ns/mnt && leaked ns",
    ),
    stopped(
        "memory by key, of the kernel",
        "tool keys | grep MET && leaked keys; tool bpf | grep MET && leaked bpf; tool perf | grep MET && leaked perf; tool userfault | grep MET && leaked userfault; dmesg | head -c1 | grep -q . && leaked dmesg",
    ),
    gap(
        "System V memory",
        Standard(Says("TOLD-memory")),
        "tool shm-read $M",
    ),
    gap(
        "command lines",
        Everywhere(Says("TOLD-command-line")),
        "cat /proc/$V2/cmdline | tr '\\0' ' '",
    ),
];
