//! The rules of `ARCHITECTURE.md` that a machine can check, applied to every file under `src/`.
//!
//! The scanner knows just enough of Rust: it blanks comments and literals, cuts `#[cfg(test)]`
//! items, and expands the braces of paths. `negative` shows that it finds what it must.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scan::{GIT_LITERAL, blank, words};

#[path = "architecture/negative.rs"]
mod negative;
#[path = "architecture/scan.rs"]
mod scan;

/// The one module that may hold unsafe code.
const AUDITED: &str = "raw";
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
    let is_test = path.to_str().is_some_and(|path| path.ends_with("tests.rs"))
        || path.components().any(|part| part.as_os_str() == "tests");
    if !is_test {
        found.extend(forbidden(path, &without_tests(&source)));
    }
    if !path.starts_with(AUDITED) && words(&source).any(|(word, _)| word == "unsafe") {
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
            "open" | "open_with_flags" | "open_in_memory"
                if before.ends_with("Connection::") && !path.starts_with(AUDITED) =>
            {
                found.push("a database is opened outside `raw`".to_owned());
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

// --- files ------------------------------------------------------------------------------

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
