//! Counting what folders take of the disk, a little at a time: whoever counts has other things to do.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Stat, openat, statat};

/// The system counts blocks in this unit, whatever the size of its own.
const BLOCK: u64 = 512;
/// The clock is looked at once for so many entries.
const BETWEEN_LOOKS: usize = 32;

/// What was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub bytes: u64,
    pub files: u64,
}

/// One count of everything below some folders. Links are not followed; a file with several names
/// counts once. What cannot be opened is passed over, and so is what vanishes meanwhile.
pub(super) struct Walk {
    roots: Vec<PathBuf>,
    /// Folders that are begun, each in the one before it.
    open: Vec<Dir>,
    several_names: HashSet<(u64, u64)>,
    found: Found,
}

impl Walk {
    pub(super) fn of(folders: &[PathBuf]) -> Self {
        Self {
            roots: folders.to_vec(),
            open: Vec::new(),
            several_names: HashSet::new(),
            found: Found::default(),
        }
    }

    /// What was found until now.
    pub(super) fn found(&self) -> Found {
        self.found
    }

    /// Goes on for about so long. Whether it is through.
    pub(super) fn go_on(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            for _ in 0..BETWEEN_LOOKS {
                if !self.step() {
                    return true;
                }
            }
            if Instant::now() >= end {
                return false;
            }
        }
    }

    /// Whether there was another one.
    fn step(&mut self) -> bool {
        let Some(folder) = self.open.last_mut() else {
            let Some(root) = self.roots.pop() else {
                return false;
            };
            self.open.extend(open(CWD, root));
            return true;
        };
        let Some(Ok(entry)) = folder.read() else {
            self.open.pop();
            return true;
        };
        let name = entry.file_name();
        if [c".", c".."].contains(&name) {
            return true;
        }
        let Ok(folder) = folder.fd() else {
            return true;
        };
        if let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            let is_folder = rustix::fs::FileType::from_raw_mode(stat.st_mode).is_dir();
            let below = is_folder.then(|| open(folder, name)).flatten();
            self.count(&stat, is_folder);
            self.open.extend(below);
        }
        true
    }

    fn count(&mut self, stat: &Stat, is_folder: bool) {
        let has_several = !is_folder && stat.st_nlink > 1;
        if has_several && !self.several_names.insert((stat.st_dev, stat.st_ino)) {
            return;
        }
        self.found.bytes += stat.st_blocks.unsigned_abs() * BLOCK;
        self.found.files += 1;
    }
}

fn open(folder: impl AsFd, name: impl rustix::path::Arg) -> Option<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file: OwnedFd = openat(folder, name, flags, Mode::empty()).ok()?;
    Dir::new(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn all(folders: &[PathBuf]) -> Found {
        let mut walk = Walk::of(folders);
        assert!(walk.go_on(Duration::from_secs(60)));
        walk.found()
    }

    #[test]
    fn blocks_count_and_neither_holes_nor_links_do() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        fs::create_dir_all(one.join("deep/er")).unwrap();
        fs::create_dir(&two).unwrap();
        let empty = all(&[one.clone(), two.clone()]);
        assert_eq!(empty.files, 2);
        fs::write(one.join("deep/er/file"), vec![7; 100_000]).unwrap();
        fs::hard_link(one.join("deep/er/file"), two.join("same")).unwrap();
        symlink("/usr", two.join("elsewhere")).unwrap();
        let hole = fs::File::create(two.join("hole")).unwrap();
        hole.set_len(1 << 40).unwrap();
        let found = all(&[one, two]);
        let grown = found.bytes - empty.bytes;
        assert!((98_304..200_000).contains(&grown), "{grown}");
        assert_eq!(found.files, empty.files + 3);
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..500 {
            fs::write(dir.path().join(number.to_string()), "x").unwrap();
        }
        let mut walk = Walk::of(&[dir.path().to_owned()]);
        let mut rounds = 1;
        while !walk.go_on(Duration::ZERO) {
            rounds += 1;
        }
        assert!(rounds > 10, "{rounds}");
        assert_eq!(walk.found().files, 500);
    }

    #[test]
    fn what_is_not_there_is_nothing() {
        assert_eq!(all(&["/nowhere/at/all".into()]), Found::default());
    }
}
