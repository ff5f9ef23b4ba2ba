//! When a failed call is tried again. Whoever makes calls does so: each attempt is one of them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::error::ProviderError;

/// When a failed call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How often it is tried in all.
    pub attempts: u32,
    /// The longest wait after the first failure; it doubles with each further one.
    pub first: Duration,
    /// What it does not grow beyond.
    pub longest: Duration,
    /// The longest that a provider's own word is followed. When it asks for more, its error is the answer.
    pub patience: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            patience: Duration::from_secs(120),
        }
    }
}

impl Schedule {
    /// How long to wait after this many failures, with a number from 0 up to 1 by chance. All of
    /// the wait is by chance ("full jitter"), so that sessions that failed together do not come back together.
    pub fn wait(&self, failures: u32, error: &ProviderError, chance: f64) -> Option<Duration> {
        if failures >= self.attempts || !error.is_retryable() {
            return None;
        }
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        let most = self.first.saturating_mul(doubled).min(self.longest);
        let jitter = most.mul_f64(chance.clamp(0.0, 1.0));
        match error.retry_after {
            None => Some(jitter),
            // Everybody who asked was told the same moment.
            Some(asked) => (asked <= self.patience).then(|| asked + jitter.min(self.first)),
        }
    }
}

/// How long the provider wants to be left alone: `retry-after-ms` in milliseconds, or `retry-after` in
/// seconds or as a date (RFC 9110, 10.2.3). A date is compared with the provider's own clock where it
/// tells it.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let in_seconds = |text: &str| {
        let number: f64 = text.trim().parse().ok()?;
        Duration::try_from_secs_f64(number).ok()
    };
    let milliseconds = text("retry-after-ms").and_then(in_seconds);
    if let Some(milliseconds) = milliseconds {
        return Some(milliseconds / 1000);
    }
    let asked = text(RETRY_AFTER.as_str())?;
    in_seconds(asked).or_else(|| {
        let at = date(asked)?;
        let now = text("date").and_then(date).unwrap_or(now);
        // What is over asks for nothing more.
        Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
    })
}

fn date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ErrorKind;

    fn rate(retry_after: Option<Duration>) -> ProviderError {
        let error = ProviderError::new(ErrorKind::Rate, "slowly");
        ProviderError {
            retry_after,
            ..error
        }
    }

    #[test]
    fn waits_grow_up_to_a_limit_and_are_by_chance() {
        let schedule = Schedule {
            attempts: 10,
            ..Schedule::default()
        };
        let most = |failures| schedule.wait(failures, &rate(None), 1.0).unwrap().as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 9].map(most), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(schedule.wait(3, &rate(None), 0.0), Some(Duration::ZERO));
        assert_eq!(
            schedule.wait(3, &rate(None), 0.5),
            Some(Duration::from_secs(2))
        );
        assert_eq!(schedule.wait(10, &rate(None), 0.5), None);
        let last = Schedule {
            attempts: u32::MAX,
            ..schedule
        };
        assert_eq!(
            last.wait(u32::MAX - 1, &rate(None), 1.0),
            Some(schedule.longest)
        );
    }

    #[test]
    fn a_provider_is_left_alone_as_long_as_it_asks() {
        let schedule = Schedule::default();
        let asked = Duration::from_secs(60);
        assert_eq!(schedule.wait(1, &rate(Some(asked)), 0.0), Some(asked));
        let wait = schedule.wait(3, &rate(Some(asked)), 1.0).unwrap();
        assert!(wait > asked && wait <= asked + schedule.first);
        assert_eq!(schedule.wait(1, &rate(Some(asked * 3)), 0.0), None);
    }

    #[test]
    fn what_waiting_does_not_help_is_not_tried_again() {
        for kind in [ErrorKind::Auth, ErrorKind::ContextLength, ErrorKind::Quota] {
            let error = ProviderError::new(kind, "no");
            assert_eq!(Schedule::default().wait(1, &error, 0.5), None);
        }
    }

    #[test]
    fn all_forms_of_retry_after_are_read() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let read = |fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.insert(*name, value.parse().unwrap());
            }
            retry_after(&headers, now)
        };
        let seconds = |n| Some(Duration::from_secs_f64(n));
        assert_eq!(read(&[("retry-after", "7")]), seconds(7.0));
        assert_eq!(read(&[("retry-after", " 0.5 ")]), seconds(0.5));
        assert_eq!(
            read(&[("retry-after-ms", "1500"), ("retry-after", "9")]),
            seconds(1.5)
        );
        let date = ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(read(&[date]), seconds(7.0));
        assert_eq!(
            read(&[date, ("date", "Sun, 06 Nov 1994 08:49:35 GMT")]),
            seconds(2.0)
        );
        assert_eq!(
            read(&[date, ("date", "Sun, 06 Nov 1994 08:50:00 GMT")]),
            seconds(0.0)
        );
        for nonsense in ["", "-1", "NaN", "inf", "soon", "1e300"] {
            assert_eq!(read(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }
}
