//! How well a model does, from the calls that were logged and nothing else.

use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A call of a model, as it was logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedCall {
    /// Which model.
    pub model: String,
    /// When it began, in milliseconds since the epoch.
    pub started_ms: i64,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// Tokens that were answered.
    pub output_tokens: u64,
    /// Whether it came to nothing.
    pub failed: bool,
}

/// How well a model does. What no call says is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelPerformanceSnapshot {
    /// Tokens answered in a second, over all calls that succeeded.
    pub tokens_per_second: Option<f64>,
    /// Half of the calls that succeeded took no longer.
    pub p50_latency_ms: Option<u64>,
    /// Nineteen of twenty took no longer.
    pub p95_latency_ms: Option<u64>,
    /// The part of the calls of the last hour that failed, from 0 to 1.
    pub failure_rate_1h: Option<f64>,
    /// To compare models: tokens in a second, less the part that fails.
    pub score: Option<f64>,
}

impl ModelPerformanceSnapshot {
    /// Of one model among these calls, which may be in any order.
    pub fn of(model: &str, calls: &[LoggedCall], now_ms: i64) -> Self {
        let own: Vec<&LoggedCall> = calls.iter().filter(|call| call.model == model).collect();
        let good: Vec<&LoggedCall> = own.iter().copied().filter(|call| !call.failed).collect();
        let tokens_per_second = speed(&good);
        let failure_rate_1h = failure_rate(&own, now_ms);
        let kept = 1.0 - failure_rate_1h.unwrap_or(0.0);
        Self {
            tokens_per_second,
            p50_latency_ms: percentile(&good, 50),
            p95_latency_ms: percentile(&good, 95),
            failure_rate_1h,
            score: tokens_per_second.map(|speed| speed * kept),
        }
    }
}

fn speed(calls: &[&LoggedCall]) -> Option<f64> {
    let sum = |of: fn(&LoggedCall) -> u64| {
        let values = calls.iter().map(|call| of(call));
        values.fold(0u64, u64::saturating_add) as f64
    };
    let seconds = sum(|call| call.latency_ms) / 1000.0;
    (seconds > 0.0).then(|| sum(|call| call.output_tokens) / seconds)
}

/// The nearest rank: a latency that there was.
fn percentile(calls: &[&LoggedCall], percent: usize) -> Option<u64> {
    let mut latencies: Vec<u64> = calls.iter().map(|call| call.latency_ms).collect();
    latencies.sort_unstable();
    let rank = (latencies.len() * percent).div_ceil(100);
    latencies.get(rank.checked_sub(1)?).copied()
}

fn failure_rate(calls: &[&LoggedCall], now_ms: i64) -> Option<f64> {
    let is_late = |call: &&&LoggedCall| {
        let age = now_ms.saturating_sub(call.started_ms);
        (0..=HOUR_MS).contains(&age)
    };
    let late: Vec<_> = calls.iter().filter(is_late).collect();
    let failed = late.iter().filter(|call| call.failed).count();
    (!late.is_empty()).then(|| failed as f64 / late.len() as f64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 100 * HOUR_MS;

    fn call(latency_ms: u64, output_tokens: u64, failed: bool) -> LoggedCall {
        LoggedCall {
            model: "m".to_owned(),
            started_ms: NOW - 1000,
            latency_ms,
            output_tokens,
            failed,
        }
    }

    #[test]
    fn a_snapshot_is_what_the_calls_say() {
        let mut calls: Vec<_> = (1..=20).map(|n| call(n * 100, 50, false)).collect();
        calls.extend((0..5).map(|_| call(60_000, 0, true)));
        let before = LoggedCall {
            started_ms: NOW - HOUR_MS - 1,
            ..call(1, 0, true)
        };
        let other = LoggedCall {
            model: "other".to_owned(),
            ..call(1, 1_000_000, false)
        };
        calls.extend([before, other]);
        let found = ModelPerformanceSnapshot::of("m", &calls, NOW);
        let speed = 1000.0 / 21.0;
        assert_eq!(found.tokens_per_second, Some(speed));
        assert_eq!(
            (found.p50_latency_ms, found.p95_latency_ms),
            (Some(1000), Some(1900))
        );
        assert_eq!(found.failure_rate_1h, Some(0.2));
        assert_eq!(found.score, Some(speed * 0.8));
        let nothing = ModelPerformanceSnapshot::of("unknown", &calls, NOW);
        assert_eq!(nothing, ModelPerformanceSnapshot::default());
    }

    fn some_call() -> impl Strategy<Value = LoggedCall> {
        let at = prop_oneof![Just(NOW), 0..2 * NOW, Just(i64::MIN), Just(i64::MAX)];
        let amount = prop_oneof![0..10_000u64, Just(u64::MAX)];
        (at, amount.clone(), amount, any::<bool>()).prop_map(|(at, latency, tokens, failed)| {
            LoggedCall {
                started_ms: at,
                ..call(latency, tokens, failed)
            }
        })
    }

    proptest! {
        #[test]
        fn it_has_bounds_and_no_order(calls in prop::collection::vec(some_call(), 0..40)) {
            let found = ModelPerformanceSnapshot::of("m", &calls, NOW);
            let mut turned = calls.clone();
            turned.reverse();
            prop_assert_eq!(found, ModelPerformanceSnapshot::of("m", &turned, NOW));
            if let Some(rate) = found.failure_rate_1h {
                prop_assert!((0.0..=1.0).contains(&rate));
            }
            let good: Vec<u64> = calls.iter().filter(|c| !c.failed).map(|c| c.latency_ms).collect();
            prop_assert_eq!(found.p50_latency_ms.is_some(), !good.is_empty());
            if let (Some(p50), Some(p95)) = (found.p50_latency_ms, found.p95_latency_ms) {
                prop_assert!(p50 <= p95 && good.contains(&p50) && good.contains(&p95));
                let below = good.iter().filter(|latency| **latency <= p95).count();
                prop_assert!(below * 100 >= good.len() * 95);
            }
            if let (Some(speed), Some(score)) = (found.tokens_per_second, found.score) {
                prop_assert!(score.is_finite() && score <= speed && score >= 0.0);
            }
        }
    }
}
