//! How long to wait until the next look: long while nothing happens, short while a limit comes near.

use std::time::Duration;

/// Also how long a job runs before the first look. Most are over by then.
pub(super) const SHORTEST: Duration = Duration::from_millis(50);
/// How long a sudden growth may go unseen.
pub(super) const LONGEST: Duration = Duration::from_secs(1);
/// After a look comes a rest so many times as long: looking takes at most two hundredths of the time of a
/// job that stays within its limits.
pub(super) const REST: u32 = 50;
/// A limit that would be reached at the present rate is looked at so many times before.
const AHEAD: u32 = 4;
/// The rest when that is due before the ordinary one is over.
const LEAST_REST: u32 = 1;
const NEVER: Duration = Duration::MAX;
const MOST_WAITS: f64 = 1e6;

/// The rhythm of looks at one job.
#[derive(Debug)]
pub(super) struct Pace {
    wait: Duration,
    share: f64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            wait: SHORTEST,
            share: 0.0,
        }
    }

    /// The wait after a look that took `cost` and found so much of the limit used.
    pub(super) fn next(&mut self, share: f64, cost: Duration) -> Duration {
        let grown = share - self.share;
        self.share = share;
        let ahead = match grown > 0.0 {
            true => self.until_full(share, grown) / AHEAD,
            false => NEVER,
        };
        self.wait = ahead.min(self.wait * 2).clamp(SHORTEST, LONGEST);
        // A storm makes looking itself slow. Its end is near in any case, so the cost is not what counts.
        let rest = (cost * REST).min(ahead.max(cost * LEAST_REST));
        self.wait.max(rest)
    }

    fn until_full(&self, share: f64, grown: f64) -> Duration {
        let waits = (1.0 - share).max(0.0) / grown;
        self.wait.mul_f64(waits.min(MOST_WAITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::ZERO;

    #[test]
    fn a_quiet_job_is_looked_at_ever_less() {
        let mut pace = Pace::new();
        let waits: Vec<u128> = (0..6)
            .map(|_| pace.next(0.3, NO_TIME).as_millis())
            .collect();
        assert_eq!(waits, [50, 100, 200, 400, 800, 1000]);
    }

    #[test]
    fn one_that_grows_is_looked_at_before_it_can_be_over() {
        let mut pace = Pace::new();
        for _ in 0..6 {
            pace.next(0.1, NO_TIME);
        }
        assert_eq!(pace.next(0.5, NO_TIME), Duration::from_micros(312_500));
        assert_eq!(pace.next(0.9, NO_TIME), SHORTEST, "all but there");
        assert_eq!(pace.next(0.9, NO_TIME), SHORTEST * 2, "quiet again");
        assert_eq!(pace.next(1.5, NO_TIME), SHORTEST, "it stays over");
    }

    #[test]
    fn a_storm_is_looked_at_whatever_that_costs() {
        let mut pace = Pace::new();
        pace.next(0.1, Duration::from_millis(20));
        let cost = Duration::from_millis(60);
        assert_eq!(pace.next(0.6, cost), cost);
    }

    #[test]
    fn looks_that_take_long_are_far_apart() {
        let mut pace = Pace::new();
        let cost = Duration::from_millis(60);
        pace.next(0.99, cost);
        assert_eq!(pace.next(0.99, cost), Duration::from_secs(3));
    }
}
