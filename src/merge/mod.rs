//! Landing a session's commits on the target branch.
