//! The rules of `ARCHITECTURE.md` that a machine can check, applied to every file under `src/`.
//!
//! The scanner knows just enough of Rust: it blanks comments and literals, cuts `#[cfg(test)]`
//! items, and expands the braces of paths. Negative tests below show that it finds what it must.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 500;

type Ranks = BTreeMap<String, u32>;

#[test]
fn the_source_keeps_the_rules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let ranks = rank_map(&fs::read_to_string(src.join("lib.rs")).unwrap());
    assert_eq!(
        ranks.get("model"),
        Some(&0),
        "the rank map of lib.rs is gone"
    );
    let mut violations = Vec::new();
    let mut files = 0;
    for path in rust_files(&src) {
        let text = fs::read_to_string(&path).unwrap();
        violations.extend(check(path.strip_prefix(&src).unwrap(), &text, &ranks));
        files += 1;
    }
    assert!(files > 5, "only {files} files found");
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

/// Every violation in one file, as `path: what`.
fn check(path: &Path, text: &str, ranks: &Ranks) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        found.push(format!("{lines} lines, more than {LONGEST_FILE}"));
    }
    let source = blank(text);
    found.extend(rank_violations(path, &source, ranks));
    let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
        || path.components().any(|part| part.as_os_str() == "tests");
    if !is_test {
        found.extend(forbidden(path, &without_tests(&source)));
    }
    if words(&source).any(|(word, _)| word == "unsafe") {
        found.push("`unsafe`".to_owned());
    }
    found
        .into_iter()
        .map(|what| format!("{}: {what}", path.display()))
        .collect()
}

// --- ranks ---------------------------------------------------------------------------------

/// The lines `<rank>  <modules>  <remark>` of the text block in the crate's documentation. The
/// remark begins after two spaces.
fn rank_map(lib: &str) -> Ranks {
    let mut ranks = Ranks::new();
    let block = lib
        .lines()
        .skip_while(|line| line.trim() != "//! ```text")
        .skip(1)
        .take_while(|line| line.trim() != "//! ```");
    for line in block {
        let line = line.trim_start_matches("//!").trim();
        let (rank, rest) = line.split_once(' ').unwrap();
        let modules = rest.trim_start().split("  ").next().unwrap();
        for module in modules.split_whitespace() {
            ranks.insert(module.to_owned(), rank.parse().unwrap());
        }
    }
    ranks
}

fn rank_violations(path: &Path, source: &str, ranks: &Ranks) -> Vec<String> {
    let module = module_path(path);
    let Some(home) = module.first() else {
        return top_modules(source)
            .into_iter()
            .filter(|name| !ranks.contains_key(name))
            .map(|name| format!("module `{name}` has no rank in lib.rs"))
            .collect();
    };
    let Some(own_rank) = ranks.get(home) else {
        return vec![format!("module `{home}` has no rank in lib.rs")];
    };
    imports(source, &module)
        .into_iter()
        .filter(|target| target != home)
        .filter_map(|target| match ranks.get(&target) {
            None => Some(format!("imports `{target}`, which has no rank")),
            Some(rank) if rank >= own_rank => Some(format!(
                "`{home}` (rank {own_rank}) imports `{target}` (rank {rank})"
            )),
            Some(_) => None,
        })
        .collect()
}

/// `cas/put.rs` and `cas/put/mod.rs` are `[cas, put]`; `lib.rs` and `main.rs` are `[]`.
fn module_path(path: &Path) -> Vec<String> {
    let mut parts: Vec<String> = path
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod")) {
        parts.pop();
    }
    if parts.len() == 1 && matches!(parts[0].as_str(), "lib" | "main") {
        parts.clear();
    }
    parts
}

/// The modules a crate root declares.
fn top_modules(source: &str) -> Vec<String> {
    let all: Vec<&str> = words(source).map(|(word, _)| word).collect();
    all.windows(2)
        .filter(|pair| pair[0] == "mod" && pair[1] != "tests")
        .map(|pair| pair[1].to_owned())
        .collect()
}

/// The top-level modules named by paths from `crate::`, `treeyard::` or enough `super::`.
fn imports(source: &str, module: &[String]) -> Vec<String> {
    let mut targets = Vec::new();
    let mut depth = inline_depths(source).into_iter();
    for (word, at) in words(source) {
        let inline = depth.next().unwrap_or(0);
        let rest = &source[at + word.len()..];
        let before = source[..at].trim_end();
        if before.ends_with("::") && word != "super" {
            continue;
        }
        match word {
            "crate" | "treeyard" => targets.extend(heads(rest)),
            "super" if !before.ends_with("::") => {
                targets.extend(super_heads(rest, module.len() + inline));
            }
            _ => {}
        }
    }
    targets
}

/// For each word, how many inline modules (`mod name {`) it stands in.
fn inline_depths(source: &str) -> Vec<usize> {
    let mut depths = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    let mut previous = "";
    let mut next_is_module = false;
    let mut end = 0;
    for (word, at) in words(source) {
        for c in source[end..at].chars() {
            match c {
                '{' => open.push(std::mem::take(&mut next_is_module)),
                '}' => drop(open.pop()),
                ';' => next_is_module = false,
                _ => {}
            }
        }
        depths.push(open.iter().filter(|is_module| **is_module).count());
        next_is_module |= previous == "mod";
        previous = word;
        end = at + word.len();
    }
    depths
}

/// What follows `crate`: `::model::x` gives `[model]`, `::{model::x, git}` gives both. A glob or
/// another name for the root would hide what is imported, so these give names without a rank.
fn heads(rest: &str) -> Vec<String> {
    let Some(rest) = rest.trim_start().strip_prefix("::") else {
        let renamed = rest.trim_start().starts_with("as ");
        return renamed.then(|| "crate as".to_owned()).into_iter().collect();
    };
    let rest = rest.trim_start();
    if let Some(list) = rest.strip_prefix('{') {
        return split_list(list)
            .into_iter()
            .flat_map(|item| heads(&format!("::{}", item.trim())))
            .collect();
    }
    if rest.starts_with('*') {
        return vec!["*".to_owned()];
    }
    let head = words(rest).next().filter(|(_, at)| *at == 0);
    head.map(|(word, _)| word.to_owned()).into_iter().collect()
}

/// Like [`heads`], once the path has climbed out of all `depth` modules.
fn super_heads(rest: &str, depth: usize) -> Vec<String> {
    if depth <= 1 {
        return heads(rest);
    }
    let Some(rest) = rest.trim_start().strip_prefix("::") else {
        return Vec::new();
    };
    let rest = rest.trim_start();
    if let Some(list) = rest.strip_prefix('{') {
        return split_list(list)
            .into_iter()
            .filter_map(|item| item.trim().strip_prefix("super").map(str::to_owned))
            .flat_map(|item| super_heads(&item, depth - 1))
            .collect();
    }
    match rest.strip_prefix("super") {
        Some(rest) => super_heads(rest, depth - 1),
        None => Vec::new(),
    }
}

/// The items of a brace list up to its closing brace, nested braces kept whole.
fn split_list(list: &str) -> Vec<&str> {
    let (mut items, mut nested, mut start) = (Vec::new(), 0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => nested += 1,
            '}' if nested == 0 => {
                items.push(&list[start..at]);
                break;
            }
            '}' => nested -= 1,
            ',' if nested == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

// --- forbidden calls -----------------------------------------------------------------------

fn forbidden(path: &Path, source: &str) -> Vec<String> {
    let in_cli = path.starts_with("cli") || path == Path::new("main.rs");
    let runs_git = path == Path::new("git/command.rs");
    let squeezed: String = source.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (word, at) in words(&squeezed) {
        let before = squeezed[..at].trim_end();
        let after = squeezed[at + word.len()..].trim_start();
        match word {
            "unwrap" | "expect" if is_method(before, after) => {
                found.push(format!("`.{word}(` outside tests"));
            }
            "println" | "print" | "eprintln" | "eprint" | "dbg"
                if after.starts_with('!') && !in_cli =>
            {
                found.push(format!("`{word}!` outside `cli`"));
            }
            "exit" if is_process_exit(before, after) && !in_cli => {
                found.push("`process::exit` outside `cli`".to_owned());
            }
            "new" if before.ends_with("Command::") && !runs_git => {
                let argument = after.trim_start_matches(['(', ' ']);
                if argument.starts_with(GIT_LITERAL) {
                    found.push("git is run outside `git/command.rs`".to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// Called as `.name(` or named as `Option::name`.
fn is_method(before: &str, after: &str) -> bool {
    (before.ends_with('.') && after.starts_with('(')) || before.ends_with("::")
}

fn is_process_exit(before: &str, after: &str) -> bool {
    let other = [".", "::", "fn"].iter().any(|end| before.ends_with(end));
    before.ends_with("process::") || (after.starts_with('(') && !other)
}

/// Removes the items under `#[cfg(test)]`: up to their `;`, or their closing brace.
fn without_tests(source: &str) -> String {
    let mut kept = String::new();
    let mut rest = source;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let item = &rest[at + "#[cfg(test)]".len()..];
        rest = &item[item_end(item)..];
    }
    kept.push_str(rest);
    kept
}

fn item_end(item: &str) -> usize {
    let mut nested = 0;
    for (at, c) in item.char_indices() {
        match c {
            '{' | '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            '}' if nested == 1 => return at + 1,
            '}' => nested -= 1,
            ';' if nested == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

// --- scanning ------------------------------------------------------------------------------

/// What stands for the literal `"git"` in blanked source; other literals become `""`.
const GIT_LITERAL: &str = "\"git\"";

/// The source without comments and without the content of literals.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let used = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment_end(rest)
        } else if let Some((start, end, used)) = string_literal(rest, &out) {
            let is_git = &rest[start..end] == "git";
            out.push_str(if is_git { GIT_LITERAL } else { "\"\"" });
            used
        } else if let Some(used) = char_literal(rest) {
            out.push_str("' '");
            used
        } else {
            out.push(c);
            c.len_utf8()
        };
        rest = &rest[used..];
    }
    out
}

fn block_comment_end(text: &str) -> usize {
    let (mut nested, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            nested += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            nested -= 1;
            at += 2;
            if nested == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// Start and end of the content and the length of the literal that `rest` begins with.
fn string_literal(rest: &str, before: &str) -> Option<(usize, usize, usize)> {
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let prefix = if in_word {
        0
    } else {
        rest.find(|c| !matches!(c, 'b' | 'c' | 'r'))?
    };
    let hashes = rest[prefix..].bytes().take_while(|b| *b == b'#').count();
    let raw = rest[..prefix].ends_with('r');
    let start = prefix + hashes + 1;
    if prefix > 2 || !rest[prefix + hashes..].starts_with('"') || (hashes > 0 && !raw) {
        return None;
    }
    if raw {
        let close = format!("\"{}", "#".repeat(hashes));
        let end = start + rest[start..].find(&close)?;
        return Some((start, end, end + close.len()));
    }
    let mut escaped = false;
    for (at, c) in rest[start..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((start, start + at, start + at + 1)),
            _ => {}
        }
    }
    None
}

/// The length of a character literal; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let first = escape.chars().next()?.len_utf8();
        return Some(2 + first + escape[first..].find('\'')? + 1);
    }
    let first = inner.chars().next()?.len_utf8();
    inner[first..].starts_with('\'').then_some(first + 2)
}

/// The identifiers and keywords of the source with their positions.
fn words(source: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        at += source[at..].find(is_word)?;
        let start = at;
        at += source[at..]
            .find(|c| !is_word(c))
            .unwrap_or(source.len() - at);
        Some((&source[start..at], start))
    })
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

// --- the scanner finds what it must --------------------------------------------------------

mod negative {
    use super::*;

    fn violations(path: &str, text: &str) -> Vec<String> {
        let ranks = rank_map(
            "//! ```text\n//! 4  cli             the face\n//! 2  merge workspace  places, model\n\
             //! 1  git store       outside\n//! 0  model           pure\n//! ```\n",
        );
        assert_eq!(ranks.len(), 6);
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
    }

    #[test]
    fn calls_that_stop_print_or_exit() {
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
    }
}
