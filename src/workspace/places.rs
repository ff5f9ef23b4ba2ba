//! Where the programs of a session are: the system, what a person keeps at home for it, and what is out of
//! reach even there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where programs, libraries and settings of the whole machine are.
pub(super) const SYSTEM: [&str; 13] = [
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
pub(super) const MACHINE_SECRETS: [&str; 38] = [
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
pub(super) const LINKED: [&str; 2] = ["/etc/localtime", "/etc/resolv.conf"];

/// Programs that people keep in their home directories, and caches that hold nothing but what was published.
/// Each is passed over where it is not.
pub(super) const TOOLS: [&str; 36] = [
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

/// The folders of programs, but for one that would open what is hidden.
pub(super) fn programs(env: &BTreeMap<String, String>, hidden: &[PathBuf]) -> Vec<PathBuf> {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

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
