//! Removing what is no longer needed. Nothing that runs is touched, and no work is lost.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::failure::Failure;
use super::git_locks::is_older;
use super::project::Project;
use super::repair::{give_up, left_behind};
use super::setup::root_of;
use super::thinning::checkpoints;
use crate::git::{Expected, Repo};
use crate::landing::located;
use crate::merge::checkouts_of;
use crate::model::event::{Actor, Event};
use crate::model::ids::{CommitId, ContentHash, JobId};
use crate::model::job::JobState;
use crate::model::session::SessionState;
use crate::proc::{Attached, OUTPUT_FILE, attach};
use crate::store::{EventFilter, SessionRow};
use crate::workspace::{Keep, release};

const DAY: Duration = Duration::from_secs(86_400);

/// Whether to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only find out what would be done.
    DryRun,
    /// Do it.
    Remove,
}

/// What was removed, or would be.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The names of the sessions whose worktree was given back.
    pub worktrees: Vec<String>,
    /// Sessions whose worktree stays although its time has come, and why.
    pub kept: Vec<(String, String)>,
    /// Branches of sessions, without `refs/heads/`, whose work is in the target.
    pub branches: Vec<String>,
    /// Refs that hold work saved on the way.
    pub salvaged: Vec<String>,
    /// Events.
    pub events: u64,
    /// Artifacts.
    pub artifacts: u64,
    /// Bytes of artifacts.
    pub bytes: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Folders of jobs that ended, and of work that was cut short.
    pub leftovers: Vec<PathBuf>,
}

/// Collects what retention, as configured, no longer asks for.
///
/// # Errors
/// The store or the artifacts cannot be read or written. A worktree that cannot be given back is
/// no error: it stands in the report.
pub fn collect(project: &mut Project, mode: Mode) -> Result<Report, Failure> {
    let mut report = Report::default();
    worktrees(project, mode, &mut report)?;
    branches(project, mode, &mut report)?;
    events(project, mode, &mut report)?;
    let sessions = days_ago_ms(project.settings.sessions_days());
    report.checkpoints = checkpoints(project, mode, sessions)?;
    artifacts(project, mode, &mut report)?;
    leftovers(project, mode, &mut report)?;
    Ok(report)
}

fn worktrees(project: &mut Project, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    let before = days_ago_ms(project.settings.sessions_days());
    for session in project.store.sessions_with_worktree()? {
        if !is_due(project, &session, before)? {
            continue;
        }
        if mode == Mode::DryRun {
            report.worktrees.push(session.name);
            continue;
        }
        match give_back(project, &session) {
            Ok(saved) => {
                report.salvaged.extend(saved);
                report.worktrees.push(session.name);
            }
            Err(failure) => report.kept.push((session.name, failure.message)),
        }
    }
    Ok(())
}

/// Landed, or given up long ago; and no process of it is left.
fn is_due(project: &Project, session: &SessionRow, before_ms: i64) -> Result<bool, Failure> {
    let landed = session.state == SessionState::Completed && session.landed_commit.is_some();
    let given_up = matches!(
        session.state,
        SessionState::Failed | SessionState::Cancelled
    ) && session.updated_ms <= before_ms;
    if !landed && !given_up {
        return Ok(false);
    }
    let jobs = project.store.jobs_of(session.id)?;
    let may_live = |state| matches!(state, JobState::Running | JobState::Stalled);
    Ok(!jobs.iter().any(|job| may_live(job.state)))
}

fn is_open(state: JobState) -> bool {
    matches!(
        state,
        JobState::Queued | JobState::Running | JobState::Stalled
    )
}

fn give_back(project: &mut Project, session: &SessionRow) -> Result<Option<String>, Failure> {
    let Some(place) = located(session) else {
        return Ok(None);
    };
    if fs::symlink_metadata(&place.path).is_err() {
        return give_up(&project.repo, &mut project.store, session, &place);
    }
    let released = release(&project.repo, &place, &session.id, Keep::Remove)?;
    let saved = released.salvaged.as_ref().map(|s| s.reference.clone());
    project.store.write(|tx| {
        for event in released.events() {
            tx.append(Actor::Human, Some(session.id), event)?;
        }
        Ok::<_, Failure>(())
    })?;
    Ok(saved)
}

/// Branches of sessions that ended, as long as retention keeps sessions, and that hold nothing of
/// their own: the target has their commits, or their work landed in another form.
fn branches(project: &mut Project, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    let before = days_ago_ms(project.settings.sessions_days());
    for session in project.store.sessions(0)? {
        let ended = session.state.is_terminal() && session.updated_ms <= before;
        if !ended || session.has_worktree() {
            continue;
        }
        let Some(tip) = project.repo.branch_tip(&session.branch)? else {
            continue;
        };
        let in_use = checkouts_of(&project.repo.gix(), &session.branch)
            .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        if !in_use.is_empty() || !is_in_target(&project.repo, &session, &tip)? {
            continue;
        }
        if mode == Mode::Remove {
            let expected = Expected::At(tip);
            project.repo.delete_ref(&session.branch, expected)?;
        }
        let short = session.branch.trim_start_matches("refs/heads/");
        report.branches.push(short.to_owned());
    }
    Ok(())
}

fn is_in_target(repo: &Repo, session: &SessionRow, tip: &CommitId) -> Result<bool, Failure> {
    // A squash or a rebase made other commits of it.
    if session.landed_commit.is_some() && session.tip.as_ref() == Some(tip) {
        return Ok(true);
    }
    let Some(target) = repo.branch_tip(&session.target)? else {
        return Ok(false);
    };
    Ok(repo.is_in_history(&target, tip)?)
}

fn events(project: &mut Project, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    let events = days_ago_ms(project.settings.events_days());
    let sessions = days_ago_ms(project.settings.sessions_days());
    let through = project.store.prunable(events, sessions)?;
    let filter = EventFilter {
        limit: Some(1),
        ..EventFilter::default()
    };
    let first = project.store.events(&filter)?.first().map(|e| e.seq);
    let Some(first) = first.filter(|first| *first <= through) else {
        return Ok(());
    };
    report.events = through - first + 1;
    if mode == Mode::Remove {
        project.store.write(|tx| tx.prune(through))?;
    }
    Ok(())
}

fn artifacts(project: &mut Project, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    // An object gets its name before its row is written, so the young ones are left alone; and
    // the bound is chosen before looking at the rows.
    let kept = DAY * project.settings.artifacts_days().max(1);
    let bound = SystemTime::now().checked_sub(kept);
    let bound = bound.unwrap_or(SystemTime::UNIX_EPOCH);
    let live = live(project)?;
    if mode == Mode::DryRun {
        for hash in project.cas.list()? {
            let hash = hash?;
            let old = || -> Option<u64> {
                let found = project.cas.open_object(&hash).ok()?.metadata().ok()?;
                (found.modified().ok()? < bound).then_some(found.len())
            };
            if let Some(bytes) = (!live.contains(&hash)).then(old).flatten() {
                report.artifacts += 1;
                report.bytes += bytes;
            }
        }
        return Ok(());
    }
    let done = project.cas.gc(&live, bound)?;
    report.artifacts = done.removed.len() as u64;
    report.bytes = done.bytes;
    if !done.removed.is_empty() {
        let event = Event::ArtifactsCollected {
            hashes: done.removed,
            bytes: done.bytes,
        };
        project
            .store
            .write(|tx| tx.append(Actor::Human, None, event).map(drop))?;
    }
    Ok(())
}

/// What a session that is still known made; what belongs to none stays too.
fn live(project: &Project) -> Result<HashSet<ContentHash>, Failure> {
    let known: HashSet<_> = project
        .store
        .sessions(i64::MIN)?
        .iter()
        .map(|s| s.id)
        .collect();
    let rows = project.store.artifacts(None)?.into_iter();
    Ok(rows
        .filter(|row| !row.quarantined && row.session_id.is_none_or(|id| known.contains(&id)))
        .map(|row| row.hash)
        .collect())
}

fn leftovers(project: &Project, mode: Mode, report: &mut Report) -> Result<(), Failure> {
    // How these ended is nowhere else, and without it they would be run again.
    let unsettled = project.store.unsettled_calls()?;
    let unsettled: HashSet<JobId> = unsettled
        .iter()
        .map(|(session, call)| call.program(*session))
        .collect();
    for dir in folders(&project.jobs_dir()) {
        if is_stale_job(project, &dir, &unsettled)? {
            report.leftovers.push(dir);
        }
    }
    if mode == Mode::Remove {
        for dir in &report.leftovers {
            fs::remove_dir_all(dir).map_err(|error| Failure::io(dir, &error))?;
        }
    }
    let root = root_of(&project.repo, &project.settings)?;
    let left = left_behind(&project.repo, &root, mode == Mode::Remove)?;
    report.leftovers.extend(left);
    Ok(())
}

/// A folder of a job that is over, no process of which lives. Output that did not get into the
/// artifacts is only there, so it stays as long as its session.
fn is_stale_job(
    project: &Project,
    dir: &Path,
    unsettled: &HashSet<JobId>,
) -> Result<bool, Failure> {
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let Ok(id) = name.parse::<JobId>() else {
        return Ok(false);
    };
    if unsettled.contains(&id) {
        return Ok(false);
    }
    let over = match project.store.job(id)? {
        Some(job) => !is_open(job.state) && (job.output.is_some() || has_no_output(dir)),
        // A gate's folder is made before its row.
        None => is_older(dir, DAY),
    };
    Ok(over && !matches!(attach(dir), Ok(Attached::Running(_)) | Err(_)))
}

fn has_no_output(dir: &Path) -> bool {
    fs::metadata(dir.join(OUTPUT_FILE)).map_or(0, |found| found.len()) == 0
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()));
    found.sort();
    found
}

fn days_ago_ms(days: u32) -> i64 {
    jiff::Timestamp::now().as_millisecond() - i64::from(days) * 86_400_000
}
