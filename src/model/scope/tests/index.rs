use super::super::{Overlap, ScopeIndex, overlap};
use super::{LOOSE, folded, language};

const HELD: &[&[&str]] = &[
    &["src/api/**"],
    &["src/api2/**", "tests/api2.rs"],
    &["src/*.rs"],
    &["docs/**", "!docs/gen/**"],
    &["docs/gen/**"],
    &["*.lock", "!*.lock/"],
    &["./Makefile"],
    &["src/db"],
    &[],
];

fn index() -> ScopeIndex<usize> {
    let mut index = ScopeIndex::new();
    for (holder, patterns) in HELD.iter().enumerate() {
        index.insert(holder, language(patterns));
    }
    index
}

fn holders(index: &ScopeIndex<usize>, request: &[&str]) -> Vec<usize> {
    let request = language(request);
    index
        .conflicts(&request)
        .map(|(holder, _)| *holder)
        .collect()
}

#[test]
fn it_finds_whoever_a_comparison_with_each_finds() {
    let index = index();
    for request in [
        &["src/api/a.rs"][..],
        &["src/api"],
        &["src/api*"],
        &["src/ap"],
        &["src"],
        &["src/db/x", "docs/a"],
        &["docs/g*"],
        &["Makefile"],
        &["./Makefile/"],
        &["**"],
        &["*.rs"],
        &["a/b.lock"],
        &["other/**", "!*.lock"],
        &["docs/gen/x", "!docs/gen/x"],
        &[],
    ] {
        let asked = language(request);
        let each = HELD.iter().enumerate();
        let each = each.filter(|(_, held)| overlap(&asked, &language(held)) != Overlap::Disjoint);
        let expected: Vec<usize> = each.map(|(holder, _)| holder).collect();
        assert_eq!(holders(&index, request), expected, "{request:?}");
    }
}

#[test]
fn who_has_left_holds_nothing() {
    let mut index = index();
    index.remove(&5);
    assert_eq!(holders(&index, &["src/db/x"]), [7]);
    index.remove(&7);
    index.remove(&7);
    assert!(holders(&index, &["src/db/x"]).is_empty());
    index.insert(6, language(&["src/db/x"]));
    assert_eq!(holders(&index, &["src/db/x"]), [6]);
    let before = holders(&index, &["./Makefile"]);
    assert!(before.is_empty(), "what it held before: {before:?}");
}

#[test]
fn a_request_for_another_file_system_is_not_taken_for_disjoint() {
    let index = index();
    let request = folded(&["elsewhere/x"], LOOSE);
    let found: Vec<Overlap> = index.conflicts(&request).map(|(_, found)| found).collect();
    assert_eq!(found, vec![Overlap::Undecided; HELD.len()]);
}
