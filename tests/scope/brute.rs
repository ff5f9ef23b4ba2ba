//! Membership, overlap, containment and union against all paths over a small alphabet.

use std::sync::LazyLock;

use proptest::prelude::*;
use treeyard::model::scope::{Overlap, Scope, Within, overlap, within};

use super::{language, oracle, shown};

const LONGEST: usize = 6;

/// All valid paths over `a`, `b`, `.` and `/`, short ones first.
static PATHS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut all = vec![Vec::new()];
    let mut last = all.clone();
    for _ in 0..LONGEST {
        let longer = last.iter().flat_map(|text| {
            b"ab./"
                .iter()
                .map(|byte| [text.as_slice(), &[*byte]].concat())
        });
        last = longer.collect();
        all.extend(last.clone());
    }
    all.retain(|path| oracle::is_path(path));
    all
});

fn pattern() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "ab", "."]),
        5 => Just("/"),
        4 => Just("*"),
        2 => prop::sample::select(vec!["**/", "/**", "/**/", "**", "***"]),
        2 => prop::sample::select(vec!["?", "[ab]", "[!a]", "[!b.]"]),
    ];
    let tokens = prop::collection::vec(token, 1..6);
    (prop::bool::weighted(0.3), tokens, prop::bool::weighted(0.2)).prop_map(
        |(negated, tokens, folder)| {
            let not = if negated { "!" } else { "" };
            let slash = if folder { "/" } else { "" };
            format!("{not}{}{slash}", tokens.concat())
        },
    )
}

fn scope() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(pattern(), 1..=4).prop_filter_map("not a scope", |patterns| {
        let scope = Scope::new(patterns).ok()?;
        // The oracle knows no `./`.
        let plain = |pattern: &String| !pattern.trim_start_matches('!').starts_with("./");
        let patterns = scope.patterns();
        patterns.iter().all(plain).then(|| patterns.to_vec())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Each path is in the language exactly when the rules say so.
    #[test]
    fn a_scope_contains_what_the_rules_say(scope in scope()) {
        let compiled = language(&scope);
        for path in PATHS.iter() {
            let expected = oracle::contains(&scope, path);
            prop_assert_eq!(compiled.contains(path), expected, "{:?}", shown(path));
        }
    }

    /// No false "disjoint", no false overlap, and no shorter witness.
    #[test]
    fn overlap_agrees_with_all_short_paths(a in scope(), b in scope()) {
        let in_both = |path: &[u8]| oracle::contains(&a, path) && oracle::contains(&b, path);
        let shortest = PATHS.iter().find(|path| in_both(path));
        let (first, second) = (language(&a), language(&b));
        let found = overlap(&first, &second);
        match &found {
            Overlap::Disjoint => prop_assert_eq!(shortest, None, "a common path"),
            Overlap::Undecided => prop_assert!(false, "undecided"),
            Overlap::Witness(witness) => {
                prop_assert!(oracle::is_path(witness), "{:?}", shown(witness));
                prop_assert!(in_both(witness), "{:?} is not in both", shown(witness));
                prop_assert!(first.contains(witness) && second.contains(witness));
                let known = shortest.map_or(usize::MAX, Vec::len);
                prop_assert!(witness.len() <= known, "{:?} is longer", shown(witness));
            }
        }
        match (found, overlap(&second, &first)) {
            (Overlap::Witness(one), Overlap::Witness(other)) => prop_assert_eq!(one.len(), other.len()),
            (one, other) => prop_assert_eq!(one, other),
        }
    }

    /// No false yes, no false no, and no shorter witness.
    #[test]
    fn within_agrees_with_all_short_paths(a in scope(), b in scope(), parts in any::<bool>()) {
        // Two scopes at random are hardly ever within each other, those that share patterns often.
        let b = if parts { [a.clone(), b].concat() } else { b };
        let beyond = |path: &[u8]| oracle::contains(&a, path) && !oracle::contains(&b, path);
        let shortest = PATHS.iter().find(|path| beyond(path));
        match within(&language(&a), &language(&b)) {
            Within::Yes => prop_assert_eq!(shortest, None, "a path beyond"),
            Within::Undecided => prop_assert!(false, "undecided"),
            Within::No(witness) => {
                prop_assert!(oracle::is_path(&witness), "{:?}", shown(&witness));
                prop_assert!(beyond(&witness), "{:?} is not beyond", shown(&witness));
                let known = shortest.map_or(usize::MAX, Vec::len);
                prop_assert!(witness.len() <= known, "{:?} is longer", shown(&witness));
            }
        }
    }

    /// What is in either is in the union, and nothing else.
    #[test]
    fn a_union_has_the_paths_of_both(a in scope(), b in scope()) {
        let (first, second) = (Scope::new(a.clone()).unwrap(), Scope::new(b.clone()).unwrap());
        let Some(union) = first.with(&second) else {
            let negated = |patterns: &[String]| patterns.iter().any(|p| p.starts_with('!'));
            prop_assert!(negated(&a) && negated(&b));
            return Ok(());
        };
        for path in PATHS.iter() {
            let expected = oracle::contains(&a, path) || oracle::contains(&b, path);
            prop_assert_eq!(oracle::contains(union.patterns(), path), expected, "{:?}", shown(path));
        }
    }
}
