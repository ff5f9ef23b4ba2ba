//! Finding and opening the repository.

use std::fs;
use std::path::{Path, PathBuf};

use gix::odb::store::init::Slots;

use super::error::GitError;
use crate::model::scope::Fold;

/// A repository with its paths checked. Cheap to clone, shared between threads.
#[derive(Clone)]
pub struct Repo {
    inner: gix::ThreadSafeRepository,
    common_dir: PathBuf,
    main_root: PathBuf,
    work_dir: Option<PathBuf>,
    bare: bool,
}

impl Repo {
    /// The repository that `from` is in, looking upwards. Inside a linked worktree, or inside one
    /// whose git directory is a session's own, it is the repository that the worktree belongs to.
    ///
    /// # Errors
    /// When there is none, or its object or ref format is not supported.
    pub fn discover(from: &Path) -> Result<Self, GitError> {
        let found = Self::around(from)?;
        match session_owner(&found) {
            Some(common_dir) => Ok(Self {
                work_dir: found.work_dir,
                ..Self::around(&common_dir)?
            }),
            None => Ok(found),
        }
    }

    fn around(from: &Path) -> Result<Self, GitError> {
        // A relative path would stay in every path that the library gives, as in `/repo/.`.
        let from = &canonical(from)?;
        let inner = gix::ThreadSafeRepository::discover_opts(from, Default::default(), trusted())
            .map_err(|e| explain(from, e))?;
        let mut local = inner.to_thread_local();
        let common_dir = canonical(local.common_dir())?;
        refuse_foreign_formats(&common_dir)?;
        let main = local
            .main_repo()
            .map_err(GitError::library("open the main repository"))?;
        let main_root = canonical(main.workdir().unwrap_or(&common_dir))?;
        let work_dir = local.workdir().map(canonical).transpose()?;
        disarm(&mut local)?;
        Ok(Self {
            bare: main.workdir().is_none(),
            inner: local.into_sync(),
            common_dir,
            main_root,
            work_dir,
        })
    }

    /// The git directory that all worktrees share, canonical.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// Where treeyard keeps its state. It need not exist yet.
    pub fn state_dir(&self) -> PathBuf {
        self.common_dir.join("treeyard")
    }

    /// The root of the main worktree, or the git directory of a bare repository.
    pub fn main_root(&self) -> &Path {
        &self.main_root
    }

    /// The root of the worktree it was discovered from.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    /// Whether there is no main worktree.
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// Which file names the file system of the repository does not tell apart, by git's settings.
    pub fn fold(&self) -> Fold {
        let repo = self.gix();
        let settings = repo.config_snapshot();
        Fold {
            ignore_case: settings.boolean("core.ignoreCase") == Some(true),
            precompose: settings.boolean("core.precomposeUnicode") == Some(true),
        }
    }

    /// The library's handle for this thread.
    pub fn gix(&self) -> gix::Repository {
        self.inner.to_thread_local()
    }

    /// The library's handle of the main repository, also when discovered from a linked worktree.
    pub(super) fn main_gix(&self) -> Result<gix::Repository, GitError> {
        self.gix()
            .main_repo()
            .map_err(GitError::library("open the main repository"))
    }
}

/// The git directory of the repository that made this worktree for a session. The session's own
/// git directory names it, and may lie; the repository must have registered this very worktree.
fn session_owner(found: &Repo) -> Option<PathBuf> {
    let own = &found.common_dir;
    let borrowed = fs::read_to_string(own.join("objects/info/alternates")).ok()?;
    let common_dir = Path::new(borrowed.lines().next()?).parent()?;
    let record = common_dir
        .join("treeyard/workspaces")
        .join(own.file_name()?);
    let linked = fs::read_to_string(record.join("linked")).ok()?;
    let linked = Path::new(linked.trim_end());
    let git_file = fs::read_to_string(linked.join("gitdir")).ok()?;
    let registered = linked.starts_with(common_dir.join("worktrees"))
        && Path::new(git_file.trim_end()) == found.work_dir.as_ref()?.join(".git");
    registered.then(|| common_dir.to_owned())
}

/// Opens a git directory of which nothing is believed: its own configuration is read without what
/// it includes, that of the person and the machine not at all. `settings` come on top.
///
/// # Errors
/// When it is no git directory, or cannot be read.
pub fn open_isolated(git_dir: &Path, settings: &[&str]) -> Result<gix::Repository, GitError> {
    let options = gix::open::Options::isolated()
        .open_path_as_is(true)
        .object_store_slots(FEW_PACKS)
        .config_overrides(FROM_OBJECTS.iter().chain(settings).copied());
    gix::open_opts(git_dir, options)
        .map_err(GitError::library(format!("open {}", git_dir.display())))
}

/// Opens a checkout to look at it. No program of a configuration runs on the way.
///
/// # Errors
/// When it is no repository, or cannot be read.
pub fn open_checkout(path: &Path) -> Result<gix::Repository, GitError> {
    let mut repo = gix::open_opts(path, trusted().full)
        .map_err(GitError::library(format!("open {}", path.display())))?;
    disarm(&mut repo)?;
    Ok(repo)
}

/// The names of the filter drivers that the configuration of a checkout has.
pub(super) fn filter_drivers(path: &Path) -> Vec<String> {
    let Ok(repo) = gix::open_opts(path, trusted().full) else {
        return Vec::new();
    };
    let settings = repo.config_snapshot();
    let sections = settings.sections_by_name("filter").into_iter().flatten();
    sections
        .filter_map(|section| Some(section.header().subsection_name()?.to_string()))
        .collect()
}

/// A reflog needs a name even where the person configured none.
const ALWAYS: [&str; 4] = [
    "gitoxide.committer.nameFallback=treeyard",
    "gitoxide.committer.emailFallback=treeyard@localhost",
    FROM_OBJECTS[0],
    FROM_OBJECTS[1],
];

/// History is what the commits say: neither an object that stands in for another nor a file that says
/// what is in commits is believed, since anybody could have put them there.
const FROM_OBJECTS: [&str; 2] = ["core.useReplaceRefs=false", "core.commitGraph=false"];

/// How many packs one handle can know. The library settles on a number when it opens a repository,
/// and by default hardly more than there are then; a runner lives on while each import adds one.
const PACKS: Slots = Slots::AsNeededByDiskState {
    multiplier: 2.0,
    minimum: 4096,
};

/// The same for a handle of a moment. Even then another process may bring packs or roll them up.
const FEW_PACKS: Slots = Slots::AsNeededByDiskState {
    multiplier: 2.0,
    minimum: 256,
};

/// Which repository is meant is said by the path alone: what git hooks and `git rebase --exec`
/// put into the environment names one of their own.
fn trusted() -> gix::sec::trust::Mapping<gix::open::Options> {
    const OF_A_REPOSITORY: [&str; 6] = [
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_SHALLOW_FILE",
    ];
    let mut mapping = gix::sec::trust::Mapping::<gix::open::Options>::default();
    let named = |key: &&str| std::env::var_os(key).is_some();
    for options in [&mut mapping.full, &mut mapping.reduced] {
        *options = options
            .clone()
            .config_overrides(ALWAYS)
            .object_store_slots(PACKS);
        options.permissions.env.objects = gix::sec::Permission::Deny;
        // These variables also say where configuration is, so they are not denied for nothing.
        if OF_A_REPOSITORY.iter().any(named) {
            options.permissions.env.git_prefix = gix::sec::Permission::Deny;
        }
    }
    mapping
}

/// Takes out what names programs: filters, merge drivers and text conversions. Without them, what
/// is stored is what is compared, merged and written.
fn disarm(repo: &mut gix::Repository) -> Result<(), GitError> {
    let mut config = repo.config_snapshot_mut();
    for name in ["filter", "merge", "diff"] {
        while let Some(driver) = first_driver(&config, name) {
            config.remove_section(name, driver.as_str());
        }
    }
    config
        .commit()
        .map_err(GitError::library("set filters aside"))?;
    Ok(())
}

fn first_driver(config: &gix::config::File, section: &str) -> Option<String> {
    config
        .sections_by_name(section)?
        .find_map(|found| Some(found.header().subsection_name()?.to_string()))
}

fn canonical(path: &Path) -> Result<PathBuf, GitError> {
    path.canonicalize().map_err(GitError::io(path))
}

/// The library's own error does not tell "none there" from "there, but unreadable".
fn explain(from: &Path, error: gix::Error) -> GitError {
    let Some(git_dir) = nearest_git_dir(from) else {
        return GitError::NotARepository(from.to_owned());
    };
    match refuse_foreign_formats(&git_dir) {
        Err(unsupported) => unsupported,
        Ok(()) => GitError::library(format!("open {}", git_dir.display()))(error),
    }
}

fn nearest_git_dir(from: &Path) -> Option<PathBuf> {
    from.ancestors().find_map(|dir| {
        let inside = dir.join(".git");
        if inside.join("HEAD").is_file() {
            Some(inside)
        } else if inside.is_file() || (dir.join("HEAD").is_file() && dir.join("objects").is_dir()) {
            Some(dir.to_owned())
        } else {
            None
        }
    })
}

fn refuse_foreign_formats(git_dir: &Path) -> Result<(), GitError> {
    let path = git_dir.join("config");
    let Ok(config) =
        gix::config::File::from_path_no_includes(path.clone(), gix::config::Source::Local)
    else {
        return Ok(());
    };
    let unsupported = |what: String| GitError::Unsupported {
        path: git_dir.to_owned(),
        what,
    };
    let differs = |key: &str, usual: &str| {
        config
            .string(key)
            .map(|v| v.to_string().to_ascii_lowercase())
            .filter(|v| v != usual)
    };
    if let Some(format) = differs("extensions.objectFormat", "sha1") {
        return Err(unsupported(format!("the object format {format}")));
    }
    if let Some(format) = differs("extensions.refStorage", "files") {
        return Err(unsupported(format!("the ref format {format}")));
    }
    Ok(())
}
