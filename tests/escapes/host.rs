//! The machine of a person, as far as a session must not reach it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::fingerprint::Fingerprint;
use super::table::{PRELUDE, SECRET};
use crate::yard::Yard;

/// What holds everything in a setting back, the person too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setting {
    /// Whether sessions have a view of their own.
    pub own_view: bool,
    /// Who everything runs as, if not as whoever runs the tests.
    pub user: Option<u32>,
}

impl Setting {
    pub fn is_root(self) -> bool {
        self.user.is_none() && rustix::process::getuid().is_root()
    }
}

/// A yard, and a shell of the person in which everything is started.
pub struct Host {
    pub yard: Yard,
    shell: Child,
    lines: ChildStdin,
    answers: BufReader<ChildStdout>,
}

const TOOL: &str = include_str!("tool.c");

/// Files of the home directory, and others that no session may read. They say so.
const SECRETS: [&str; 10] = [
    "home/.ssh/id_ed25519",
    "home/.aws/credentials",
    "home/.config/gh/hosts.yml",
    "home/.git-credentials",
    "home/.netrc",
    "home/.bashrc",
    "home/.gitconfig",
    "home/targets/unread",
    "repo/keys.env",
    "repo/untracked",
];

/// Files that attempts at gaps change, one each, so that it shows which one did.
const TARGETS: [&str; 6] = ["mode", "time", "xattr", "kept", "owner", "size"];

/// What the person has besides: a session, processes, sockets, memory, a repository. `$MARK` is in the
/// name or environment of all that attempts start.
const BELONGINGS: &str = r#"
cd "$F/repo"
git stash -q
echo TOLD-stash > README.md; git stash -q
echo SECRET-main >> keys.env
mkdir -p "$F/received" "$F/ran" "$H/private" "$H/.cargo/bin"
printf '#!/bin/sh\n' > "$H/.cargo/bin/cargo-mine"; chmod +x "$H/.cargo/bin/cargo-mine"
ln -s /nowhere/told "$H/targets/link"
printf '%4711s' x > "$H/targets/size"
chmod 600 "$H/targets"/[!l]*
"$F/repo/tool" setxattr "$H/targets/kept" >/dev/null
(cd "$H/private"; git init -q; echo SECRET-private > secret; git add .; git commit -qm private)
P=$(git -C "$H/private" rev-parse HEAD)
PX=$(cd "$H/private/.git/objects"; ls -d ?? | tr '\n' ' ')
"$T" run -q --name other --scope ./other -- sh -c ': SECRET-store; echo "SECRET""-output"; echo "SECRET""-other" > keys.env; echo 1 > other' > "$F/other.log" 2>&1
O=$("$T" open other)
OG=$(sed 's/^gitdir: //' "$O/.git")
cd "$F"
touch "$F/received/agent" "$F/received/abstract"
"$F/repo/tool" listen "$H/agent.sock" "$F/received/agent" 2>"$F/listen.log" & S1=$!
"$F/repo/tool" listen "@$A" "$F/received/abstract" 2>>"$F/listen.log" & S2=$!
env SECRET=SECRET-environ sleep 600 & V=$!
perl -e 'sleep 600' TOLD-command-line & V2=$!
M=$("$F/repo/tool" shm TOLD-memory)
M2=$("$F/repo/tool" shm gone)
"#;

impl Host {
    /// `attempts` are further files of the repository.
    pub fn new(setting: Setting, attempts: &[(String, String)]) -> Self {
        let yard = Yard::confined();
        let folder = yard.folder.path().to_owned();
        for path in SECRETS {
            let text = format!("# {SECRET}{path}\n");
            write(&folder.join(path), &text);
        }
        for name in TARGETS {
            write(&folder.join("home/targets").join(name), "as it was\n");
        }
        write(&folder.join("home/config/treeyard/config.toml"), SETTINGS);
        for (path, text) in attempts {
            yard.write(path, text);
        }
        yard.write("try/prelude", PRELUDE);
        yard.write(".gitignore", "keys.env\nuntracked\n");
        std::fs::write(folder.join("tool.c"), TOOL).unwrap();
        let made = Command::new("cc")
            .args(["-O1", "-o"])
            .arg(yard.repo().join("tool"))
            .arg(folder.join("tool.c"))
            .status();
        assert!(made.is_ok_and(|status| status.success()), "`cc` is needed");
        yard.git(&["add", "-A"]);
        yard.git(&["commit", "-qm", "Attempts"]);
        let mut host = Self::start(yard, setting);
        let said = host.says(BELONGINGS);
        assert!(said.is_empty(), "{said}");
        host
    }

    fn start(yard: Yard, setting: Setting) -> Self {
        let folder = yard.folder.path().to_owned();
        let program = program_for(setting.user, &folder);
        let (first, args) = match setting.own_view {
            true => ("sh".into(), Vec::new()),
            false => (program.clone(), yard.held_to_standard()),
        };
        let mut command = yard.command(first);
        command
            .args(args)
            .env("F", &folder)
            .env("H", folder.join("home"))
            .env("T", &program)
            .env("A", folder.file_name().unwrap())
            .env("TOKEN", format!("{SECRET}token"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(user) = setting.user {
            give(&folder, user);
            command.uid(user).gid(user);
        }
        let mut shell = command.spawn().unwrap();
        let lines = shell.stdin.take().unwrap();
        let answers = BufReader::new(shell.stdout.take().unwrap());
        Self {
            yard,
            shell,
            lines,
            answers,
        }
    }

    /// What lines say, run by the person's shell.
    pub fn says(&mut self, lines: &str) -> String {
        let said = self.yard.folder.path().join("said");
        let end = "echo done >&8";
        let text =
            format!("exec 8>&1\n{{ {lines}\n}} > \"$F/said\" 2>&1 < /dev/null\n{end}\nexec 8>&-\n");
        self.lines.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n", "the shell is gone, after {lines}");
        String::from_utf8_lossy(&std::fs::read(said).unwrap()).into_owned()
    }

    /// The level that is reached.
    pub fn level(&mut self) -> String {
        let said = self.says("\"$T\" sandbox probe --json");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        said["level"].as_str().unwrap().to_owned()
    }

    pub fn fingerprint(&mut self) -> Fingerprint {
        let processes = self.says(
            r#"
cd "$F/repo"
for p in "$V" "$V2" "$S1" "$S2"; do
    echo "state-$p $(sed 's/.*) //' /proc/$p/stat | cut -c1 | tr R S)"
    echo "limits-$p $(cksum < /proc/$p/limits)"
    echo "priority-$p $(cut -d')' -f2 /proc/$p/stat | cut -d' ' -f17-18) $(ionice -p $p)"
    echo "oom-$p $(cat /proc/$p/oom_score_adj)"
done
echo "affinity $(grep Cpus_allowed: /proc/$V/status)"
echo "survivors $(grep -lz "planted[-]$A" /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null)"
echo "memory $(ipcs -m | grep -c " $M2 ")"
echo "private $(git -C "$F/repo" cat-file -t "$P" 2>&1)"
echo "other $("$T" events --session other --json | cksum)"
echo "verified $("$T" events verify | grep -c intact)"
"#,
        );
        Fingerprint::of(self.yard.folder.path(), &processes)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _gone_already = self
            .lines
            .write_all(b"kill $V $V2 $S1 $S2\nipcrm -m $M; ipcrm -m $M2 2>/dev/null\nexit\n");
        let _ = self.shell.wait();
    }
}

/// What an attempt at using something up runs into.
/// What the runner keeps of sessions would stand among the changes that are looked for.
const SETTINGS: &str = "[checkpoints]\nrecord = false\n[sandbox]\nfile_size = \"8MiB\"\nopen_files = 256\ncpu = \"1s\"\n[limits]\nmax_concurrent_sessions = 6\ngrace_seconds = 1\n";

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn give(folder: &Path, user: u32) {
    let owner = format!("{user}:{user}");
    let given = Command::new("chown")
        .args(["-R", &owner])
        .arg(folder)
        .status();
    assert!(given.unwrap().success());
}

/// The program, or a copy that the user can start.
fn program_for(user: Option<u32>, folder: &Path) -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_treeyard"));
    let Some(user) = user else { return program };
    let mut trial = Command::new(&program);
    let trial = trial.arg("--version").stdout(Stdio::null());
    if trial
        .uid(user)
        .gid(user)
        .status()
        .is_ok_and(|s| s.success())
    {
        return program;
    }
    let copy = folder.join("program/treeyard");
    std::fs::create_dir(copy.parent().unwrap()).unwrap();
    std::fs::copy(program, &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
    copy
}
