//! Where this process may make groups of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, getxattr, statfs};
use rustix::io::Errno;

use super::group::{PROCESSES, lines};
use crate::model::sandbox::Controllers;

const MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
const CGROUP2_MAGIC: u64 = 0x6367_7270;
/// By what a manager says that others may make groups in one of its own.
const MARKS: [&str; 2] = ["user.delegate", "trusted.delegate"];
/// Is there where systemd manages all groups but those with a mark.
const MANAGED: &str = "/run/systemd/system";
/// The group of whatever was in a place before: one that has groups with limits below it may have no
/// processes of its own.
const LEAF: &str = "treeyard-runner";
const CONTROLLERS: &str = "cgroup.controllers";
const ENABLED: &str = "cgroup.subtree_control";

/// A group below which this process may make others.
#[derive(Debug)]
pub(in crate::proc) struct Place {
    pub(super) folder: PathBuf,
    /// Whether its manager said so, and it is this program's to put in order.
    is_marked: bool,
}

impl Place {
    /// Why there is none, otherwise.
    pub(in crate::proc) fn find() -> Result<Self, String> {
        let mount = MOUNTS
            .into_iter()
            .find(|path| statfs(*path).is_ok_and(|found| found.f_type as u64 == CGROUP2_MAGIC))
            .ok_or("version 2 of control groups is not mounted")?;
        let text = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let own = own_group(&text).ok_or("this process is in no group that can be reached")?;
        Self::at(&Path::new(mount).join(own), Path::new(MANAGED))
    }

    pub(super) fn at(folder: &Path, managed: &Path) -> Result<Self, String> {
        let folder = match folder.parent() {
            Some(parent) if folder.ends_with(LEAF) => parent.to_owned(),
            _ => folder.to_owned(),
        };
        let is_marked = is_marked(&folder);
        if !is_marked && managed.exists() {
            return Err("systemd did not delegate this group (Delegate=yes)".to_owned());
        }
        access(&folder, Access::WRITE_OK)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder, is_marked })
    }

    /// What groups below it can limit.
    pub(in crate::proc) fn controllers(&self) -> Controllers {
        Controllers::read(&self.text(CONTROLLERS))
    }

    /// Has the groups below it limit what they can, and gives what that is.
    pub(super) fn enable(&self) -> Controllers {
        let wanted = self.controllers().without(self.enabled());
        for name in wanted.names() {
            let add = || fs::write(self.folder.join(ENABLED), format!("+{name}"));
            if add().is_err_and(|error| is_busy(&error)) && self.is_marked {
                self.clear();
                // What is missing then is counted.
                let _ = add();
            }
        }
        self.enabled()
    }

    fn enabled(&self) -> Controllers {
        Controllers::read(&self.text(ENABLED))
    }

    /// Moves what is in it, this program and whoever started it, to a group below it.
    fn clear(&self) {
        let leaf = self.folder.join(LEAF);
        let _ = fs::create_dir(&leaf);
        for process in lines(&self.text(PROCESSES)) {
            // One that ended is not there any more.
            let _ = fs::write(leaf.join(PROCESSES), process.to_string());
        }
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }
}

/// Groups of version 2 have the number 0 and no name. Those outside of what is visible begin with `/..`.
fn own_group(text: &str) -> Option<&str> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    (!path.starts_with("..")).then_some(path)
}

fn is_marked(folder: &Path) -> bool {
    MARKS.into_iter().any(|name| {
        let mut value = [0; 8];
        let read = getxattr(folder, name, &mut value[..]);
        read.is_ok_and(|length| value.get(..length) == Some(b"1"))
    })
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::BUSY.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_group_is_the_one_of_version_2_if_it_can_be_reached() {
        let all = [
            ("0::/\n", Some("")),
            (
                "9:pids:/a\n0::/user.slice/x.scope\n",
                Some("user.slice/x.scope"),
            ),
            ("0::/../../outside\n", None),
            ("4:memory:/a\n", None),
            ("", None),
        ];
        for (text, expected) in all {
            assert_eq!(own_group(text), expected, "{text}");
        }
    }

    /// A folder with the files of a group.
    fn group(controllers: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            (CONTROLLERS, controllers),
            (ENABLED, ""),
            (PROCESSES, "7\n8\n"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn what_systemd_manages_is_not_touched() {
        let folder = group("");
        let why = Place::at(folder.path(), folder.path()).unwrap_err();
        assert!(why.contains("Delegate=yes"), "{why}");
        let nobody = folder.path().join("absent");
        assert!(Place::at(folder.path(), &nobody).is_ok());
        assert!(Place::at(&nobody, &nobody.join("x")).is_err());
    }

    #[test]
    fn a_runner_that_was_moved_finds_the_place_that_it_came_from() {
        let folder = group("");
        let nobody = folder.path().join("absent");
        let place = Place::at(folder.path(), &nobody).unwrap();
        place.clear();
        let leaf = folder.path().join(LEAF);
        assert_eq!(
            fs::read_to_string(leaf.join(PROCESSES)).unwrap(),
            "8",
            "the last one"
        );
        let again = Place::at(&leaf, &nobody).unwrap();
        assert_eq!(again.folder, place.folder);
    }

    #[test]
    fn what_is_not_limited_yet_and_can_be_is_asked_for() {
        let folder = group("cpuset cpu io memory hugetlb pids rdma\n");
        let place = Place::at(folder.path(), &folder.path().join("absent")).unwrap();
        let all = Controllers {
            memory: true,
            processes: true,
        };
        assert_eq!(place.controllers(), all);
        place.enable();
        assert_eq!(place.text(ENABLED), "+pids", "the last one");
        fs::write(folder.path().join(ENABLED), "memory pids\n").unwrap();
        assert_eq!(place.enable(), all);
    }
}
