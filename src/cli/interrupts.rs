//! Ctrl-C in a conversation.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::app::failure::Failure;
use crate::model::code::{Code, Exit};

/// While `answering` holds, Ctrl-C does `interrupt`; otherwise it ends this process, and nothing else.
///
/// # Errors
/// The machine has no more threads or files.
pub fn listen(
    answering: Arc<AtomicBool>,
    interrupt: impl Fn() + Send + 'static,
) -> Result<(), Failure> {
    let own = |error: std::io::Error| Failure::new(Code::of_system(&error), error.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(own)?;
    let listening = move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                match answering.load(Ordering::Acquire) {
                    true => interrupt(),
                    false => std::process::exit(Exit::Interrupted as i32),
                }
            }
        });
    };
    std::thread::Builder::new().spawn(listening).map_err(own)?;
    Ok(())
}
