//! What happens to sessions by a person's word: submitted, paused, resumed, cancelled, retried.
//! Each is a few events in one transaction; the runner sees the rows and acts.

mod asked;
mod consent;
mod control;
mod doom;
mod ended;
mod fork;
pub mod locks;
mod rest;
mod restore;
mod submit;
mod thread;

#[cfg(test)]
mod tests;

pub use asked::{awaited, last_run};
pub use consent::{Agreement, agree, refuse, revoke};
pub use control::{
    ControlError, cancel, cancel_all, move_session, pause, queue_again, queue_attempt, resume,
    retry, take_out,
};
pub use doom::cancel_doomed;
pub use ended::{JobEnd, close_lost, record_end};
pub use fork::{Fork, fork};
pub use rest::{is_at_rest, is_session_at_rest};
pub use restore::{PutBack, ThreadBack, Unfit, is_fit_to_restore, put_back};
pub use submit::{Submission, add, submit};
pub use thread::{finish, said_by_person, send, stopped, swap};
