use super::super::{Within, within};
use super::{LOOSE, folded, language};

/// What is in the first and not in the second.
fn beyond(a: &[&str], b: &[&str]) -> Option<String> {
    match within(&language(a), &language(b)) {
        Within::Yes => None,
        Within::No(path) => Some(String::from_utf8(path).unwrap()),
        Within::Undecided => panic!("{a:?} and {b:?} are undecided"),
    }
}

#[test]
fn scopes_as_people_write_them() {
    for (a, b, witness) in [
        (&["src/**"][..], &["src/**"][..], None),
        (&["src/api/**"], &["src/**"], None),
        (&["src/**"], &["src/api/**"], Some("src/a")),
        (&["src/**"], &["docs/**"], Some("src/a")),
        (&["src/**", "docs/a"], &["src/**"], Some("docs/a")),
        (&["src/**"], &["src/**", "!src/gen/**"], Some("src/gen/a")),
        (&["src/**", "!src/gen/**"], &["src/**", "!src/gen/**"], None),
        (&["src/api/**"], &["src/**", "!src/gen/**"], None),
        (&["src/**", "!src/x/**"], &["src/a*", "src/*"], None),
        (&["src/*"], &["src/[a-m]*", "src/[!a-m]*"], None),
        (&["a"], &["./a", "*/a"], Some("b/b/a")),
        (&["*.rs"], &["**"], None),
        (&["**"], &["*.rs"], Some("a")),
        (&["**"], &["*", "!.git"], None),
        (&["a", "!a"], &["b"], None),
        (&["a", "!a"], &["b", "!b"], None),
        (&[".git/**"], &["b"], None),
        (&[], &["a"], None),
        (&[], &[], None),
        (&["a"], &[], Some("a")),
        (&["README.md"], &["README.md/"], Some("README.md")),
    ] {
        assert_eq!(beyond(a, b).as_deref(), witness, "{a:?} in {b:?}");
    }
}

#[test]
fn spellings_of_one_file_are_within_each_other() {
    let (a, b) = (folded(&["SRC/Ä"], LOOSE), folded(&["src/a\u{308}"], LOOSE));
    assert_eq!(within(&a, &b), Within::Yes);
    assert_eq!(within(&a, &language(&["**"])), Within::Undecided);
}

#[test]
fn what_is_too_intricate_is_undecided_not_within() {
    let wide = format!("./*a{}", "?".repeat(17));
    let found = within(&language(&[&wide, "!*/*"]), &language(&[&wide]));
    assert_eq!(found, Within::Undecided);
}
