//! A view of one's own: a root with nothing but what was granted, each at its own path. What follows is
//! what pivot_root(2) describes, in namespaces for mounts, System V objects and, if asked for, the network.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use nix::sched::{CloneFlags, unshare};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, unmount,
};
use rustix::process::{getgid, getuid, pivot_root};

use super::confinement::{Confinement, Reach};
use super::mounts::{named, seal};
use super::plan::{Place, Plan};
use super::rules::DEVICES;

/// Where the new root is made. Whatever is there is out of the way as soon as it is the root.
const BASE: &str = "/tmp";
const OLD: &str = "/old";
const NEW: &str = "/new";

/// Enters the view.
pub(super) fn enter(confinement: &Confinement) -> io::Result<()> {
    let mut namespaces = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    if confinement.network == Reach::Nothing {
        namespaces |= CloneFlags::CLONE_NEWNET;
    }
    separate(namespaces)?;
    begin()?;
    let plan = Plan::of(confinement);
    for (path, place) in plan.places() {
        refuse_link(path, &plan)
            .and_then(|()| make(path, place))
            .map_err(|error| named(path, error))?;
    }
    finish()?;
    seal(|path| plan.is_writable(path) || is_own_device(path))
}

/// Enters new namespaces. Without the right to, those of a user namespace in which nothing is different
/// but that the right is there.
pub(super) fn separate(namespaces: CloneFlags) -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    if unshare(namespaces).is_ok() {
        return Ok(());
    }
    unshare(namespaces | CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))
}

/// An empty root, with the old one beside the one to come.
fn begin() -> io::Result<()> {
    // What is mounted from here on is seen nowhere else.
    let alone = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", alone)?;
    mount_scratch(Path::new(BASE), c"mode=0755,size=16m")
        .map_err(|error| named(Path::new(BASE), error))?;
    let base = Path::new(BASE);
    fs::create_dir(base.join("old"))?;
    fs::create_dir(base.join("new"))?;
    let old = base.join("old");
    pivot_root(base, &old)?;
    std::env::set_current_dir("/")?;
    mount_bind(NEW, NEW)?;
    Ok(())
}

fn finish() -> io::Result<()> {
    unmount(OLD, UnmountFlags::DETACH)?;
    std::env::set_current_dir(NEW)?;
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

/// Whoever may change a folder may have put a link there that leads to where nothing is to be made.
fn refuse_link(path: &Path, plan: &Plan) -> io::Result<()> {
    let is_link = |path: &Path| below(NEW, path).is_symlink();
    match path
        .ancestors()
        .find(|path| plan.is_writable(path) && is_link(path))
    {
        None => Ok(()),
        Some(link) => Err(io::Error::other(format!("{} is a link", link.display()))),
    }
}

fn make(path: &Path, place: &Place) -> io::Result<()> {
    let (old, new) = (below(OLD, path), below(NEW, path));
    match place {
        Place::Shown => match show(&old, &new) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            shown => shown,
        },
        Place::Writable => show(&old, &new),
        Place::StandIn(folder) => {
            fs::create_dir_all(&new)?;
            Ok(mount_bind(below(OLD, folder), new)?)
        }
        Place::Hidden => hide(&old, &new),
        Place::Devices => devices(&new),
    }
}

/// The same path below another root.
fn below(root: &str, path: &Path) -> PathBuf {
    Path::new(root).join(path.strip_prefix("/").unwrap_or(path))
}

fn show(old: &Path, new: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(old)?;
    if let Some(parent) = new.parent() {
        fs::create_dir_all(parent)?;
    }
    if found.is_symlink() {
        return match symlink(fs::read_link(old)?, new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        };
    }
    match found.is_dir() {
        true => fs::create_dir_all(new)?,
        false if new.symlink_metadata().is_err() => drop(File::create_new(new)?),
        false => {}
    }
    Ok(mount_bind_recursive(old, new)?)
}

fn hide(old: &Path, new: &Path) -> io::Result<()> {
    match fs::symlink_metadata(old) {
        Ok(found) if found.is_dir() => mount_scratch(new, c"mode=0755,size=1m"),
        Ok(found) if found.is_file() => Ok(mount_bind(below(OLD, Path::new("/dev/null")), new)?),
        // A link shows nothing that is not granted where it leads to.
        _ => Ok(()),
    }
}

fn devices(dev: &Path) -> io::Result<()> {
    fs::create_dir_all(dev)?;
    mount_scratch(dev, c"mode=0755,size=1m")?;
    for device in DEVICES.iter().filter(|device| **device != "/dev/ptmx") {
        let new = below(NEW, Path::new(device));
        match show(&below(OLD, Path::new(device)), &new) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            shown => shown.map_err(|error| named(Path::new(device), error))?,
        }
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ] {
        symlink(target, dev.join(name))?;
    }
    let mut builder = DirBuilder::new();
    builder.mode(0o1777).create(dev.join("shm"))?;
    mount_scratch(&dev.join("shm"), c"mode=1777")?;
    // Terminals of its own: nobody else's can be typed into.
    let pts = dev.join("pts");
    fs::create_dir(&pts)?;
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    Ok(mount(
        "devpts",
        &pts,
        "devpts",
        flags,
        c"newinstance,ptmxmode=0666,mode=0620",
    )?)
}

fn mount_scratch(path: &Path, options: &std::ffi::CStr) -> io::Result<()> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    Ok(mount("tmpfs", path, "tmpfs", flags, options)?)
}

fn is_own_device(path: &Path) -> bool {
    super::rules::OWN_DEVICES
        .iter()
        .any(|own| path.starts_with(own))
}
