//! Tests with the real program.

mod architecture;
mod broken;
mod claims;
mod cli;
mod configured;
mod drift;
mod e2e;
mod escapes;
mod face;
mod full;
mod hooks;
mod landings;
mod locks;
mod nonsense;
mod odd;
mod plans;
mod poison;
mod proc;
mod proof;
mod scope;
mod secrets;
mod shut;
mod ways;
mod yard;
