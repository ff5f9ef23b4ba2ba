//! System calls that reach further than files and processes of one's own. Most programs never make one
//! of them; those that try are told that it is not permitted, or not there.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter,
};

use super::confinement::{Confinement, Reach, View};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::Error>;

/// The machine's settings and time, other kernels and modules, mounts, keys that the person's other
/// processes have, and files by number instead of by name.
const NEVER: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Programs that use these fall back to what can be filtered: a filter sees neither what a ring is told
/// nor the flags of the newer `clone`.
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
];

/// New namespaces: in one of its own a process would be root again, in reach of much more of the kernel.
const NAMESPACES: [libc::c_int; 8] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWTIME,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Typing into somebody else's terminal.
const TYPING: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// All processes of a user, for those calls that take a process, a group or that.
const PRIO_USER: u64 = 2;
const IOPRIO_WHO_USER: u64 = 3;

/// What ordinary programs use. The others lead past every other rule of the network.
const FAMILIES: [libc::c_int; 4] = [
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Sockets that are no streams.
const OTHER_KINDS: [libc::c_int; 5] = [
    libc::SOCK_DGRAM,
    libc::SOCK_RAW,
    libc::SOCK_SEQPACKET,
    libc::SOCK_RDM,
    libc::SOCK_DCCP,
];

/// What sends, and which of its arguments has the flags.
const SENDING: [(i64, u8); 3] = [
    (libc::SYS_sendto, 3),
    (libc::SYS_sendmsg, 2),
    (libc::SYS_sendmmsg, 3),
];

/// Takes these calls away from this process. Nothing that it starts gets them back.
pub(super) fn take_away(confinement: &Confinement) -> Result<(), String> {
    let programs = programs(confinement).map_err(|error| error.to_string())?;
    for program in &programs {
        apply_filter(program).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn programs(confinement: &Confinement) -> Built<Vec<BpfProgram>> {
    let mut refused: Rules = always(NEVER);
    add(&mut refused, libc::SYS_ioctl, typing()?);
    add(&mut refused, libc::SYS_clone, namespaces()?);
    add(&mut refused, libc::SYS_unshare, namespaces()?);
    add(&mut refused, libc::SYS_prlimit64, limits_of_others()?);
    add(&mut refused, libc::SYS_setpriority, priority(PRIO_USER)?);
    add(
        &mut refused,
        libc::SYS_ioprio_set,
        priority(IOPRIO_WHO_USER)?,
    );
    let mut families = Rules::new();
    add(
        &mut families,
        libc::SYS_socket,
        other_families(confinement)?,
    );
    let mut unsupported = Rules::new();
    if confinement.view == View::Whole && matches!(confinement.network, Reach::Hosts(_)) {
        add(&mut families, libc::SYS_socket, other_than_tcp()?);
        for (call, argument) in SENDING {
            add(&mut unsupported, call, connecting(argument)?);
        }
    }
    [
        (refused, libc::EPERM),
        (families, libc::EAFNOSUPPORT),
        (unsupported, libc::EOPNOTSUPP),
        (always(ABSENT), libc::ENOSYS),
    ]
    .into_iter()
    .filter(|(rules, _)| !rules.is_empty())
    .map(|(rules, error)| program(rules, error))
    .collect()
}

fn program(rules: Rules, error: libc::c_int) -> Built<BpfProgram> {
    let arch = std::env::consts::ARCH.try_into()?;
    let error = SeccompAction::Errno(error.unsigned_abs());
    let filter = SeccompFilter::new(with_x32(rules), SeccompAction::Allow, error, arch)?;
    Ok(filter.try_into()?)
}

fn always(calls: &[i64]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn add(rules: &mut Rules, call: i64, new: Vec<SeccompRule>) {
    rules.entry(call).or_default().extend(new);
}

fn when(argument: u8, operator: Op, value: u64) -> Built<SeccompCondition> {
    Ok(SeccompCondition::new(
        argument,
        Len::Dword,
        operator,
        value,
    )?)
}

fn rule(conditions: Vec<SeccompCondition>) -> Built<SeccompRule> {
    Ok(SeccompRule::new(conditions)?)
}

fn typing() -> Built<Vec<SeccompRule>> {
    TYPING
        .into_iter()
        .map(|request| rule(vec![when(1, Op::Eq, request)?]))
        .collect()
}

fn namespaces() -> Built<Vec<SeccompRule>> {
    NAMESPACES
        .into_iter()
        .map(|flag| {
            let flag = u64::from(flag.cast_unsigned());
            rule(vec![when(0, Op::MaskedEq(flag), flag)?])
        })
        .collect()
}

/// A limit of processor time that is used up ends a process as a signal does, and Landlock does not ask
/// about limits. A process names itself by 0.
fn limits_of_others() -> Built<Vec<SeccompRule>> {
    let is_set = SeccompCondition::new(2, Len::Qword, Op::Ne, 0)?;
    Ok(vec![rule(vec![when(0, Op::Ne, 0)?, is_set])?])
}

/// Of another process, or of all that a user has.
fn priority(user: u64) -> Built<Vec<SeccompRule>> {
    Ok(vec![
        rule(vec![when(1, Op::Ne, 0)?])?,
        rule(vec![when(0, Op::Eq, user)?])?,
    ])
}

/// Without a network of its own, a program that is to reach nothing gets no sockets for it at all.
fn other_families(confinement: &Confinement) -> Built<Vec<SeccompRule>> {
    let shares_network = confinement.view == View::Whole;
    let mut known = FAMILIES.to_vec();
    if shares_network && confinement.network == Reach::Nothing {
        known.retain(|family| ![libc::AF_INET, libc::AF_INET6].contains(family));
    }
    let other = |family: &libc::c_int| when(0, Op::Ne, u64::from(family.cast_unsigned()));
    let others = known.iter().map(other).collect::<Built<Vec<_>>>()?;
    Ok(vec![rule(others)?])
}

/// What Landlock does not see: all of a shared network that is no TCP. Multipath TCP and SCTP are streams
/// too, and to it they are something else.
fn other_than_tcp() -> Built<Vec<SeccompRule>> {
    const KIND: u64 = 0xf;
    let number = |number: libc::c_int| u64::from(number.cast_unsigned());
    let mut rules = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let family = || when(0, Op::Eq, number(family));
        for kind in OTHER_KINDS {
            let is_kind = when(1, Op::MaskedEq(KIND), number(kind))?;
            rules.push(rule(vec![family()?, is_kind])?);
        }
        let is_named = when(2, Op::Ne, 0)?;
        let is_other = when(2, Op::Ne, number(libc::IPPROTO_TCP))?;
        rules.push(rule(vec![family()?, is_named, is_other])?);
    }
    Ok(rules)
}

/// Data that is sent with the first packet makes a connection, of which Landlock is not asked.
fn connecting(flags: u8) -> Built<Vec<SeccompRule>> {
    let flag = u64::from(libc::MSG_FASTOPEN.cast_unsigned());
    Ok(vec![rule(vec![when(flags, Op::MaskedEq(flag), flag)?])?])
}

/// The same calls under the numbers of the x32 ABI, which a kernel may have and which count as the same
/// architecture.
fn with_x32(mut rules: Rules) -> Rules {
    const X32: i64 = 0x4000_0000;
    if cfg!(target_arch = "x86_64") {
        let same = rules.clone().into_iter();
        rules.extend(same.map(|(call, rule)| (call | X32, rule)));
        // A few have numbers of their own there.
        let others = [
            (libc::SYS_ioctl, 514),
            (libc::SYS_sendmsg, 518),
            (libc::SYS_kexec_load, 528),
            (libc::SYS_sendmmsg, 538),
        ];
        for (call, other) in others {
            if let Some(same) = rules.get(&call).cloned() {
                rules.insert(other | X32, same);
            }
        }
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_are_small_enough_for_the_kernel() {
        let listed = Confinement {
            network: Reach::Hosts(Vec::new()),
            ..Confinement::default()
        };
        let programs = programs(&listed).unwrap();
        assert_eq!(programs.len(), 4);
        for program in programs {
            assert!((5..4096).contains(&program.len()), "{}", program.len());
        }
    }
}
