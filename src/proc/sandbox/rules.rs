//! Which files may be opened, made, renamed and removed, and whom signals reach: Landlock, as
//! landlock(7) and the kernel's own documentation have it.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError,
    Scope,
};

use super::confinement::{Confinement, View};

/// What every program may read and write. Nothing is behind them that others have.
pub(super) const DEVICES: [&str; 7] = [
    "/dev/full",
    "/dev/null",
    "/dev/ptmx",
    "/dev/random",
    "/dev/tty",
    "/dev/urandom",
    "/dev/zero",
];
/// Folders of the view that are made for it alone.
pub(super) const OWN_DEVICES: [&str; 2] = ["/dev/pts", "/dev/shm"];

/// The newest version whose rights are asked for. What the kernel does not know of them yet is left out.
const NEWEST: ABI = ABI::V9;

/// Restricts this process, and all that it starts, to what is granted. Gives the version of Landlock that
/// does it. Of a network that it shares with others, only this port may be connected to, when one is named.
pub(super) fn restrict(confinement: &Confinement, proxy: Option<u16>) -> Result<u32, String> {
    let failed = |error: RulesetError| error.to_string();
    let port = proxy.filter(|_| confinement.view == View::Whole);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(|ruleset| match port {
            // Here less than all would be nothing.
            Some(_) => ruleset
                .set_compatibility(CompatLevel::HardRequirement)
                .handle_access(AccessNet::ConnectTcp),
            None => Ok(ruleset),
        })
        .and_then(Ruleset::create)
        .map_err(failed)?;
    let mut granting = Granting {
        ruleset: ruleset.set_compatibility(CompatLevel::BestEffort),
    };
    granting.grant_all(confinement, &Rights::new())?;
    if let Some(port) = port {
        let rule = NetPort::new(port, AccessNet::ConnectTcp);
        (&mut granting.ruleset).add_rule(rule).map_err(failed)?;
    }
    let status = granting.ruleset.restrict_self().map_err(failed)?;
    match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => Ok(effective_abi as u32),
        LandlockStatus::NotEnabled => {
            Err("the kernel has it, but it is not enabled (boot with `lsm=landlock,…`)".to_owned())
        }
        _ => Err("the kernel does not have it (Linux 5.13 and later do)".to_owned()),
    }
}

/// What goes together.
struct Rights {
    read: BitFlags<AccessFs>,
    write: BitFlags<AccessFs>,
    device: BitFlags<AccessFs>,
    /// Those that mean something for a file.
    file: BitFlags<AccessFs>,
}

impl Rights {
    fn new() -> Self {
        let devices = AccessFs::MakeBlock | AccessFs::MakeChar | AccessFs::IoctlDev;
        let change = AccessFs::WriteFile | AccessFs::IoctlDev;
        Self {
            read: AccessFs::from_read(NEWEST),
            write: AccessFs::from_all(NEWEST) & !devices,
            device: AccessFs::ReadFile | AccessFs::ReadDir | change,
            file: AccessFs::from_file(NEWEST),
        }
    }
}

struct Granting {
    ruleset: RulesetCreated,
}

impl Granting {
    fn grant_all(&mut self, confinement: &Confinement, rights: &Rights) -> Result<(), String> {
        match confinement.view {
            View::Own => {
                // What is not granted does not exist there, so that names may be listed.
                self.grant(Path::new("/"), AccessFs::ReadDir.into(), rights)?;
                for path in &confinement.system {
                    self.grant(path, rights.read, rights)?;
                }
                for path in OWN_DEVICES {
                    self.grant(Path::new(path), rights.write | rights.device, rights)?;
                }
                if confinement.tmp.is_some() {
                    self.grant(Path::new("/tmp"), rights.write, rights)?;
                }
            }
            View::Whole => {
                for path in around(&confinement.system, &confinement.hidden) {
                    self.grant(&path, rights.read, rights)?;
                }
            }
        }
        for path in DEVICES {
            self.grant(Path::new(path), rights.device, rights)?;
        }
        for path in &confinement.read {
            self.grant(path, rights.read, rights)?;
        }
        for path in &confinement.write {
            if !path.exists() {
                return Err(format!("{} is not there", path.display()));
            }
            self.grant(path, rights.write, rights)?;
        }
        Ok(())
    }

    fn grant(
        &mut self,
        path: &Path,
        access: BitFlags<AccessFs>,
        rights: &Rights,
    ) -> Result<(), String> {
        // What is not there, or not for this user, cannot be had anyway.
        let Ok(file) = PathFd::new(path) else {
            return Ok(());
        };
        let access = match path.is_dir() {
            true => access,
            false => access & rights.file,
        };
        if access.is_empty() {
            return Ok(());
        }
        let rule = PathBeneath::new(file, access);
        let added = (&mut self.ruleset).add_rule(rule).map(drop);
        added.map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The folders of the system, and where something in one is hidden, all that lies beside it.
fn around(system: &[PathBuf], hidden: &[PathBuf]) -> Vec<PathBuf> {
    let mut granted = Vec::new();
    let mut open: Vec<PathBuf> = system.to_vec();
    while let Some(path) = open.pop() {
        if hidden.contains(&path) {
            continue;
        }
        if !hidden.iter().any(|hidden| hidden.starts_with(&path)) {
            granted.push(path);
            continue;
        }
        let entries = fs::read_dir(&path).into_iter().flatten().flatten();
        open.extend(entries.map(|entry| entry.path()));
    }
    granted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_something_hidden_is_granted() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for path in ["a/b/secret/deep", "a/b/other", "a/c", "d"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        let of = |paths: &[&str]| -> Vec<PathBuf> { paths.iter().map(|p| root.join(p)).collect() };
        let mut found = around(&of(&["a", "d"]), &of(&["a/b/secret", "elsewhere"]));
        found.sort();
        assert_eq!(found, of(&["a/b/other", "a/c", "d"]));
        assert_eq!(around(&of(&["a"]), &of(&["a"])), of(&[]));
        assert_eq!(around(&of(&["a"]), &of(&["ab"])), of(&["a"]));
    }
}
