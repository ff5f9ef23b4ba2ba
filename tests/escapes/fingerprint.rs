//! All that sessions must leave as it is, and what became different.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What there is, and how it is.
pub struct Fingerprint(BTreeMap<String, String>);

/// What the runner itself writes, and what is of the sessions that try.
const OWN: [&str; 11] = [
    "try-",
    "repo/.git/treeyard/treeyard.db",
    "repo/.git/treeyard/jobs/",
    "repo/.git/treeyard/cas/",
    "repo/.git/treeyard/wake",
    ".lock",
    "repo/.git/objects/pack/",
    "repo.treeyard/.pool",
    "home/data/",
    "said",
    "plan",
];

impl Fingerprint {
    /// Of the files in `folder`, and of what lines of a name and the rest say of processes.
    pub fn of(folder: &Path, processes: &str) -> Self {
        let mut all = BTreeMap::new();
        for line in processes.lines() {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            all.insert(format!("victim/{name}"), rest.to_owned());
        }
        let mark = folder.file_name().unwrap();
        for shared in ["/tmp", "/var/tmp", "/dev/shm", "/run", "/"] {
            let planted = Path::new(shared).join("planted").join(mark);
            all.insert(planted.display().to_string(), planted.exists().to_string());
        }
        walk(folder, folder, &mut all);
        Self(all)
    }

    /// The names of what is different.
    pub fn changes(&self, after: &Self) -> Vec<String> {
        let names = self.0.keys().chain(after.0.keys());
        let differs = |name: &&String| self.0.get(*name) != after.0.get(*name);
        let mut names: Vec<String> = names.filter(differs).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// How something was and is, for a person.
    pub fn told(&self, after: &Self, name: &str) -> String {
        format!("{name}: {:?} to {:?}", self.0.get(name), after.0.get(name))
    }
}

fn walk(root: &Path, path: &Path, all: &mut BTreeMap<String, String>) {
    let name = path.strip_prefix(root).unwrap().display().to_string();
    if OWN.iter().any(|own| name.contains(own)) {
        return;
    }
    let Ok(found) = fs::symlink_metadata(path) else {
        return;
    };
    all.insert(name.clone(), told(path, &name, &found));
    if !found.is_dir() {
        return;
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        walk(root, &entry.path(), all);
    }
}

fn told(path: &Path, name: &str, found: &fs::Metadata) -> String {
    let rights = format!("{:o} {}:{}", found.mode(), found.uid(), found.gid());
    let attributes = attributes(path);
    // The runner makes and removes files beside those that it leaves alone.
    let is_shared = name.is_empty() || name.starts_with("repo/.git") || name == "repo.treeyard";
    let is_shared = is_shared || name.starts_with("repo.treeyard/.git-private");
    if found.is_dir() {
        let time = if is_shared { 0 } else { found.mtime_nsec() };
        return format!("{rights} {attributes} {time}");
    }
    // Git marks objects that it would have written again.
    let time = match name.starts_with("repo/.git/objects") {
        true => (0, 0),
        false => (found.mtime(), found.mtime_nsec()),
    };
    let content = match found.file_type().is_symlink() {
        true => format!("{:?}", fs::read_link(path).ok()),
        false if found.is_file() && found.size() < 10_000_000 => {
            format!("{}", blake3::hash(&fs::read(path).unwrap_or_default()))
        }
        false => format!("{} bytes", found.size()),
    };
    format!("{rights} {attributes} {time:?} {content}")
}

fn attributes(path: &Path) -> String {
    let mut names = vec![0; 1000];
    let length = rustix::fs::llistxattr(path, names.as_mut_slice()).unwrap_or(0);
    String::from_utf8_lossy(&names[..length]).into_owned()
}
