//! What models cost: prices of tokens, from dated tables, and the cost of a call.
//!
//! Money is counted in whole millionths of a dollar and rounded up, so that sums are exact and a budget is
//! never overspent by rounding.

mod money;
mod pattern;
mod table;

#[cfg(test)]
mod tests;

pub use money::{MicroDollars, NotMoney};
pub use pattern::ModelPattern;
pub use table::{
    Above, Cost, Estimate, Known, Price, PriceTable, Prices, ProviderPrices, Tariff, YOUNG_DAYS,
};
