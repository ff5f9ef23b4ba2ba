//! The trailers of a session's commits.

use std::fs;
use std::path::Path;

use super::error::HookError;
use crate::git::{Git, GitError};
use crate::model::guard::LOCK;

/// What people choose for it, and what git chooses by itself. To find out takes longer than all else here.
const MAY_BEGIN_COMMENTS: [char; 12] = ['#', ';', '@', '!', '$', '%', '^', '&', '|', ':', '/', '*'];

/// Adds trailers that a message does not have, by git's own rules of where they stand. A message
/// that has nothing but comments stays, since git gives up on it.
pub(super) fn add_trailers(
    file: &Path,
    trailers: &[(&'static str, String)],
) -> Result<(), HookError> {
    let message = fs::read(file).map_err(GitError::io(file))?;
    if let Some(text) = plainly(&message, trailers) {
        return Ok(fs::write(file, text).map_err(GitError::io(file))?);
    }
    let comment = comment_start();
    match what_is_said(&message, trailers, &comment) {
        Said::Something => {}
        Said::Nothing => return Ok(()),
        // The rest was taken out in the editor, which means that there is to be no commit.
        Said::Trailers => return Ok(fs::write(file, "").map_err(GitError::io(file))?),
    }
    let here = std::env::current_dir().map_err(GitError::io("."))?;
    // An amended commit is made under the lock of today.
    let named = trailers.iter().flat_map(|(key, value)| {
        let stays = if *key == LOCK { "replace" } else { "doNothing" };
        [
            format!("--if-exists={stays}"),
            format!("--trailer={key}={value}"),
        ]
    });
    Git::new(&here)
        .args(["-c".to_owned(), format!("core.commentChar={comment}")])
        .args(["interpret-trailers", "--in-place", "--no-divider"])
        .args(named)
        .arg(file)
        .run()?;
    Ok(())
}

/// A message that has neither comments nor trailers with the trailers behind it, as git would put them.
/// `None` when it may have some: git decides then, which takes longer than all else here.
fn plainly(message: &[u8], trailers: &[(&'static str, String)]) -> Option<String> {
    let text = std::str::from_utf8(message).ok()?;
    let text = text.strip_suffix('\n')?;
    let is_said = |line: &str| line.starts_with(MAY_BEGIN_COMMENTS) || line == "Conflicts:";
    let is_odd = |letter: char| letter.is_control() && !"\n\t".contains(letter);
    let has_text = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !has_text || text.contains(is_odd) || text.split('\n').any(is_said) {
        return None;
    }
    // What stands in the last paragraph, unless that is the title as well.
    let is_blank = |line: &&str| line.trim_ascii().is_empty();
    let mut last = text.rsplit('\n').take_while(|line| !is_blank(line));
    let is_title = !text.split('\n').any(|line| is_blank(&line));
    let may_be_trailer = |line: &str| line.contains(':') || line.starts_with("(cherry picked");
    let ends_blank = text.rsplit('\n').next().is_none_or(|line| is_blank(&line));
    if ends_blank || (!is_title && last.any(may_be_trailer)) {
        return None;
    }
    let is_odd =
        |value: &str| value.is_empty() || value.trim() != value || value.contains(char::is_control);
    if trailers.iter().any(|(_, value)| is_odd(value)) {
        return None;
    }
    let lines = trailers
        .iter()
        .map(|(key, value)| format!("{key}: {value}\n"));
    Some(format!("{text}\n\n{}", lines.collect::<String>()))
}

/// What a message has besides comments.
enum Said {
    Nothing,
    /// Trailers of this session, and nothing else.
    Trailers,
    Something,
}

fn what_is_said(message: &[u8], trailers: &[(&'static str, String)], comment: &str) -> Said {
    let text = String::from_utf8_lossy(message);
    let is_cut = |line: &&str| line.starts_with(comment) && line.contains(" >8 ");
    let is_said = |line: &&str| !line.trim().is_empty() && !line.starts_with(comment);
    let is_own = |line: &str| {
        let mut all = trailers.iter();
        all.any(|(key, value)| line.strip_prefix(key) == Some(&format!(": {value}")))
    };
    let lines = text.lines().take_while(|line| !is_cut(line));
    let said: Vec<&str> = lines.filter(is_said).collect();
    match said.iter().all(|line| is_own(line)) {
        true if said.is_empty() => Said::Nothing,
        true => Said::Trailers,
        false => Said::Something,
    }
}

/// What a person chose for all repositories; a session's own configuration says nothing of it.
fn comment_start() -> String {
    let chosen = gix::config::File::from_globals().ok().and_then(|settings| {
        let said = |key| settings.string(key);
        said("core.commentString").or_else(|| said("core.commentChar"))
    });
    match chosen.map(|value| value.to_string()) {
        Some(value) if !value.is_empty() && value != "auto" => value,
        _ => "#".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: [&str; 16] = [
        "Subject",
        "docs: subject",
        "Text of a body",
        "- an item",
        "see https://example.org/x",
        "Signed-off-by: Ada <ada@example.org>",
        "Treeyard-Task: other",
        "(cherry picked from commit 0123)",
        "  indented",
        "# comment",
        "Conflicts:",
        "---",
        "",
        "",
        " \t",
        "\u{a0}",
    ];

    /// Git itself says where trailers stand, over messages of up to five lines.
    #[test]
    fn plain_messages_get_their_trailers_where_git_puts_them() {
        let dir = tempfile::tempdir().unwrap();
        let trailers = [
            ("Treeyard-Session", "s 1".to_owned()),
            ("Treeyard-Task", "t:x".to_owned()),
        ];
        let mut state = 0x9E37_79B9_u32;
        let mut roll = |sides: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % sides
        };
        let mut plain = 0;
        for round in 0..400 {
            let lines: Vec<&str> = (0..=roll(5)).map(|_| LINES[roll(LINES.len())]).collect();
            let end = ["\n", "\n", "\n\n", ""][roll(4)];
            let message = format!("{}{end}", lines.join("\n"));
            let Some(found) = plainly(message.as_bytes(), &trailers) else {
                continue;
            };
            let said = by_git(dir.path(), &message, &trailers);
            assert_eq!(found, said, "round {round}: {message:?}");
            plain += 1;
        }
        assert!(plain > 40, "only {plain} were plain");
    }

    fn by_git(dir: &Path, message: &str, trailers: &[(&str, String)]) -> String {
        let file = dir.join("message");
        fs::write(&file, message).unwrap();
        let named = trailers
            .iter()
            .map(|(key, value)| format!("--trailer={key}={value}"));
        let git = Git::new(dir).args([
            "interpret-trailers",
            "--no-divider",
            "--if-exists=doNothing",
        ]);
        let output = git.args(named).arg(&file).run().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn usual_messages_are_plain() {
        let trailers = [("Treeyard-Task", "t".to_owned())];
        for (message, is_plain) in [
            ("docs: one line\n", true),
            ("One\n\nThe body: it says\nmore.\n\nAnd the end.\n", true),
            ("One\n\nFixes: 3\n", false),
            ("# all\n", false),
            ("\n", false),
            ("", false),
            ("One\n\nText\n# comment\n", false),
        ] {
            let found = plainly(message.as_bytes(), &trailers);
            assert_eq!(found.is_some(), is_plain, "{message:?}");
        }
        assert_eq!(
            plainly(b"One\n", &[("Treeyard-Task", " t".to_owned())]),
            None
        );
    }
}
