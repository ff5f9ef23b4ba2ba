//! What a call of a tool shows before it runs, as signals for the guardrails. Calls that no tool takes are looked at
//! as well: that they were tried counts.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::world::World;
use crate::model::denylist::quoted;
use crate::model::guardrail::{Around, Signal, Signals, line_signals, write_signals};
use crate::model::redact::Redactor;
use crate::model::tool::SideEffect;

/// Where a worktree counts as being whose folder is not known.
const NOWHERE: &str = "/worktree";
/// Arguments that name files.
const PATHS: [&str; 3] = ["path", "from", "to"];

/// A call, as a model wrote it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looked<'a> {
    /// The tool, by its name.
    pub tool: &'a str,
    /// What the tool does, when there is such a tool.
    pub effect: Option<SideEffect>,
    /// Its arguments, with secrets.
    pub args: &'a Value,
}

/// What it shows by itself. What was said before it is looked at elsewhere.
pub(super) fn look(call: Looked<'_>, world: &World, redactor: &Redactor) -> Signals {
    let around = world.around();
    let mut seen = Signals::new();
    if let Some(line) = command_line(call.tool, call.args) {
        let folder = call.args.get("cwd").and_then(Value::as_str).unwrap_or(".");
        let cwd = around.worktree.join(folder);
        seen.extend(line_signals(&line, Some(&cwd), &around));
    }
    if call.tool == "git.commit" {
        seen.insert(Signal::Commits);
    }
    if call.effect == Some(SideEffect::Write) {
        let files = named_files(call.args).into_iter();
        seen.extend(files.flat_map(|file| write_signals(&file, &around)));
    }
    if has_secret(call.args, redactor) {
        seen.insert(Signal::Secret);
    }
    if world.network_is_open() {
        seen.insert(Signal::NetworkOpen);
    }
    seen
}

/// The line that a call runs, as a person would type it.
pub(super) fn command_line(tool: &str, args: &Value) -> Option<String> {
    if tool != "shell.exec" {
        return None;
    }
    if let Some(line) = args.get("command").and_then(Value::as_str) {
        return Some(line.to_owned());
    }
    let words = args.get("argv")?.as_array()?.iter();
    let words: Option<Vec<String>> = words.map(|word| word.as_str().map(str::to_owned)).collect();
    words.map(|words| quoted(&words))
}

/// Files that a call is to change.
pub(super) fn named_files(args: &Value) -> Vec<String> {
    let named = PATHS.iter().filter_map(|key| args.get(key)?.as_str());
    let patch = args
        .get("patch")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let headers = patch.lines().filter_map(|line| {
        let file = line
            .strip_prefix("+++ ")
            .or_else(|| line.strip_prefix("--- "))?;
        let file = file.split('\t').next()?;
        let file = file
            .strip_prefix("a/")
            .or_else(|| file.strip_prefix("b/"))
            .unwrap_or(file);
        Some(file).filter(|file| *file != "/dev/null")
    });
    named.chain(headers).map(str::to_owned).collect()
}

fn has_secret(value: &Value, redactor: &Redactor) -> bool {
    match value {
        Value::String(text) => redactor.redact_text(text) != *text,
        Value::Array(parts) => parts.iter().any(|part| has_secret(part, redactor)),
        Value::Object(fields) => fields.values().any(|part| has_secret(part, redactor)),
        _ => false,
    }
}

impl World {
    /// What the paths of commands are compared with.
    fn around(&self) -> Around {
        let root = self.commands().map(|commands| commands.cwd.clone());
        let worktree = root.unwrap_or_else(|_| PathBuf::from(NOWHERE));
        let mut guarded = vec![worktree.join(".git")];
        let mut others = Vec::new();
        if let Ok(session) = self.session() {
            let repo = &session.repo;
            guarded.extend([repo.state_dir(), repo.common_dir().to_owned()]);
            let row = session.row().ok();
            guarded.extend(row.and_then(|row| row.git_dir).map(PathBuf::from));
            others.push(repo.main_root().to_owned());
            others.extend(worktree.parent().map(Path::to_owned));
        }
        let own = ["HOME", "TMPDIR"].iter().filter_map(|name| {
            let commands = self.commands().ok()?;
            commands.equipment.env.get(*name).map(PathBuf::from)
        });
        Around {
            own: own.collect(),
            worktree,
            guarded,
            others,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::agent::tests::yard::Yard;

    fn seen(tool: &str, args: &Value) -> Vec<&'static str> {
        let yard = Yard::new();
        let effect = yard.registry.get(tool).ok().map(|one| one.card.side_effect);
        let call = Looked { tool, effect, args };
        let seen = look(call, &yard.world, &Redactor::patterns());
        seen.iter().map(|signal| signal.name()).collect()
    }

    #[test]
    fn calls_show_what_they_are() {
        let key = "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB";
        for (tool, args, expected) in [
            ("file.read", json!({ "path": ".git/config" }), &[][..]),
            (
                "file.write",
                json!({ "path": ".git/hooks/x", "content": "" }),
                &["command.runner_state"],
            ),
            (
                "file.write",
                json!({ "path": "src/../.GIT/config", "content": "" }),
                &["command.runner_state"],
            ),
            (
                "file.write",
                json!({ "path": "src/a", "content": ".git" }),
                &[],
            ),
            (
                "file.write",
                json!({ "path": "a", "content": key }),
                &["call.secret"],
            ),
            (
                "file.move",
                json!({ "from": "a", "to": ".git" }),
                &["command.runner_state"],
            ),
            (
                "file.patch",
                json!({ "patch": "--- /dev/null\n+++ b/.git/x\n@@ -0,0 +1,1 @@\n+x\n" }),
                &["command.runner_state"],
            ),
            (
                "file.patch",
                json!({ "patch": "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n-x\n+.git\n" }),
                &[],
            ),
            ("git.commit", json!({ "message": "x" }), &["call.commits"]),
            (
                "git.commit",
                json!({ "message": key }),
                &["call.commits", "call.secret"],
            ),
            (
                "shell.exec",
                json!({ "command": "npm i x" }),
                &["command.install_unpinned"],
            ),
            (
                "shell.exec",
                json!({ "argv": ["sh", "-c", "npm i x"] }),
                &["command.install_unpinned"],
            ),
            (
                "shell.exec",
                json!({ "argv": ["git", "commit", "-m", "git commit --no-verify"] }),
                &["call.commits"],
            ),
            (
                "shell.exec",
                json!({ "command": "rm ../.git", "cwd": "src" }),
                &["command.runner_state"],
            ),
            (
                "shell.exec",
                json!({ "command": "curl https://x" }),
                &["command.reaches_network"],
            ),
            ("shell.exec", json!({ "command": 1, "argv": [2] }), &[]),
            ("no.such", json!([1, { "x": "npm i x" }]), &[]),
        ] {
            let mut expected = expected.to_vec();
            let mut found = seen(tool, &args);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{tool} {args}");
        }
    }
}
