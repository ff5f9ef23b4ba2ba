//! What a session is held to: its own things, the system, and what a person's tools need of the home
//! directory. Everything else there stays out of reach, and so do other sessions and the runner.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::{Located, is_dir, own_folder};
use super::private::{borrowed, personal_file};
use super::release::remove;
use crate::git::{GitError, Repo, session_hooks, shims_folder};
use crate::model::scope::Scope;
use crate::proc::{Confinement, Limits, Reach, View, own_program};

/// Where programs, libraries and settings of the whole machine are.
const SYSTEM: [&str; 13] = [
    "/bin",
    "/etc",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/opt",
    "/proc",
    "/sbin",
    "/sys",
    "/usr",
];

/// Secrets of the machine among them: for root, or for a group that its person is in.
const MACHINE_SECRETS: [&str; 38] = [
    "/etc/NetworkManager/system-connections",
    "/etc/apt/auth.conf",
    "/etc/apt/auth.conf.d",
    "/etc/chap-secrets",
    "/etc/crypttab",
    "/etc/docker/key.json",
    "/etc/exim4/passwd.client",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ipsec.secrets",
    "/etc/iscsi",
    "/etc/krb5.keytab",
    "/etc/kubernetes",
    "/etc/letsencrypt",
    "/etc/msmtprc",
    "/etc/mysql/debian.cnf",
    "/etc/netplan",
    "/etc/openvpn",
    "/etc/pki/tls/private",
    "/etc/postfix/sasl_passwd",
    "/etc/ppp",
    "/etc/rancher",
    "/etc/security/opasswd",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssh/ssh_host_dsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssl/private",
    "/etc/sssd",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/swanctl/private",
    "/etc/wireguard",
    "/etc/wpa_supplicant",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
];

/// Files of `/etc` that often are links to what is not there.
const LINKED: [&str; 2] = ["/etc/localtime", "/etc/resolv.conf"];

/// Programs that people keep in their home directories, and caches that hold nothing but what was published.
/// Each is passed over where it is not.
const TOOLS: [&str; 36] = [
    ".asdf",
    ".bun/bin",
    ".cargo/bin",
    ".cargo/config.toml",
    ".cargo/env",
    ".cargo/git",
    ".cargo/registry",
    ".deno/bin",
    ".dotnet",
    ".elan",
    ".fnm",
    ".ghcup",
    ".jenv",
    ".juliaup",
    ".linuxbrew",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/uv",
    ".m2/repository",
    ".nodenv",
    ".nvm",
    ".opam",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sdkman",
    ".swiftly",
    ".volta",
    "go/bin",
    "go/pkg/mod",
];

/// Folders of tools that a person moved elsewhere, by the variable that says where; and what of them may be
/// read.
const MOVED_TOOLS: [(&str, &[&str]); 2] = [
    (
        "CARGO_HOME",
        &["bin", "config.toml", "env", "git", "registry"],
    ),
    ("RUSTUP_HOME", &[""]),
];

/// Whether sessions can be held back as far as they have to be.
#[derive(Debug, Clone)]
pub enum Sandbox {
    /// They are.
    Held(Box<Terms>),
    /// They are not, for this reason, and so do not run.
    Unreached(String),
}

/// What a person's settings and machine say of holding sessions back.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What they see.
    pub view: View,
    /// What they reach of the network.
    pub network: Reach,
    /// The home directory of the person.
    pub home: PathBuf,
    /// Whether they may write only in the folders of their scopes, where those can be told.
    pub narrow: bool,
    /// Further places that they may read.
    pub read: Vec<PathBuf>,
    /// Further places that they may change.
    pub write: Vec<PathBuf>,
    /// How much each process may use.
    pub limits: Limits,
}

/// The folders that a session has instead of those that its person's programs share.
struct OwnFolders {
    home: PathBuf,
    tmp: PathBuf,
}

impl OwnFolders {
    fn of(ws: &Located) -> Self {
        let own = own_folder(&ws.git_dir);
        Self {
            home: own.join("home"),
            tmp: own.join("tmp"),
        }
    }

    /// Makes them, and puts into the home what is to be shown there. Only once: what is in it is the session's
    /// from then on, and may be links to anywhere.
    fn make(&self, shown: &[(PathBuf, PathBuf)]) -> Result<(), WorkspaceError> {
        fs::create_dir_all(&self.tmp).map_err(WorkspaceError::io(&self.tmp))?;
        if self.home.exists() {
            return Ok(());
        }
        let making = self.home.with_extension("making");
        remove(&making)?;
        fs::create_dir(&making).map_err(WorkspaceError::io(&making))?;
        for (below, real) in shown {
            let link = making.join(below);
            let parent = link.parent().unwrap_or(&making);
            fs::create_dir_all(parent).map_err(WorkspaceError::io(parent))?;
            match symlink(real, &link) {
                // A folder around it is shown already.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                made => made.map_err(WorkspaceError::io(&link))?,
            }
        }
        fs::rename(&making, &self.home).map_err(WorkspaceError::io(&self.home))
    }

    /// By which programs find them.
    fn variables(&self, view: View) -> Vec<(String, String)> {
        let tmp = match view {
            View::Own => Path::new("/tmp"),
            View::Whole => &self.tmp,
        };
        let below = |name: &str| self.home.join(name);
        let private = format!("{}:{}", tmp.display(), self.home.display());
        let all = [
            ("HOME", self.home.clone()),
            ("TMPDIR", tmp.to_owned()),
            ("TREEYARD_PRIVATE", private.into()),
            ("XDG_CACHE_HOME", below(".cache")),
            ("XDG_CONFIG_HOME", below(".config")),
            ("XDG_DATA_HOME", below(".local/share")),
            ("XDG_RUNTIME_DIR", tmp.to_owned()),
            ("XDG_STATE_HOME", below(".local/state")),
        ];
        let text = |(name, path): (&str, PathBuf)| (name.to_owned(), path.display().to_string());
        all.map(text).into()
    }
}

/// The variables of a session that is held back. What its task sets counts more.
pub fn own_variables(ws: &Located, terms: &Terms) -> Vec<(String, String)> {
    OwnFolders::of(ws).variables(terms.view)
}

/// What a program with this environment is held to in a session's worktree. Makes the folders that it
/// has of its own.
///
/// # Errors
/// A linked worktree, which works in the repository's own git directory; a folder that cannot be made.
pub fn confine(
    repo: &Repo,
    ws: &Located,
    terms: &Terms,
    env: &BTreeMap<String, String>,
    scope: Option<&Scope>,
) -> Result<Confinement, WorkspaceError> {
    if ws.is_linked(repo) {
        return Err(WorkspaceError::Unconfinable(
            "a linked worktree works in the repository's own git directory, so it cannot be held back from it"
                .to_owned(),
        ));
    }
    let own = OwnFolders::of(ws);
    let hidden = hidden(repo, ws, terms);
    let mut read = of_the_repository(repo, ws)?;
    read.extend(LINKED.iter().filter_map(|link| fs::canonicalize(link).ok()));
    read.extend(programs(env, &hidden));
    let tools = TOOLS.iter().map(|tool| terms.home.join(tool));
    let to_read = really_there(tools.chain(terms.read.iter().cloned()));
    let to_write = really_there(terms.write.iter().cloned());
    let granted = to_read.iter().chain(&to_write);
    let at_home = granted.filter_map(|(named, real)| {
        let below = named.strip_prefix(&terms.home).ok()?;
        Some((below.to_owned(), real.clone())).filter(|_| !below.as_os_str().is_empty())
    });
    own.make(&at_home.collect::<Vec<_>>())?;
    read.extend(to_read.into_iter().map(|(_, real)| real));
    let mut write = vec![ws.git_dir.clone(), own.home, own.tmp.clone()];
    match scope.filter(|_| terms.narrow).and_then(Scope::folders) {
        Some(folders) if make_all(&ws.path, &folders) => {
            write.extend(folders.iter().map(|folder| ws.path.join(folder)));
            read.push(ws.path.clone());
        }
        _ => write.push(ws.path.clone()),
    }
    write.extend(to_write.into_iter().map(|(_, real)| real));
    Ok(Confinement {
        system: SYSTEM.map(PathBuf::from).to_vec(),
        hidden,
        read,
        write,
        tmp: Some(own.tmp),
        view: terms.view,
        network: terms.network.clone(),
        limits: terms.limits.clone(),
    })
}

/// Makes folders of a worktree that are not there. Whether all are folders by now, and none leads elsewhere.
fn make_all(root: &Path, folders: &[String]) -> bool {
    folders.iter().all(|folder| {
        let mut path = root.to_owned();
        folder.split('/').all(|part| {
            path.push(part);
            let _there_already = fs::create_dir(&path);
            is_dir(&path)
        })
    })
}

/// What is out of reach even where a folder of the system has it.
fn hidden(repo: &Repo, ws: &Located, terms: &Terms) -> Vec<PathBuf> {
    let explicit = || terms.read.iter().chain(&terms.write);
    let opens_home = explicit().any(|granted| terms.home.starts_with(granted));
    let places = [
        Some(terms.home.as_path()).filter(|_| !opens_home),
        Some(repo.main_root()),
        Some(repo.common_dir()),
        ws.path.parent(),
    ];
    let places = places.into_iter().flatten();
    let real = places.map(|place| place.canonicalize().unwrap_or_else(|_| place.to_owned()));
    real.chain(MACHINE_SECRETS.map(PathBuf::from)).collect()
}

/// What git and the session's hooks read of the repository: objects, patterns of files, what the session
/// may change, and the hooks themselves. Its own `.git` file is not to be led elsewhere.
fn of_the_repository(repo: &Repo, ws: &Located) -> Result<Vec<PathBuf>, WorkspaceError> {
    let objects = repo.common_dir().join("objects");
    let mut read = borrowed(&objects)?;
    let main = repo.gix();
    let settings = main.config_snapshot();
    let patterns = [("excludesFile", "ignore"), ("attributesFile", "attributes")];
    read.extend(
        patterns
            .iter()
            .filter_map(|(key, name)| personal_file(&settings, key, name)),
    );
    let program = own_program().map_err(GitError::library("find this program"))?;
    read.extend([
        objects,
        ws.record(repo)?,
        session_hooks(&repo.state_dir()),
        shims_folder(&repo.state_dir()),
        program,
    ]);
    let git_file = ws.path.join(".git");
    // A link would grant what it leads to. Without a view of its own a session can put one there.
    if fs::symlink_metadata(&git_file).is_ok_and(|found| found.is_file()) {
        read.push(git_file);
    }
    Ok(read)
}

/// The folders of programs, but for one that would open what is hidden.
fn programs(env: &BTreeMap<String, String>, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let path = env.get("PATH").map_or("", String::as_str);
    let moved = MOVED_TOOLS.iter().flat_map(|(variable, parts)| {
        let folder = env.get(*variable).map(PathBuf::from);
        folder
            .into_iter()
            .flat_map(|folder| parts.iter().map(move |part| folder.join(part)))
    });
    std::env::split_paths(path)
        .chain(moved)
        // What a relative one means depends on where it is looked at.
        .filter(|folder| folder.is_absolute())
        .filter_map(|folder| folder.canonicalize().ok())
        .filter(|folder| !hidden.iter().any(|hidden| hidden.starts_with(folder)))
        .filter(|folder| !is_of_the_system(folder, hidden))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// Has the variables that say where programs are lead past links: on the way to a folder of programs, which
/// is granted where it really is, they are not there for a session.
pub(super) fn lead_past_links(env: &mut BTreeMap<String, String>) {
    let real = |folder: PathBuf| match folder.is_absolute() && !is_of_the_system(&folder, &[]) {
        true => folder.canonicalize().unwrap_or(folder),
        false => folder,
    };
    let names = MOVED_TOOLS.iter().map(|(name, _)| *name);
    for name in names.chain(["PATH"]) {
        let Some(value) = env.get_mut(name) else {
            continue;
        };
        let folders = std::env::join_paths(std::env::split_paths(value.as_str()).map(real));
        if let Some(folders) = folders.ok().and_then(|folders| folders.into_string().ok()) {
            *value = folders;
        }
    }
}

/// Whether a folder of the system has it, so that it needs no grant of its own.
fn is_of_the_system(folder: &Path, hidden: &[PathBuf]) -> bool {
    let is_hidden = hidden.iter().any(|hidden| folder.starts_with(hidden));
    !is_hidden && SYSTEM.iter().any(|system| folder.starts_with(system))
}

/// Those places that are there, each as it is named and as it really is.
fn really_there(places: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, PathBuf)> {
    let real = |named: PathBuf| {
        let real = named.canonicalize().ok()?;
        Some((named, real))
    };
    places.filter_map(real).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_programs_are_named_where_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("real");
        let link = dir.path().join("link");
        fs::create_dir_all(real.join("bin")).unwrap();
        symlink(&real, &link).unwrap();
        let (real, link) = (real.display(), link.display());
        let mut env = BTreeMap::from(
            [
                ("PATH", format!("{link}/bin:/usr/bin:.:/not/there")),
                ("CARGO_HOME", link.to_string()),
                ("OTHER", link.to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        lead_past_links(&mut env);
        assert_eq!(env["PATH"], format!("{real}/bin:/usr/bin:.:/not/there"));
        assert_eq!(env["CARGO_HOME"], real.to_string());
        assert_eq!(env["OTHER"], link.to_string());
        assert_eq!(
            programs(&env, &[]),
            [format!("{real}/bin")].map(PathBuf::from)
        );
    }

    #[test]
    fn folders_of_the_system_need_no_grant_unless_they_are_hidden() {
        let hidden = [PathBuf::from("/usr/src/repo")];
        let of_the_system = |path: &str| is_of_the_system(Path::new(path), &hidden);
        assert!(of_the_system("/usr/bin"));
        assert!(!of_the_system("/usr/src/repo/bin"));
        assert!(!of_the_system("/srv/bin"));
    }
}
