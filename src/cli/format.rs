//! Values as people read them, and text from outside made harmless.

use std::borrow::Cow;

use crate::model::session::SessionState;
use crate::model::shown::{Breaks, shown};
use crate::store::SessionRow;

/// Text from outside in one line: what a terminal would act on is shown, and line breaks become spaces.
pub fn clean(text: &str) -> String {
    shown(text, Breaks::Spaces)
}

/// Like [`clean`], with line breaks and tabs kept.
pub fn clean_lines(text: &str) -> String {
    shown(text, Breaks::Kept)
}

/// Like [`clean`], with line breaks and tabs shown: for what a person decides on.
pub fn exact(text: &str) -> String {
    shown(text, Breaks::Marked)
}

/// Bytes, such as `1.5 KiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A number with its noun, such as `2 paths`.
pub fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A duration in milliseconds, such as `1m 05s`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms}ms"),
        1..60 => format!("{seconds}.{}s", ms % 1000 / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long before `now_ms` it was, such as `3m ago`; both in milliseconds since the epoch.
pub fn ago(now_ms: i64, then_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(then_ms).max(0) / 1000;
    match seconds {
        0..5 => "now".to_owned(),
        5..60 => format!("{seconds}s ago"),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// Whether it has finished work that has not landed.
pub fn is_ready(session: &SessionRow) -> bool {
    let has_work = session.tip.is_some() && session.tip != session.base;
    let is_open = session.landed_commit.is_none() && !session.is_elsewhere();
    session.state == SessionState::Completed && is_open && has_work
}

/// How a session stands, in a few words: what became of finished work, or why it is where it is. `selector` means it.
pub fn standing<'a>(session: &'a SessionRow, selector: &str) -> Cow<'a, str> {
    match (&session.landed_commit, session.state) {
        (Some(commit), _) => format!("landed on {} as {}", session.target, commit.short()).into(),
        _ if is_ready(session) => format!("ready: treeyard land {selector}").into(),
        (None, SessionState::Completed) if session.is_elsewhere() => "taken in from a file".into(),
        (None, SessionState::Completed) => "no changes".into(),
        _ => session.reason.as_str().into(),
    }
}

/// The time now in milliseconds since the epoch.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A point in time in the local zone.
pub fn clock(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(
        |_| ms.to_string(),
        |time| {
            let local = time.to_zoned(jiff::tz::TimeZone::system());
            local.strftime("%Y-%m-%d %H:%M:%S").to_string()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_durations_and_ages() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(duration(999), "999ms");
        assert_eq!(duration(65_000), "1m 05s");
        assert_eq!(duration(3_660_000), "1h 01m");
        assert_eq!(ago(10_000_000, 9_800_000), "3m ago");
        assert_eq!(ago(0, 99), "now");
    }
}
