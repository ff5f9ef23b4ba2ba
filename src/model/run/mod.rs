//! A model at work: its calls, the calls of its tools, and why it stopped.

mod asked;
mod call;
mod step;
mod stop;
mod tool_call;

pub use asked::AskedCall;
pub use call::{CallEnd, CallIntent, CallOutcome, Frame, Reserved};
pub use step::{Step, StepKind, StepStatus, Steps};
pub use stop::{Stop, Verdict};
pub use tool_call::{ToolCallRecord, ToolEnd};
