//! A session's place to work: worktree, private git directory, pool, salvage, import.
