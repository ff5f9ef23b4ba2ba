//! Tests with the real program.

mod architecture;
mod cli;
mod e2e;
mod face;
mod nonsense;
mod plans;
mod proc;
mod yard;
