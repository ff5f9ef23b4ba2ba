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
    Attached, Ended, ExitRecord, JobSpec, Launcher, Supervisor, Wake, WakeListener, attach, sweep,
};

/// One job in its own folder; every process it starts carries a variable found nowhere else.
struct Job {
    _root: TempDir,
    dir: PathBuf,
    cwd: PathBuf,
    mark: String,
}

impl Job {
    fn new() -> Self {
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

    fn spec(&self, argv: &[&str]) -> JobSpec {
        let (name, value) = self.mark.split_once('=').unwrap();
        let path = std::env::var("PATH").unwrap();
        JobSpec {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            cwd: self.cwd.clone(),
            env: BTreeMap::from([("PATH".into(), path), (name.into(), value.into())]),
            timeout_ms: None,
            grace_ms: 200,
            wake_dir: None,
        }
    }

    fn spawn(&self, spec: &JobSpec) -> Supervisor {
        launcher().spawn(&self.dir, spec).unwrap()
    }

    fn run(&self, spec: &JobSpec) -> ExitRecord {
        finished(self.spawn(spec).wait_blocking().unwrap())
    }

    fn sh(&self, script: &str) -> ExitRecord {
        self.run(&self.spec(&["sh", "-c", script]))
    }

    fn output(&self) -> String {
        fs::read_to_string(self.dir.join("output.log")).unwrap()
    }

    fn survivors(&self) -> Vec<u32> {
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
    Launcher {
        exe: env!("CARGO_BIN_EXE_treeyard").into(),
    }
}

fn finished(ended: Ended) -> ExitRecord {
    match ended {
        Ended::Finished(record) => record,
        Ended::Lost => panic!("lost"),
    }
}

fn until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
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
    assert_eq!(job.output(), "bye\n");
}

#[test]
fn a_killed_supervisor_is_lost_and_swept_up() {
    let job = Job::new();
    let supervisor = job.spawn(&job.spec(&["sh", "-c", STUBBORN]));
    job.until_files(4);
    assert!(sweep(&job.dir).is_err(), "it still runs");
    assert!(
        Command::new("kill")
            .args(["-9", &supervisor.pid().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(supervisor.wait_blocking().unwrap().outcome(), Outcome::Lost);
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Lost));
    assert!(!job.survivors().is_empty());
    sweep(&job.dir).unwrap();
    assert_eq!(job.survivors(), [0u32; 0]);
}

/// A supervisor whose parent is another process, as after a restart of the runner.
fn orphan(job: &Job, spec: &JobSpec) {
    fs::create_dir(&job.dir).unwrap();
    fs::write(job.dir.join("spec.json"), serde_json::to_vec(spec).unwrap()).unwrap();
    let script = "setsid \"$0\" __supervise \"$1\" </dev/null >/dev/null 2>&1 &";
    let exe: &Path = Path::new(env!("CARGO_BIN_EXE_treeyard"));
    let name = job.dir.file_name().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", script])
        .arg(exe)
        .arg(&job.dir)
        .env("TREEYARD_JOB", name);
    assert!(shell.status().unwrap().success());
    until(|| matches!(attach(&job.dir), Ok(Attached::Running(_))));
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

#[tokio::test]
async fn the_runner_is_woken_at_the_end() {
    let job = Job::new();
    let mut listener = WakeListener::open(&job.cwd).unwrap();
    let supervisor = job.spawn(&JobSpec {
        wake_dir: Some(job.cwd.clone()),
        ..job.spec(&["true"])
    });
    tokio::time::timeout(Duration::from_secs(20), listener.notified())
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(attach(&job.dir).unwrap(), Attached::Finished(_)));
    assert!(
        finished(supervisor.wait().await.unwrap())
            .outcome
            .is_success()
    );
    Wake::notify(&job.cwd);
    listener.notified().await.unwrap();
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
