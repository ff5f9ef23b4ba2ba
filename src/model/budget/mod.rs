//! How much models may use: compared before each call with what it may come to, and afterwards with what it did.

mod check;
mod limits;
mod spent;

#[cfg(test)]
mod tests;

pub use check::{Limit, Over, Span, Verdict, Warned, check};
pub use limits::{BudgetLimits, BudgetThen};
pub use spent::{Means, Spent};
