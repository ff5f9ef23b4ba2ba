//! Every way for a change outside the scope to reach the target, from the branch's commits alone.

use std::sync::Arc;

use super::tests::Fixture;
use super::*;
use crate::git::changed_by;
use crate::model::code::Code;
use crate::model::scope::{Fold, Scope, ScopeLanguage};

fn bounded(it: &Fixture, patterns: &[&str], beyond: Beyond, method: MergeMethod) -> LandingPlan {
    let patterns = patterns.iter().map(|p| (*p).to_owned()).collect();
    let scope = ScopeLanguage::new(&Scope::new(patterns).unwrap(), Fold::default()).unwrap();
    LandingPlan {
        bounds: Some(Bounds {
            scope: Arc::new(scope),
            base: it.id("main"),
            beyond,
        }),
        ..it.plan(method)
    }
}

const METHODS: [MergeMethod; 3] = [MergeMethod::Merge, MergeMethod::Squash, MergeMethod::Rebase];

#[test]
fn work_within_the_scope_lands_and_a_change_beyond_it_is_named() {
    for method in METHODS {
        let it = Fixture::new();
        it.on("work", &[("d/c", Some("more\n")), ("d/new", Some("new\n"))]);
        let plan = bounded(&it, &["d/**"], Beyond::Refuse, method);
        assert!(matches!(prepare(&it.repo(), &plan), Ok(Prepared::Ready(_))));
        it.on("work", &[("b", Some("changed\n"))]);
        let plan = LandingPlan {
            session_tip: it.id("work"),
            ..plan
        };
        let error = prepare(&it.repo(), &plan).unwrap_err();
        assert_eq!(error.code(), Code::OutOfScope);
        let short = it.id("work").short().to_owned();
        assert_eq!(
            error.to_string(),
            format!("b is outside its scope and changed by {short}")
        );
    }
}

type Change = fn(&Fixture);

/// What is undone later was in the history all the same; what a rename, a removal, another mode or
/// kind, a link or a submodule changes is a change.
#[test]
fn no_kind_of_change_gets_around_it() {
    let changes: [(&str, Change); 9] = [
        ("undone later", |it| {
            it.on("work", &[("b", Some("x\n"))]);
            it.on("work", &[("b", Some("b\n")), ("d/c", Some("y\n"))]);
        }),
        ("removed", |it| it.on("work", &[("b", None)])),
        ("added", |it| it.on("work", &[("e/f", Some("x\n"))])),
        ("renamed into the scope", |it| {
            it.on("work", &[("b", None), ("d/b", Some("b\n"))]);
        }),
        ("renamed out of the scope", |it| {
            it.on("work", &[("d/c", None), ("c", Some("c\n"))]);
        }),
        ("executable", |it| {
            it.git(&["switch", "-q", "work"]);
            it.git(&["update-index", "--chmod=+x", "b"]);
            it.git(&["commit", "-qm", "mode"]);
            it.git(&["switch", "-qf", "main"]);
        }),
        ("a folder for a file", |it| {
            it.on("work", &[("b", None)]);
            it.on("work", &[("b/d/c", Some("x\n"))]);
        }),
        ("in a merged branch", |it| {
            it.git(&["branch", "side", "work"]);
            it.on("side", &[("b", Some("x\n"))]);
            it.on("work", &[("d/c", Some("x\n"))]);
            it.git(&["switch", "-q", "work"]);
            it.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
            it.git(&["switch", "-q", "main"]);
        }),
        ("by a merge itself", |it| {
            it.git(&["branch", "side", "work"]);
            it.on("side", &[("d/x", Some("x\n"))]);
            it.on("work", &[("d/c", Some("x\n"))]);
            it.git(&["switch", "-q", "work"]);
            it.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
            it.write("b", "evil\n");
            it.commit("merge");
            it.git(&["switch", "-q", "main"]);
        }),
    ];
    for (what, change) in changes {
        let it = Fixture::new();
        change(&it);
        let plan = bounded(&it, &["d/**"], Beyond::Refuse, MergeMethod::Merge);
        let error = prepare(&it.repo(), &plan).unwrap_err();
        assert_eq!(error.code(), Code::OutOfScope, "{what}: {error}");
    }
}

/// A merge of the target brings what others landed: that is not the session's own.
#[test]
fn merging_the_target_into_the_session_is_no_change_of_its_own() {
    let it = Fixture::new();
    let base = it.id("main");
    it.on("work", &[("d/c", Some("x\n"))]);
    it.on("main", &[("b", Some("of another\n"))]);
    it.git(&["switch", "-q", "work"]);
    it.git(&["merge", "-q", "--no-ff", "-m", "merge", "main"]);
    it.git(&["switch", "-q", "main"]);
    let mut plan = bounded(&it, &["d/**"], Beyond::Refuse, MergeMethod::Merge);
    if let Some(bounds) = &mut plan.bounds {
        bounds.base = base;
    }
    assert!(matches!(prepare(&it.repo(), &plan), Ok(Prepared::Ready(_))));
    // But to merge an old state in, so that what another landed goes away again, is.
    it.git(&["switch", "-q", "work"]);
    it.git(&["merge", "-q", "-s", "ours", "-m", "forget", "main"]);
    it.write("b", "b\n");
    it.commit("undo");
    it.git(&["switch", "-q", "main"]);
    plan.session_tip = it.id("work");
    let error = prepare(&it.repo(), &plan).unwrap_err();
    assert_eq!(error.code(), Code::OutOfScope);
}

#[test]
fn the_rest_lands_without_what_is_beyond() {
    let it = Fixture::new();
    it.on(
        "work",
        &[
            ("d/c", Some("kept\n")),
            ("b", Some("left out\n")),
            ("a", None),
        ],
    );
    let plan = bounded(&it, &["d/**"], Beyond::LeaveOut, MergeMethod::Merge);
    let Ok(Prepared::Ready(candidate)) = prepare(&it.repo(), &plan) else {
        panic!();
    };
    assert_eq!(candidate.changed, ["d/c"]);
    it.land(&candidate).unwrap();
    assert_eq!(it.read("d/c"), "kept\n");
    assert_eq!(it.read("b"), "b\n");
    assert!(it.root().join("a").exists());
    let history = it.git(&["rev-list", "--parents", "-n1", "main"]);
    assert_eq!(history.split(' ').count(), 2, "the other commits stay out");
    let nothing = bounded(&it, &["nowhere/**"], Beyond::LeaveOut, MergeMethod::Squash);
    assert!(matches!(
        prepare(&it.repo(), &nothing),
        Ok(Prepared::UpToDate)
    ));
}

/// Each side has one of two names that some file systems take for one; nobody's commit has both.
#[test]
fn what_only_merging_brings_together_is_refused() {
    for method in METHODS {
        let it = Fixture::new();
        it.on("work", &[("d/Name", Some("x\n"))]);
        it.on("main", &[("d/name", Some("y\n"))]);
        let before = it.git(&["count-objects"]);
        for beyond in [Beyond::Refuse, Beyond::LeaveOut] {
            let plan = bounded(&it, &["d/**"], beyond, method);
            for bounds in [None, plan.bounds.clone()] {
                let plan = LandingPlan {
                    bounds,
                    ..plan.clone()
                };
                let error = prepare(&it.repo(), &plan).unwrap_err();
                assert_eq!(error.code(), Code::ImportRefused, "{error}");
                let said = error.to_string();
                assert!(said.starts_with("\"d/Name\" in the merged tree"), "{said}");
            }
        }
        assert_eq!(it.git(&["count-objects"]), before);
    }
}

/// Git as the judge: `diff-tree -c` lists what a merge has of none of its parents.
#[test]
fn what_a_commit_changes_is_what_git_says() {
    let it = Fixture::new();
    it.git(&["branch", "side"]);
    it.on("side", &[("b", Some("side\n")), ("d/e/f", Some("deep\n"))]);
    it.on(
        "work",
        &[("a", None), ("b", Some("work\n")), ("d/c", Some("x\n"))],
    );
    it.git(&["switch", "-q", "work"]);
    let (_conflict, _) = super::tests::spawn(&it.root(), &["merge", "-q", "side"]);
    it.write("b", "both\n");
    it.write("new", "new\n");
    it.commit("merge");
    it.git(&["switch", "-q", "main"]);
    let repo = it.repo();
    for rev in ["main", "side", "work~1", "work"] {
        let id = gix::ObjectId::from_hex(it.id(rev).as_str().as_bytes()).unwrap();
        let ours: Vec<String> = changed_by(&repo, id)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        let args = [
            "diff-tree",
            "--root",
            "-r",
            "-c",
            "--no-renames",
            "--name-only",
        ];
        let args = args.iter().copied().chain(["--no-commit-id", rev]);
        let theirs = it.git(&args.collect::<Vec<_>>());
        assert_eq!(ours, theirs.lines().collect::<Vec<_>>(), "{rev}");
    }
}
