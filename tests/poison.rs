//! Configuration and attributes that make git run programs, planted in the repository and by a session in
//! its own git directory. No treeyard command runs any of them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::odd::program;
use crate::yard::{Yard, text};

/// A key, and what it is set to; `P` stands for a program that writes down the key.
const KEYS: [(&str, &str); 38] = [
    ("alias.status", "!P"),
    ("browser.evil.cmd", "P"),
    ("commit.gpgSign", "true"),
    ("core.alternateRefsCommand", "P"),
    ("core.askPass", "P"),
    ("core.editor", "P"),
    ("core.fsmonitor", "P"),
    ("core.gitProxy", "P"),
    ("core.pager", "P"),
    ("core.sshCommand", "P"),
    ("credential.helper", "!P"),
    ("diff.evil.command", "P"),
    ("diff.evil.textconv", "P"),
    ("diff.external", "P"),
    ("difftool.evil.cmd", "P"),
    ("filter.evil.clean", "P"),
    ("filter.evil.process", "P"),
    ("filter.evil.required", "true"),
    ("filter.evil.smudge", "P"),
    ("gc.recentObjectsHook", "P"),
    ("gpg.program", "P"),
    ("gpg.ssh.program", "P"),
    ("gpg.x509.program", "P"),
    ("hook.evil.command", "P"),
    ("interactive.diffFilter", "P"),
    ("log.showSignature", "true"),
    ("merge.evil.driver", "P %O %A %B"),
    ("mergetool.evil.cmd", "P"),
    ("pager.diff", "P"),
    ("protocol.ext.allow", "always"),
    ("receive.procReceiveRefs", "refs"),
    ("remote.origin.url", "ext::P"),
    ("sequence.editor", "P"),
    ("submodule.sub.update", "!P"),
    ("tag.gpgSign", "true"),
    ("trailer.treeyard-task.cmd", "P"),
    ("trailer.treeyard-session.command", "P"),
    ("uploadpack.packObjectsHook", "P"),
];

const HOOKS: [&str; 13] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "prepare-commit-msg",
    "reference-transaction",
];

/// A folder outside, in which what runs leaves its name.
struct Trap<'y> {
    yard: &'y Yard,
    ran: PathBuf,
}

impl<'y> Trap<'y> {
    fn new(yard: &'y Yard) -> Self {
        let ran = yard.folder.path().join("ran");
        Self { yard, ran }
    }

    fn program(&self, name: &str) -> String {
        let line = format!("echo '{name}' >> '{}'; cat; exit 1", self.ran.display());
        program(self.yard, &format!("trap/{name}"), &line)
    }

    /// Configuration that sets every key, for the end of a file.
    fn config(&self) -> String {
        let line = |(key, value): &(&str, &str)| {
            let (section, name) = key.rsplit_once('.').unwrap();
            let section = match section.split_once('.') {
                Some((one, other)) => format!("{one} \"{other}\""),
                None => section.to_owned(),
            };
            let value = value.replace('P', &self.program(key));
            format!("[{section}]\n\t{name} = \"{value}\"\n")
        };
        KEYS.iter().map(line).collect()
    }

    fn plant(&self, git_dir: &Path) {
        let config = git_dir.join("config");
        let before = fs::read_to_string(&config).unwrap_or_default();
        fs::write(&config, before + &self.config()).unwrap();
        for hook in HOOKS {
            let to = git_dir.join("hooks").join(hook);
            let _a_sample = fs::remove_file(&to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(self.program(hook), to).unwrap();
        }
        fs::create_dir_all(git_dir.join("info")).unwrap();
        fs::write(
            git_dir.join("info/attributes"),
            "* diff=evil merge=evil filter=evil\n",
        )
        .unwrap();
    }

    fn nothing_ran(&self, after: &str) {
        let ran = fs::read_to_string(&self.ran).unwrap_or_default();
        assert_eq!(ran, "", "after {after}");
    }

    /// Runs each command, whatever comes of it but a crash.
    fn springs_not(&self, commands: &[&[&str]]) -> Vec<Option<i32>> {
        let run = |args: &&[&str]| {
            let done = self.yard.treeyard(args);
            let said = text(&done.stderr);
            assert!(!said.contains("panicked"), "{args:?}: {said}");
            self.nothing_ran(&format!("{args:?} ({said})"));
            done.status.code()
        };
        commands.iter().map(run).collect()
    }
}

fn repository() -> Yard {
    let yard = Yard::new();
    yard.write("docs/a.md", "one\n");
    yard.write(".gitattributes", "* diff=evil merge=evil filter=evil\n");
    yard.git(&["add", "-A"]);
    yard.git(&["commit", "-qm", "Docs"]);
    yard
}

#[test]
fn the_trap_works() {
    let yard = repository();
    let trap = Trap::new(&yard);
    trap.plant(&yard.repo().join(".git"));
    yard.write("docs/a.md", "two\n");
    let _refused = yard.command("git").args(["commit", "-qam", "x"]).output();
    let _refused = yard.command("git").args(["diff"]).output();
    let ran = fs::read_to_string(&trap.ran).unwrap();
    for name in ["core.fsmonitor", "filter.evil.process"] {
        assert!(ran.contains(name), "{ran}");
    }
}

#[test]
fn a_poisoned_repository_runs_nothing() {
    let yard = repository();
    let trap = Trap::new(&yard);
    trap.plant(&yard.repo().join(".git"));
    let work = "echo more >> docs/a.md; echo new > docs/new.md; echo x > left";
    let half = format!("{work}; git add docs && git commit -qm inside; echo y >> docs/a.md");
    let plan = yard.plan(
        "[[task]]\nname = \"p\"\nrun = [\"sh\", \"-c\", \"echo p > p\"]\n\
         [[task]]\nname = \"q\"\nafter = [\"p\"]\nrun = [\"sh\", \"-c\", \"echo q > q\"]\n",
    );
    let codes = trap.springs_not(&[
        &["plan", "check", &plan],
        &["run", "--name", "one", "--", "sh", "-c", &half],
        &["ls"],
        &["show", "one"],
        &["diff", "one"],
        &["logs", "one"],
        &["land", "one"],
    ]);
    assert_eq!(codes, [Some(0); 7]);
    for method in ["squash", "merge", "rebase"] {
        let name = format!("by-{method}");
        let line = format!("{half}; echo {method} > {method}");
        let codes = trap.springs_not(&[
            &["run", "--name", &name, "--", "sh", "-c", &line],
            &["land", &name, "--method", method],
        ]);
        assert_eq!(codes, [Some(0); 2], "{method}");
    }
    trap.springs_not(&[
        &["run", "--auto-land", &plan],
        &[
            "run",
            "--name",
            "bad",
            "--",
            "sh",
            "-c",
            &format!("{half}; exit 1"),
        ],
        &["retry", "bad"],
        &["cancel", "bad"],
        &["up"],
        &["submit", "--name", "later", "--", "sh", "-c", &half],
        &["down"],
        &["open", "bad"],
        &["pause", "later"],
        &["resume", "later"],
        &["priority", "later", "9"],
        &["scope", "request", "--session", "later", "x/**"],
        &["claim", "claimed/**", "--for", "1h"],
        &["locks", "ls"],
        &["locks", "explain", "later"],
        &["locks", "override", "--once", "docs/a.md", "--reason", "x"],
        &["release"],
        &["events", "verify"],
        &["artifacts", "ls"],
        &["config", "show"],
        &["hooks", "status"],
        &["hooks", "install"],
        &["doctor"],
        &["doctor", "--fix"],
        &["hooks", "uninstall"],
        &["cancel", "later"],
        &["gc", "--set", "retention.sessions_days=0"],
        &["salvage", "ls"],
        &["salvage", "restore", "bad", "--branch", "back"],
        &["doctor", "--fix"],
    ]);
}

/// What a session plants in its own git directory is run by nobody who looks at its work.
#[test]
fn a_session_that_poisons_its_own_git_directory_runs_nothing() {
    let yard = repository();
    let trap = Trap::new(&yard);
    let config = yard.folder.path().join("config");
    fs::write(&config, trap.config()).unwrap();
    let work = "echo more >> docs/a.md; git commit -qam inside; echo left > left";
    let plants = format!(
        "{work}; echo '* filter=evil diff=evil' > .gitattributes; cat '{}' >> \"$(git rev-parse --git-dir)/config\"",
        config.display()
    );
    let run = |name: &str, line: &str| {
        let args = ["run", "-q", "--name", name, "--", "sh", "-c", line];
        trap.springs_not(&[&args])
    };
    assert_eq!(run("during", &plants), [Some(0)]);
    run("failed", &format!("{plants}; exit 1"));
    trap.springs_not(&[&["land", "during"], &["retry", "failed"], &["doctor"]]);
    for (name, end) in [("landed", "land"), ("removed", "gc")] {
        assert_eq!(run(name, work), [Some(0)]);
        let place = yard.exits(0, &["open", name]);
        let place = Path::new(place.trim_end());
        let git_file = fs::read_to_string(place.join(".git")).unwrap();
        let git_dir = git_file.trim_start_matches("gitdir: ").trim_end();
        trap.plant(Path::new(git_dir));
        fs::write(place.join(".gitattributes"), "* filter=evil diff=evil\n").unwrap();
        fs::write(place.join("docs/a.md"), "changed later\n").unwrap();
        let codes = trap.springs_not(&[
            &["ls"],
            &["show", name],
            &["diff", name],
            &["locks", "explain", name],
            &["doctor"],
            &["open", name],
        ]);
        let not_opened = Some(6);
        assert_eq!(codes[..4], [Some(0); 4], "{name}");
        assert_eq!(codes[5], not_opened, "{name}");
        match end {
            "land" => trap.springs_not(&[&["land", name]]),
            _ => trap.springs_not(&[&["gc", "--set", "retention.sessions_days=0"]]),
        };
    }
    trap.springs_not(&[
        &["doctor", "--fix"],
        &["gc", "--set", "retention.sessions_days=0"],
        &["salvage", "ls"],
        &["salvage", "restore", "failed", "--branch", "back"],
        &["doctor"],
    ]);
}
