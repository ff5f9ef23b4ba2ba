//! Tests with the real program.

mod architecture;
mod cli;
mod e2e;
mod plans;
mod proc;
mod yard;
