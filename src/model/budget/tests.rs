use proptest::prelude::*;

use super::*;
use crate::model::price::MicroDollars;

fn spent(tokens: u64, cost: u64, millis: u64, steps: u64) -> Spent {
    let cost = MicroDollars(cost);
    Spent {
        tokens,
        cost,
        millis,
        steps,
    }
}

fn limit(span: Span, allowance: BudgetLimits, spent: Spent) -> Limit {
    Limit {
        span,
        allowance,
        spent,
    }
}

#[test]
fn the_first_limit_that_a_call_breaks_is_named() {
    let tokens = |most| BudgetLimits {
        tokens: Some(most),
        ..BudgetLimits::default()
    };
    let limits = [
        limit(Span::Session, tokens(1000), spent(100, 0, 0, 3)),
        limit(Span::Day, tokens(1000), spent(950, 0, 0, 9)),
    ];
    let Verdict::Over(over) = check(&limits, spent(60, 0, 0, 1), 80) else {
        panic!("it does not fit");
    };
    assert_eq!((over.span, over.means), (Span::Day, Means::Tokens));
    assert_eq!(
        over.to_string(),
        "the day's budget of 1000 tokens does not do: 950 tokens are used, and the next call may take 60 tokens"
    );
    let Verdict::Fits(warned) = check(&limits, spent(50, 0, 0, 1), 80) else {
        panic!("it just fits");
    };
    assert_eq!(warned.len(), 1);
    assert_eq!(warned[0].used, 1000);
}

#[test]
fn time_is_over_when_it_is_used_and_not_before() {
    let allowance = BudgetLimits {
        seconds: Some(1),
        ..BudgetLimits::default()
    };
    let at = |millis| {
        check(
            &[limit(Span::Plan, allowance, spent(0, 0, millis, 0))],
            spent(10, 10, 0, 1),
            100,
        )
    };
    assert_eq!(at(999), Verdict::Fits(vec![]));
    assert!(matches!(at(1000), Verdict::Over(_)));
}

proptest! {
    /// However many calls are asked for, those that are let through stay within the limit together.
    #[test]
    fn what_is_let_through_never_goes_beyond(
        most in 0u64..10_000,
        calls in proptest::collection::vec((0u64..4_000, 0u64..4_000), 0..40),
    ) {
        let allowance = BudgetLimits { tokens: Some(most), usd: Some(MicroDollars(most)), ..BudgetLimits::default() };
        let mut used = Spent::default();
        for (tokens, cost) in calls {
            let call = spent(tokens, cost, 0, 1);
            if let Verdict::Fits(_) = check(&[limit(Span::Session, allowance, used)], call, 80) {
                used = used + call;
            }
        }
        prop_assert!(used.tokens <= most && used.cost.0 <= most);
    }
}
