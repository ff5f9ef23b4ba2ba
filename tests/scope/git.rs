//! Single patterns against what git itself makes of them, as lines of `.gitignore` and as
//! pathspecs.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use treeyard::model::scope::{Fold, Scope, ScopeLanguage};

use super::super::yard::Yard;
use super::{language, oracle, shown};

const ROUNDS: u32 = 6;

fn token() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "A", "ab", "c", ".", "-", "]", "ä", "!", "#"]),
        6 => Just("/"),
        5 => Just("*"),
        4 => prop::sample::select(vec!["**", "**/", "/**", "/**/", "***", "?", " "]),
        4 => prop::sample::select(vec![
            "[ab]", "[!a]", "[^a]", "[a-c]", "[c-a]", "[]a]", "[!]a]", "[a-]", "[-a]", "[a-c-]",
            "[\\]a]", "[a\\-c]", "[\\\\]", "[!/]", "[a/]", "[[]", "[[a]", "[[:a]", "[A-C]", "[!-b]",
            "[]-c]", "[a-\\c]", "[[:]a]", "[+--]", "[ä]",
        ]),
        2 => prop::sample::select(vec![
            "[[:alpha:]]", "[[:digit:]]", "[![:alnum:]]", "[[:punct:]]", "[[:space:]]",
            "[[:upper:]]", "[[:lower:]-b]", "[[:print:]]", "[[:graph:]]", "[[:xdigit:]]",
            "[[:blank:]a]", "[[:cntrl:]]",
        ]),
        2 => prop::sample::select(vec!["\\a", "\\*", "\\?", "\\[", "\\ ", "\\!", "\\#", "\\\\", "\\/"]),
    ]
}

fn pattern() -> impl Strategy<Value = String> {
    prop::collection::vec(token(), 1..7).prop_filter_map("not a pattern", |tokens| {
        let text = tokens.concat();
        let plain = !text.starts_with(['!', '#']) && !text.starts_with("./");
        let known = plain && !is_misread(&text) && Scope::check(&text).is_ok();
        known.then_some(text)
    })
}

/// Git compares what stands before the first special character for itself, and then takes stars
/// that follow it for the beginning of the pattern: `a**/b` matches `ab`. Its documentation says
/// that such stars are regular ones, and so they are here.
fn is_misread(pattern: &str) -> bool {
    let special = pattern.find(['*', '?', '[', '\\']).unwrap_or(0);
    let (before, rest) = pattern.split_at(special);
    let after = rest.trim_start_matches('*');
    let stars = rest.len() - after.len();
    let ends = after.is_empty() || after.starts_with('/') || after.starts_with("\\/");
    !before.is_empty() && !before.ends_with('/') && stars > 1 && ends
}

fn path() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a", "b", "c", "A", "ab", ".", "-", "]", "[", "/", "/", "/a", "b/", " ", "!", "#", "\\",
        "*", "?", "ä", "1",
    ]);
    prop::collection::vec(token, 1..7).prop_filter_map("not a path", |tokens| {
        let text = tokens.concat();
        oracle::is_path(text.as_bytes()).then_some(text)
    })
}

/// Which of the paths git ignores, each in a folder of its own with one line in `.gitignore`.
fn ignored(yard: &Yard, options: &[&str], paths: &[String]) -> BTreeSet<String> {
    let mut git = yard.command("git");
    git.args(options);
    git.args(["check-ignore", "--no-index", "--stdin", "-z"]);
    let mut git = git
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = git.stdin.take().unwrap();
    let asked = paths.join("\0");
    let asking = std::thread::spawn(move || input.write_all(asked.as_bytes()).unwrap());
    let output = git.wait_with_output().unwrap();
    asking.join().unwrap();
    let names = output.stdout.split(|byte| *byte == 0);
    names.map(shown).filter(|name| !name.is_empty()).collect()
}

/// All patterns with all paths.
fn compare_with_gitignore(options: &[&str], fold: Fold, patterns: &[String], paths: &[String]) {
    let yard = Yard::new();
    let mut asked = Vec::new();
    for (n, pattern) in patterns.iter().enumerate() {
        yard.write(&format!("d{n}/.gitignore"), &format!("{pattern}\n"));
        asked.extend(paths.iter().map(|path| format!("d{n}/{path}")));
    }
    let ignored = ignored(&yard, options, &asked);
    let mut matches = 0;
    for (n, pattern) in patterns.iter().enumerate() {
        let scope = Scope::new(vec![pattern.clone()]).unwrap();
        let language = ScopeLanguage::new(&scope, fold).unwrap();
        for path in paths {
            let expected = ignored.contains(&format!("d{n}/{path}"));
            matches += usize::from(expected);
            let found = language.contains(path.as_bytes());
            assert_eq!(found, expected, "pattern {pattern:?}, path {path:?}");
        }
    }
    assert!(matches > 0, "nothing matched: {patterns:?}");
}

fn rounds() -> TestRunner {
    TestRunner::new(Config {
        cases: ROUNDS,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn patterns_match_what_gitignore_matches() {
    let patterns = prop::collection::vec(pattern(), 60);
    let paths = prop::collection::vec(path(), 60);
    let compared = rounds().run(&(patterns, paths), |(patterns, paths)| {
        compare_with_gitignore(&[], Fold::default(), &patterns, &paths);
        Ok(())
    });
    compared.unwrap();
}

/// Brackets are left out: to git, `[A]` matches neither letter then. So are letters beyond ASCII.
#[test]
fn case_is_ignored_as_gitignore_ignores_it() {
    let ascii = |text: &String| text.is_ascii() && !text.contains('[');
    let patterns = prop::collection::vec(pattern().prop_filter("plain", ascii), 60);
    let paths = prop::collection::vec(path().prop_filter("plain", ascii), 60);
    let fold = Fold {
        ignore_case: true,
        precompose: false,
    };
    let compared = rounds().run(&(patterns, paths), |(patterns, paths)| {
        compare_with_gitignore(&["-c", "core.ignoreCase=true"], fold, &patterns, &paths);
        Ok(())
    });
    compared.unwrap();
}

/// A pattern with a slash, and all below what it matches.
#[test]
fn patterns_match_what_pathspecs_match() {
    let yard = Yard::new();
    for path in [
        "a/b/c",
        "a/b/a",
        "a/ab",
        "a/]",
        "a/b/.a",
        "b/a/b/a",
        "b/b",
        "b/-/c",
        "ab/c/a",
        "ab/b/b/b",
        "c/a b",
        "A/b",
        "A/a/A",
        ".a/b",
        "ä/a",
        "a/ä",
        "c/c/c/c/c/a",
        "c/b/a",
        "]/a",
        "-/b",
    ] {
        yard.write(path, "");
    }
    yard.git(&["add", "-A"]);
    let paths = yard.git(&["ls-files", "-z"]);
    let paths: BTreeSet<&str> = paths.split_terminator('\0').collect();
    let anchored = |text: &String| {
        let text = text.trim_end_matches(' ');
        // Git tidies pathspecs up: `a//b` and `a/./b` are `a/b`.
        let tidy = !text.contains("//") && !text.contains("/./") && !text.ends_with("/.");
        tidy && text.contains('/') && !text.ends_with(['/', '\\'])
    };
    let patterns = prop::collection::vec(pattern().prop_filter("anchored", anchored), 40);
    let compared = rounds().run(&patterns, |patterns| {
        for pattern in patterns {
            let pattern = pattern.trim_end_matches(' ');
            let (itself, below) = (format!(":(glob){pattern}"), format!(":(glob){pattern}/**"));
            let listed = yard.git(&["ls-files", "-z", "--", &itself, &below]);
            let listed: BTreeSet<&str> = listed.split_terminator('\0').collect();
            let language = language(&[pattern]);
            let mut found = paths.clone();
            found.retain(|path| language.contains(path.as_bytes()));
            prop_assert_eq!(found, listed, "{}", pattern);
        }
        Ok(())
    });
    compared.unwrap();
}
