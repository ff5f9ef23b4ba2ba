//! Rows as the tables hold them, typed.

use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;

use super::error::StoreError;
use crate::model::ids::{CommitId, ContentHash, JobId, PlanId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::lock::LockToken;
use crate::model::scope::Scope;
use crate::model::session::SessionState;
use crate::model::task::TaskSpec;
use crate::model::work::Work;

/// A session as the tables hold it.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Its id.
    pub id: SessionId,
    /// Its task's name.
    pub name: String,
    /// The tasks submitted with it.
    pub plan_id: PlanId,
    /// Where it stands.
    pub state: SessionState,
    /// Why, for a person.
    pub reason: String,
    /// `refs/heads/…` of its own branch.
    pub branch: String,
    /// The branch it lands on, without `refs/heads/`.
    pub target: String,
    /// Whether it lands by itself.
    pub auto_land: bool,
    /// Where its files are.
    pub worktree_path: Option<String>,
    /// Its git directory.
    pub git_dir: Option<String>,
    /// The commit it started from.
    pub base: Option<CommitId>,
    /// How its worktree was filled.
    pub fill_method: Option<String>,
    /// The last commit that came into the repository.
    pub tip: Option<CommitId>,
    /// Whether the worktree was given back.
    pub released: bool,
    /// Where the target stood after landing.
    pub landed_commit: Option<CommitId>,
    /// Why the last landing was refused, a stable code.
    pub landing_code: Option<String>,
    /// The last conflict report.
    pub report: Option<ContentHash>,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
    /// Milliseconds since the epoch.
    pub updated_ms: i64,
    /// The lock that it waits for.
    pub waits_for: Option<LockToken>,
    /// The last lock that was granted to it, whether it still has it or not.
    pub last_lock: Option<LockToken>,
    /// The first of the unbroken row of grants that ends with that one.
    pub lock_since: Option<LockToken>,
    scope: String,
    wants: Option<String>,
    spec: String,
    pub(super) status: Option<String>,
}

/// How a worktree came to a session that treeyard did not make.
pub const ADOPTED: &str = "adopted";
/// Where the worktree of a session is that was taken in from a file.
pub const ELSEWHERE: &str = "elsewhere";

impl SessionRow {
    /// The files that it may change, or will ask for.
    pub fn scope(&self) -> Result<Scope, StoreError> {
        Ok(serde_json::from_str(&self.scope)?)
    }

    /// What it asked for on top and waits for.
    pub fn wants(&self) -> Result<Option<Scope>, StoreError> {
        let wants = self.wants.as_deref();
        Ok(wants.map(serde_json::from_str).transpose()?)
    }

    /// Whether it asked for more than it has, and waits for an answer.
    pub fn is_asking(&self) -> bool {
        self.wants.is_some()
    }

    /// Whether its worktree was there before, and others look after it.
    pub fn is_adopted(&self) -> bool {
        self.fill_method.as_deref() == Some(ADOPTED)
    }

    /// Whether it was taken in from a file: what is on record of it is here, and its checkpoints, but not its work.
    pub fn is_elsewhere(&self) -> bool {
        self.worktree_path.as_deref() == Some(ELSEWHERE)
    }

    /// The task, with every default filled in.
    pub fn spec(&self) -> Result<TaskSpec, StoreError> {
        Ok(serde_json::from_str(&self.spec)?)
    }

    /// Whether it has a worktree now.
    pub fn has_worktree(&self) -> bool {
        self.worktree_path.is_some() && !self.released
    }

    /// In the order of the fields below: looking columns up by name is a third of a long list's time.
    pub(super) const COLUMNS: &'static str = "session_id, name, plan_id, state, reason, branch, target, \
         auto_land, worktree_path, git_dir, base, fill_method, tip, released, landed_commit, \
         landing_code, report, created_ms, updated_ms, waits_for_token, lock_token, lock_since, \
         scope, wants, spec, status";

    pub(super) fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
        let mut column = Columns::of(row);
        Ok(Self {
            id: column.text()?.parse()?,
            name: column.get()?,
            plan_id: column.text()?.parse()?,
            state: session_state(column.text()?)?,
            reason: column.get()?,
            branch: column.get()?,
            target: column.get()?,
            auto_land: column.get()?,
            worktree_path: column.get()?,
            git_dir: column.get()?,
            base: column.parsed()?,
            fill_method: column.get()?,
            tip: column.parsed()?,
            released: column.get()?,
            landed_commit: column.parsed()?,
            landing_code: column.get()?,
            report: column.parsed()?,
            created_ms: column.get()?,
            updated_ms: column.get()?,
            waits_for: column.token()?,
            last_lock: column.token()?,
            lock_since: column.token()?,
            scope: column.get()?,
            wants: column.get()?,
            spec: column.get()?,
            status: column.get()?,
        })
    }
}

pub(super) fn session_state(name: &str) -> Result<SessionState, StoreError> {
    SessionState::from_name(name)
        .ok_or_else(|| StoreError::Malformed(format!("the session state {name:?}")))
}

/// The columns of a row, from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub fn of(row: &'r Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    pub fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }

    pub fn text(&mut self) -> Result<&'r str, StoreError> {
        let index = self.next;
        self.next += 1;
        let text = self.row.get_ref(index)?.as_str();
        Ok(text.map_err(rusqlite::Error::from)?)
    }

    pub fn token(&mut self) -> rusqlite::Result<Option<LockToken>> {
        let token: Option<i64> = self.get()?;
        Ok(token.map(|token| LockToken(token as u64)))
    }

    pub fn parsed<T>(&mut self) -> Result<Option<T>, StoreError>
    where
        T: std::str::FromStr,
        StoreError: From<T::Err>,
    {
        let index = self.next;
        self.next += 1;
        let text = self.row.get_ref(index)?.as_str_or_null();
        let text = text.map_err(rusqlite::Error::from)?;
        Ok(text.map(str::parse).transpose()?)
    }
}

/// A job as the tables hold it.
#[derive(Debug, Clone, Serialize)]
pub struct JobRow {
    /// Its id.
    #[serde(rename = "job_id")]
    pub id: JobId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// What it does.
    pub kind: JobKind,
    /// Order within the session.
    pub position: u32,
    /// Counted from 1.
    pub attempt: u32,
    /// What is executed.
    pub command: Work,
    /// Where it stands.
    pub state: JobState,
    /// Not before this time, in milliseconds since the epoch.
    pub not_before_ms: i64,
    /// When it entered the queue, in milliseconds since the epoch.
    pub queued_ms: i64,
    /// When it was given a slot, in milliseconds since the epoch.
    pub started_ms: Option<i64>,
    /// When it ended, in milliseconds since the epoch.
    pub ended_ms: Option<i64>,
    /// How long it ran.
    pub duration_ms: Option<u64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What it printed.
    pub output: Option<ContentHash>,
}

impl JobRow {
    pub(super) fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
        let state: String = row.get("state")?;
        let outcome: Option<String> = row.get("outcome")?;
        Ok(Self {
            id: row.get::<_, String>("job_id")?.parse()?,
            session_id: row.get::<_, String>("session_id")?.parse()?,
            kind: serde_json::from_value(serde_json::Value::String(row.get("kind")?))?,
            position: row.get("position")?,
            attempt: row.get("attempt")?,
            command: serde_json::from_str(&row.get::<_, String>("command")?)?,
            state: JobState::from_name(&state)
                .ok_or_else(|| StoreError::Malformed(format!("the job state {state:?}")))?,
            not_before_ms: row.get("not_before_ms")?,
            queued_ms: row.get("queued_ms")?,
            started_ms: row.get("started_ms")?,
            ended_ms: row.get("ended_ms")?,
            duration_ms: row
                .get::<_, Option<i64>>("duration_ms")?
                .map(|ms| ms.max(0) as u64),
            outcome: outcome
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
            output: parsed(row, "output")?,
        })
    }
}

/// Where an artifact came from. The same content may have several.
#[derive(Debug, Clone, Serialize)]
pub struct ArtifactRow {
    /// Its content hash.
    pub hash: ContentHash,
    /// The session that made it.
    pub session_id: Option<SessionId>,
    /// The job that made it.
    pub job_id: Option<JobId>,
    /// Bytes.
    pub size: u64,
    /// What it is.
    pub kind: String,
    /// Its media type.
    pub media_type: String,
    /// Milliseconds since the epoch.
    pub stored_ms: i64,
    /// Whether its bytes were found damaged.
    pub quarantined: bool,
}

impl ArtifactRow {
    pub(super) fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            hash: row.get::<_, String>("hash")?.parse()?,
            session_id: parsed(row, "session_id")?,
            job_id: parsed(row, "job_id")?,
            size: row.get::<_, i64>("size")? as u64,
            kind: row.get("kind")?,
            media_type: row.get("media_type")?,
            stored_ms: row.get("stored_ms")?,
            quarantined: row.get("quarantined")?,
        })
    }
}

fn parsed<T>(row: &Row<'_>, column: &str) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr,
    StoreError: From<T::Err>,
{
    Ok(row
        .get::<_, Option<String>>(column)?
        .map(|text| text.parse())
        .transpose()?)
}
