//! A scratch repository for tests with the real program, real git and real processes.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A repository of its own, with a home and a git configuration of its own.
pub struct Yard {
    pub folder: tempfile::TempDir,
    /// The folder in which commands run.
    pub place: PathBuf,
}

impl Yard {
    pub fn new() -> Self {
        let yard = Self::confined();
        yard.configure("");
        yard
    }

    /// One whose sessions reach nothing beside the repository.
    pub fn confined() -> Self {
        let yard = Self {
            folder: tempfile::tempdir().unwrap(),
            place: "repo".into(),
        };
        std::fs::create_dir_all(yard.repo()).unwrap();
        yard.git(&["init", "-q", "-b", "main"]);
        yard.write("README.md", "# Yard\n");
        yard.write("src/lib.txt", "one\ntwo\nthree\n");
        yard.git(&["add", "-A"]);
        yard.git(&["commit", "-qm", "Start"]);
        yard
    }

    /// Writes the person's own settings anew. Commands of tests leave marks beside the repository, and some go
    /// where they should not.
    pub fn configure(&self, more: &str) {
        let settings = self.folder.path().join("home/config/treeyard");
        std::fs::create_dir_all(&settings).unwrap();
        let folder = self.folder.path().display();
        let text = format!("{more}\n[sandbox]\nwrite = [\"{folder}\"]\n");
        std::fs::write(settings.join("config.toml"), text).unwrap();
    }

    /// Gives sessions that name none a model `test`, which answers from this script; `more` is for `[agent]`.
    pub fn plays(&self, script: &str, more: &str) {
        let file = self.folder.path().join("script.toml");
        std::fs::write(&file, format!("format = 1\n{script}")).unwrap();
        self.configure(&format!(
            "[providers.play]\nwire = \"scripted\"\nscript = \"{}\"\n[models.test]\nprovider = \"play\"\n\
             [agent]\nmodel = \"test\"\n{more}",
            file.display()
        ));
    }

    pub fn repo(&self) -> PathBuf {
        self.folder.path().join(&self.place)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let home = self.folder.path().join("home");
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Test")
            .env("GIT_AUTHOR_EMAIL", "test@localhost")
            .env("GIT_COMMITTER_NAME", "Test")
            .env("GIT_COMMITTER_EMAIL", "test@localhost");
        command
    }

    /// Arguments by which a shell and all that it starts get no namespaces, and so no view of their own, but
    /// may change everything.
    pub fn held_to_standard(&self) -> Vec<String> {
        let folder = self.folder.path();
        let entry = serde_json::json!({
            "program": "/bin/sh",
            "cwd": folder,
            "refused": folder.join("refused"),
            "confinement": {
                "system": [], "hidden": [], "read": [], "write": ["/"], "tmp": null,
                "view": "whole", "network": "open",
                "limits": { "cpu_seconds": null, "file_bytes": null, "open_files": null },
            },
        });
        vec!["__confined".to_owned(), entry.to_string(), "sh".to_owned()]
    }

    pub fn git(&self, args: &[&str]) -> String {
        let output = self.command("git").args(args).output().unwrap();
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    pub fn treeyard(&self, args: &[&str]) -> Output {
        self.command(env!("CARGO_BIN_EXE_treeyard"))
            .args(args)
            .output()
            .unwrap()
    }

    /// Runs it and insists on an exit code; gives standard output.
    pub fn exits(&self, code: i32, args: &[&str]) -> String {
        let output = self.treeyard(args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}\n{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        let args: Vec<&str> = std::iter::once("--json")
            .chain(args.iter().copied())
            .collect();
        serde_json::from_str(&text(&self.treeyard(&args).stdout)).unwrap()
    }

    /// The events of one type, oldest first.
    pub fn events(&self, type_id: &str) -> Vec<serde_json::Value> {
        let events = self.json(&["events"]);
        let all = events["events"].as_array().unwrap().iter();
        all.filter(|event| event["event_type"] == type_id)
            .cloned()
            .collect()
    }

    pub fn plan(&self, toml: &str) -> String {
        let path = self.folder.path().join("plan.toml");
        std::fs::write(&path, toml).unwrap();
        path.display().to_string()
    }

    pub fn state_of(&self, name: &str) -> String {
        let sessions = self.json(&["ls", "--all"]);
        let found = sessions["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name);
        found.map_or(String::new(), |row| {
            row["state"].as_str().unwrap().to_owned()
        })
    }

    pub fn sound(&self) {
        self.exits(0, &["events", "verify"]);
        self.exits(0, &["artifacts", "verify"]);
        self.git(&["fsck", "--strict"]);
    }
}

impl Drop for Yard {
    fn drop(&mut self) {
        let _ = self.treeyard(&["down", "--cancel"]);
    }
}

/// What a session without a git directory of its own needs to run at all.
pub const UNCONFINED: [&str; 2] = ["--no-sandbox", "it shares the git directory"];

/// The flags of a run with this isolation, as `--set` takes it.
pub fn isolated(isolation: &str) -> &'static [&'static str] {
    match isolation.contains("linked") {
        true => &UNCONFINED,
        false => &[],
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(40), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
