use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::model::chat::Usage;

fn dollars(text: &str) -> MicroDollars {
    text.parse().unwrap()
}

fn flat(input: &str, output: &str) -> Tariff {
    Tariff {
        price: Price {
            input: dollars(input),
            output: dollars(output),
            cache_read: dollars("0.1"),
            cache_write: dollars("1.25"),
        },
        above: None,
        until: None,
    }
}

fn table(as_of: Option<jiff::civil::Date>, models: &[(&str, Tariff)]) -> PriceTable {
    let models = models
        .iter()
        .map(|(name, tariff)| (ModelPattern::new(*name), *tariff));
    let of = ProviderPrices {
        as_of,
        source: None,
        models: models.collect(),
    };
    PriceTable {
        providers: [("one".to_owned(), of)].into(),
    }
}

fn sent(input: u64) -> Usage {
    Usage {
        input,
        ..Usage::default()
    }
}

#[test]
fn money_is_read_exactly_and_shown_as_people_write_it() {
    for (text, micros, shown) in [
        ("3", 3_000_000, "$3.00"),
        ("0.075", 75_000, "$0.075"),
        ("1_000.50", 1_000_500_000, "$1000.50"),
        ("0.000001", 1, "$0.000001"),
        ("1.500000000", 1_500_000, "$1.50"),
    ] {
        assert_eq!(text.parse(), Ok(MicroDollars(micros)), "{text}");
        assert_eq!(MicroDollars(micros).to_string(), shown);
    }
    for (text, why) in [
        ("-1", NotMoney::Negative),
        ("-0", NotMoney::Negative),
        ("nan", NotMoney::NotDecimal),
        ("inf", NotMoney::NotDecimal),
        ("1e3", NotMoney::NotDecimal),
        ("", NotMoney::NotDecimal),
        (".5", NotMoney::NotDecimal),
        ("1.", NotMoney::NotDecimal),
        ("+1", NotMoney::NotDecimal),
        ("0.0000001", NotMoney::TooFine),
        ("1000000.000001", NotMoney::TooMuch),
        ("99999999999999999999999", NotMoney::TooMuch),
    ] {
        assert_eq!(text.parse::<MicroDollars>(), Err(why), "{text}");
    }
}

#[test]
fn a_pattern_means_dated_versions_too() {
    let means = |pattern: &str, model: &str| ModelPattern::new(pattern).matches(model);
    for model in [
        "gpt-5",
        "gpt-5-2025-08-07",
        "gpt-5-20250807",
        "gpt-5@20250807",
    ] {
        assert!(means("gpt-5", model), "{model}");
    }
    for model in [
        "gpt-5.5",
        "gpt-5-mini",
        "gpt-5-1999-08-07",
        "gpt-5-",
        "gpt",
        "",
        "gpt-5-ü0250807",
    ] {
        assert!(!means("gpt-5", model), "{model}");
    }
    assert!(means("*", "") && means("a*c*e", "abcde") && means("a**e", "ae"));
    assert!(!means("a*c*e", "abde") && !means("ab*ba", "aba"));
}

#[test]
fn the_nearest_entry_counts() {
    let prices = Prices {
        own: PriceTable::default(),
        tables: vec![table(
            None,
            &[
                ("m*", flat("1", "1")),
                ("m-1*", flat("2", "2")),
                ("m-1", flat("3", "3")),
            ],
        )],
    };
    let cost = |model| prices.cost("one", model, sent(1_000_000), date(2026, 1, 1));
    assert_eq!(cost("m-2").amount, dollars("1"));
    assert_eq!(cost("m-1-large").amount, dollars("2"));
    assert_eq!(cost("m-1").amount, dollars("3"));
    assert_eq!(cost("m-1").estimate, None);
}

#[test]
fn what_is_not_known_costs_as_much_as_the_dearest() {
    let mut other = table(None, &[("x", flat("70", "7"))]);
    let of = other.providers.remove("one").unwrap();
    other.providers.insert("two".to_owned(), of);
    let known = table(None, &[("a", flat("1", "9")), ("b", flat("5", "1"))]);
    let prices = Prices {
        own: PriceTable::default(),
        tables: vec![known, other],
    };
    let cost = |provider, model, usage| prices.cost(provider, model, usage, date(2026, 1, 1));
    let one = cost("one", "c", sent(1_000_000));
    assert_eq!(
        (one.amount, one.estimate),
        (dollars("5"), Some(Estimate::UnknownModel))
    );
    let none = cost("three", "c", sent(1_000_000));
    assert_eq!(
        (none.amount, none.estimate),
        (dollars("70"), Some(Estimate::UnknownProvider))
    );
    let nothing = Prices::default().cost("one", "a", sent(5), date(2026, 1, 1));
    assert_eq!(
        (nothing.amount, nothing.estimate),
        (MicroDollars(0), Some(Estimate::UnknownProvider))
    );
}

#[test]
fn own_prices_go_before_newer_ones_and_those_before_older_ones() {
    let (old, new) = (Some(date(2026, 1, 1)), Some(date(2026, 6, 1)));
    let mut prices = Prices {
        own: PriceTable::default(),
        tables: vec![
            table(new, &[("m", flat("2", "2"))]),
            table(old, &[("m", flat("1", "1")), ("n", flat("4", "4"))]),
        ],
    };
    let cost =
        |prices: &Prices, model| prices.cost("one", model, sent(1_000_000), date(2026, 6, 2));
    assert_eq!(cost(&prices, "m").amount, dollars("2"));
    assert_eq!(cost(&prices, "m").estimate, None);
    assert_eq!(cost(&prices, "n").amount, dollars("4"));
    assert_eq!(cost(&prices, "n").estimate, Some(Estimate::OldPrice));
    prices.own = table(None, &[("m", flat("3", "3"))]);
    assert_eq!(cost(&prices, "m").amount, dollars("3"));
    let known = prices.known();
    let known: Vec<_> = known
        .iter()
        .map(|entry| (entry.pattern.as_str(), entry.own, entry.tariff.price.input))
        .collect();
    assert_eq!(
        known,
        [("m", true, dollars("3")), ("n", false, dollars("4"))]
    );
}

#[test]
fn old_prices_and_those_that_have_ended_are_estimates() {
    let until = Tariff {
        until: Some(date(2026, 3, 1)),
        ..flat("1", "1")
    };
    let prices = Prices {
        own: PriceTable::default(),
        tables: vec![table(
            Some(date(2026, 1, 1)),
            &[("m", flat("1", "1")), ("u", until)],
        )],
    };
    let cost = |model, day| prices.cost("one", model, sent(1), day).estimate;
    assert_eq!(cost("m", date(2026, 4, 1)), None);
    assert_eq!(cost("m", date(2026, 4, 2)), Some(Estimate::OldPrice));
    assert_eq!(cost("u", date(2026, 3, 1)), None);
    assert_eq!(cost("u", date(2026, 3, 2)), Some(Estimate::OldPrice));
    assert_eq!(
        prices.cost("one", "m", sent(0), date(2030, 1, 1)).estimate,
        None
    );
}

#[test]
fn long_calls_have_their_own_price() {
    let tariff = Tariff {
        above: Some(Above {
            tokens: 200_000,
            price: flat("4", "18").price,
        }),
        ..flat("2", "12")
    };
    let usage = |input, cache_read| Usage {
        input,
        cache_read,
        output: 1_000_000,
        cache_write: 0,
    };
    assert_eq!(tariff.of(usage(100_000, 100_000)), dollars("12.21"));
    assert_eq!(tariff.of(usage(100_000, 100_001)), MicroDollars(18_410_001));
}

proptest! {
    #[test]
    fn costs_are_rounded_up_and_never_overflow(
        input: u64, output: u64, cache_read: u64, cache_write: u64, price in 0..=MicroDollars::MOST.0,
    ) {
        let price = MicroDollars(price);
        let price = Price { input: price, output: price, cache_read: price, cache_write: price };
        let usage = Usage { input, output, cache_read, cache_write };
        let all = u128::from(input) + u128::from(output) + u128::from(cache_read) + u128::from(cache_write);
        let exact = (all * u128::from(price.input.0)).div_ceil(1_000_000);
        prop_assert_eq!(u128::from(price.of(usage).0), exact.min(u128::from(u64::MAX)));
    }

    #[test]
    fn what_is_shown_is_read_again(amount in 0..=MicroDollars::MOST.0) {
        let shown = MicroDollars(amount).to_string();
        prop_assert_eq!(shown.trim_start_matches('$').parse(), Ok(MicroDollars(amount)));
    }
}
