//! Jobs that use more than they may. No script here goes on without an end, whatever becomes of its limit.

use std::fs;

use treeyard::model::job::Outcome;
use treeyard::model::resource::Resource;
use treeyard::proc::{Budget, ExitRecord};

use crate::proc::Job;

/// How long a storm may take until nothing of it is left, on a machine with other things to do.
const LONGEST_STORM_MS: i64 = 15_000;

/// What is written at most by a flood: 1 GiB, or so many files.
const LARGE: &str = "head -c 1G /dev/zero > large; sleep 60";
const MANY: &str = "
i=0
while [ $i -lt 300 ]; do
    mkdir d$i; cd d$i; seq 100 | split -l 1 -a 3; cd ..; i=$((i + 1))
done
sleep 60";

fn run(job: &Job, script: &str, budget: Budget) -> ExitRecord {
    let mut spec = job.spec(&["sh", "-c", script]);
    spec.budget = budget;
    spec.timeout_ms = Some(60_000);
    job.run(&spec)
}

/// What it was over, and by how much.
fn overrun(job: &Job, script: &str, budget: Budget) -> (Resource, u64) {
    let record = run(job, script, budget);
    let Outcome::OverLimit { what, limit, used } = record.outcome else {
        panic!("{record:?}");
    };
    assert!(used > limit, "{record:?}");
    assert_eq!(job.survivors(), [0; 0]);
    (what, used)
}

fn processes(limit: u64) -> Budget {
    Budget {
        processes: Some(limit),
        ..Budget::default()
    }
}

fn memory(limit: u64) -> Budget {
    Budget {
        memory_bytes: Some(limit << 20),
        ..Budget::default()
    }
}

fn disk(job: &Job, bytes: Option<u64>, files: Option<u64>) -> Budget {
    Budget {
        disk_bytes: bytes,
        disk_files: files,
        folders: vec![job.cwd.clone()],
        ..Budget::default()
    }
}

/// A storm in which every process starts two more, `depth` times: at most 2^(depth + 1) of them.
fn storm(script: &str, depth: u32) {
    let job = Job::new();
    let file = job.cwd.join("storm");
    fs::write(&file, script).unwrap();
    let start = format!("sh {} {depth}", file.display());
    let record = run(&job, &start, processes(100));
    let Outcome::OverLimit { what, .. } = record.outcome else {
        panic!("{record:?}");
    };
    assert_eq!(what, Resource::Processes);
    assert_eq!(job.survivors(), [0; 0]);
    let took = record.ended_ms - record.started_ms;
    assert!(took < LONGEST_STORM_MS, "{took} ms");
}

#[test]
fn a_storm_of_processes_that_wait_for_each_other_is_brought_down() {
    storm(
        "b() { [ $1 -gt 0 ] || exec sleep 60; b $(($1 - 1)) | b $(($1 - 1)) & wait; }; b $1",
        10,
    );
}

#[test]
fn a_storm_that_leaves_sessions_and_parents_is_brought_down() {
    storm(
        "[ $1 -gt 0 ] || exec sleep 60
        (setsid sh $0 $(($1 - 1)) &)
        (setsid sh $0 $(($1 - 1)) &)
        exec sleep 60",
        9,
    );
}

/// Each is gone as soon as it has started two others.
#[test]
fn a_storm_that_never_stays_is_brought_down() {
    storm(
        "h() { [ $1 -gt 0 ] || exec sleep 60; h $(($1 - 1)) & h $(($1 - 1)) & }
        trap '' TERM
        h $1
        exec sleep 60",
        10,
    );
}

#[test]
fn too_many_quiet_processes_are_too_many() {
    let script = "for i in 1 2 3 4 5 6 7 8; do sleep 60 & done; wait";
    let (what, used) = overrun(&Job::new(), script, processes(8));
    assert_eq!((what, used), (Resource::Processes, 9));
    let record = run(
        &Job::new(),
        "for i in 1 2 3 4 5 6; do sleep 0.5 & done; wait",
        processes(8),
    );
    assert_eq!(record.outcome, Outcome::Exited { code: 0 });
}

#[test]
fn memory_counts_over_all_processes() {
    let hog = "head -c 600M /dev/zero | tail > /dev/null; sleep 60";
    assert_eq!(overrun(&Job::new(), hog, memory(100)).0, Resource::Memory);
    let several = "for i in 1 2 3 4; do (head -c 60M /dev/zero; exec sleep 60) | tail & done; wait";
    assert_eq!(
        overrun(&Job::new(), several, memory(120)).0,
        Resource::Memory
    );
}

/// Each of them shows it as its own.
#[test]
fn memory_that_processes_share_counts_once() {
    let job = Job::new();
    let script = "
x=$(head -c 40M /dev/zero | tr '\\0' x)
for i in 1 2 3 4 5 6 7 8 9; do (sleep 1; :) & done
wait
echo ${#x} > size";
    let record = run(&job, script, memory(250));
    assert_eq!(record.outcome, Outcome::Exited { code: 0 });
    assert_eq!(
        fs::read_to_string(job.cwd.join("size")).unwrap(),
        "41943040\n"
    );
}

#[test]
fn processor_time_counts_over_all_processes() {
    let budget = Budget {
        cpu_ms: Some(600),
        ..Budget::default()
    };
    let script = "i=0; while [ $i -lt 2000 ]; do (j=0; while [ $j -lt 5000 ]; do j=$((j + 1)); done); i=$((i + 1)); done";
    let (what, used) = overrun(&Job::new(), script, budget);
    assert_eq!(what, Resource::Cpu);
    assert!(used < 20_000, "{used}");
}

#[test]
fn one_large_file_is_too_large() {
    let job = Job::new();
    let budget = disk(&job, Some(64 << 20), None);
    assert_eq!(overrun(&job, LARGE, budget).0, Resource::Disk);
}

#[test]
fn many_small_files_take_room_too() {
    let job = Job::new();
    let budget = disk(&job, Some(16 << 20), None);
    assert_eq!(overrun(&job, MANY, budget).0, Resource::Disk);
    let job = Job::new();
    let budget = disk(&job, None, Some(2_000));
    assert_eq!(overrun(&job, MANY, budget).0, Resource::Files);
}

#[test]
fn a_hole_takes_no_room() {
    let job = Job::new();
    let budget = disk(&job, Some(16 << 20), Some(50));
    let record = run(&job, "truncate -s 100G hole; sleep 0.4", budget);
    assert_eq!(record.outcome, Outcome::Exited { code: 0 });
}
