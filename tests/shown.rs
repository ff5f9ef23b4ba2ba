//! What a person is shown is what there is, and their answer is for what they were shown.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::talk::{refused, session, with_input, yard, yard_with};
use crate::yard::{Yard, eventually, text};

/// Writes a file, and then another one.
const TWO: &str = r#"
format = 1
[[step]]
unordered = true
expect = { user = "notes" }
say = [{ call = "file.write", arguments = { path = "A.md", content = "one\n" } }]
[[step]]
unordered = true
expect.results = [{ tool = "file.write", failed = false }]
say = [{ call = "file.write", arguments = { path = "B.md", content = "two\n" } }]
"#;

fn in_columns(yard: &Yard, args: &[&str]) -> String {
    let mut command: Command = yard.command(env!("CARGO_BIN_EXE_treeyard"));
    let output = command.args(args).env("COLUMNS", "80").output().unwrap();
    text(&output.stdout)
}

/// The session `notes` asks for its second file, after somebody allowed the first.
fn allow_the_first(yard: &Yard) {
    yard.exits(0, &["approvals", "allow", "notes"]);
    yard.exits(5, &["send", "notes", "go on", "--wait"]);
    let shown = yard.exits(0, &["approvals", "show", "notes"]);
    assert!(shown.contains("file.write B.md"), "{shown}");
}

/// What `show` prints behind a flag.
fn id_behind(shown: &str, flag: &str) -> String {
    let mut words = shown.split_whitespace().skip_while(|word| *word != flag);
    words.nth(1).unwrap().to_owned()
}

#[test]
fn nothing_in_a_file_hides_what_stands_behind_it() {
    let yard = Yard::new();
    let line = r"printf 'a\033]0;\nhidden\r\n\302\235back\342\200\256\n' > f";
    yard.exits(0, &["run", "--name", "sly", "--", "sh", "-c", line]);
    let diff = yard.exits(0, &["diff", "sly"]);
    let end = "\n+a␛]0;\n+hidden␍\n+<U+009D>back<U+202E>\n";
    assert!(diff.ends_with(end), "{diff:?}");
}
