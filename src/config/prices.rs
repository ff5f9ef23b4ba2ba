//! Tables of prices, read from TOML.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::DeValue;

use super::load::{ConfigError, read_bounded};
use super::problem::decode;
use super::reader::{Problems, Read, Section, mistyped, parse, quoted};
use super::values::named_values;
use crate::model::price::{
    Above, MicroDollars, ModelPattern, Price, PriceTable, Prices, ProviderPrices, Tariff,
};

/// The version of the files that is read.
const FORMAT: u32 = 1;

const LARGEST: u64 = 1024 * 1024;

const BUNDLED: &str = include_str!("prices.toml");

const PROVIDER: &str = "{ as_of = 2026-01-31, source = \"…\", models = { … } }";

const TARIFF: &str = "{ input = 3, output = 15, cache_read = 0.3, cache_write = 3.75 }";

type Raw<'i> = Spanned<DeValue<'i>>;

/// The prices that are known: those of a person's own file, of an installed table and of the bundled
/// one. A file that does not exist says nothing.
///
/// # Errors
/// A file that cannot be read, or says something that is no price.
pub fn known_prices(own: Option<&Path>, installed: Option<&Path>) -> Result<Prices, ConfigError> {
    let read = |file: Option<&Path>| file.map_or(Ok(None), price_file);
    let bundled = price_table(BUNDLED.as_bytes(), Path::new("built-in prices"))?;
    Ok(Prices {
        own: read(own)?.unwrap_or_default(),
        tables: [Some(bundled), read(installed)?]
            .into_iter()
            .flatten()
            .collect(),
    })
}

/// The table of a file; `None` when there is no such file.
///
/// # Errors
/// A file that cannot be read, or says something that is no price.
pub fn price_file(file: &Path) -> Result<Option<PriceTable>, ConfigError> {
    match read_bounded(file, LARGEST) {
        Ok(bytes) => price_table(&bytes, file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ConfigError::Unreadable {
            file: file.to_owned(),
            error,
        }),
    }
}

/// The table that these bytes of `file` are.
///
/// # Errors
/// [`ConfigError::Invalid`] with everything that is wrong with them.
pub fn price_table(bytes: &[u8], file: &Path) -> Result<PriceTable, ConfigError> {
    let invalid = |text: &str, problems| ConfigError::Invalid {
        file: file.to_owned(),
        text: text.to_owned(),
        problems,
    };
    let text = decode(bytes).map_err(|(text, problem)| invalid(&text, vec![problem]))?;
    let problems = Problems::default();
    let table = parse(text, &problems).and_then(|root| {
        let mut top = Section::new(root.get_ref(), &problems);
        check_format(&mut top, &problems);
        let providers = top.raw("provider").and_then(|value| {
            let example = format!("{{ NAME = {PROVIDER} }}");
            named_values::<ProviderPrices>(value, &example, is_name, &problems)
        });
        top.finish();
        providers
    });
    let found = problems.finish(text);
    match found.is_empty() {
        true => Ok(PriceTable {
            providers: table.unwrap_or_default(),
        }),
        false => Err(invalid(text, found)),
    }
}

/// Another version may mean the same words otherwise, so it is not read at all.
fn check_format(top: &mut Section<'_, '_>, problems: &Problems) {
    let hint = || Some(format!("write `format = {FORMAT}`"));
    match top.raw("format") {
        None => problems.add(0, "the table does not say its format", hint()),
        Some(value) => {
            let format = u32::read(value, problems);
            if format.is_some_and(|format| format != FORMAT) {
                let message = "this version of treeyard cannot read this format";
                problems.add(value.span().start, message, hint());
            }
        }
    }
}

fn is_name(name: &str, offset: usize, problems: &Problems) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace();
    let sound = (1..=200).contains(&name.len()) && name.chars().all(plain);
    if !sound {
        let message = format!("{} cannot name a provider or a model", quoted(name));
        let hint = "1 to 200 characters without spaces".to_owned();
        problems.add(offset, message, Some(hint));
    }
    sound
}

/// What has to be there.
fn required<T: Read>(
    section: &mut Section<'_, '_>,
    key: &'static str,
    of: &Raw<'_>,
    problems: &Problems,
) -> Option<T> {
    if section.get(key).is_none() {
        let message = format!("a price needs {}", quoted(key));
        problems.add(of.span().start, message, Some(format!("such as {TARIFF}")));
    }
    section.take(key)
}

impl Read for ProviderPrices {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let mut section = Section::of(value, Some(PROVIDER), problems)?;
        let (as_of, source) = (section.take("as_of"), section.take("source"));
        let example = format!("{{ \"a-model-*\" = {TARIFF} }}");
        let models = section.raw("models");
        let models: BTreeMap<String, Tariff> = match models {
            Some(models) => named_values(models, &example, is_name, problems)?,
            None => BTreeMap::new(),
        };
        section.finish();
        let models = models.into_iter();
        Some(Self {
            as_of,
            source,
            models: models
                .map(|(name, tariff)| (ModelPattern::new(name), tariff))
                .collect(),
        })
    }
}

impl Read for Tariff {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let mut section = Section::of(value, Some(TARIFF), problems)?;
        let above = section.take("above");
        let until = section.take("until");
        let price = price(&mut section, value, problems);
        section.finish();
        Some(Self {
            price: price?,
            above,
            until,
        })
    }
}

impl Read for Above {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let example = "{ tokens = 200_000, input = 6, output = 22.5 }";
        let mut section = Section::of(value, Some(example), problems)?;
        let tokens = required::<u32>(&mut section, "tokens", value, problems);
        let price = price(&mut section, value, problems);
        section.finish();
        Some(Self {
            tokens: tokens?.into(),
            price: price?,
        })
    }
}

fn price(section: &mut Section<'_, '_>, of: &Raw<'_>, problems: &Problems) -> Option<Price> {
    let input = required(section, "input", of, problems);
    let output = required(section, "output", of, problems);
    let (read, write) = (section.take("cache_read"), section.take("cache_write"));
    Some(Price {
        input: input?,
        output: output?,
        cache_read: read.or(input)?,
        cache_write: write.or(input)?,
    })
}

/// Dollars. The digits are read as they are written: a number with a point would be rounded on its way.
impl Read for MicroDollars {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let written = match value.get_ref() {
            DeValue::Integer(number) if number.radix() == 10 => Some(number.as_str()),
            DeValue::Float(number) => Some(number.as_str()),
            _ => None,
        };
        let Some(written) = written else {
            let hint = "such as 0.25".to_owned();
            mistyped(value, "an amount of dollars", Some(hint), problems);
            return None;
        };
        let written = written.strip_prefix('+').unwrap_or(written);
        let told = |why: &_| {
            let message = format!("{} is no price: {why}", quoted(written));
            problems.add(value.span().start, message, Some("such as 0.25".to_owned()));
        };
        written.parse().inspect_err(told).ok()
    }
}

impl Read for Date {
    fn read(value: &Raw<'_>, problems: &Problems) -> Option<Self> {
        let written = value.get_ref().as_datetime();
        let date = written.filter(|written| written.time.is_none() && written.offset.is_none());
        let day = date.and_then(|written| written.date).and_then(|day| {
            let (month, day_of) = (i8::try_from(day.month).ok()?, i8::try_from(day.day).ok()?);
            Self::new(i16::try_from(day.year).ok()?, month, day_of).ok()
        });
        if day.is_none() {
            mistyped(
                value,
                "a day",
                Some("such as 2026-01-31".to_owned()),
                problems,
            );
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::chat::Usage;
    use crate::model::price::Estimate;

    fn problems(text: &str) -> Vec<String> {
        let read = price_table(text.as_bytes(), Path::new("prices.toml"));
        let Err(ConfigError::Invalid { problems, .. }) = read else {
            panic!("{read:?}");
        };
        let told = problems.iter();
        told.map(|p| format!("{}:{}: {}", p.line, p.column, p.message))
            .collect()
    }

    #[test]
    fn the_bundled_table_is_sound_and_says_where_it_is_from() {
        let prices = known_prices(None, None).unwrap();
        for (name, of) in &prices.tables[0].providers {
            let free = |tariff: &Tariff| tariff.price.output == MicroDollars(0);
            if !of.models.values().all(free) {
                assert!(of.as_of.is_some() && of.source.is_some(), "{name}");
            }
            for (pattern, tariff) in &of.models {
                let Price {
                    input,
                    output,
                    cache_read,
                    ..
                } = tariff.price;
                assert!(input <= output && cache_read <= input, "{pattern}");
                let dearer = tariff.above.is_none_or(|above| above.price.input > input);
                assert!(dearer, "{pattern}");
            }
        }
        let usage = Usage {
            input: 1000,
            output: 1000,
            cache_read: 10_000,
            cache_write: 100,
        };
        let today = date(2026, 11, 1);
        let cost = prices.cost("anthropic", "claude-opus-4-5-20251101", usage, today);
        assert_eq!((cost.amount, cost.estimate), (MicroDollars(35_625), None));
        let cost = prices.cost("ollama", "qwen3:30b", usage, date(2040, 1, 1));
        assert_eq!((cost.amount, cost.estimate), (MicroDollars(0), None));
        let cost = prices.cost("gemini", "gemini-3.8-flash", usage, date(2027, 1, 1));
        assert_eq!(cost.estimate, Some(Estimate::OldPrice));
        let cost = prices.cost("openai", "gpt-9", usage, today);
        assert_eq!(cost.estimate, Some(Estimate::UnknownModel));
    }

    #[test]
    fn what_is_no_table_is_told_with_its_place() {
        let model = |rest: &str| format!("format = 1\n[provider.x.models]\nm = {{ {rest} }}\n");
        let usual = "input = 1, output = 2";
        for (text, expected) in [
            ("", "1:1: the table does not say its format".to_owned()),
            (
                "format = 2",
                "1:10: this version of treeyard cannot read this format".to_owned(),
            ),
            (
                "format = 1\nprovders = 1",
                "2:1: unknown key `provders`".to_owned(),
            ),
            (
                "format = 1\nprovider = 1",
                "2:12: expected a table, found integer".to_owned(),
            ),
            (
                &model("input = 1"),
                "3:5: a price needs `output`".to_owned(),
            ),
            (
                &model("input = -1, output = 2"),
                "3:15: `-1` is no price: it is negative".to_owned(),
            ),
            (
                &model("input = nan, output = 2"),
                "3:15: `nan` is no price: it is not a plain decimal number".to_owned(),
            ),
            (
                &model("input = inf, output = 2"),
                "3:15: `inf` is no price: it is not a plain decimal number".to_owned(),
            ),
            (
                &model("input = 1e9, output = 2"),
                "3:15: `1e9` is no price: it is not a plain decimal number".to_owned(),
            ),
            (
                &model("input = \"1\", output = 2"),
                "3:15: expected an amount of dollars, found string".to_owned(),
            ),
            (
                &model(&format!("{usual}, cash_read = 1")),
                "3:30: unknown key `cash_read`".to_owned(),
            ),
            (
                &model(&format!("{usual}, until = 1")),
                "3:38: expected a day, found integer".to_owned(),
            ),
            (
                &model(&format!("{usual}, until = 2026-01-31T10:00:00")),
                "3:38: expected a day, found datetime".to_owned(),
            ),
            (
                &model(&format!("{usual}, above = {{ {usual} }}")),
                "3:38: a price needs `tokens`".to_owned(),
            ),
            (
                "format = 1\n[provider.x]\nmodels = 1",
                "3:10: expected a table, found integer".to_owned(),
            ),
            (
                "format = 1\n[provider.\"a b\".models]",
                "2:11: `a b` cannot name a provider or a model".to_owned(),
            ),
        ] {
            assert_eq!(problems(text), [expected], "{text}");
        }
    }

    #[test]
    fn files_that_are_not_there_say_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (own, installed) = (dir.path().join("own"), dir.path().join("installed"));
        assert!(known_prices(Some(&own), Some(&installed)).is_ok());
        std::fs::write(
            &own,
            "format = 1\n[provider.openai.models]\n\"*\" = { input = 0.000001, output = 7 }",
        )
        .unwrap();
        let prices = known_prices(Some(&own), Some(&installed)).unwrap();
        let usage = Usage {
            output: 1_000_000,
            ..Usage::default()
        };
        let cost = prices.cost("openai", "gpt-5", usage, date(2040, 1, 1));
        assert_eq!(
            (cost.amount, cost.estimate),
            (MicroDollars(7_000_000), None)
        );
        std::fs::write(&installed, "format = 2").unwrap();
        assert!(known_prices(Some(&own), Some(&installed)).is_err());
    }
}
