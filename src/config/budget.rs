//! Settings of what models may use up.

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::DeValue;

use super::reader::{Problems, Read, Section, unknown};
use super::values::{Setting, words};
use crate::model::budget::{BudgetLimits, BudgetThen};

type Raw<'i> = Spanned<DeValue<'i>>;

words! {
    BudgetThen { "pause" => Pause, "stop" => Stop }
}

impl Read for BudgetLimits {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let example = Some("{ usd = 5, tokens = 2_000_000 }");
        let mut section = Section::of(value, example, problems)?;
        let limits = Self {
            tokens: section.take("tokens"),
            usd: section.take("usd"),
            seconds: section.take("seconds"),
            steps: section.take("steps"),
        };
        section.finish();
        Some(limits)
    }
}

impl Setting for BudgetLimits {
    fn show(&self) -> Value {
        // Exact: a double has more digits than the largest amount.
        let usd = self.usd.map(|usd| json!(usd.0 as f64 / 1e6));
        let fields = [
            ("tokens", self.tokens.map(Value::from)),
            ("usd", usd),
            ("seconds", self.seconds.map(Value::from)),
            ("steps", self.steps.map(Value::from)),
        ];
        let given = fields
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(given.collect::<Map<_, _>>())
    }

    fn over(self, below: Self) -> Self {
        self.lowest(below)
    }
}
