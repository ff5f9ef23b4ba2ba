//! The face: arguments in, text or JSON out, one exit code.

mod args;
mod args_work;
mod commands;
mod confined;
mod context;
mod door;
mod entry;
mod format;
mod hook;
mod model_run;
mod out;
mod progress;
mod selector;
mod shim;
mod steps;
mod table;

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
