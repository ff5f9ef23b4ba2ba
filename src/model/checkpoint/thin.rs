//! Which checkpoints are kept as they grow old. Of the last hour all are, of the last day one an hour, of the last month
//! one a day, and beyond that one a month; the first and the last always. Points in a conversation alone go after the
//! first hour: what they would be kept for, the files, others have.

/// A checkpoint by its number and its time, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Which of the session's.
    pub number: u64,
    /// When it was taken.
    pub at_ms: i64,
    /// Whether it is a point in a conversation alone.
    pub only_said: bool,
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
    let is_old = |one: &&Kept| span(one.at_ms, now_ms).is_some();
    let said = checkpoints
        .iter()
        .filter(|one| one.only_said)
        .filter(is_old);
    let others: Vec<&Kept> = checkpoints.iter().filter(|one| !one.only_said).collect();
    let pairs = others.windows(2);
    let dropped = pairs.filter(|pair| match span(pair[0].at_ms, now_ms) {
        None => false,
        mine => mine == span(pair[1].at_ms, now_ms),
    });
    let dropped = dropped.map(|pair| pair[0]);
    let mut numbers: Vec<u64> = dropped.chain(said).map(|one| one.number).collect();
    numbers.retain(|number| *number != first.number && *number != last.number);
    numbers.sort_unstable();
    numbers
}

/// The span of time that has one checkpoint; `None` for the last hour, in which each counts. A time that is to come is in
/// it too.
fn span(at_ms: i64, now_ms: i64) -> Option<(i64, i64)> {
    let age = now_ms.saturating_sub(at_ms);
    let lengths = [(DAY, HOUR), (MONTH, DAY)];
    if age <= HOUR {
        return None;
    }
    let length = lengths.iter().find(|(up_to, _)| age <= *up_to);
    let length = length.map_or(MONTH, |(_, length)| *length);
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
                only_said: false,
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

    #[test]
    fn points_in_a_conversation_take_the_place_of_no_other() {
        let old = 2 * HOUR;
        let mut all = at(&[0, 1, 2, 3, 4]);
        for said in [2, 4] {
            all[said].only_said = true;
        }
        // The first, the last of the hour that has files of its own, and the last of all.
        assert_eq!(thin(&all, old), [2, 3]);
    }
}
