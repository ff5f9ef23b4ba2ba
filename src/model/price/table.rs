//! Tables of prices, and what a call costs by them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::money::MicroDollars;
use super::pattern::ModelPattern;
use crate::model::chat::Usage;

/// Prices that were looked up longer ago may have changed.
pub const YOUNG_DAYS: i32 = 90;

const MILLION: u128 = 1_000_000;

/// What a million tokens cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Sent, and not from or to the cache.
    pub input: MicroDollars,
    /// Answered, thoughts included.
    pub output: MicroDollars,
    /// Sent, and taken from the provider's cache.
    pub cache_read: MicroDollars,
    /// Sent, and put into the provider's cache.
    pub cache_write: MicroDollars,
}

impl Price {
    /// What so many tokens cost, rounded up to the next millionth of a dollar.
    pub fn of(&self, usage: Usage) -> MicroDollars {
        let parts = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
        ];
        let product =
            |(tokens, price): (u64, MicroDollars)| u128::from(tokens) * u128::from(price.0);
        let exact = parts.into_iter().map(product).fold(0, u128::saturating_add);
        MicroDollars(u64::try_from(exact.div_ceil(MILLION)).unwrap_or(u64::MAX))
    }
}

/// Another price for calls that send more than so many tokens. It is for all of their tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Above {
    /// The most that is sent at the usual price.
    pub tokens: u64,
    /// What a million tokens cost then.
    #[serde(flatten)]
    pub price: Price,
}

/// What a model costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tariff {
    /// What a million tokens cost.
    #[serde(flatten)]
    pub price: Price,
    /// What they cost in long calls, where that is something else.
    pub above: Option<Above>,
    /// The last day of this price, where that is known.
    pub until: Option<Date>,
}

impl Tariff {
    /// What a call costs.
    pub fn of(&self, usage: Usage) -> MicroDollars {
        match self.above {
            Some(above) if usage.sent() > above.tokens => above.price.of(usage),
            _ => self.price.of(usage),
        }
    }
}

/// What the models of one provider cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderPrices {
    /// When the prices were looked up; without a day they do not get old.
    pub as_of: Option<Date>,
    /// Where.
    pub source: Option<String>,
    /// By model.
    pub models: BTreeMap<ModelPattern, Tariff>,
}

impl ProviderPrices {
    fn find(&self, model: &str) -> Option<&Tariff> {
        let fitting = self
            .models
            .iter()
            .filter(|(pattern, _)| pattern.matches(model));
        // An exact name before a pattern that fixes as much.
        let nearest =
            fitting.max_by_key(|(pattern, _)| (pattern.weight(), pattern.as_str() == model));
        nearest.map(|(_, tariff)| tariff)
    }
}

/// One table: what a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceTable {
    /// By provider.
    pub providers: BTreeMap<String, ProviderPrices>,
}

impl PriceTable {
    fn find(&self, provider: &str, model: &str) -> Option<(&ProviderPrices, &Tariff)> {
        let of = self.providers.get(provider)?;
        Some((of, of.find(model)?))
    }
}

/// All tables that are known.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// What a person wrote themselves, which goes before all else.
    pub own: PriceTable,
    /// Tables of others. Of two that know a model, the one with the later day is meant; of the same
    /// day, the one that stands later here.
    pub tables: Vec<PriceTable>,
}

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Cost {
    /// How much.
    pub amount: MicroDollars,
    /// Why that may not be what the provider will ask for.
    pub estimate: Option<Estimate>,
}

/// Why a cost is an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimate {
    /// No table has the provider: the cost is that of the dearest model of all.
    UnknownProvider,
    /// No table has the model: the cost is that of the provider's dearest.
    UnknownModel,
    /// The price was looked up more than [`YOUNG_DAYS`] ago, or its last day is over.
    OldPrice,
}

/// An entry that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// Whose model.
    pub provider: &'a str,
    /// Which.
    pub pattern: &'a ModelPattern,
    /// At what price.
    pub tariff: &'a Tariff,
    /// Looked up when and where.
    pub of: &'a ProviderPrices,
    /// Whether a person wrote it themselves.
    pub own: bool,
}

impl Prices {
    /// What a call costs. What is not known costs as much as the dearest that it could be, so that a
    /// budget holds.
    pub fn cost(&self, provider: &str, model: &str, usage: Usage, today: Date) -> Cost {
        if let Some((of, tariff)) = self.find(provider, model) {
            let amount = tariff.of(usage);
            let old = is_old(of.as_of, tariff.until, today) && amount > MicroDollars(0);
            let estimate = old.then_some(Estimate::OldPrice);
            return Cost { amount, estimate };
        }
        let dearest = |of: Option<&str>| {
            let entries = self
                .all()
                .filter(|entry| of.is_none_or(|of| entry.provider == of));
            entries.map(|entry| entry.tariff.of(usage)).max()
        };
        let (amount, estimate) = match dearest(Some(provider)) {
            Some(amount) => (amount, Estimate::UnknownModel),
            None => (dearest(None).unwrap_or_default(), Estimate::UnknownProvider),
        };
        Cost {
            amount,
            estimate: Some(estimate),
        }
    }

    /// What a model costs, if that is known.
    pub fn tariff(&self, provider: &str, model: &str) -> Option<&Tariff> {
        self.find(provider, model).map(|(_, tariff)| tariff)
    }

    fn find(&self, provider: &str, model: &str) -> Option<(&ProviderPrices, &Tariff)> {
        let others = self.tables.iter();
        let newest = || {
            let found = others.filter_map(|table| table.find(provider, model));
            found.max_by_key(|(of, _)| of.as_of)
        };
        self.own.find(provider, model).or_else(newest)
    }

    fn all(&self) -> impl Iterator<Item = Known<'_>> {
        let own = std::iter::once((&self.own, true));
        let others = self.tables.iter().map(|table| (table, false));
        own.chain(others)
            .flat_map(|(table, own)| entries(table, own))
    }

    /// Every entry that is in force, by provider and model.
    pub fn known(&self) -> Vec<Known<'_>> {
        let mut newest = BTreeMap::new();
        // The own ones last, and each in place of one that it goes before.
        let mut all: Vec<Known<'_>> = self.all().collect();
        all.sort_by_key(|entry| (entry.own, entry.of.as_of));
        for entry in all {
            newest.insert((entry.provider, entry.pattern), entry);
        }
        newest.into_values().collect()
    }
}

fn entries(table: &PriceTable, own: bool) -> impl Iterator<Item = Known<'_>> {
    table.providers.iter().flat_map(move |(provider, of)| {
        of.models.iter().map(move |(pattern, tariff)| Known {
            provider,
            pattern,
            tariff,
            of,
            own,
        })
    })
}

fn is_old(as_of: Option<Date>, until: Option<Date>, today: Date) -> bool {
    let age = as_of.and_then(|day| today.since(day).ok());
    age.is_some_and(|age| age.get_days() > YOUNG_DAYS) || until.is_some_and(|last| today > last)
}
