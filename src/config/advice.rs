//! What a person may have meant by a name that is not known.

/// Words that other tools use, and what they are called here.
const SYNONYMS: &[(&str, &str)] = &[
    ("cmd", "run"),
    ("command", "run"),
    ("exec", "run"),
    ("script", "run"),
    ("depends", "after"),
    ("depends_on", "after"),
    ("dependencies", "after"),
    ("deps", "after"),
    ("needs", "after"),
    ("requires", "after"),
    ("environment", "env"),
    ("variables", "env"),
    ("files", "scope"),
    ("paths", "scope"),
    ("id", "name"),
    ("title", "name"),
    ("check", "gate"),
    ("checks", "gate"),
    ("tests", "gate"),
    ("prepare", "setup"),
    ("retry", "retries"),
    ("attempts", "retries"),
    ("time_limit", "timeout"),
    ("concurrency_group", "group"),
    ("queue", "lane"),
    ("branch", "target"),
    ("concurrency", "max_concurrent_sessions"),
    ("jobs", "max_concurrent_sessions"),
    ("max_jobs", "max_concurrent_sessions"),
    ("parallel", "max_concurrent_sessions"),
    ("sessions", "max_concurrent_sessions"),
    ("groups", "per_group"),
    ("grace", "grace_seconds"),
    ("limit", "max"),
];

/// Names that are known, but stand somewhere else.
const ELSEWHERE: &[(&str, &str)] = &[
    ("task", "tasks stand in a plan file"),
    (
        "auto_land",
        "in a plan `auto_land` stands at its top, in treeyard.toml it is `land.auto`",
    ),
    ("target", "`target` stands at the top of the file"),
    (
        "setup",
        "`setup` stands at the top of treeyard.toml, and in a plan in a task or in `[defaults]`",
    ),
    (
        "gate",
        "`gate` stands in a task, in a plan's `[defaults]`, or as `land.gate` in treeyard.toml",
    ),
    ("land", "`[land]` stands in treeyard.toml"),
    ("retention", "`[retention]` stands in treeyard.toml"),
    ("worktrees", "`[worktrees]` stands in treeyard.toml"),
    ("limits", "`[limits]` stands at the top of the file"),
    ("env", "in a plan `env` stands in a task or in `[defaults]`"),
    (
        "group",
        "`group` stands in a plan, in a task or in `[defaults]`",
    ),
    (
        "on_crash",
        "`on_crash` stands in a plan, in a task or in `[defaults]`",
    ),
    ("name", "`name` stands in a `[[task]]`"),
    ("run", "`run` stands in a `[[task]]`"),
    ("scope", "`scope` stands in a `[[task]]`"),
    ("after", "`after` stands in a `[[task]]`"),
    ("timeout", "`timeout` stands in a task or in `[defaults]`"),
    ("retries", "`retries` stands in a task or in `[defaults]`"),
    ("priority", "`priority` stands in a task or in `[defaults]`"),
    ("lane", "`lane` stands in a task or in `[defaults]`"),
];

/// Longer lists help nobody.
const MOST: usize = 30;

/// What to write instead of `name`, of which there are `known`.
pub(super) fn instead_of(name: &str, known: &[&str]) -> Option<String> {
    let listed = || (1..=MOST).contains(&known.len()).then(|| known.join(", "));
    nearest(name, known)
        .map(|near| format!("did you mean `{near}`?"))
        .or_else(|| listed().map(|list| format!("one of: {list}")))
}

/// What to write instead of a key, where `known` may stand.
pub(super) fn instead_of_key(name: &str, known: &[&str]) -> Option<String> {
    let of = |table: &'static [(&str, &str)]| {
        let found = table.iter().find(|(word, _)| *word == name.to_lowercase());
        found.map(|(_, meant)| *meant)
    };
    nearest(name, known)
        .or_else(|| of(SYNONYMS).filter(|meant| known.contains(meant)))
        .map(|near| format!("did you mean `{near}`?"))
        .or_else(|| of(ELSEWHERE).map(str::to_owned))
        .or_else(|| {
            let version = env!("CARGO_PKG_VERSION");
            Some(format!("treeyard {version} has: {}", known.join(", ")))
        })
}

fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > 80 {
        return None;
    }
    let lower = name.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits between two texts (Levenshtein), one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
