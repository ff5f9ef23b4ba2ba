use super::super::{Fold, Overlap, overlap};
use super::{EXACT, LOOSE, folded, language};

fn between(a: &[&str], b: &[&str]) -> Option<String> {
    let found = overlap(&language(a), &language(b));
    match found {
        Overlap::Disjoint => None,
        Overlap::Witness(path) => Some(String::from_utf8(path).unwrap()),
        Overlap::Undecided => panic!("{a:?} and {b:?} are undecided"),
    }
}

#[test]
fn scopes_as_people_write_them() {
    for (a, b, witness) in [
        (&["src/**"][..], &["src/**"][..], Some("src/a")),
        (&["src/api/**"], &["src/db/**"], None),
        (&["src/**"], &["docs/**"], None),
        (&["src/**"], &["src/api/**"], Some("src/api/a")),
        (&["src/**", "!src/api/**"], &["src/api/**"], None),
        (&["src/**", "!src/api"], &["src/api/**"], None),
        (&["src/**", "!src/api/*"], &["src/api/**"], None),
        (
            &["src/**", "!src/api/*.rs"],
            &["src/api/**"],
            Some("src/api/a"),
        ),
        (&["src/a*"], &["src/*b"], Some("src/ab")),
        (&["src/a"], &["src/ab"], None),
        (&["src/a"], &["src/a/b"], Some("src/a/b")),
        (&["docs/*.md"], &["docs/*.txt"], None),
        (&["**"], &["x"], Some("x")),
        (&["a/**/b"], &["a/x/y/b"], Some("a/x/y/b")),
        (&["a/**/b"], &["a/xb/*"], Some("a/xb/b")),
        (&["a/**\\/b"], &["a/x/y/b"], Some("a/x/y/b")),
        (&["a*b/x"], &["ab/x"], Some("ab/x")),
        (&["a*ba/x"], &["aba/x"], Some("aba/x")),
        (&["ab*ba/x"], &["aba/x"], None),
        (&["x/a?"], &["x/a"], None),
        (&["x/*_1.rs"], &["x/*_2.rs"], None),
        (&["x/a*/y"], &["x/*b/*"], Some("x/ab/y")),
        // Names at any depth meet in folders of such a name, unless these are taken out.
        (&["*.md"], &["*.rs"], Some(".md/.rs")),
        (&["*.md", "!*.md/"], &["*.rs", "!*.rs/"], None),
        (&["README.md"], &["docs/**"], Some("docs/README.md")),
        (&["./README.md"], &["docs/**"], None),
        // A file and a folder of one name have no path in common.
        (&["a/"], &["a", "!a/"], None),
        (&[".git/**"], &["**"], None),
        (&[], &["**"], None),
        (&[], &[], None),
        (&["[!a-z]"], &["[!0-9]"], Some("A")),
        (&["?"], &["[!!-~]"], Some(" ")),
    ] {
        assert_eq!(between(a, b).as_deref(), witness, "{a:?} and {b:?}");
        assert_eq!(
            between(b, a).is_some(),
            witness.is_some(),
            "{b:?} and {a:?}"
        );
    }
}

#[test]
fn a_witness_that_ignores_case_is_in_its_one_form() {
    let (a, b) = (folded(&["SRC/Ä"], LOOSE), folded(&["src/a\u{308}"], LOOSE));
    assert_eq!(overlap(&a, &b), Overlap::Witness("src/ä".into()));
    let (upper, lower) = (folded(&["[!a-z]"], LOOSE), folded(&["[!0-9]"], LOOSE));
    assert_eq!(overlap(&upper, &lower), Overlap::Witness(b"-".to_vec()));
}

#[test]
fn scopes_of_two_file_systems_are_not_compared() {
    let fold = Fold {
        ignore_case: true,
        ..EXACT
    };
    assert_eq!(
        overlap(&folded(&["a"], fold), &language(&["b"])),
        Overlap::Undecided
    );
}

/// Many patterns at any depth would have 2^n states if each were remembered.
#[test]
fn many_patterns_at_any_depth_stay_few_states() {
    let names: Vec<String> = (0..40).map(|n| format!("*part{n}x*")).collect();
    let mut a: Vec<&str> = names.iter().map(String::as_str).collect();
    a.push("!src/");
    assert_eq!(between(&a, &["src/**"]), None);
    a.pop();
    let witness = between(&a, &["src/**"]).unwrap();
    assert_eq!(witness.len(), "src/part0x".len(), "{witness}");
}

#[test]
fn capitals_are_no_folded_path() {
    let (a, b) = (&["./[ab]", "!a"], &["./[ab]", "!b"]);
    let found = overlap(&folded(a, LOOSE), &folded(b, LOOSE));
    assert_eq!(found, Overlap::Disjoint, "`A` is `a`");
}

/// Once by more places than are looked at, once by more states than are kept.
#[test]
fn what_is_too_intricate_is_undecided_not_disjoint() {
    let wide = |beginning: &str, length| format!("{beginning}{}", "?".repeat(length));
    for (a, b) in [
        (wide("./*a", 11), wide("./*b", 11)),
        (wide("./*a", 17), "./*-".to_owned()),
    ] {
        let found = overlap(&language(&[&a]), &language(&[&b, "!*/*"]));
        assert_eq!(found, Overlap::Undecided, "{a} and {b}");
    }
}

#[test]
fn a_folder_is_worth_a_look_when_something_below_it_may_be_in_the_scope() {
    for (patterns, folder, worth) in [
        (&["data/**"][..], "data", true),
        (&["data/**"], "data/deep/er", true),
        (&["data/**"], "database", false),
        (&["data/deep/x"], "data", true),
        (&["data/deep/x"], "data/other", false),
        (&["data"], "data", true),
        (&["*.local"], "anything", true),
        (&["./*.local"], "anything", false),
        (&["./*.local"], "x.local", true),
        (&["./a.local"], "anything", false),
        (&["**", "!target/"], "target", false),
        (&["**", "!target/"], "target/debug", false),
        (&["**", "!target/", "target/keep/*"], "target", true),
        (&["**", "!target/", "target/keep/*"], "target/debug", false),
        (&["a[b]*/x"], "a*[", false),
        (&["a*/x"], "a*[", true),
        (&[], "data", false),
    ] {
        let found = language(patterns).may_have_below(folder.as_bytes());
        assert_eq!(found, worth, "{folder} for {patterns:?}");
    }
    assert!(folded(&["Data/x"], LOOSE).may_have_below(b"dATA"));
    assert!(language(&["*.local"]).may_have_below(b"\xff"));
}
