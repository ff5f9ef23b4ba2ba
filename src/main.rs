//! The binary: the supervisor's fast path, then the command line.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).take(3).collect();
    match args.as_slice() {
        // A supervisor must start fast and read nothing of the command line's machinery.
        [verb, job_dir] if verb == "__supervise" => treeyard::proc::supervise(Path::new(job_dir)),
        _ => treeyard::cli::main(),
    }
}
