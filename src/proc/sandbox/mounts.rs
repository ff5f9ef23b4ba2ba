//! The mounts that a process sees, and making those read-only that it is not to change. A bind mount
//! takes along what is mounted below it, and each of these has flags of its own.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount_remount};

/// Makes every mount read-only that is not at a path that may be written to.
pub(super) fn seal(may_write: impl Fn(&Path) -> bool) -> io::Result<()> {
    let text = fs::read("/proc/self/mountinfo")?;
    for mount in text.split(|byte| *byte == b'\n').filter_map(Mount::read) {
        if !mount.is_read_only && !may_write(&mount.path) {
            mount_remount(
                &mount.path,
                mount.flags | MountFlags::BIND | MountFlags::RDONLY,
                c"",
            )
            .map_err(|error| named(&mount.path, error.into()))?;
        }
    }
    Ok(())
}

/// An error that says what it is about.
pub(super) fn named(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// A line of `/proc/self/mountinfo`; see proc_pid_mountinfo(5).
struct Mount {
    path: PathBuf,
    is_read_only: bool,
    /// Those that a process without rights outside may not take away, and so has to repeat.
    flags: MountFlags,
}

impl Mount {
    fn read(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ').skip(4);
        let path = unescaped(fields.next()?);
        let options = fields.next()?;
        let mut mount = Self {
            path,
            is_read_only: false,
            flags: MountFlags::empty(),
        };
        for option in options.split(|byte| *byte == b',') {
            mount.flags |= match option {
                b"ro" => {
                    mount.is_read_only = true;
                    MountFlags::empty()
                }
                b"nosuid" => MountFlags::NOSUID,
                b"nodev" => MountFlags::NODEV,
                b"noexec" => MountFlags::NOEXEC,
                b"noatime" => MountFlags::NOATIME,
                b"nodiratime" => MountFlags::NODIRATIME,
                b"relatime" => MountFlags::RELATIME,
                _ => MountFlags::empty(),
            };
        }
        Some(mount)
    }
}

/// Spaces, tabs, line breaks and backslashes stand there as three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, after @ ..] = rest {
        match after {
            [
                a @ b'0'..=b'3',
                b @ b'0'..=b'7',
                c @ b'0'..=b'7',
                others @ ..,
            ] if *first == b'\\' => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = others;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_what_counts() {
        let line = b"36 35 98:0 /mnt1 /a\\040b\\134c rw,nosuid,relatime master:1 - ext4 /dev/x rw";
        let mount = Mount::read(line).unwrap();
        assert_eq!(mount.path, Path::new("/a b\\c"));
        assert!(!mount.is_read_only);
        assert_eq!(mount.flags, MountFlags::NOSUID | MountFlags::RELATIME);
        assert!(
            Mount::read(b"1 2 3:4 / /x ro,noexec - y z w")
                .unwrap()
                .is_read_only
        );
        assert!(Mount::read(b"").is_none());
    }
}
