//! The face: arguments in, text or JSON out, one exit code.

mod args;
mod args_work;
mod asked;
mod commands;
mod confined;
mod context;
mod door;
mod entry;
mod export;
mod format;
mod hook;
mod interrupts;
mod model_run;
mod out;
mod progress;
mod selector;
mod shim;
mod spoken;
mod steps;
mod table;
mod tail;
mod typed;

pub use args_work::{
    CancelArgs, DemoArgs, DownArgs, LandArgs, ModelArgs, PauseArgs, ResumeArgs, RetryArgs, RunArgs,
    SubmitArgs, TaskArgs, UpArgs,
};
pub use confined::{confined, probed, proxied};
pub use context::Context;
pub use door::door;
pub use entry::main;
pub use hook::{HOOK_VERB, hook};
pub use model_run::model;
pub use shim::{SHIM_VERB, shim};
