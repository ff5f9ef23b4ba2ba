//! Processes: supervisors that outlive the runner, owners, locks, wake-ups.
//!
//! A job is run by a supervisor, a small process of its own session, forked from the runner's
//! fork server. What it knows stands in the job's folder (`owner`, `output.log`, `exit.json`), so
//! that any later runner can find out how the job stands. A supervisor is a child subreaper:
//! whatever its job starts, however it detaches, stays below it and is killed before the exit
//! record is written.

mod budget;
mod capture;
mod claim;
mod door;
mod doorway;
mod environment;
mod error;
mod family;
mod forkserver;
mod job;
mod kill;
mod launch;
mod lock;
mod netns;
mod owner;
mod prefork;
mod program;
pub mod proxy;
mod room;
mod sandbox;
mod signals;
mod supervise;
mod supervisor;
mod sweep;
mod table;
mod wake;

pub use budget::Budget;
pub use door::{DOOR_VARIABLE, Door, VERB as DOOR_VERB};
pub use doorway::knock;
pub use environment::job_env;
pub use error::ProcError;
pub use forkserver::VERB as FORKSERVER_VERB;
pub use job::{
    EXIT_FILE, ExitRecord, JOB_VARIABLE, JobSpec, OUTPUT_FILE, WORKTREE_VARIABLE, job_dir,
};
pub use launch::detach;
pub use lock::{LockError, RunnerLock, last_runner, runner_owner};
pub use owner::{Owner, boot_id, is_alive, moment};
pub use prefork::forkserver;
pub use program::{OWN_PROGRAM, find_in, own_program};
pub use room::MachineRoom;
pub use sandbox::{
    CONFINED_VERB, Confinement, Limits, PROBE_VERB, PROXY_VERB, Reach, View, confined,
    confined_words, machine, probe_here, proxy as become_proxy,
};
pub use supervisor::{Attached, Ended, Launcher, Supervisor, attach, lost_output, standing};
pub use sweep::{sweep, sweep_all};
pub use table::{is_anybody_in, is_of_job};
pub use wake::{Wake, WakeListener};
