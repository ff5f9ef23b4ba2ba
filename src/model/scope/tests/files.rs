use super::super::{Files, Fold, Scope, shared};
use super::{EXACT, LOOSE, language};

const PATHS: [&str; 8] = [
    "src/lib.rs",
    "src/gen/a.rs",
    "docs/a.md",
    "docs-old/b.md",
    "README.md",
    "Makefile",
    "src/api",
    "Ä/x",
];

fn idle_in(fold: Fold, patterns: &[&str]) -> Vec<usize> {
    let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
    let scope = Scope::new(patterns).unwrap();
    Files::new(PATHS, fold).idle(&scope).unwrap()
}

fn idle(patterns: &[&str]) -> Vec<usize> {
    idle_in(EXACT, patterns)
}

#[test]
fn patterns_that_match_no_file_are_found() {
    for pattern in [
        "**",
        "*",
        "*.rs",
        "src",
        "src/**",
        "src/gen/",
        "src/g*/**",
        "docs/*.md",
        "./README.md",
        "Makefile",
        "src/api",
        "**/a.md",
        "docs*",
        "x",
        "?/x",
        "??/x",
        "src/[a-l]*",
    ] {
        let matches = PATHS
            .iter()
            .any(|path| language(&[pattern]).contains(path.as_bytes()));
        assert_eq!(idle(&[pattern]).is_empty(), matches, "{pattern}");
    }
    for pattern in [
        "sr",
        "src/api/",
        "src/x/**",
        "./a.md",
        "*.txt",
        "Makefile/",
        "?/x",
        "doc/**",
    ] {
        assert_eq!(idle(&[pattern]), [0], "{pattern}");
    }
    assert_eq!(idle(&["src/**", "lib/**", "*.md", "*.txt"]), [1, 3]);
    assert!(idle(&[]).is_empty());
}

#[test]
fn negated_patterns_that_take_out_nothing_are_found() {
    for (patterns, expected) in [
        (&["src/**", "!src/gen/**"][..], &[][..]),
        (&["src/**", "!src/tmp/**"], &[1]),
        (&["src/**", "!docs/**"], &[1]),
        (&["src/**", "!src/gen/**", "!src/gen/a.rs"], &[2]),
        (
            &["src/**", "!src/gen/**", "src/gen/a.rs", "!src/gen/a.rs"],
            &[],
        ),
        (&["!src/**", "src/**"], &[0]),
    ] {
        assert_eq!(idle(patterns), expected, "{patterns:?}");
    }
}

#[test]
fn one_file_in_two_spellings_is_one() {
    assert_eq!(
        idle_in(LOOSE, &["SRC/LIB.rs", "a\u{308}/X", "src/none"]),
        [2]
    );
    assert_eq!(idle(&["SRC/LIB.rs", "a\u{308}/X"]), [0, 1]);
}

#[test]
fn files_of_two_scopes_are_counted_and_some_of_them_named() {
    let paths = || {
        PATHS
            .iter()
            .rev()
            .chain([&"docs/a.md"])
            .map(|path| path.as_bytes())
    };
    let (a, b) = (language(&["src/**", "*.md"]), language(&["*", "!docs-old"]));
    let found = shared(paths(), (&a, &b), 2);
    assert_eq!(found.count, 5);
    assert_eq!(found.first, [&b"README.md"[..], b"docs/a.md"]);
    assert_eq!(shared(paths(), (&a, &language(&[])), 2).count, 0);
}
