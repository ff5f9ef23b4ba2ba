//! Guardrails in a project's CI: settings, plans and commits are looked at, and nothing is run or written.

mod change;
mod check;
mod plans;
mod script;

pub use check::{Checked, Finding, Request, check};
