//! Processes: supervisors that outlive the runner, owners, locks, wake-ups.
