//! A repository in which ways around are tried, and what is found afterwards.

use std::fmt;
use std::path::{Path, PathBuf};

use super::table::{By, Ends, Hook, PRELUDE, Way, When};
use crate::yard::{Yard, text};

const UNCONFINED: &str =
    "sandbox = { level = \"none\", reason = \"to see what holds without it\" }\n";

/// What became of one way.
#[derive(Debug)]
pub struct Tried {
    name: &'static str,
    when: When,
    end: String,
    /// Changes on the target that nobody claimed.
    pub beyond: usize,
    /// What was otherwise than the table says.
    pub wrong: Option<String>,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = format!("{:?}", self.when).to_lowercase();
        write!(f, "{:44} {when:10}  {}", self.name, self.end)
    }
}

/// A session that goes one way.
struct Session<'g> {
    ground: &'g Ground,
    way: &'g Way,
    name: String,
    shown: serde_json::Value,
    worktree: PathBuf,
}

pub struct Ground {
    yard: Yard,
    start: String,
    outside: Vec<String>,
    refs: String,
}

impl Ground {
    /// With a history, refs that are nobody's to move, and another session whose work has not landed.
    pub fn new() -> Self {
        let yard = Yard::new();
        for (path, text) in [("src/second.txt", "old\n"), ("docs/base.md", "base\n")] {
            yard.write(path, text);
        }
        let commit = |what: &str| {
            yard.git(&["add", "-A"]);
            yard.git(&["commit", "-qm", what]);
        };
        commit("More");
        yard.write("src/second.txt", "new\n");
        commit("Newer");
        yard.git(&["branch", "other", "main~1"]);
        yard.git(&["tag", "-a", "-m", "v1", "v1"]);
        let keep = "mkdir keep; echo kept > keep/a; git add -A; git commit -qm kept";
        let keeper = ["run", "-q", "--name", "keeper", "--scope", "keep/**"];
        yard.exits(0, &[&keeper[..], &["--", "sh", "-c", keep]].concat());
        let payload = "#!/bin/sh\ntouch \"${0%/*}/ran\"\nexec cat\n";
        let program = yard.folder.path().join("payload");
        let line = "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\"";
        let mut sh = yard.command("sh");
        sh.args(["-c", line]).arg(&program).arg(payload);
        assert!(sh.status().unwrap().success());
        let mut ground = Self {
            start: yard.git(&["rev-parse", "main"]),
            outside: Vec::new(),
            refs: String::new(),
            yard,
        };
        ground.outside = ground.outside();
        ground.refs = ground.refs();
        ground
    }

    /// Lets every way be gone by a session of its own, and does what can be done to land it.
    pub fn try_all(&self, ways: &[Way], when: When, methods: [&str; 2]) -> Vec<Tried> {
        let ways: Vec<&Way> = ways.iter().filter(|way| way.can_be(when)).collect();
        if ways.is_empty() {
            return Vec::new();
        }
        let method = format!("land.method={}", methods[0]);
        self.yard
            .treeyard(&["run", "-q", "--set", &method, &self.plan(&ways, when)]);
        let mut before = 0;
        let numbered = ways.iter().enumerate();
        let tried = numbered.map(|(n, way)| {
            let mut tried = Session::find(self, n, way).tried(when, methods[1]);
            let sum = std::mem::replace(&mut before, tried.beyond);
            tried.beyond -= sum.min(tried.beyond);
            tried
        });
        let tried: Vec<Tried> = tried.collect();
        self.yard.sound();
        assert_eq!(self.refs(), self.refs, "refs of others");
        let ran = self.yard.folder.path().join("ran");
        assert!(!ran.exists(), "a program of the session ran: {tried:#?}");
        tried
    }

    /// What is proved here holds also where nothing else holds a session back.
    fn plan(&self, ways: &[&Way], when: When) -> String {
        let mut plan = format!("auto_land = {}\n", when == When::Command);
        for (n, way) in ways.iter().enumerate() {
            let before = self.given(&format!("way{n}"));
            let lines = match when {
                When::Command => format!("{before}{PRELUDE}\n( {}\n)\nexit 0\n", way.lines()),
                When::Afterwards => {
                    format!("{before}mkdir -p $D; echo 1 > $D/began; git add $D; git commit -qm b")
                }
            };
            let script = self.yard.folder.path().join(format!("way{n}.sh"));
            std::fs::write(&script, lines).unwrap();
            plan.push_str(&format!(
                "[[task]]\nname = \"way{n}\"\nscope = [\"docs/{n}/**\"]\nrun = [\"sh\", {script:?}]\n{UNCONFINED}"
            ));
        }
        self.yard.plan(&plan)
    }

    fn given(&self, name: &str) -> String {
        let n = name.trim_start_matches("way");
        let (main, payload) = (self.yard.repo(), self.yard.folder.path().join("payload"));
        // Past the shim as well, which stands first on the path of a job and denies some of it early.
        let past = "case ${PATH%%:*} in */treeyard/shims) PATH=${PATH#*:} ;; esac";
        format!("D=docs/{n}; M={main:?}; P={payload:?}\nexport P\n{past}\n")
    }

    /// What the target has beside the documents.
    fn outside(&self) -> Vec<String> {
        let all = self.yard.git(&["ls-tree", "-r", "main"]);
        let outside = all.lines().filter(|line| !line.contains("\tdocs/"));
        outside.map(str::to_owned).collect()
    }

    /// Changes nobody claimed: in the tree of the target, and in a commit of its history.
    fn beyond(&self) -> usize {
        let now = self.outside();
        let differ = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).count();
        let range = format!("{}..main", self.start.trim_end());
        let log = [
            "log",
            "--no-merges",
            "--no-renames",
            "--name-only",
            "--format=",
        ];
        let log = self.yard.git(&[&log[..], &[&range]].concat());
        let made = log
            .lines()
            .filter(|path| !path.is_empty() && !path.starts_with("docs/"));
        differ(&now, &self.outside) + differ(&self.outside, &now) + made.count()
    }

    /// Everything but the target and the sessions' own branches.
    fn refs(&self) -> String {
        let all = self.yard.git(&["for-each-ref"]);
        let others = all.lines().filter(|line| {
            ["/heads/main", "/heads/ty/way", "/treeyard/"]
                .iter()
                .all(|own| !line.contains(&format!("refs{own}")))
        });
        others.map(|line| format!("{line}\n")).collect()
    }
}

impl<'g> Session<'g> {
    fn find(ground: &'g Ground, n: usize, way: &'g Way) -> Self {
        let name = format!("way{n}");
        let shown = ground.yard.json(&["show", &name])["session"].clone();
        Self {
            worktree: shown["worktree"].as_str().unwrap_or_default().into(),
            shown,
            ground,
            way,
            name,
        }
    }

    fn tried(&self, when: When, method: &str) -> Tried {
        let (went, mut said) = match when {
            When::Command => (
                self.yard().exits(0, &["logs", &self.name]),
                self.said("reason"),
            ),
            When::Afterwards => (self.go(), String::new()),
        };
        let as_found = when == When::Afterwards || self.said("state") == "BLOCKED";
        let mut landed = !self.said("landed_commit").is_empty();
        if !landed {
            let done = self.land(&["--method", method]);
            landed = done.status.success();
            said.push_str(&text(&done.stderr));
        }
        let rest = !landed && self.land(&["--only-in-scope"]).status.success();
        Tried {
            name: self.way.name,
            when,
            end: self.end(landed, rest),
            beyond: self.ground.beyond(),
            wrong: self.wrong(&went, &said, landed, as_found),
        }
    }

    /// In the worktree, by a person.
    fn go(&self) -> String {
        let lines = match self.way.by {
            By::Shell(lines) => lines,
            By::Library(go) => {
                go(&self.worktree);
                return String::new();
            }
        };
        let given = self.ground.given(&self.name);
        let lines = format!("{given}{PRELUDE}B=$(git rev-parse $B~1)\n( {lines}\n) 2>&1");
        let mut sh = self.yard().command("sh");
        let done = sh.current_dir(&self.worktree).args(["-c", &lines]).output();
        text(&done.unwrap().stdout)
    }

    fn land(&self, more: &[&str]) -> std::process::Output {
        let land = [&["land", &self.name], more].concat();
        self.yard().treeyard(&land)
    }

    fn end(&self, landed: bool, rest: bool) -> String {
        let hook = match self.way.hook {
            Hook::Refuses => "refused by a hook",
            Hook::Passed => "past the hooks",
        };
        let end = match (landed, rest) {
            (true, _) => "only what was claimed landed",
            (_, true) => "not landed; the rest is",
            _ => "not landed, nor a part",
        };
        format!("{hook:18}  {end}")
    }

    fn wrong(&self, went: &str, said: &str, landed: bool, blocked: bool) -> Option<String> {
        let as_told = match self.way.ends {
            Ends::Lands => landed,
            Ends::Said(what) => !landed && blocked && said.contains(what),
            Ends::Commit(path) => !landed && blocked && self.commit_is_named(said, path),
        };
        let refused = went.contains("treeyard: refused");
        let hook_as_told = refused == (self.way.hook == Hook::Refuses);
        (!as_told || !hook_as_told)
            .then(|| format!("as told {as_told}, hook {hook_as_told}\n{went}\n{said}"))
    }

    /// Whether one of the commits that were said changes the path; looked up past replacements, and
    /// without a configuration of the session's.
    fn commit_is_named(&self, said: &str, path: &str) -> bool {
        let own = Path::new(".git-private").join(self.worktree.file_name().unwrap_or_default());
        let objects = self.worktree.with_file_name("").join(own).join("objects");
        let changes = |commit: &str| {
            let mut git = self.yard().command("git");
            git.env("GIT_ALTERNATE_OBJECT_DIRECTORIES", &objects)
                .env("GIT_NO_REPLACE_OBJECTS", "1");
            let args = [
                "diff-tree",
                "-r",
                "-m",
                "--root",
                "--no-renames",
                "--name-only",
            ];
            let done = git.args(args).arg(commit).output().unwrap();
            let below = format!("{path}/");
            let is_it = |line: &str| line == path || line.starts_with(&below);
            text(&done.stdout).lines().any(is_it)
        };
        let words = said.split(|c: char| !c.is_ascii_hexdigit());
        said.contains(path) && words.filter(|word| word.len() == 10).any(changes)
    }

    fn said(&self, key: &str) -> String {
        self.shown[key].as_str().unwrap_or_default().to_owned()
    }

    fn yard(&self) -> &'g Yard {
        &self.ground.yard
    }
}
