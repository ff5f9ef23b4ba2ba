use super::super::declared::LARGEST;
use super::super::{FlawKind, InvalidScope, Scope};

fn scope(patterns: &[&str]) -> Result<Scope, InvalidScope> {
    Scope::new(patterns.iter().map(|p| (*p).to_owned()).collect())
}

#[test]
fn no_pattern_means_nothing() {
    let nothing = scope(&[]).unwrap();
    assert_eq!(nothing, Scope::nothing());
    assert_eq!(nothing.to_string(), "nothing");
    let stored = serde_json::to_string(&nothing).unwrap();
    assert_eq!(stored, "[]");
    assert_eq!(serde_json::from_str::<Scope>(&stored).unwrap(), nothing);
    let whole = serde_json::to_string(&Scope::whole_repository()).unwrap();
    assert_eq!(whole, "[\"**\"]");
    assert_eq!(scope(&["a", "!a/x"]).unwrap().to_string(), "a !a/x");
}

#[test]
fn patterns_that_leave_the_repository_are_refused() {
    assert!(matches!(
        scope(&["/etc/**"]),
        Err(InvalidScope::Absolute(_))
    ));
    assert!(matches!(scope(&["C:/x"]), Err(InvalidScope::Absolute(_))));
    assert!(matches!(
        scope(&["a/../../b"]),
        Err(InvalidScope::Parent(_))
    ));
    assert!(matches!(scope(&["!../b"]), Err(InvalidScope::Parent(_))));
    assert!(matches!(scope(&[""]), Err(InvalidScope::Empty)));
    assert!(matches!(scope(&["!"]), Err(InvalidScope::Empty)));
    assert!(matches!(scope(&["a\nb"]), Err(InvalidScope::Control(_))));
    assert_eq!(scope(&["!a"]), Err(InvalidScope::OnlyNegated));
}

#[test]
fn order_and_negation_are_kept() {
    let kept = scope(&["src/**", "!src/gen/**", "..hidden/x"]).unwrap();
    assert_eq!(kept.patterns(), ["src/**", "!src/gen/**", "..hidden/x"]);
}

#[test]
fn what_git_would_never_match_is_refused_at_its_character() {
    for (pattern, character, kind) in [
        ("src/[a", 5, FlawKind::UnclosedBracket),
        ("!ä/[]", 4, FlawKind::UnclosedBracket),
        ("a[[:alpha:]", 2, FlawKind::UnclosedBracket),
        ("a[\\]", 2, FlawKind::UnclosedBracket),
        ("[a/", 1, FlawKind::UnclosedBracket),
        ("x[b[:word:]]", 4, FlawKind::UnknownClass),
        ("x[[:ALPHA:]]", 3, FlawKind::UnknownClass),
        ("x[[::]]", 3, FlawKind::UnknownClass),
        ("./a\\", 4, FlawKind::LoneBackslash),
    ] {
        let expected = InvalidScope::Malformed {
            pattern: pattern.to_owned(),
            character,
            kind,
        };
        assert_eq!(scope(&["ok", pattern]), Err(expected), "{pattern}");
    }
}

#[test]
fn a_backslash_at_the_beginning_is_an_escape_or_a_windows_path() {
    for pattern in ["\\!a", "\\#a", "\\ a", "\\[a", "!\\*"] {
        assert!(Scope::check(pattern).is_ok(), "{pattern}");
    }
    for pattern in ["\\a", "\\\\server", "\\/a", "./\\a", "./C:x", ".//a"] {
        let absolute = matches!(Scope::check(pattern), Err(InvalidScope::Absolute(_)));
        assert!(absolute, "{pattern}");
    }
}

#[test]
fn the_root_is_kept_where_nothing_else_says_it() {
    let kept = scope(&["././a", "./a/", "./a/b", "!./a", "!./a/b", "./a/ "]).unwrap();
    assert_eq!(
        kept.patterns(),
        ["./a", "./a/", "a/b", "!./a", "!a/b", "./a/ "]
    );
}

#[test]
fn a_scope_has_a_size() {
    let long = "a".repeat(LARGEST);
    assert!(scope(&[&long]).is_ok());
    assert_eq!(
        scope(&[&long, "b"]),
        Err(InvalidScope::TooLarge(LARGEST + 1))
    );
}

#[test]
fn two_scopes_are_one_list_unless_both_take_out() {
    let with = |a: &[&str], b: &[&str]| {
        let union = scope(a).unwrap().with(&scope(b).unwrap());
        union.map(|union| union.patterns().join(" "))
    };
    for (a, b, union) in [
        (&["a/**"][..], &["b/**"][..], Some("a/** b/**")),
        (&["a", "!a/x"], &["b"], Some("a !a/x b")),
        (&["b"], &["a", "!a/x"], Some("a !a/x b")),
        (&["a", "!a/x"], &["a/x"], Some("a !a/x a/x")),
        (&["a/x", "a", "!a/x"], &["a/x"], Some("a !a/x a/x")),
        (&["a", "b"], &["b", "c"], Some("a b c")),
        (&["a", "!a/x"], &["b", "!b/x"], None),
        (&["a", "!a/x"], &["a", "!a/x"], Some("a !a/x")),
        (&[], &[], Some("")),
        (&[], &["a", "!a/x"], Some("a !a/x")),
        (&["a", "!a/x"], &[], Some("a !a/x")),
        (&["**"], &["a", "!a/x"], Some("**")),
        (&["a", "!a/x"], &["**"], Some("**")),
        (&["**", "!x"], &["a"], Some("** !x a")),
    ] {
        assert_eq!(with(a, b).as_deref(), union, "{a:?} and {b:?}");
    }
    let long = ["a", "b"].map(|name| name.repeat(LARGEST / 2 + 1));
    assert_eq!(with(&[&long[0]], &[&long[1]]), None);
}
