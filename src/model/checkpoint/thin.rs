//! Which checkpoints are kept as they grow old. Of the last hour all are, of the last day one an hour, of the last month
//! one a day, and beyond that one a month; the first and the last always.

/// A checkpoint by its number and its time, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which of the session's.
    pub number: u64,
    /// When it was taken.
    pub at_ms: i64,
}

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const MONTH: i64 = 30 * DAY;

/// The numbers of those that are not kept any more at `now_ms`, of checkpoints in the order of their numbers. Of several
/// in one span of time the last is kept, so that thinning again later keeps no others.
pub fn thin(checkpoints: &[Kept], now_ms: i64) -> Vec<u64> {
    let (Some(first), Some(last)) = (checkpoints.first(), checkpoints.last()) else {
        return Vec::new();
    };
    let pairs = checkpoints.windows(2);
    let dropped = pairs.filter(|pair| match span(pair[0].at_ms, now_ms) {
        None => false,
        mine => mine == span(pair[1].at_ms, now_ms),
    });
    let numbers = dropped.map(|pair| pair[0].number);
    numbers
        .filter(|number| *number != first.number && *number != last.number)
        .collect()
}

/// The span of time that has one checkpoint; `None` for the last hour, in which each counts. A time that is to come is in
/// it too.
fn span(at_ms: i64, now_ms: i64) -> Option<(i64, i64)> {
    let age = now_ms.saturating_sub(at_ms);
    if age <= HOUR {
        return None;
    }
    let length = [HOUR, DAY, MONTH]
        .into_iter()
        .zip([DAY, MONTH, i64::MAX])
        .find(|(_, until)| age <= *until)?
        .0;
    Some((length, at_ms.div_euclid(length)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(times: &[i64]) -> Vec<Kept> {
        let numbered = times.iter().zip(1..);
        numbered
            .map(|(at_ms, number)| Kept {
                number,
                at_ms: *at_ms,
            })
            .collect()
    }

    #[test]
    fn older_ones_become_fewer() {
        let now = 100 * MONTH;
        let minute = HOUR / 60;
        assert!(thin(&[], now).is_empty());
        assert!(thin(&at(&[1, 2]), now).is_empty());
        let recent = at(&[now - 3 * minute, now - 2 * minute, now - minute, now]);
        assert!(thin(&recent, now).is_empty());
        let day = now - 5 * HOUR;
        let some = at(&[0, day, day + minute, day + 2 * minute, day + HOUR, now]);
        assert_eq!(thin(&some, now), [2, 3]);
        let old = now - 10 * DAY;
        let few = at(&[0, old, old + HOUR, old + 2 * HOUR, old + DAY, now]);
        assert_eq!(thin(&few, now), [2, 3]);
    }

    proptest! {
        #[test]
        fn the_first_and_the_last_stay_and_twice_is_as_once(
            mut times in proptest::collection::vec(0..4 * MONTH, 1..60),
            later in 0..2 * MONTH,
        ) {
            times.sort_unstable();
            let all = at(&times);
            let now = 4 * MONTH + later;
            let gone = thin(&all, now);
            prop_assert!(!gone.contains(&1) && !gone.contains(&(all.len() as u64)));
            let left: Vec<Kept> = all.iter().copied().filter(|one| !gone.contains(&one.number)).collect();
            prop_assert_eq!(thin(&left, now), Vec::<u64>::new());
            // No stretch of time loses all of its checkpoints.
            for one in &all {
                let near = |other: &&Kept| span(other.at_ms, now) == span(one.at_ms, now);
                prop_assert!(left.iter().any(|other| near(&other)) );
            }
        }
    }
}
