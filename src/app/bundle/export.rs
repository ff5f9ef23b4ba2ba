//! Writing a session into one file.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::clean::{Clean, clean, files_with_secrets};
use super::manifest::{ARTIFACTS, EVENTS, FORMAT, MANIFEST, Manifest, REPOSITORY, VERSION};
use crate::app::control::refuse_at_work;
use crate::app::failure::Failure;
use crate::app::inside;
use crate::app::project::Project;
use crate::app::setup::runner_config;
use crate::cas;
use crate::git::Git;
use crate::model::checkpoint::Checkpoint;
use crate::model::code::Code;
use crate::model::ids::{CommitId, ContentHash};
use crate::model::job::JobState;
use crate::model::scope::Scope;
use crate::store::{EventFilter, SessionRow};
use crate::workspace::scratch;
use crate::workspace::snapshot::reference;

/// What is written, and where.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The file; it must not be there.
    pub file: PathBuf,
    /// Without what comes before the commit that the session started from.
    pub thin: bool,
    /// Also when files of its checkpoints have secrets in them.
    pub with_secrets: bool,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Exported {
    /// What the file says of itself.
    pub manifest: Manifest,
    /// How large it is, in bytes.
    pub size: u64,
}

/// Writes all that is on record of a session, without secrets. The file is there as a whole, or not at all.
///
/// # Errors
/// A session that is at work or has no checkpoint; a record that is damaged; a checkpoint with secrets in its files; a file
/// that is there or cannot be written; or when it is asked from inside of a session.
pub fn export(
    project: &Project,
    session: &SessionRow,
    wanted: &Wanted,
) -> Result<Exported, Failure> {
    inside::refuse_session("a session does not read threads, neither its own nor another's")?;
    if wanted.file.symlink_metadata().is_ok() {
        let message = format!("{} is there already", wanted.file.display());
        return Err(Failure::new(Code::Usage, message).hint("name another one: --output FILE"));
    }
    let folder = folder_of(&wanted.file);
    folder
        .metadata()
        .map_err(|error| Failure::io(folder, &error))?;
    let (base, checkpoints) = past(project, session)?;
    project.store.verify_chain()?;
    let config = runner_config(project, &project.settings)?;
    let redactor = config.policy.secrets.redactor(&session.spec()?.secrets)?;
    if !wanted.with_secrets {
        let found = files_with_secrets(project, &redactor, (&base, &checkpoints))?;
        let has_chosen = *project.settings.ignored_in_checkpoints() != Scope::nothing();
        refuse_secrets(&session.name, &found, has_chosen)?;
    }
    let filter = EventFilter {
        session: Some(session.id),
        ..EventFilter::default()
    };
    let events = project.store.events(&filter)?;
    let artifacts = project.store.artifacts(Some(session.id))?;
    let clean = clean(project, &redactor, events, artifacts)?;
    let scratch = scratch(&project.repo)?;
    let repository = scratch.path().join(REPOSITORY);
    bundle(
        project,
        session,
        &repository,
        (&base, &checkpoints, wanted.thin),
    )?;
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        version: VERSION,
        treeyard: env!("CARGO_PKG_VERSION").to_owned(),
        exported_ms: jiff::Timestamp::now().as_millisecond(),
        session_id: session.id,
        name: session.name.clone(),
        base,
        has_history: !wanted.thin,
        events: clean.events,
        events_hash: ContentHash::of(&clean.lines),
        repository_hash: hash_of(&repository)?,
        artifacts: clean.artifacts.len() as u64,
        redacted: clean.changed,
    };
    let size = write(project, &wanted.file, (&manifest, &repository), &clean)?;
    Ok(Exported { manifest, size })
}

/// Where it started, and its checkpoints: without one nothing is on record of its files.
fn past(project: &Project, session: &SessionRow) -> Result<(CommitId, Vec<Checkpoint>), Failure> {
    let name = &session.name;
    let refused = |why: &str, hint: &str| {
        Err(Failure::new(Code::SessionState, format!("{name} {why}")).hint(hint))
    };
    refuse_at_work(project, session, &[JobState::Running, JobState::Stalled])?;
    let rows = project.store.checkpoints(session.id)?;
    let checkpoints: Vec<_> = rows.into_iter().map(|row| row.checkpoint).collect();
    match &session.base {
        Some(base) if !checkpoints.is_empty() => Ok((base.clone(), checkpoints)),
        Some(_) => refused(
            "has no checkpoint, so nothing is on record of its files",
            "`treeyard checkpoints S --take` records one as long as it has a worktree",
        ),
        None => refused("has not begun", "`treeyard show` says what it waits for"),
    }
}

fn refuse_secrets(
    name: &str,
    found: &[gix::bstr::BString],
    has_chosen: bool,
) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = found.iter().take(5).map(|path| path.to_string()).collect();
    let more = match found.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let files = names.join(", ");
    let message = format!("checkpoints of {name} have secrets in files: {files}{more}");
    let failure = Failure::new(Code::BundleSecrets, message);
    Err(match has_chosen {
        false => failure,
        // `.gitignore` may name them already.
        true => failure
            .hint("let `.gitignore` name such files and `checkpoints.ignored` leave them out before the next run")
            .hint("or export it for people who may see them: `--with-secrets`"),
    })
}

fn bundle(
    project: &Project,
    session: &SessionRow,
    file: &Path,
    (base, checkpoints, thin): (&CommitId, &[Checkpoint], bool),
) -> Result<(), Failure> {
    let names = checkpoints
        .iter()
        .map(|one| reference(&session.id, one.number));
    let mut revisions: Vec<String> = names.collect();
    if thin {
        revisions.push(format!("^{base}"));
    }
    let git = Git::new(project.repo.common_dir()).git_dir(project.repo.common_dir());
    git.args(["bundle", "create", "--quiet"])
        .arg(file)
        .arg("--stdin")
        .stdin(revisions.join("\n") + "\n")
        .run()?;
    Ok(())
}

fn hash_of(file: &Path) -> Result<ContentHash, Failure> {
    let failed = |error: io::Error| Failure::io(file, &error);
    cas::hash_of(File::open(file).map_err(failed)?).map_err(failed)
}

/// Beside its place first, and there with one rename.
fn write(
    project: &Project,
    file: &Path,
    (manifest, repository): (&Manifest, &Path),
    clean: &Clean,
) -> Result<u64, Failure> {
    let failed = |error: io::Error| Failure::io(file, &error);
    let written = tempfile::Builder::new()
        .prefix(".treeyard-")
        .tempfile_in(folder_of(file));
    let written = written.map_err(failed)?;
    let mut archive = tar::Builder::new(io::BufWriter::new(written));
    let head = serde_json::to_vec_pretty(manifest).map_err(crate::store::StoreError::from)?;
    add(&mut archive, MANIFEST, head.len() as u64, head.as_slice()).map_err(failed)?;
    let events = clean.lines.as_slice();
    add(&mut archive, EVENTS, events.len() as u64, events).map_err(failed)?;
    let objects = File::open(repository).map_err(failed)?;
    let size = objects.metadata().map_err(failed)?.len();
    add(&mut archive, REPOSITORY, size, objects).map_err(failed)?;
    for (hash, changed) in &clean.artifacts {
        let bytes = match changed {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(project.cas.bytes(hash)?),
        };
        let name = format!("{ARTIFACTS}{}", hash.hex());
        add(&mut archive, &name, bytes.len() as u64, bytes.as_slice()).map_err(failed)?;
    }
    let mut written = archive.into_inner().map_err(failed)?;
    written.flush().map_err(failed)?;
    let written = written
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    written.as_file().sync_all().map_err(failed)?;
    let size = written.as_file().metadata().map_err(failed)?.len();
    written
        .persist_noclobber(file)
        .map_err(|error| failed(error.error))?;
    Ok(size)
}

fn add(
    archive: &mut tar::Builder<impl Write>,
    name: &str,
    size: u64,
    bytes: impl io::Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, bytes)
}

fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}
