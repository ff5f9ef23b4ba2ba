//! Shell scripts, line by line.

/// A command line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScriptLine {
    /// Counted from 1: where it begins.
    pub number: usize,
    /// How many lines of the file it takes.
    pub lines: usize,
    pub text: String,
}

/// Whether a file is a script for a shell, by its name or its first line.
pub(super) fn is_script(path: &str, text: &str) -> bool {
    let by_name = [".sh", ".bash", ".zsh"]
        .iter()
        .any(|end| path.ends_with(end));
    let first = text.lines().next().unwrap_or_default();
    let program = first.strip_prefix("#!").unwrap_or_default();
    let mut words = program.split(|c: char| c.is_whitespace() || c == '/');
    by_name || words.any(|word| ["sh", "bash", "zsh", "dash", "ksh"].contains(&word))
}

/// Its lines as a shell reads them: continued ones as one, without what it only prints (`<<EOF`) and comments.
pub(super) fn script_lines(text: &str) -> Vec<ScriptLine> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let (mut whole, mut taken) = (line.to_owned(), 1);
        while let Some(start) = whole.strip_suffix('\\') {
            let Some((_, next)) = lines.next() else { break };
            whole = format!("{start} {next}");
            taken += 1;
        }
        if let Some(end) = here_document(&whole) {
            let _printed = lines.find(|(_, line)| line.trim() == end);
        }
        if !whole.trim().is_empty() {
            found.push(ScriptLine {
                number: at + 1,
                lines: taken,
                text: whole,
            });
        }
    }
    found
}

/// The word that ends a text which follows the line.
fn here_document(line: &str) -> Option<String> {
    let (_, behind) = line.split_once("<<")?;
    let behind = behind.trim_start_matches('-').trim_start();
    if behind.starts_with('<') {
        return None;
    }
    let quoted = behind.trim_start_matches(['\'', '"', '\\']);
    let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let word: String = quoted.chars().take_while(is_word).collect();
    (!word.is_empty() && !word.starts_with(|c: char| c.is_ascii_digit())).then_some(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scripts_are_known_by_name_or_first_line() {
        for (path, text, expected) in [
            ("a.sh", "", true),
            ("hooks/pre-commit", "#!/bin/sh\n", true),
            ("x", "#!/usr/bin/env -S bash -e\n", true),
            ("x", "#!/usr/bin/env python3\n", false),
            ("x.py", "#! bash\n", true),
            ("README.md", "npm i x", false),
        ] {
            assert_eq!(is_script(path, text), expected, "{path} {text}");
        }
    }

    #[test]
    fn lines_are_those_that_a_shell_runs() {
        let text = "#!/bin/sh\n\n# npm i x\nnpm i \\\n  y\ncat <<-'EOF' > f\nnpm i z\n\tEOF\necho $((1<<2))\nx <<< y\nlast \\";
        let found = script_lines(text);
        let told: Vec<_> = found
            .iter()
            .map(|line| (line.number, line.lines, line.text.as_str()))
            .collect();
        let expected = [
            (4, 2, "npm i    y"),
            (6, 1, "cat <<-'EOF' > f"),
            (9, 1, "echo $((1<<2))"),
            (10, 1, "x <<< y"),
            (11, 1, "last \\"),
        ];
        assert_eq!(told, expected);
    }

    proptest! {
        #[test]
        fn every_text_has_lines(text in "[a-z<\\\\\n'#E -]{0,60}") {
            let found = script_lines(&text);
            let most = text.lines().count();
            prop_assert!(found.iter().all(|line| line.number + line.lines <= most + 1));
        }
    }
}
