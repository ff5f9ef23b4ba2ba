//! Real supervisors with real process trees.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use treeyard::model::job::Outcome;
use treeyard::proc::{
    Attached, Budget, Ended, ExitRecord, JobSpec, Launcher, Supervisor, attach, sweep,
};

/// One job in its own folder; every process it starts carries a variable found nowhere else.
pub struct Job {
    _root: TempDir,
    pub dir: PathBuf,
    pub cwd: PathBuf,
    mark: String,
}

impl Job {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let mark = format!("TEST_MARK={}", uuid::Uuid::now_v7());
        let dir = root.path().join(format!("job-{}", uuid::Uuid::now_v7()));
        let cwd = root.path().join("work");
        fs::create_dir(&cwd).unwrap();
        Self {
            _root: root,
            dir,
            cwd,
            mark,
        }
    }

    pub fn spec(&self, argv: &[&str]) -> JobSpec {
        let (name, value) = self.mark.split_once('=').unwrap();
        let path = std::env::var("PATH").unwrap();
        JobSpec {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            cwd: self.cwd.clone(),
            env: BTreeMap::from([("PATH".into(), path), (name.into(), value.into())]),
            confinement: None,
            budget: Budget::default(),
            timeout_ms: None,
            grace_ms: 200,
            runner_dir: None,
            door: None,
        }
    }

    fn spawn(&self, spec: &JobSpec) -> Supervisor {
        launcher().spawn(&self.dir, spec).unwrap()
    }

    pub fn run(&self, spec: &JobSpec) -> ExitRecord {
        finished(self.spawn(spec).wait_blocking().unwrap())
    }

    fn sh(&self, script: &str) -> ExitRecord {
        self.run(&self.spec(&["sh", "-c", script]))
    }

    pub fn output(&self) -> String {
        fs::read_to_string(self.dir.join("output.log")).unwrap()
    }

    pub fn survivors(&self) -> Vec<u32> {
        let pids = fs::read_dir("/proc").unwrap().flatten();
        pids.filter_map(|item| item.file_name().to_str()?.parse().ok())
            .filter(|pid| {
                fs::read(format!("/proc/{pid}/environ")).is_ok_and(|text| {
                    text.split(|byte| *byte == 0)
                        .any(|entry| entry == self.mark.as_bytes())
                })
            })
            .collect()
    }

    /// Waits until the job's script has made `count` files in its folder.
    fn until_files(&self, count: usize) {
        until(|| fs::read_dir(&self.cwd).unwrap().count() >= count);
    }
}

fn launcher() -> Launcher {
    Launcher::new(env!("CARGO_BIN_EXE_treeyard").into())
}

fn finished(ended: Ended) -> ExitRecord {
    match ended {
        Ended::Finished(record) => record,
        Ended::Lost { .. } => panic!("lost"),
    }
}

fn signal(signal: &str, pid: u32) {
    let pid = pid.to_string();
    let sent = Command::new("kill").args([signal, &pid]).status();
    assert!(sent.unwrap().success());
}

fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A setsid child, a double fork and one that ignores SIGTERM, each telling when it is there.
const STUBBORN: &str = "
setsid sh -c 'touch a; exec sleep 600' &
(sh -c 'touch b; exec sleep 600' & )
setsid sh -c 'trap \"\" TERM HUP INT; touch c; while :; do sleep 600; done' &
trap '' TERM
touch d
while :; do sleep 600; done";

/// As shells do it for a message, and some programs for a log.
#[test]
fn what_opens_its_output_anew_does_not_empty_it() {
    let job = Job::new();
    let script = "echo one; echo two > /dev/stderr; echo three >&2; echo four > /dev/stdout";
    job.run(&job.spec(&["sh", "-c", script]));
    assert_eq!(job.output(), "one\ntwo\nthree\nfour\n");
}

#[test]
fn exit_code_output_and_usage_are_recorded() {
    let job = Job::new();
    let record = job.sh("echo out; echo err >&2; echo again; exit 7");
    assert_eq!(record.outcome, Outcome::Exited { code: 7 });
    assert_eq!(job.output(), "out\nerr\nagain\n");
    assert!(record.started_ms > 0 && record.ended_ms >= record.started_ms);
    assert!(record.max_rss_kb > 0);
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Finished(same) if same == record));
}

#[test]
fn the_program_gets_its_environment_folder_and_default_signals() {
    let job = Job::new();
    job.sh("pwd; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | cut -d= -f1 | sort; sed -nE 's/^(Sig(Blk|Ign)).*(.{7})$/\\1 \\3/p' /proc/self/status");
    let cwd = job.cwd.canonicalize().unwrap();
    // The last digits: signals 32 and 33 are libc's own, and nobody but the kernel resets them.
    let nothing = "0000000";
    let expected = format!(
        "{}\nPATH\nTEST_MARK\nTREEYARD_JOB\nSigBlk {nothing}\nSigIgn {nothing}\n",
        cwd.display()
    );
    assert_eq!(job.output(), expected);
}

#[test]
fn a_signal_is_told_from_an_exit() {
    let record = Job::new().sh("kill -9 $$");
    assert_eq!(record.outcome, Outcome::Signalled { signal: 9 });
    let record = Job::new().sh("kill -40 $$");
    assert_eq!(record.outcome, Outcome::Signalled { signal: 40 });
    let record = Job::new().sh("(sh -c 'kill -40 $$' &); sleep 0.2; exit 3");
    assert_eq!(record.outcome, Outcome::Exited { code: 3 });
}

#[test]
fn a_missing_program_folder_or_interpreter_is_named() {
    let job = Job::new();
    let record = job.run(&job.spec(&["no-such-program-here"]));
    let Outcome::NotStarted { error } = record.outcome else {
        panic!("{record:?}")
    };
    assert!(error.contains("`no-such-program-here`"), "{error}");

    let job = Job::new();
    let record = job.run(&JobSpec {
        cwd: job.cwd.join("gone"),
        ..job.spec(&["true"])
    });
    let Outcome::NotStarted { error } = record.outcome else {
        panic!("{record:?}")
    };
    assert!(error.contains("/work/gone"), "{error}");

    let job = Job::new();
    let record = job.run(&job.spec(&["./absent"]));
    let Outcome::NotStarted { error } = record.outcome else {
        panic!("{record:?}")
    };
    assert!(error.contains("/work/./absent: "), "{error}");
}

#[test]
fn a_time_limit_leaves_no_survivor() {
    let job = Job::new();
    let spec = JobSpec {
        timeout_ms: Some(400),
        ..job.spec(&["sh", "-c", STUBBORN])
    };
    assert_eq!(job.run(&spec).outcome, Outcome::TimedOut);
    assert_eq!(job.survivors(), [0u32; 0]);
}

#[test]
fn a_cancelled_tree_leaves_no_survivor() {
    let job = Job::new();
    let supervisor = job.spawn(&job.spec(&["sh", "-c", STUBBORN]));
    job.until_files(4);
    supervisor.cancel().unwrap();
    let record = finished(supervisor.wait_blocking().unwrap());
    assert_eq!(record.outcome, Outcome::Cancelled);
    assert_eq!(job.survivors(), [0u32; 0]);
    supervisor.cancel().unwrap();
}

#[test]
fn a_cancel_right_after_the_start_is_not_lost() {
    for _ in 0..20 {
        let job = Job::new();
        let supervisor = job.spawn(&job.spec(&["sleep", "600"]));
        supervisor.cancel().unwrap();
        let record = finished(supervisor.wait_blocking().unwrap());
        assert_eq!(record.outcome, Outcome::Cancelled);
    }
}

#[test]
fn what_a_finished_program_left_running_is_ended() {
    let job = Job::new();
    let script = "setsid sh -c 'touch a; exec sleep 600' & (sh -c \"trap '' TERM; touch b; while :; do sleep 600; done\" &); while [ ! -e a -o ! -e b ]; do sleep 0.01; done";
    assert_eq!(job.sh(script).outcome, Outcome::Exited { code: 0 });
    assert_eq!(job.survivors(), [0u32; 0]);
}

#[test]
fn a_stopped_process_is_ended_politely() {
    let job = Job::new();
    let script =
        "trap 'echo bye; exit 0' TERM; touch a; kill -STOP $$; while :; do sleep 0.01; done";
    let supervisor = job.spawn(&JobSpec {
        grace_ms: 10_000,
        ..job.spec(&["sh", "-c", script])
    });
    job.until_files(1);
    supervisor.cancel().unwrap();
    finished(supervisor.wait_blocking().unwrap());
    // The shell may say that its own child was ended before it.
    assert!(job.output().ends_with("bye\n"), "{}", job.output());
}

#[test]
fn a_held_tree_does_nothing_and_its_time_stands_still() {
    let job = Job::new();
    let script = "setsid sleep 100 & touch begun; until [ -e go ]; do sleep 0.01; done; touch end";
    let mut spec = job.spec(&["sh", "-c", script]);
    spec.timeout_ms = Some(3_000);
    let supervisor = job.spawn(&spec);
    job.until_files(1);
    assert!(!supervisor.is_held());
    supervisor.hold().unwrap();
    until(|| supervisor.is_held());
    fs::write(job.cwd.join("go"), "").unwrap();
    // As long as it may take, and no more of it has gone by.
    thread::sleep(Duration::from_millis(3_100));
    assert!(supervisor.is_held() && !job.cwd.join("end").exists());
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Running(_)));
    supervisor.go_on().unwrap();
    let exit = finished(supervisor.wait_blocking().unwrap());
    assert_eq!(exit.outcome, Outcome::Exited { code: 0 });
    assert!(job.cwd.join("end").exists());
    assert_eq!(job.survivors(), Vec::<u32>::new());
}

#[test]
fn what_was_printed_before_a_job_was_held_can_be_read() {
    let job = Job::new();
    let script = "while :; do n=$((n + 1)); echo $n; echo $n > printed; touch begun; done";
    let supervisor = job.spawn(&job.spec(&["sh", "-c", script]));
    until(|| job.cwd.join("begun").exists());
    supervisor.hold().unwrap();
    until(|| supervisor.is_held());
    let printed = fs::read_to_string(job.cwd.join("printed")).unwrap();
    let is_kept = |line: &str| line.parse::<u32>().ok() >= printed.trim().parse().ok();
    until(|| job.output().lines().last().is_some_and(is_kept));
    supervisor.cancel().unwrap();
    finished(supervisor.wait_blocking().unwrap());
}

#[test]
fn a_held_tree_can_be_cancelled_and_going_on_is_nothing_to_others() {
    let job = Job::new();
    let supervisor = job.spawn(&job.spec(&["sh", "-c", "touch begun; sleep 100 & wait"]));
    job.until_files(1);
    supervisor.go_on().unwrap();
    supervisor.hold().unwrap();
    until(|| supervisor.is_held());
    supervisor.cancel().unwrap();
    let exit = finished(supervisor.wait_blocking().unwrap());
    assert_eq!(exit.outcome, Outcome::Cancelled);
    assert_eq!(job.survivors(), Vec::<u32>::new());
}

#[test]
fn a_killed_supervisor_is_lost_and_swept_up() {
    let job = Job::new();
    let supervisor = job.spawn(&job.spec(&["sh", "-c", STUBBORN]));
    job.until_files(4);
    assert!(sweep(&job.dir).is_err(), "it still runs");
    signal("-9", supervisor.pid());
    assert_eq!(supervisor.wait_blocking().unwrap().outcome(), Outcome::LOST);
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Lost));
    assert!(!job.survivors().is_empty());
    sweep(&job.dir).unwrap();
    assert_eq!(job.survivors(), [0u32; 0]);
}

/// As a machine does that shuts down. Nobody decided that the job is to end.
#[test]
fn a_supervisor_that_the_system_ends_leaves_no_process_and_no_verdict() {
    let job = Job::new();
    let supervisor = job.spawn(&job.spec(&["sh", "-c", STUBBORN]));
    job.until_files(4);
    signal("-TERM", supervisor.pid());
    assert_eq!(
        supervisor.wait_blocking().unwrap(),
        Ended::Lost { why: None }
    );
    assert_eq!(job.survivors(), [0u32; 0]);
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Lost));
}

/// A supervisor that outlives its fork server, as after a restart of the runner.
fn orphan(job: &Job, spec: &JobSpec) {
    let launcher = launcher();
    launcher.spawn(&job.dir, spec).unwrap();
    drop(launcher);
    until(|| job.dir.join("owner").is_symlink());
}

#[tokio::test]
async fn a_later_runner_finds_the_job_again() {
    let job = Job::new();
    orphan(
        &job,
        &job.spec(&["sh", "-c", "until [ -e go ]; do sleep 0.01; done; exit 3"]),
    );
    let Attached::Running(supervisor) = attach(&job.dir).unwrap() else {
        panic!()
    };
    fs::write(job.cwd.join("go"), "").unwrap();
    let record = finished(supervisor.wait().await.unwrap());
    assert_eq!(record.outcome, Outcome::Exited { code: 3 });
}

#[test]
fn a_later_runner_can_cancel_the_job() {
    let job = Job::new();
    orphan(&job, &job.spec(&["sh", "-c", STUBBORN]));
    let Attached::Running(supervisor) = attach(&job.dir).unwrap() else {
        panic!()
    };
    job.until_files(4);
    supervisor.cancel().unwrap();
    let record = finished(supervisor.wait_blocking().unwrap());
    assert_eq!(record.outcome, Outcome::Cancelled);
    assert_eq!(job.survivors(), [0u32; 0]);
}

#[test]
fn a_job_nobody_started_is_not_started_and_a_used_folder_is_refused() {
    let job = Job::new();
    assert!(matches!(attach(&job.dir).unwrap(), Attached::NotStarted));
    job.sh("true");
    assert!(launcher().spawn(&job.dir, &job.spec(&["true"])).is_err());
}

#[test]
fn a_job_that_was_given_up_before_it_began_never_begins() {
    let job = Job::new();
    fs::create_dir(&job.dir).unwrap();
    assert!(matches!(attach(&job.dir).unwrap(), Attached::NotStarted));
    // What a supervisor that comes too late finds.
    assert_eq!(
        fs::read_link(job.dir.join("owner")).unwrap(),
        Path::new("nobody")
    );
    assert!(matches!(attach(&job.dir).unwrap(), Attached::NotStarted));
    sweep(&job.dir).unwrap();
}

#[test]
fn giving_up_and_beginning_exclude_each_other() {
    for _ in 0..30 {
        let job = Job::new();
        let supervisor = job.spawn(&job.spec(&["sh", "-c", "echo ran"]));
        let given_up = matches!(attach(&job.dir).unwrap(), Attached::NotStarted);
        let ended = supervisor.wait_blocking().unwrap();
        match given_up {
            true => assert_eq!(ended, Ended::Lost { why: None }),
            false => assert!(finished(ended).outcome.is_success()),
        }
        assert_eq!(job.dir.join("output.log").exists(), !given_up);
    }
}

#[test]
fn a_killed_fork_server_is_replaced_and_its_jobs_go_on() {
    let launcher = launcher();
    let first = Job::new();
    let script = "until [ -e go ]; do sleep 0.01; done; exit 3";
    let running = launcher
        .spawn(&first.dir, &first.spec(&["sh", "-c", script]))
        .unwrap();
    let server = parent_of(running.pid());
    signal("-9", server);
    until(|| parent_of(running.pid()) != server);
    let second = Job::new();
    let ended = launcher
        .spawn(&second.dir, &second.spec(&["true"]))
        .unwrap()
        .wait_blocking()
        .unwrap();
    assert!(finished(ended).outcome.is_success());
    fs::write(first.cwd.join("go"), "").unwrap();
    let record = finished(running.wait_blocking().unwrap());
    assert_eq!(record.outcome, Outcome::Exited { code: 3 });
}

/// It may have been in the middle of a talk with the launcher that no other child can go on with.
#[test]
fn a_killed_child_that_was_ready_ends_its_server_and_the_next_job_has_another() {
    let launcher = launcher();
    let first = Job::new();
    let running = launcher
        .spawn(&first.dir, &first.spec(&["sleep", "600"]))
        .unwrap();
    let server = parent_of(running.pid());
    let ready = || {
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let children = children.unwrap_or_default();
        let mut pids = children.split_whitespace().flat_map(str::parse::<u32>);
        pids.find(|pid| *pid != running.pid())
    };
    until(|| ready().is_some());
    signal("-9", ready().unwrap());
    until(|| parent_of(running.pid()) != server);
    let second = Job::new();
    let ended = launcher.spawn(&second.dir, &second.spec(&["true"]));
    let ended = ended.unwrap().wait_blocking().unwrap();
    assert!(finished(ended).outcome.is_success());
    running.cancel().unwrap();
    finished(running.wait_blocking().unwrap());
}

#[test]
fn the_fork_server_ends_with_its_launcher_and_keeps_no_zombies() {
    let launcher = launcher();
    let mut server = 0;
    for _ in 0..3 {
        let job = Job::new();
        let supervisor = launcher
            .spawn(&job.dir, &job.spec(&["sleep", "600"]))
            .unwrap();
        server = parent_of(supervisor.pid());
        supervisor.cancel().unwrap();
        finished(supervisor.wait_blocking().unwrap());
        let stat = format!("/proc/{}/stat", supervisor.pid());
        until(|| !Path::new(&stat).exists());
    }
    drop(launcher);
    assert!(!Path::new(&format!("/proc/{server}")).exists());
}

fn parent_of(pid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let (_, rest) = text.rsplit_once(')').unwrap();
    rest.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_detached_process_leads_its_own_session() {
    let job = Job::new();
    let log = job.cwd.join("log");
    let script = "cut -d' ' -f1,6 /proc/$$/stat";
    let pid = treeyard::proc::detach(
        Path::new("/bin/sh"),
        &["-c".as_ref(), script.as_ref()],
        &log,
    )
    .unwrap();
    let expected = format!("{pid} {pid}\n");
    until(|| fs::read_to_string(&log).is_ok_and(|text| text == expected));
}
