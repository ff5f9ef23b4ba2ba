//! Tests with the real program.

mod architecture;
mod e2e;
mod proc;
