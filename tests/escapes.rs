//! What sessions try in order to change or read what is not theirs: nothing comes of it, and where something
//! does, `docs/threat-model.md` says so.

use std::collections::BTreeSet;
use std::fmt::Write as _;

#[path = "escapes/beside.rs"]
mod beside;
#[path = "escapes/changing.rs"]
mod changing;
#[path = "escapes/fingerprint.rs"]
mod fingerprint;
#[path = "escapes/git.rs"]
mod git;
#[path = "escapes/host.rs"]
mod host;
#[path = "escapes/left.rs"]
mod left;
#[path = "escapes/reading.rs"]
mod reading;
#[path = "escapes/table.rs"]
mod table;

use host::{Host, Setting};
use table::{Attempt, SECRET, Sign};

/// Attempts that share a session.
const TOGETHER: [(&str, &[Attempt]); 6] = [
    ("reading", reading::FILES),
    ("looking", reading::PROCESSES),
    ("changing", changing::FILES),
    ("meddling", changing::PROCESSES),
    ("inside", git::INSIDE),
    ("payloads", git::PAYLOADS),
];
/// Attempts with a session each, and how long one may take.
const ALONE: [(&str, &[Attempt], &str); 3] = [
    ("led", git::LED_ELSEWHERE, "60s"),
    ("behind", left::BEHIND, "60s"),
    ("used-up", left::USED_UP, "3s"),
];

#[test]
fn nothing_comes_of_them() {
    try_all(Setting {
        own_view: true,
        user: None,
    });
}

#[test]
fn without_a_view_of_ones_own_there_are_gaps() {
    try_all(Setting {
        own_view: false,
        user: None,
    });
}

#[test]
fn nor_as_another_user() {
    if_root(|| {
        try_all(Setting {
            own_view: true,
            user: Some(65534),
        });
    });
}

#[test]
fn nor_as_another_user_without_a_view_but_for_the_gaps() {
    if_root(|| {
        try_all(Setting {
            own_view: false,
            user: Some(65534),
        });
    });
}

fn if_root(test: impl FnOnce()) {
    match rustix::process::getuid().is_root() {
        true => test(),
        false => println!("skipped: only root can become another user"),
    }
}

/// A session, and what it tries.
struct Session {
    name: String,
    attempts: Vec<Attempt>,
    timeout: &'static str,
    together: bool,
}

fn sessions() -> Vec<Session> {
    let together = TOGETHER.iter().map(|(name, attempts)| Session {
        name: format!("try-{name}"),
        attempts: attempts.to_vec(),
        timeout: "60s",
        together: true,
    });
    let alone = ALONE.iter().flat_map(|(name, attempts, timeout)| {
        attempts.iter().enumerate().map(move |(n, one)| Session {
            name: format!("try-{name}-{n}"),
            attempts: vec![*one],
            timeout,
            together: false,
        })
    });
    // Those that wait for their time limit come first.
    let mut all: Vec<Session> = together.chain(alone).collect();
    all.reverse();
    all
}

impl Session {
    /// The files that its jobs run, by path.
    fn files(&self) -> Vec<(String, String)> {
        let each = self.attempts.iter().enumerate();
        let mut files: Vec<(String, String)> = each
            .flat_map(|(n, one)| {
                let script = |lines: &str| format!(". try/prelude\n{lines}\n");
                [
                    (format!("try/{}.{n}.first", self.name), script(one.first)),
                    (format!("try/{}.{n}.then", self.name), script(one.lines)),
                ]
            })
            .collect();
        for job in ["first", "then"] {
            let mut text = String::from("exec 3>&1\nexport SUP=$PPID MARK\n");
            for n in 0..self.attempts.len() {
                let file = format!("try/{}.{n}.{job}", self.name);
                let line = match self.together {
                    true => format!("echo '=== {n}'; timeout 10 sh {file} 2>&1"),
                    false => format!(". {file}"),
                };
                let _infallible = writeln!(text, "{line}");
            }
            files.push((format!("try/{}.{job}", self.name), text));
        }
        files
    }

    /// Its part of a plan.
    fn task(&self) -> String {
        let job = |job: &str| format!("[\"sh\", \"try/{}.{job}\"]", self.name);
        let setup = match self.attempts.iter().any(|one| !one.first.is_empty()) {
            true => format!("setup = [{}]\n", job("first")),
            false => String::new(),
        };
        let variables = "F H T R O OG V V2 A M M2 P PX MARK".split(' ');
        let further = self.attempts.iter().map(|one| one.variable.to_owned());
        let env: Vec<String> = variables
            .map(|name| format!("{name} = \"${name}\""))
            .chain(further.filter(|variable| !variable.is_empty()))
            .collect();
        format!(
            "[[task]]\nname = \"{}\"\nscope = [\"./{0}\"]\nrun = {}\n{setup}timeout = \"{}\"\nenv = {{ {} }}\n",
            self.name,
            job("then"),
            self.timeout,
            env.join(", ")
        )
    }
}

fn try_all(setting: Setting) {
    let sessions = sessions();
    let files: Vec<_> = sessions.iter().flat_map(Session::files).collect();
    let mut host = Host::new(setting, &files);
    let level = match setting.own_view {
        true => "strict",
        false => "standard",
    };
    if host.level() != level {
        println!("skipped: the level {level} is not reached here");
        return;
    }
    let before = host.fingerprint();
    let ran = run(&mut host, &sessions);
    let after = host.fingerprint();
    let mut found = BTreeSet::new();
    let mut expected = BTreeSet::new();
    let mut wrong = Vec::new();
    for (attempt, said) in said(&mut host, &sessions) {
        let sign = attempt.gap.sign(setting.own_view, setting.is_root());
        expected.extend(sign);
        let is_said = |sign: &Sign| matches!(sign, Sign::Says(text) if said.contains(text));
        found.extend(attempt.gap.known().filter(is_said));
        if said.contains(SECRET) {
            wrong.push(format!("{} found out: {said}", attempt.name));
        }
    }
    for name in before.changes(&after) {
        let is_known = |sign: &&Sign| matches!(sign, Sign::Changes(path) if *path == name);
        match expected.iter().find(is_known) {
            Some(sign) => drop(found.insert(*sign)),
            None => wrong.push(format!("changed: {}", before.told(&after, &name))),
        }
    }
    let count: usize = sessions.iter().map(|session| session.attempts.len()).sum();
    println!(
        "{count} attempts at level {level}, {} of them at gaps",
        found.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}\n{ran}");
    assert_eq!(found, expected, "{ran}");
}

/// What the sessions came to.
fn run(host: &mut Host, sessions: &[Session]) -> String {
    let tasks: String = sessions.iter().map(Session::task).collect();
    host.says(&format!(
        "cd $F/repo; R=$F/repo; MARK=planted-$A\ncat > $F/plan.toml <<END\n{tasks}\nEND\n$T run $F/plan.toml"
    ))
}

/// What each attempt said, in both jobs.
fn said(host: &mut Host, sessions: &[Session]) -> Vec<(Attempt, String)> {
    let names: Vec<&str> = sessions
        .iter()
        .map(|session| session.name.as_str())
        .collect();
    let all = host.says(&format!(
        "for n in {}; do echo \"##### $n\"; $T logs $n; done",
        names.join(" ")
    ));
    let of_sessions = all.split("##### ").skip(1);
    let each = sessions
        .iter()
        .zip(of_sessions)
        .flat_map(|(session, said)| {
            assert!(said.starts_with(&session.name), "{said}");
            let said: Vec<String> = match session.together {
                true => said.split("\n=== ").skip(1).map(str::to_owned).collect(),
                false => vec![said.to_owned()],
            };
            assert_eq!(
                said.len(),
                session.attempts.len(),
                "{}: {said:?}",
                session.name
            );
            session.attempts.iter().copied().zip(said)
        });
    each.collect()
}
