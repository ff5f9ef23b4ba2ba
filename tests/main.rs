//! Tests with the real program.

mod architecture;
mod proc;
