//! Samples that break a rule must be found, and sound ones must pass.

use super::*;

fn violations(path: &str, text: &str) -> Vec<String> {
    let ranks = rank_map(
        "//! ```text\n//! 4  cli             the face\n//! 2  merge workspace  places, model\n\
         //! 1  git proc store  outside\n//! 0  model raw       pure\n//! ```\n",
    );
    assert_eq!(ranks.len(), 8);
    check(Path::new(path), text, &ranks)
}

#[track_caller]
fn finds(path: &str, text: &str, what: &str) {
    let found = violations(path, text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(what), "{found:?}");
}

#[track_caller]
fn accepts(path: &str, text: &str) {
    assert_eq!(violations(path, text), [] as [String; 0]);
}

#[test]
fn imports_from_the_same_rank_or_above() {
    let what = "imports `store`";
    finds("git/read.rs", "use crate::store::Store;", what);
    finds(
        "git/read.rs",
        "use crate::{model::ids, store::{a, b}};",
        what,
    );
    finds("git/read.rs", "fn f() { crate::store::open() }", what);
    finds("git/read.rs", "use super::super::store;", what);
    finds("git/mod.rs", "pub use super::store;", what);
    finds(
        "git/read/fast.rs",
        "use super::super::super::{store, model};",
        what,
    );
    finds(
        "git/a.rs",
        "mod x { use super::super::super::store; }",
        what,
    );
    finds("git/a.rs", "use crate ::\n  store;", what);
    finds("model/x.rs", "use crate::cli;", "imports `cli` (rank 4)");
    finds("git/read.rs", "use crate::nowhere;", "no rank");
    finds("git/read.rs", "use crate::*;", "no rank");
    finds("git/read.rs", "use crate as root;", "no rank");
    finds("git/mod.rs", "use super::*;", "no rank");
}

#[test]
fn modules_without_a_rank() {
    finds(
        "lib.rs",
        "pub mod model; pub mod extra;",
        "`extra` has no rank",
    );
    finds("extra/mod.rs", "", "`extra` has no rank");
    finds("extra.rs", "use crate::model;", "`extra` has no rank");
}

#[test]
fn long_files_and_unsafe() {
    finds("git/a.rs", &"//\n".repeat(501), "501 lines");
    accepts("git/a.rs", &"//\n".repeat(500));
    finds("git/a.rs", "fn f() { unsafe { g() } }", "`unsafe`");
    finds("git/fork.rs", "fn f() { unsafe { g() } }", "`unsafe`");
    let text = "fn f() { rusqlite::Connection::open(path) }";
    finds("store/open.rs", text, "opened outside `raw`");
}

#[test]
fn calls_that_stop_print_or_exit() {
    finds("git/a.rs", "fn f() { a.map(Option::unwrap); }", "unwrap");
    finds("git/a.rs", "fn f() { exit(1); }", "`process::exit`");
    finds("git/a.rs", "fn f() { g().unwrap(); }", "`.unwrap(`");
    finds(
        "git/a.rs",
        "fn f() { g()\n    .expect (\"x\"); }",
        "`.expect(`",
    );
    finds("git/a.rs", "fn f() { eprintln!(\"x\"); }", "`eprintln!`");
    finds(
        "git/a.rs",
        "fn f() { std::process::exit(1); }",
        "`process::exit`",
    );
    finds(
        "store/a.rs",
        "fn f() { Command::new(\"git\"); }",
        "git is run",
    );
    finds(
        "git/a.rs",
        "#[cfg(test)]\nmod tests { fn g() { a.unwrap() } }\nfn f() { b.unwrap() }",
        "`.unwrap(`",
    );
    finds(
        "git/a.rs",
        "#[cfg(test)]\nmod tests;\nfn f() { b.unwrap() }",
        "unwrap",
    );
}

#[test]
fn what_is_allowed() {
    accepts(
        "merge/a.rs",
        "use crate::{git, model::x}; use crate::merge::y; use super::z;",
    );
    accepts("git/a.rs", "mod tests { use super::super::store; }");
    accepts(
        "git/a.rs",
        "// use crate::store; x.unwrap()\n/* unsafe /* */ */ fn f() {}",
    );
    accepts(
        "git/a.rs",
        r##"const A: &str = "crate::store unsafe \" x.unwrap()";"##,
    );
    accepts(
        "git/a.rs",
        r###"const A: &str = r#"" unsafe "#; const B: char = '"';"###,
    );
    accepts(
        "git/a.rs",
        "fn f<'a>(x: &'a str) -> char { '\\'' } // unsafe",
    );
    accepts("git/a.rs", "fn f() { a.unwrap_or(b).expect_err; }");
    accepts(
        "git/a.rs",
        "#[cfg(test)]\nmod tests { fn f() { println!(); x.unwrap() } }",
    );
    accepts("git/tests.rs", "fn f() { x.unwrap(); }");
    accepts("git/command.rs", "fn f() { Command::new(\"git\"); }");
    accepts("store/a.rs", "fn f() { Command::new(\"cargo\"); }");
    accepts("cli/a.rs", "fn f() { println!(); std::process::exit(1) }");
    accepts("git/a.rs", "fn exit() { a.exit(); Code::exit(b) }");
    accepts("git/a.rs", "mod tests { use super::*; }");
    accepts("git/a.rs", "#![forbid(unsafe_code)] pub(crate) fn f() {}");
    accepts("raw/a.rs", "fn f() { Connection::open(path) }");
    accepts("raw/fork.rs", "fn f() { unsafe { g() } }");
}
