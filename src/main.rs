use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    match args.as_slice() {
        [verb, job_dir] if verb == "__supervise" => treeyard::proc::supervise(Path::new(job_dir)),
        _ => ExitCode::SUCCESS,
    }
}
