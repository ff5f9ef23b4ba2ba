//! Tools that run programs, in the worktree of a real session and held back as it is.

#[path = "agent/artifacts.rs"]
mod artifacts;
#[path = "agent/git.rs"]
mod git;
#[path = "agent/ground.rs"]
mod ground;
#[path = "agent/hostile.rs"]
mod hostile;
#[path = "agent/scope.rs"]
mod scope;
#[path = "agent/shell.rs"]
mod shell;
