//! Programs that talk to the network because that is what they are for. A sandbox without network holds any program
//! back; this only tells what a person is asked about.

use super::programs::Command;

const FETCHERS: [&str; 7] = ["curl", "wget", "aria2c", "http", "https", "xh", "lynx"];
/// Whatever they are told to do.
const ALWAYS: [&str; 20] = [
    "ssh", "scp", "sftp", "ftp", "telnet", "nc", "ncat", "netcat", "socat", "gh", "glab", "aws",
    "gcloud", "az", "kubectl", "helm", "rclone", "twine", "dig", "nslookup",
];
/// When they are told to do this.
const SOMETIMES: [(&str, &[&str]); 8] = [
    (
        "git",
        &[
            "push",
            "fetch",
            "pull",
            "clone",
            "ls-remote",
            "submodule",
            "remote",
        ],
    ),
    ("docker", &["push", "pull", "login"]),
    ("podman", &["push", "pull", "login"]),
    ("npm", &["publish", "login", "adduser"]),
    ("pnpm", &["publish", "login"]),
    ("yarn", &["publish", "login"]),
    ("cargo", &["publish", "login", "yank", "owner"]),
    ("gem", &["push", "signin"]),
];

/// Whether it writes what it gets from the network.
pub(super) fn fetches(command: &Command<'_>) -> bool {
    FETCHERS.contains(&command.program)
}

/// Whether such a program is run.
pub(super) fn reaches(program: &str, args: &[String]) -> bool {
    if FETCHERS.contains(&program) || ALWAYS.contains(&program) {
        return true;
    }
    if program == "rsync" {
        // A host, and not a file with a colon in its name.
        let is_remote = |word: &String| {
            let host = word.split('/').next().unwrap_or_default();
            !word.starts_with('-') && (host.contains(':') || word.starts_with("rsync://"))
        };
        return args.iter().any(is_remote);
    }
    let known = SOMETIMES.iter().find(|(known, _)| *known == program);
    let verb = verb(program, args);
    let Some((_, verbs)) = known.filter(|(_, verbs)| verbs.contains(&verb)) else {
        return false;
    };
    // What these two do to the network is one of the things that they do.
    let more = || {
        args.iter()
            .any(|word| ["update", "add", "show", "--init"].contains(&word.as_str()))
    };
    verbs.contains(&verb) && (!matches!(verb, "submodule" | "remote") || more())
}

/// The first word that is no option.
fn verb<'w>(program: &str, args: &'w [String]) -> &'w str {
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-C" | "-c" | "--git-dir" | "--work-tree" if program == "git" => drop(words.next()),
            word if word.starts_with(['-', '+']) => {}
            word => return word,
        }
    }
    ""
}
