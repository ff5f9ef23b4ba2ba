use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::super::{Fold, Overlap, overlap};
use super::{EXACT, LOOSE, folded};

const CASE: Fold = Fold {
    ignore_case: true,
    precompose: false,
};
const COMPOSED: Fold = Fold {
    ignore_case: false,
    precompose: true,
};

#[test]
fn spellings_of_one_file() {
    for (one, other, with) in [
        ("a", "A", [false, true, false, true]),
        ("ä", "Ä", [false, true, false, true]),
        ("ä", "a\u{308}", [false, false, true, true]),
        ("Ä", "a\u{308}", [false, false, false, true]),
        ("ß", "ẞ", [false, true, false, true]),
        ("ß", "SS", [false, true, false, true]),
        ("σ", "ς", [false, true, false, true]),
        ("k", "\u{212a}", [false, true, false, true]),
        ("\u{212b}", "Å", [false, true, true, true]),
        ("ǆ", "ǅ", [false, true, false, true]),
        ("x/É", "x/e\u{301}", [false, false, false, true]),
        ("a", "ä", [false; 4]),
        ("a", "b", [false; 4]),
        ("@", "`", [false; 4]),
    ] {
        let folds = [EXACT, CASE, COMPOSED, LOOSE];
        let same = folds.map(|fold| fold.path(one.as_bytes()) == fold.path(other.as_bytes()));
        assert_eq!(same, with, "{one} and {other}");
        for (fold, same) in folds.into_iter().zip(with) {
            let (one, other) = (format!("./{one}"), format!("./{other}"));
            let first = folded(&[&one], fold);
            let second = folded(&[&other], fold);
            assert_eq!(
                first.contains(&other.as_bytes()[2..]),
                same,
                "{one} and {other}, {fold:?}"
            );
            let disjoint = |scope| overlap(scope, &second) == Overlap::Disjoint;
            assert_eq!(disjoint(&first), !same, "{one} and {other}, {fold:?}");
            let rest = folded(&["**", &format!("!{one}")], fold);
            assert_eq!(
                disjoint(&rest),
                same,
                "all but {one}, and {other}, {fold:?}"
            );
        }
    }
}

#[test]
fn what_is_not_text_is_left_alone() {
    assert_eq!(&*LOOSE.path(b"A\xff\xc3\xc4B"), b"a\xff\xc3\xc4b");
    assert_eq!(&*EXACT.path(b"A\xff"), b"A\xff");
}

#[test]
fn brackets_ignore_case_too() {
    let contains = |pattern: &str, path: &str| folded(&[pattern], CASE).contains(path.as_bytes());
    for (pattern, path, expected) in [
        ("[A]", "a", true),
        ("[a]", "A", true),
        ("[A-C]", "b", true),
        ("[!A]", "a", false),
        ("[!a]", "A", false),
        ("[[:upper:]]", "a", true),
        ("[[:lower:]]", "A", true),
        ("[![:upper:]]", "a", false),
        ("[Z-a]", "z", true),
        ("[Z-a]", "_", true),
        ("SRC/*.RS", "src/a.rs", true),
        ("src/*.rs", "SRC/A.RS", true),
    ] {
        assert_eq!(contains(pattern, path), expected, "{pattern} and {path}");
    }
}

/// No file system's simple folding takes two names for one that this tells apart.
#[test]
fn folding_is_at_least_as_coarse_as_simple_case_folding() {
    let folded = |c: char| CASE.path(c.to_string().as_bytes()).into_owned();
    for c in '\u{1}'..=char::MAX {
        if c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]) {
            continue;
        }
        let mut orbit = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
        orbit.try_case_fold_simple().unwrap();
        for range in orbit.ranges() {
            for other in range.start()..=range.end() {
                assert_eq!(folded(c), folded(other), "{c} and {other}");
            }
        }
    }
}

#[test]
fn git_is_no_component_in_any_case() {
    for fold in [EXACT, CASE, LOOSE] {
        let all = folded(&["**"], fold);
        assert!(!all.contains(b".GIT/config"));
        assert!(all.contains(b".GITignore"));
    }
}
