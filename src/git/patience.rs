//! Waiting for what others hold for moments only.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(10);

/// Tries until what comes of it is not to be tried again, or `patience` is over. What came of the last try.
pub fn retry<T>(
    patience: Duration,
    mut attempt: impl FnMut() -> T,
    again: impl Fn(&T) -> bool,
) -> T {
    let began = Instant::now();
    loop {
        let came = attempt();
        if !again(&came) || began.elapsed() >= patience {
            return came;
        }
        std::thread::sleep(PAUSE);
    }
}
