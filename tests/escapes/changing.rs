//! Changing what is not the session's: files, and the machine.

use super::table::Gap::*;
use super::table::Sign::*;
use super::table::{Attempt, gap, stopped};

pub const FILES: &[Attempt] = &[
    stopped(
        "absolute paths",
        "echo x >> $H/.bashrc; echo x > $H/.ssh/authorized_keys; touch $F/new $H/new; mkdir $F/folder",
    ),
    stopped(
        "paths with dots",
        "echo x >> ../../home/.bashrc; echo x > ../new; mkdir ../../folder; rm -rf ../other-*",
    ),
    stopped(
        "writing through links",
        "ln -s $H/.bashrc l; echo x >> l; ln -s $H d; echo x > d/new; rm -f l d; ln -s / r; rm -rf r$H/targets/ r",
    ),
    stopped(
        "writing through hard links",
        "ln $H/.bashrc h && echo x >> h; ln $R/README.md h && chmod 777 h; cp -l $H/.netrc h && : > h; rm -f h",
    ),
    stopped(
        "moving across",
        "echo x > x; mv x $H/x; mv x $R/x; mv x $O/x; mv $H/.bashrc y; mv $O/README.md y; mv $R/.git z; rm -f x",
    ),
    stopped(
        "emptying",
        ": > $H/.bashrc; truncate -s0 $H/.netrc; tool truncate $R/README.md; dd if=/dev/null of=$O/keys.env",
    ),
    stopped(
        "editing in place",
        "sed -i s/x/y/ $H/.bashrc $R/README.md $O/README.md; perl -pi -e s/x/y/ $H/.netrc",
    ),
    stopped(
        "removing",
        "rm -rf $R/.git $R/src $O $OG $H/.ssh; rmdir $H/targets; find $F -delete",
    ),
    stopped(
        "pipes, sockets and devices",
        "mkfifo $H/p; mknod $H/d c 1 3; mknod ./disk b 254 0; [ -e disk ] && leaked disk; tool listen $H/s /dev/null & sleep .1; kill $!",
    ),
    stopped(
        "the person's programs",
        "echo x >> $H/.cargo/bin/cargo-mine; echo x > \"$HOME/.cargo/bin/cargo-mine\"; rm -f $H/.cargo/bin/*; mv $HOME/.cargo/bin/cargo-mine .",
    ),
    stopped(
        "this program",
        "echo x >> $T; p=$(readlink -f $T); rm -f $p; mv $p $p.old; cp /bin/sh $p",
    ),
    stopped(
        "shared folders",
        "echo x > /dev/shm/$MARK; echo x > /var/tmp/$MARK; echo x > /run/$MARK; [ $TMPDIR = /tmp ] && echo x > /tmp/$MARK; echo x > /tmp/../tmp/$MARK",
    ),
    stopped(
        "folders of the machine",
        "for d in / /etc /usr/local/bin /usr /var /opt /sys/fs/cgroup /root; do mkdir $d/$MARK && leaked $d; done",
    ),
    stopped(
        "settings of the kernel",
        "s=/proc/sys/vm/swappiness; v=$(cat $s); echo $v > $s && leaked sysctl; echo 0 > /proc/$V/oom_score_adj && leaked oom; echo h > /proc/sysrq-trigger && leaked sysrq",
    ),
    stopped(
        "mounts",
        "mount -o remount,rw /usr && leaked remount; mount -t tmpfs none /tmp && leaked tmpfs; umount -l /proc && leaked umount; mount --bind $H . && leaked bind; tool mount | grep MET && leaked mount",
    ),
    stopped(
        "namespaces",
        "unshare -Ur true && leaked user; unshare -m true && leaked mounts; unshare -n true && leaked net; tool userns | grep MET && leaked user; tool clone3 | grep MET && leaked clone3; bwrap --dev-bind / / true && leaked bwrap",
    ),
    stopped(
        "another root",
        "chroot . /bin/true && leaked chroot; mkdir -p a; chroot a true && leaked chroot; rmdir a; pivot_root . . && leaked pivot",
    ),
    stopped(
        "more rights",
        "grep -q 'NoNewPrivs:.1' /proc/self/status || leaked privileges; sudo -n true && leaked sudo; cp /usr/bin/mount ./m; setcap cap_sys_admin+ep ./m && leaked setcap; ./m -t tmpfs none a && leaked mount; rm -f m",
    ),
    stopped(
        "the same calls by other numbers",
        "tool x32 | grep MET && leaked x32; tool x32-ioctl | grep MET && leaked x32; tool int80 | grep MET && leaked int80; tool io_uring | grep MET && leaked io_uring",
    ),
    stopped(
        "typing into terminals",
        "tool typing | grep MET && leaked typing; tool typing-high | grep MET && leaked typing; for t in /dev/pts/[0-9]* /dev/tty[0-9]*; do (echo > $t) && leaked $t; done",
    ),
    stopped(
        "other networks",
        "for f in 17 38 16 29 31; do tool family $f | grep -q MET && [ $f != 16 ] && leaked family-$f; done; tool vsock | grep MET && leaked vsock; ip link add x type dummy && leaked link",
    ),
    gap(
        "modes",
        Standard(Changes("home/targets/mode")),
        "chmod 777 $H/targets/mode",
    ),
    gap(
        "times",
        Standard(Changes("home/targets/time")),
        "touch -d 2001-01-01 $H/targets/time",
    ),
    gap(
        "attributes",
        Standard(Changes("home/targets/xattr")),
        "tool setxattr $H/targets/xattr",
    ),
    gap(
        "attributes taken away",
        Standard(Changes("home/targets/kept")),
        "tool removexattr $H/targets/kept",
    ),
    gap(
        "owners",
        RootAtStandard(Changes("home/targets/owner")),
        "chown 12345 $H/targets/owner",
    ),
];

pub const PROCESSES: &[Attempt] = &[
    stopped(
        "signals",
        "for p in $V $V2 $(runner); do kill -TERM $p; kill -STOP $p; kill -9 -$p; tool pidfd-kill $p; done",
    ),
    stopped(
        "signals to its supervisor",
        "kill -STOP $SUP; kill -9 $SUP; kill -USR1 $SUP; tool pidfd-kill $SUP; kill -9 -$SUP",
    ),
    stopped(
        "signals by a pipe",
        "for p in $V $V2 $SUP; do tool sigio $p; done",
    ),
    stopped(
        "limits of a process",
        "for p in $V $V2; do tool prlimit $p; done; tool prlimit-cpu $V2",
    ),
    stopped(
        "limits of the runner and its supervisor",
        "for p in $SUP $(runner); do tool prlimit $p | grep MET && leaked prlimit; tool prlimit-cpu $p | grep MET && leaked prlimit; done",
    ),
    stopped(
        "priority",
        "for p in $V $V2 $SUP; do tool nice $p; tool ionice $p; done; renice 19 -p $V; renice 19 -u $(id -u); ionice -c3 -p $V",
    ),
    gap(
        "processors",
        OfEquals(Changes("victim/affinity")),
        "tool affinity $V",
    ),
    stopped(
        "memory of a process",
        "tool writev $V 0x400000 | grep MET && leaked writev; echo x > /proc/$V/mem && leaked mem; echo x > /proc/$V/comm && leaked comm",
    ),
    stopped("abstract sockets", "tool send @$A; tool datagram @$A"),
    gap(
        "sockets that are files",
        Standard(Changes("received/agent")),
        "tool send $H/agent.sock",
    ),
    gap(
        "System V memory taken away",
        Standard(Changes("victim/memory")),
        "ipcrm -m $M2",
    ),
];
