use std::collections::BTreeMap;

const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TERM",
    "TZ",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
];
const ALLOWED_PREFIXES: &[&str] = &["LC_", "XDG_"];

/// The complete environment of a job: what is allowed of this process's own (a fixed list, and
/// the names in `allowed`), then `extra` on top of it. Everything else, secrets above all, stays.
pub fn job_env(allowed: &[String], extra: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let own = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    filter(own, allowed, extra)
}

fn filter(
    own: impl Iterator<Item = (String, String)>,
    allowed: &[String],
    extra: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let passes = |name: &str| {
        ALLOWED.contains(&name)
            || ALLOWED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
            || allowed.iter().any(|other| other == name)
    };
    let mut result: BTreeMap<_, _> = own.filter(|(name, _)| passes(name)).collect();
    result.extend(extra.clone());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_or_added_passes() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let own = [
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("TOKEN", "secret"),
            ("MINE", "1"),
            ("PATHS", "x"),
        ];
        let extra = BTreeMap::from([("PATH", "/other"), ("NEW", "2")].map(pair));
        let result = filter(own.map(pair).into_iter(), &["MINE".to_owned()], &extra);
        let expected = [
            ("PATH", "/other"),
            ("LC_ALL", "C"),
            ("MINE", "1"),
            ("NEW", "2"),
        ];
        assert_eq!(result, BTreeMap::from(expected.map(pair)));
    }
}
