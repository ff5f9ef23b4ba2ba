//! `fork`.

use std::fs;
use std::io;

use nix::unistd::ForkResult;

/// Proof that this process had one thread when it was asked. Whoever holds one starts none.
pub(crate) struct SingleThreaded(());

impl SingleThreaded {
    pub(crate) fn prove() -> io::Result<Self> {
        match fs::read_dir("/proc/self/task")?.count() {
            1 => Ok(Self(())),
            count => Err(io::Error::other(format!(
                "a process of {count} threads cannot be forked"
            ))),
        }
    }
}

/// Which of the two processes this one is.
pub(crate) enum Side {
    Parent,
    Child,
}

/// Makes a copy of this process.
pub(crate) fn fork(_: &SingleThreaded) -> io::Result<Side> {
    // SAFETY: what makes `fork` unsafe are other threads: in the child they are gone, and so is
    // whoever would release the locks they held. The argument proves that there are none.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { .. } => Ok(Side::Parent),
        ForkResult::Child => Ok(Side::Child),
    }
}
