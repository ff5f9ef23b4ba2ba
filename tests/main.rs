//! Tests with the real program.

mod architecture;
mod broken;
mod cli;
mod configured;
mod e2e;
mod full;
mod odd;
mod proc;
mod yard;
