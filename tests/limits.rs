//! Jobs that use more than they may. No script here goes on without an end, whatever becomes of its limit.

use std::fs;
use std::path::Path;

use treeyard::model::job::Outcome;
use treeyard::model::resource::Resource;
use treeyard::proc::{Budget, ExitRecord};

use crate::proc::Job;
use crate::yard::{Yard, eventually, text};

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

/// Also of those that nobody knows any more, and it is gone with them.
#[test]
fn a_job_gets_a_control_group_where_there_may_be_one() {
    let probe = text(&Yard::new().treeyard(&["sandbox", "probe", "--json"]).stdout);
    if probe.contains(r#""groups":{"Err""#) {
        println!("skipped: {probe}");
        return;
    }
    let job = Job::new();
    let script = "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &
        for process in self $!; do
            until grep treeyard-job /proc/$process/cgroup; do sleep 0.02; done
        done";
    let record = run(&job, script, processes(100));
    let said = job.output();
    assert_eq!(record.outcome, Outcome::Exited { code: 0 }, "{said}");
    assert_eq!(job.survivors(), [0; 0]);
    let of_version_2 = |line| str::strip_prefix(line, "0::");
    let groups: Vec<&str> = said.lines().flat_map(of_version_2).collect();
    assert!(groups.len() == 2 && groups[0] == groups[1], "{said}");
    for mount in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
        assert!(!Path::new(&format!("{mount}{}", groups[0])).exists());
    }
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

/// A yard whose person has these settings besides.
fn yard_with(settings: &str) -> Yard {
    let yard = Yard::new();
    let file = yard.folder.path().join("home/config/treeyard/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}{settings}\n")).unwrap();
    yard
}

#[test]
fn a_session_says_which_limit_it_was() {
    let yard = yard_with("processes = 20\ndisk = \"64MiB\"");
    let fork = "for i in $(seq 40); do sleep 60 & done; wait";
    let args = ["run", "--name", "w", "--", "sh", "-c", fork];
    let output = yard.treeyard(&args);
    assert_eq!(output.status.code(), Some(1));
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let words = "at most 20 processes are allowed (sandbox.processes)";
    assert!(told.contains(words), "{told}");
    assert!(yard.exits(0, &["show", "w"]).contains(words));
    // What its own temporary files take counts as well.
    let fill = "head -c 200M /dev/zero > $TMPDIR/large; sleep 60";
    yard.exits(1, &["run", "--name", "d", "--", "sh", "-c", fill]);
    let told = yard.exits(0, &["show", "d"]);
    assert!(told.contains("(sandbox.disk)"), "{told}");
    yard.sound();
}

#[test]
fn a_repository_cannot_raise_a_limit() {
    let yard = yard_with("processes = 5");
    yard.write("treeyard.toml", "[sandbox]\nprocesses = 1000\n");
    let fork = "for i in $(seq 10); do sleep 60 & done; wait";
    yard.exits(1, &["run", "--name", "w", "--", "sh", "-c", fork]);
    assert!(
        yard.exits(0, &["show", "w"])
            .contains("at most 5 processes")
    );
}

const TWO: &str = "
[[task]]
name = \"a\"
scope = [\"a/**\"]
run = \"mkdir FOLDER/alone && sleep 0.3 && rmdir FOLDER/alone\"
[[task]]
name = \"b\"
scope = [\"b/**\"]
run = \"mkdir FOLDER/alone && sleep 0.3 && rmdir FOLDER/alone\"
";

#[test]
fn on_a_machine_without_memory_sessions_run_one_by_one() {
    let yard = yard_with("[limits]\nmin_free_memory = \"1000TiB\"");
    let plan = yard.plan(&TWO.replace("FOLDER", &yard.folder.path().display().to_string()));
    yard.exits(0, &["run", &plan]);
    let events = yard.exits(0, &["events", "--json"]);
    assert_eq!(
        events.matches("FR-EVT-SESS-SCHED-006").count(),
        1,
        "{events}"
    );
    assert!(events.contains("limits.min_free_memory"), "{events}");
    yard.sound();
}

#[test]
fn on_a_full_disk_nothing_starts_and_says_so() {
    let yard = yard_with("[limits]\nmin_free_disk = \"1000TiB\"");
    let plan = yard.plan(&TWO.replace("FOLDER", &yard.folder.path().display().to_string()));
    yard.exits(0, &["up"]);
    yard.exits(0, &["submit", &plan]);
    eventually("it is said", || {
        let list = yard.exits(0, &["ls"]);
        list.matches("limits.min_free_disk").count() == 2
    });
    assert_eq!(yard.state_of("a"), "CREATED");
    let looked = yard.exits(0, &["doctor"]);
    assert!(looked.contains("no session starts: the disk"), "{looked}");
    yard.exits(0, &["down", "--cancel"]);
    let events = yard.exits(0, &["events", "--json"]);
    assert_eq!(
        events.matches("FR-EVT-SESS-SCHED-006").count(),
        2,
        "{events}"
    );
}
