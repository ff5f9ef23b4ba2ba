//! Tests with the real program.

mod architecture;
mod cli;
mod proc;
