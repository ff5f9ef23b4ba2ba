//! Installing something by its name, without saying which version. A lockfile, a list of requirements and a folder
//! say it, or need not; what stands in a variable cannot be told, and counts as said.

use semver::Version;

use crate::model::denylist::read_options;

/// How a version is written behind a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pin {
    /// `name@1.2.3`.
    At,
    /// `name==1.2.3`.
    Equals,
    /// `name@v1.2.3`; a name without an `@` is one of the module at hand.
    Go,
    /// `name@1.2.3`, or an option with a version.
    Cargo,
    /// An option with a version.
    Gem,
}

/// A way to install by name.
struct Way {
    program: &'static str,
    /// Words that come first.
    verbs: &'static [&'static str],
    pin: Pin,
    /// Letters and long options that take the next word.
    with_value: (&'static str, &'static [&'static str]),
}

const NPM: (&str, &[&str]) = (
    "C",
    &[
        "prefix",
        "registry",
        "tag",
        "workspace",
        "dir",
        "cwd",
        "filter",
        "loglevel",
        "cache",
    ],
);
const PIP: (&str, &[&str]) = (
    "rceitf",
    &[
        "requirement",
        "constraint",
        "editable",
        "index-url",
        "extra-index-url",
        "target",
        "find-links",
        "python",
        "prefix",
        "root",
        "group",
        "extra",
        "timeout",
        "retries",
        "proxy",
        "cache-dir",
        "index",
        "default-index",
    ],
);
const CARGO: (&str, &[&str]) = (
    "FjZ",
    &[
        "version",
        "vers",
        "git",
        "rev",
        "tag",
        "branch",
        "path",
        "features",
        "root",
        "target",
        "profile",
        "registry",
        "index",
        "jobs",
        "bin",
        "example",
        "target-dir",
        "color",
        "config",
    ],
);
const GO: (&str, &[&str]) = ("p", &["tags", "ldflags", "gcflags", "mod"]);
const GEM: (&str, &[&str]) = (
    "vin",
    &["version", "install-dir", "bindir", "source", "platform"],
);
const CODE: (&str, &[&str]) = ("", &["user-data-dir", "extensions-dir", "profile"]);

const fn way(
    program: &'static str,
    verbs: &'static [&'static str],
    pin: Pin,
    with_value: (&'static str, &'static [&'static str]),
) -> Way {
    Way {
        program,
        verbs,
        pin,
        with_value,
    }
}

/// All that are known. Packages of the system itself are not among them: its release says which.
static WAYS: [Way; 30] = [
    way("npm", &["install"], Pin::At, NPM),
    way("npm", &["i"], Pin::At, NPM),
    way("npm", &["add"], Pin::At, NPM),
    way("pnpm", &["add"], Pin::At, NPM),
    way("pnpm", &["install"], Pin::At, NPM),
    way("pnpm", &["i"], Pin::At, NPM),
    way("pnpm", &["dlx"], Pin::At, NPM),
    way("yarn", &["add"], Pin::At, NPM),
    way("yarn", &["global", "add"], Pin::At, NPM),
    way("yarn", &["dlx"], Pin::At, NPM),
    way("bun", &["add"], Pin::At, NPM),
    way("bun", &["install"], Pin::At, NPM),
    way("bun", &["i"], Pin::At, NPM),
    way("pip", &["install"], Pin::Equals, PIP),
    way("pip3", &["install"], Pin::Equals, PIP),
    way("python", &["-m", "pip", "install"], Pin::Equals, PIP),
    way("python3", &["-m", "pip", "install"], Pin::Equals, PIP),
    way("uv", &["pip", "install"], Pin::Equals, PIP),
    way("uv", &["tool", "install"], Pin::Equals, PIP),
    way("uv", &["add"], Pin::Equals, PIP),
    way("pipx", &["install"], Pin::Equals, PIP),
    way("pipx", &["run"], Pin::Equals, PIP),
    way("uvx", &[], Pin::Equals, PIP),
    way("poetry", &["add"], Pin::Equals, PIP),
    way("cargo", &["install"], Pin::Cargo, CARGO),
    way("cargo", &["binstall"], Pin::Cargo, CARGO),
    way("go", &["install"], Pin::Go, GO),
    way("go", &["get"], Pin::Go, GO),
    way("gem", &["install"], Pin::Gem, GEM),
    way("code", &["--install-extension"], Pin::At, CODE),
];
/// Those that run what they install, with its arguments behind its name.
const RUNNERS: [&str; 3] = ["dlx", "run", "uvx"];

/// Whether it installs something of which no version is said.
pub(super) fn is_unpinned(program: &str, args: &[String]) -> bool {
    let begins = |way: &&Way| {
        let words = args.iter().map(String::as_str);
        way.program == program && words.take(way.verbs.len()).eq(way.verbs.iter().copied())
    };
    let Some(way) = WAYS.iter().filter(begins).max_by_key(|way| way.verbs.len()) else {
        return false;
    };
    let (letters, long) = way.with_value;
    let options = read_options(&args[way.verbs.len()..], letters, long);
    let says = |names: &[&str]| {
        let mut given = options.long.iter();
        given.any(|(name, _)| names.contains(&name.as_str()))
    };
    let is_said = match way.pin {
        Pin::Cargo => {
            let version = options
                .value('\0', "version")
                .or(options.value('\0', "vers"));
            let by_version = version.is_some_and(|text| is_exact(text) || is_unknown(text));
            says(&["path"]) || by_version || says(&["git"]) && says(&["rev"])
        }
        Pin::Gem => {
            let version = options.value('v', "version");
            let exact = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            version.is_some_and(|text| exact(text) || is_unknown(text))
        }
        _ => says(&["require-hashes", "frozen-lockfile", "immutable"]),
    };
    let most = match RUNNERS
        .iter()
        .any(|runner| way.verbs.last() == Some(runner) || way.program == *runner)
    {
        true => 1,
        false => usize::MAX,
    };
    let mut names = options.rest.iter().take(most).map(String::as_str);
    let from_git = way.pin == Pin::Cargo && says(&["git"]) && !is_said;
    from_git || !is_said && names.any(|name| !is_pinned(name, way.pin))
}

/// Whether a word says all of what is installed, or is none of a registry's names.
fn is_pinned(word: &str, pin: Pin) -> bool {
    let is_local =
        word.starts_with(['.', '/', '~']) || word.starts_with("file:") || word.starts_with("link:");
    let is_file = [".whl", ".tgz", ".tar.gz", ".gem", ".vsix"]
        .iter()
        .any(|end| word.ends_with(end));
    if is_local || is_unknown(word) || word.is_empty() {
        return true;
    }
    if word.contains("://") || word.starts_with("git@") {
        return names_commit(word);
    }
    if is_file {
        return true;
    }
    let version = |mark: &str| word.rsplit_once(mark).filter(|(name, _)| !name.is_empty());
    match pin {
        Pin::At | Pin::Cargo => version("@").is_some_and(|(_, version)| is_exact(version)),
        Pin::Equals => {
            let equal = version("==").map(|(_, version)| version.trim_start_matches('='));
            let equal = equal.is_some_and(|version| !version.contains('*') && !version.is_empty());
            equal || version("@").is_some_and(|(_, version)| is_exact(version))
        }
        Pin::Go => match version("@") {
            Some((_, version)) => {
                is_exact(version.strip_prefix('v').unwrap_or(version)) || is_hex(version)
            }
            None => !word.contains('.'),
        },
        Pin::Gem => version(":")
            .is_some_and(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit())),
    }
}

/// Of an address of a repository: whether it names a commit.
fn names_commit(word: &str) -> bool {
    let behind = word.rsplit(['#', '@']).next().unwrap_or_default();
    let commit = behind.split(['&', '?']).next().unwrap_or_default();
    is_hex(commit)
}

fn is_hex(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_exact(text: &str) -> bool {
    let text = text.strip_prefix('=').unwrap_or(text);
    Version::parse(text.strip_prefix('v').unwrap_or(text)).is_ok()
}

/// Whether a shell puts something else in its place.
fn is_unknown(text: &str) -> bool {
    text.contains('$')
}
