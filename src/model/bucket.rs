//! A token bucket without a clock of its own: the same starts give the same answers.

use super::limit::Rate;

/// How full a bucket is, such as a group's. Times are multiplied by the rate's number of starts, so that one
/// token is exactly `per_ms` of them and nothing is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    rate: Rate,
    /// When it is full again.
    full: i128,
}

impl Bucket {
    /// How many of the newest starts are looked at.
    pub const LOOK_BACK: usize = 1_000;

    /// The bucket after `starts`, in milliseconds since the epoch and the newest first, as it is
    /// at `now_ms`. When they are as many as are looked at, the bucket is taken to be empty after
    /// the oldest, whatever was before: it may then be less full than it is, never fuller.
    pub fn after(rate: Rate, starts: &[i64], now_ms: i64) -> Self {
        let starts: Vec<_> = starts.iter().map(|at_ms| (*at_ms, 1)).collect();
        Self::after_takes(rate, &starts, now_ms)
    }

    /// The same where each start took so many tokens.
    pub fn after_takes(rate: Rate, starts: &[(i64, u64)], now_ms: i64) -> Self {
        let mut bucket = Self {
            rate,
            full: i128::MIN,
        };
        for (age, (start_ms, tokens)) in starts.iter().enumerate().rev() {
            if age + 1 == Self::LOOK_BACK {
                bucket.full = bucket.scaled(*start_ms) + bucket.capacity();
            } else {
                bucket.take_many(*start_ms, *tokens);
            }
        }
        // A clock that was set back must not hold the group for longer than an empty bucket does.
        let emptiest = bucket.scaled(now_ms) + bucket.capacity();
        bucket.full = bucket.full.min(emptiest);
        bucket
    }

    /// How long a pause fills an empty bucket, in milliseconds.
    pub fn filled_after_ms(rate: Rate) -> i64 {
        let (whole, starts) = (
            u64::from(rate.burst()) * u64::from(rate.per_ms()),
            u64::from(rate.starts()),
        );
        whole.div_ceil(starts) as i64
    }

    /// Takes the token of one start.
    pub fn take(&mut self, at_ms: i64) {
        self.take_many(at_ms, 1);
    }

    /// Takes so many at once. Who takes more than there are leaves nothing, and no debt.
    fn take_many(&mut self, at_ms: i64, tokens: u64) {
        let at = self.scaled(at_ms);
        let taken = self.full.max(at) + self.worth(tokens);
        self.full = taken.min(self.full.max(at + self.capacity()));
    }

    /// The earliest time from which there is a token, in milliseconds since the epoch.
    pub fn next_ms(&self) -> i64 {
        self.next_many_ms(1)
    }

    /// The same for so many; who wants more than it ever has waits until it is full.
    pub fn next_many_ms(&self, tokens: u64) -> i64 {
        let others = self.capacity() - self.worth(tokens);
        let starts = i128::from(self.rate.starts());
        let next = self.full.saturating_sub(others);
        let rounded_up = next.div_euclid(starts) + i128::from(next.rem_euclid(starts) > 0);
        i64::try_from(rounded_up).unwrap_or(i64::MIN)
    }

    fn scaled(&self, at_ms: i64) -> i128 {
        i128::from(at_ms) * i128::from(self.rate.starts())
    }

    fn worth(&self, tokens: u64) -> i128 {
        let tokens = tokens.min(u64::from(self.rate.burst()));
        i128::from(tokens) * i128::from(self.rate.per_ms())
    }

    fn capacity(&self) -> i128 {
        i128::from(self.rate.burst()) * i128::from(self.rate.per_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str, burst: u32) -> Rate {
        text.parse::<Rate>().unwrap().with_burst(burst)
    }

    /// Starts as early as the bucket lets `wanted` of them, each asked for after one of `pauses`.
    fn greedy(rate: Rate, pauses: &[i64]) -> Vec<i64> {
        let mut starts: Vec<i64> = Vec::new();
        let mut now = 1_000_000;
        for pause in pauses {
            now += pause;
            let newest_first: Vec<i64> = starts.iter().rev().copied().collect();
            now = now.max(Bucket::after(rate, &newest_first, now).next_ms());
            starts.push(now);
        }
        starts
    }

    #[test]
    fn a_burst_and_then_evenly() {
        let starts = greedy(rate("30/min", 3), &[0; 6]);
        let from_first: Vec<i64> = starts.iter().map(|at| at - starts[0]).collect();
        assert_eq!(from_first, [0, 0, 0, 2_000, 4_000, 6_000]);
        let starts = greedy(rate("7/s", 2), &[0; 9]);
        assert_eq!(starts[8] - starts[0], 1_000, "nothing is lost by rounding");
    }

    #[test]
    fn a_clock_that_was_set_back_holds_no_longer_than_an_empty_bucket() {
        let bucket = Bucket::after(rate("1/min", 1), &[1_000_000_000], 0);
        assert_eq!(bucket.next_ms(), 60_000);
    }

    #[test]
    fn more_than_is_looked_at_counts_as_empty() {
        let starts = vec![0; Bucket::LOOK_BACK];
        let bucket = Bucket::after(rate("1/s", 5), &starts[..], 0);
        assert_eq!(bucket.next_ms(), 1_000);
    }

    #[test]
    fn whoever_takes_many_waits_until_so_many_came_back() {
        let rate = Rate::per_minute(60_000);
        let after = |takes: &[(i64, u64)]| Bucket::after_takes(rate, takes, 1_000);
        assert!(after(&[]).next_many_ms(60_000) <= 1_000);
        assert_eq!(after(&[(1_000, 60_000)]).next_many_ms(1_000), 2_000);
        assert_eq!(after(&[(1_000, 59_000)]).next_many_ms(1_000), 1_000);
        assert_eq!(after(&[(1_000, 59_000)]).next_many_ms(3_000), 3_000);
        // More than it ever has: all of it.
        assert_eq!(after(&[(1_000, 1)]).next_many_ms(u64::MAX), 1_001);
        assert_eq!(after(&[(1_000, u64::MAX)]).next_many_ms(60_000), 61_000);
    }

    proptest! {
        /// In no window, however long, are there more starts than the burst and what came back.
        #[test]
        fn no_window_has_too_many_starts(
            count in 1u32..=1_000, unit in 0usize..4, burst in 1u32..20,
            pauses in prop::collection::vec(prop_oneof![Just(0i64), 0..5_000i64, 0..900_000i64], 1..60),
        ) {
            let rate = rate(&format!("{count}/{}", ["s", "min", "h", "d"][unit]), burst);
            let starts = greedy(rate, &pauses);
            for (first, from) in starts.iter().enumerate() {
                for (last, to) in starts.iter().enumerate().skip(first) {
                    let held = (last - first + 1) as i128 * i128::from(rate.per_ms());
                    let came = i128::from(to - from) * i128::from(rate.starts());
                    prop_assert!(held <= i128::from(burst) * i128::from(rate.per_ms()) + came);
                }
            }
        }

        /// Nobody waits when there is a token: a millisecond earlier the start would be too many.
        #[test]
        fn no_start_is_held_for_longer_than_needed(
            burst in 1u32..6, pauses in prop::collection::vec(0i64..3_000, 1..40),
        ) {
            let rate = rate("60/min", burst);
            let starts = greedy(rate, &pauses);
            for (at, start) in starts.iter().enumerate() {
                let asked = if at == 0 { 1_000_000 + pauses[0] } else { starts[at - 1] + pauses[at] };
                let too_early = |first: usize| {
                    let window = (start - 1 - starts[first]).max(0);
                    ((at - first + 1) as i64) * 1_000 > i64::from(burst) * 1_000 + window
                };
                prop_assert!(*start == asked || (0..at).any(too_early));
            }
        }

        /// What is forgotten after a pause that fills the bucket changes nothing.
        #[test]
        fn starts_before_a_long_pause_do_not_matter(
            burst in 1u32..6, pauses in prop::collection::vec(0i64..3_000, 1..20), more in 0i64..5_000,
        ) {
            let rate = rate("60/min", burst);
            let mut newest_first = greedy(rate, &pauses);
            newest_first.reverse();
            let now = newest_first[0] + Bucket::filled_after_ms(rate) + more;
            let with = Bucket::after(rate, &newest_first, now).next_ms();
            prop_assert!(with <= now);
            let (mut with, mut without) = (Bucket::after(rate, &newest_first, now), Bucket::after(rate, &[], now));
            with.take(now);
            without.take(now);
            prop_assert_eq!(with, without);
        }
    }
}
