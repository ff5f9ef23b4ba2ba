//! What a way around is, and how each of them is to end.

/// One way to get a change that was not claimed onto the target.
pub struct Way {
    pub name: &'static str,
    /// Whether one of the session's hooks says no on the way.
    pub hook: Hook,
    /// What becomes of the session.
    pub ends: Ends,
    pub by: By,
}

impl Way {
    /// The lines for a shell, none for another program.
    pub fn lines(&self) -> &'static str {
        match self.by {
            By::Shell(lines) => lines,
            By::Library(_) => "",
        }
    }

    /// Other programs are started by a person only.
    pub fn can_be(&self, when: When) -> bool {
        when == When::Afterwards || matches!(self.by, By::Shell(_))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    Refuses,
    Passed,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// Blocked with this path, and the commit that has it.
    Commit(&'static str),
    /// Blocked, and this is said.
    Said(&'static str),
    /// What was claimed lands, and nothing else.
    Lands,
}

#[derive(Clone, Copy)]
pub enum By {
    /// Lines for a shell in the worktree, after [`PRELUDE`].
    Shell(&'static str),
    /// Another program than git: given the worktree, by a person.
    Library(fn(&std::path::Path)),
}

pub const fn way(name: &'static str, hook: Hook, ends: Ends, lines: &'static str) -> Way {
    Way {
        name,
        hook,
        ends,
        by: By::Shell(lines),
    }
}

/// What every way begins with: work as claimed is committed, and there are words for the rest. `$D` is the
/// folder that was claimed, `$M` the main checkout, `$B` the base, `$N` the session's branch.
pub const PRELUDE: &str = r#"
off() { git -c core.hooksPath=/dev/null "$@"; }
evil() { echo evil > src/evil.txt; }
# A commit beyond the scope that no branch has.
stray() {
    git checkout -q --detach; evil; git add -A; off commit -qm stray
    S=$(git rev-parse HEAD); git checkout -q "${N#refs/heads/}"
}
B=$(git rev-parse HEAD)
N=$(git symbolic-ref HEAD)
G=$(git rev-parse --absolute-git-dir)
export D M B N G
mkdir -p "$D"; echo in > "$D/in.md"; git add "$D"; git commit -qm in
"#;

/// Who goes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// The command of the session, which is to land by itself.
    Command,
    /// Somebody in the worktree of a session that has completed.
    Afterwards,
}
