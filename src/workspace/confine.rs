//! What a session is held to: its own things, the system, and what a person's tools need of the home
//! directory. Everything else there stays out of reach, and so do other sessions and the runner.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::error::WorkspaceError;
use super::located::Located;
use super::private::{borrowed, personal_file};
use crate::git::{GitError, Repo, session_hooks};
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
        let own = ws.git_dir.join("treeyard");
        Self {
            home: own.join("home"),
            tmp: own.join("tmp"),
        }
    }

    fn make(&self) -> Result<(), WorkspaceError> {
        let both = self.home.parent().into_iter();
        let mut all = both.chain([self.home.as_path(), &self.tmp]);
        all.try_for_each(|folder| make_own(folder).map_err(WorkspaceError::io(folder)))
    }

    /// By which programs find them.
    fn variables(&self, view: View) -> Vec<(String, String)> {
        let tmp = match view {
            View::Own => Path::new("/tmp"),
            View::Whole => &self.tmp,
        };
        let below = |name: &str| self.home.join(name);
        let all = [
            ("HOME", self.home.clone()),
            ("TMPDIR", tmp.to_owned()),
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
) -> Result<Confinement, WorkspaceError> {
    if ws.is_linked(repo) {
        return Err(WorkspaceError::Unconfinable(
            "a linked worktree works in the repository's own git directory, so it cannot be held back from it"
                .to_owned(),
        ));
    }
    let own = OwnFolders::of(ws);
    own.make()?;
    let hidden = hidden(repo, ws, terms);
    let mut read = of_the_repository(repo, ws)?;
    read.extend(LINKED.iter().filter_map(|link| fs::canonicalize(link).ok()));
    read.extend(programs(env, &hidden));
    let tools = TOOLS.iter().map(|tool| terms.home.join(tool));
    for granted in tools.chain(terms.read.iter().cloned()) {
        read.extend(shown_at_home(&granted, &terms.home, &own.home)?);
    }
    let mut write = vec![ws.path.clone(), ws.git_dir.clone()];
    for granted in &terms.write {
        write.extend(shown_at_home(granted, &terms.home, &own.home)?);
    }
    Ok(Confinement {
        system: SYSTEM.map(PathBuf::from).to_vec(),
        hidden,
        read,
        write,
        tmp: Some(own.tmp),
        view: terms.view,
        network: terms.network,
        limits: terms.limits.clone(),
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
        .filter_map(|folder| folder.canonicalize().ok())
        .filter(|folder| !hidden.iter().any(|hidden| hidden.starts_with(folder)))
        .collect()
}

/// Where a place really is, if it is there. One below the home directory stands in the session's own home too.
fn shown_at_home(place: &Path, home: &Path, own: &Path) -> Result<Option<PathBuf>, WorkspaceError> {
    let Ok(real) = place.canonicalize() else {
        return Ok(None);
    };
    if let Ok(below) = place.strip_prefix(home) {
        let link = own.join(below);
        let mut parent = own.to_owned();
        for name in below.parent().unwrap_or(below) {
            parent.push(name);
            make_own(&parent).map_err(WorkspaceError::io(&parent))?;
        }
        match symlink(&real, &link) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            made => made.map_err(WorkspaceError::io(&link))?,
        }
    }
    Ok(Some(real))
}

/// Makes a folder of a session. An earlier job of it may have put a link there, and whoever followed that
/// would make and grant what is elsewhere.
fn make_own(folder: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => fs::remove_file(folder)?,
        Err(_) => {}
    }
    fs::create_dir(folder)
}
