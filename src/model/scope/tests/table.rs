//! What git documents of patterns and wildmatch, case by case.

use super::language;

/// A pattern, what it matches, what it does not.
type Row = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const TABLE: &[Row] = &[
    // Names at any depth, and what is below them.
    (
        "foo",
        &["foo", "a/foo", "foo/a", "a/foo/b/c"],
        &["food", "a/xfoo", "fo"],
    ),
    ("*.c", &["x.c", "a/x.c", ".c", "x.c/y"], &["x.cc", "x/c"]),
    ("*", &["a", ".a", "a/b"], &[]),
    ("**", &["a", ".a", "a/b/c"], &[]),
    ("**foo", &["foo", "xfoo", "a/xfoo/b"], &["foox"]),
    ("fo**o", &["foo", "foxo", "a/foxxo"], &["fo/o"]),
    // A slash at the end: folders only.
    ("foo/", &["foo/a", "x/foo/a/b"], &["foo", "x/foo", "foox/a"]),
    ("a/b/", &["a/b/c", "a/b/c/d"], &["a/b", "x/a/b/c", "a/bc/d"]),
    ("*/", &["a/b", ".a/b"], &["a"]),
    ("**/", &["a/b"], &["a"]),
    // A slash before that: from the root.
    ("a/b", &["a/b", "a/b/c"], &["x/a/b", "a/bc", "a"]),
    ("a/*", &["a/b", "a/.b", "a/b/c"], &["a", "x/a/b"]),
    ("a/*/c", &["a/b/c", "a/b/c/d"], &["a/c", "a/b/b/c"]),
    ("a/*.c", &["a/x.c", "a/x.c/y"], &["a/b/x.c"]),
    ("*/b", &["a/b", "a/b/c"], &["b", "x/a/b"]),
    // By `./`, since a scope has no leading slash.
    ("./foo", &["foo", "foo/a"], &["a/foo", "foox"]),
    ("./foo/", &["foo/a"], &["foo", "a/foo/b"]),
    ("././*.c", &["x.c"], &["a/x.c"]),
    // Two stars as a whole component, or not.
    (
        "**/foo",
        &["foo", "a/foo", "a/b/foo/c"],
        &["xfoo", "a/xfoo"],
    ),
    ("**/a/b", &["a/b", "x/a/b", "x/y/a/b/c"], &["xa/b"]),
    ("foo/**", &["foo/a", "foo/a/b"], &["foo", "x/foo/a"]),
    ("foo/**/", &["foo/a/b"], &["foo/a", "foo"]),
    (
        "a/**/b",
        &["a/b", "a/x/b", "a/x/y/b", "a/b/c"],
        &["ab", "a/xb", "a/bx"],
    ),
    ("a/**/**/b", &["a/b", "a/x/b"], &["ab"]),
    ("a/***/b", &["a/b", "a/x/y/b"], &["ab"]),
    ("a/**b", &["a/b", "a/xb"], &["a/x/b"]),
    ("a/b**", &["a/b", "a/bx", "a/bx/c"], &["a/x/b"]),
    ("a**/b", &["a/b", "ax/b"], &["ab", "a/x/b"]),
    ("a/x**y/b", &["a/xy/b", "a/xzy/b"], &["a/x/y/b"]),
    ("**\\/x", &["a/x", "a/b/x"], &["x"]),
    // One byte.
    ("a?c", &["abc", "x/abc"], &["ac", "a/c", "abbc"]),
    ("??", &["ab", "ä"], &["a", "abc"]),
    ("a/?", &["a/b", "a/-"], &["a/bc", "a/."]),
    // Brackets.
    ("[ab]", &["a", "b"], &["c", "ab", "[ab]"]),
    ("[a-c]x", &["ax", "cx"], &["dx", "-x"]),
    ("[!a]", &["b", "!"], &["a"]),
    ("[^a]", &["b", "^"], &["a"]),
    ("[]a]", &["]", "a"], &["b"]),
    ("[!]a]", &["b"], &["]", "a"]),
    ("[a-]", &["a", "-"], &["b"]),
    ("[-a]", &["a", "-"], &["b"]),
    ("[a-c-e]", &["b", "-", "e"], &["d"]),
    ("[c-a]", &["c"], &["a", "b", "-"]),
    ("[!c-a]", &["a", "-"], &["c"]),
    ("x[!/]y", &["xay"], &["x/y"]),
    ("x[/]y", &[], &["x/y", "x[/]y"]),
    ("x[!a]y/z", &["xby/z"], &["x/y/z", "xay/z"]),
    ("[\\]]", &["]"], &["\\"]),
    ("[\\\\]", &["\\"], &["]"]),
    ("[a\\-c]", &["a", "-", "c"], &["b"]),
    ("[\\a-\\c]", &["b"], &["\\", "-"]),
    ("[[]", &["["], &["]"]),
    ("[[a]", &["[", "a"], &["]"]),
    ("[[:a]", &["[", ":", "a"], &["b"]),
    ("[a!]", &["a", "!"], &["b"]),
    ("[,-.]", &[",", "-"], &["+"]),
    ("[[:alpha:]]", &["a", "Z"], &["1", "_", ":"]),
    ("[[:alpha:]1]", &["a", "1"], &["2"]),
    ("[![:alnum:]]", &["_", "-"], &["a", "1"]),
    ("[[:digit:][:upper:]]", &["1", "A"], &["a"]),
    ("[[:xdigit:]]x", &["fx", "Fx", "9x"], &["gx"]),
    ("x[[:space:]]y", &["x y", "x\ty"], &["x\u{b}y", "x_y"]),
    ("[[:punct:]]a", &["!a", "_a"], &["aa"]),
    ("[[:digit:]-z]", &["1", "-", "z"], &["a"]),
    // Escapes, and characters that mean something elsewhere only.
    ("\\!a", &["!a"], &["a", "\\!a"]),
    ("\\#a", &["#a"], &["a"]),
    ("#a", &["#a"], &["a"]),
    ("a\\*", &["a*"], &["ab", "a\\*"]),
    ("a\\?", &["a?"], &["ab"]),
    ("\\[a]", &["[a]"], &["a"]),
    ("a\\b", &["ab"], &["a\\b"]),
    ("a\\\\b", &["a\\b"], &["ab"]),
    ("{a,b}", &["{a,b}"], &["a", "b"]),
    ("a+(b)|.^$", &["a+(b)|.^$"], &["aab"]),
    // Spaces.
    ("a ", &["a"], &["a "]),
    ("a/  ", &["a/b"], &["a"]),
    ("a\\ ", &["a "], &["a", "a\\"]),
    ("a\\  ", &["a "], &["a", "a  "]),
    (" a b", &[" a b"], &["a b"]),
    // Nothing has such a path.
    ("a//b", &[], &["a/b", "a//b"]),
    ("a/./b", &[], &["a/b", "a/./b"]),
    (".git", &[], &[".git", ".git/config", "a/.GIT/b"]),
    (
        ".*",
        &[".a", "a/.gitignore", ".github/a", "..."],
        &["a", ".", "..", "a/..", ".gIt/x"],
    ),
];

#[test]
fn patterns_match_as_documented() {
    for (pattern, inside, outside) in TABLE {
        let language = language(&[pattern]);
        let wrong = |paths: &[&'static str], expected: bool| -> Vec<&str> {
            let contains = |path: &str| language.contains(path.as_bytes());
            let paths = paths.iter().copied();
            paths.filter(|path| contains(path) != expected).collect()
        };
        assert!(
            wrong(inside, true).is_empty(),
            "{pattern}: not matched: {:?}",
            wrong(inside, true)
        );
        assert!(
            wrong(outside, false).is_empty(),
            "{pattern}: matched: {:?}",
            wrong(outside, false)
        );
    }
}

#[test]
fn the_last_pattern_that_matches_decides() {
    let contains = |patterns: &[&str], path: &str| language(patterns).contains(path.as_bytes());
    let generated = ["src/**", "!src/gen/**", "src/gen/keep.rs"];
    assert!(contains(&generated, "src/a.rs"));
    assert!(!contains(&generated, "src/gen/a.rs"));
    assert!(
        contains(&generated, "src/gen/keep.rs"),
        "no walk is spared here, unlike in git"
    );
    assert!(contains(&["!a", "a"], "a"));
    assert!(!contains(&["a", "!a"], "a"));
    assert!(!contains(&["a", "!a/b"], "a/b/c"));
    assert!(contains(&["a", "!a/"], "a"));
    assert!(!contains(&["a", "!a/"], "a/b"));
    assert!(!contains(&["a", "!!b"], "b"), "the second `!` is itself");
    assert!(!contains(&["*", "!!b"], "!b"));
}

#[test]
fn a_scope_of_nothing_has_no_path() {
    for path in [&b"a"[..], b"a/b", b"", b".git/a", b"\xff"] {
        assert!(!language(&[]).contains(path));
    }
}

#[test]
fn a_path_need_not_be_text() {
    assert!(language(&["a?c"]).contains(b"a\xffc"));
    assert!(language(&["a/*"]).contains(b"a/\xff\n"));
    assert!(!language(&["*"]).contains(b"a\0b"));
    assert!(!language(&["*"]).contains(b""));
    assert!(!language(&["*"]).contains(b"/a"));
    assert!(!language(&["*"]).contains(b"a/"));
    assert!(!language(&["*"]).contains(b"a//b"));
}
