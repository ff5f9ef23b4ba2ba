//! What an attempt is, and what is to come of it.

/// One try of a session to change or read what is not its own.
#[derive(Clone, Copy)]
pub struct Attempt {
    pub name: &'static str,
    /// Lines for a shell in an earlier job of the same session.
    pub first: &'static str,
    /// A further variable of the task, as a plan has it.
    pub variable: &'static str,
    /// Lines for a shell, after [`PRELUDE`].
    pub lines: &'static str,
    pub gap: Gap,
}

/// Where an attempt is known to succeed, and by what that is seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    Nowhere,
    /// Where sessions have no view of their own.
    Standard(Sign),
    /// As [`Gap::Standard`], for root alone.
    RootAtStandard(Sign),
    Everywhere(Sign),
    /// Of processes that have no more rights than the session: those of root have, unless they are held to
    /// what a machine without namespaces is simulated with.
    OfEquals(Sign),
}

/// By what a success is seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Sign {
    /// This of the host is not as it was.
    Changes(&'static str),
    /// The session says this.
    Says(&'static str),
}

impl Gap {
    /// What there would be to see.
    pub fn known(self) -> Option<Sign> {
        match self {
            Self::Nowhere => None,
            Self::Standard(sign) | Self::RootAtStandard(sign) => Some(sign),
            Self::Everywhere(sign) | Self::OfEquals(sign) => Some(sign),
        }
    }

    /// What is to be seen in a setting.
    pub fn sign(self, own_view: bool, root: bool) -> Option<Sign> {
        match self {
            Self::Nowhere => None,
            Self::Standard(sign) => Some(sign).filter(|_| !own_view),
            Self::RootAtStandard(sign) => Some(sign).filter(|_| !own_view && root),
            Self::Everywhere(sign) => Some(sign),
            Self::OfEquals(sign) => Some(sign).filter(|_| !(own_view && root)),
        }
    }
}

/// One that nothing comes of.
pub const fn stopped(name: &'static str, lines: &'static str) -> Attempt {
    gap(name, Gap::Nowhere, lines)
}

/// One whose ground an earlier job of the session prepares; nothing comes of it.
pub const fn prepared(name: &'static str, first: &'static str, lines: &'static str) -> Attempt {
    Attempt {
        first,
        ..stopped(name, lines)
    }
}

pub const fn gap(name: &'static str, gap: Gap, lines: &'static str) -> Attempt {
    Attempt {
        name,
        first: "",
        variable: "",
        lines,
        gap,
    }
}

/// What no session may say. It stands in everything that is not to be read.
pub const SECRET: &str = "SECRET-";

/// What every attempt begins with: `$F` is the yard's folder, `$R` the repository, `$H` the home directory
/// of the person, `$O` the worktree of another session and `$OG` its git directory, `$V` a process of the
/// person with a secret in its environment, `$A` an abstract socket, `$M` System V memory, `$P` a
/// commit of a private repository in the home directory. `$D` is the session's worktree, `$G` its git directory,
/// `$N` its branch, `$SUP` its supervisor; `tool` makes system calls.
pub const PRELUDE: &str = r#"
leaked() { echo "SECR""ET-$1"; }
tool() { "$D/tool" "$@"; }
# The process that the person started.
runner() { grep -lz -- "$F/plan" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3; }
D=$PWD
G=$(sed 's/^gitdir: //' .git 2>/dev/null)
N=$(sed 's/^ref: //' "$G/HEAD" 2>/dev/null)
export D G N
"#;
