//! Reading: the rows that the rest of the program looks at.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::chain;
use super::error::StoreError;
use super::open::Store;
use super::tx::Tx;
use crate::model::event::Record;
use crate::model::ids::{CommitId, ContentHash, JobId, PlanId, SessionId};
use crate::model::job::{JobKind, JobState, Outcome};
use crate::model::session::SessionState;
use crate::model::task::{Command, TaskSpec};

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
    spec: String,
}

impl SessionRow {
    /// The task, with every default filled in.
    pub fn spec(&self) -> Result<TaskSpec, StoreError> {
        Ok(serde_json::from_str(&self.spec)?)
    }

    /// Whether it has a worktree now.
    pub fn has_worktree(&self) -> bool {
        self.worktree_path.is_some() && !self.released
    }

    fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
        let state: String = row.get("state")?;
        Ok(Self {
            id: row.get::<_, String>("session_id")?.parse()?,
            name: row.get("name")?,
            plan_id: row.get::<_, String>("plan_id")?.parse()?,
            state: SessionState::from_name(&state)
                .ok_or_else(|| StoreError::Malformed(format!("the session state {state:?}")))?,
            reason: row.get("reason")?,
            branch: row.get("branch")?,
            target: row.get("target")?,
            auto_land: row.get("auto_land")?,
            worktree_path: row.get("worktree_path")?,
            git_dir: row.get("git_dir")?,
            base: parsed(row, "base")?,
            fill_method: row.get("fill_method")?,
            tip: parsed(row, "tip")?,
            released: row.get("released")?,
            landed_commit: parsed(row, "landed_commit")?,
            landing_code: row.get("landing_code")?,
            report: parsed(row, "report")?,
            created_ms: row.get("created_ms")?,
            updated_ms: row.get("updated_ms")?,
            spec: row.get("spec")?,
        })
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
    pub command: Command,
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
    fn from_sql(row: &Row<'_>) -> Result<Self, StoreError> {
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

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those after this sequence number.
    pub after: u64,
    /// Only this session's.
    pub session: Option<SessionId>,
    /// At most so many, the first ones.
    pub limit: Option<u32>,
}

impl Store {
    /// Sessions, the newest first; `limit` 0 means all.
    pub fn sessions(&self, limit: u32) -> Result<Vec<SessionRow>, StoreError> {
        let limit = if limit == 0 { -1 } else { i64::from(limit) };
        self.select_sessions("ORDER BY created_seq DESC LIMIT ?1", params![limit])
    }

    /// Sessions whose work is not over, the oldest first.
    pub fn open_sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED') ORDER BY created_seq",
            params![],
        )
    }

    /// Sessions at work whose every job has ended.
    pub fn finished_but_active(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE state = 'ACTIVE' AND worktree_path IS NOT NULL AND released = 0 \
             AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.session_id = sessions.session_id \
             AND jobs.state IN ('queued', 'running', 'stalled')) ORDER BY created_seq",
            params![],
        )
    }

    /// Completed sessions that are to land by themselves and have not, the oldest first.
    pub fn awaiting_landing(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE state = 'COMPLETED' AND auto_land = 1 AND landed_commit IS NULL \
             AND landing_code IS NULL ORDER BY created_seq",
            params![],
        )
    }

    /// The sessions of one submission, in its order.
    pub fn plan_sessions(&self, plan: PlanId) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE plan_id = ?1 ORDER BY created_seq",
            params![plan.to_string()],
        )
    }

    /// Sessions that still have a worktree.
    pub fn sessions_with_worktree(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE worktree_path IS NOT NULL AND released = 0 ORDER BY created_seq",
            params![],
        )
    }

    /// One session.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        session(&self.connection, id)
    }

    /// Every session whose name is `text`, or whose id (or its short form) starts with it; the
    /// newest first.
    pub fn sessions_matching(&self, text: &str) -> Result<Vec<SessionRow>, StoreError> {
        let hex = !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        self.select_sessions(
            "WHERE name = ?1 OR (?2 AND (substr(session_id, 1, length(?1)) = lower(?1) \
             OR substr(session_id, 29, length(?1)) = lower(?1))) ORDER BY created_seq DESC",
            params![text, hex],
        )
    }

    /// The states of the sessions that `id` comes after.
    pub fn predecessors(&self, id: SessionId) -> Result<Vec<(String, SessionState)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT s.name, s.state FROM session_after a JOIN sessions s \
             ON s.session_id = a.after_id WHERE a.session_id = ?1 ORDER BY s.created_seq",
        )?;
        let rows = statement.query_map([id.to_string()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        rows.map(|row| {
            let (name, state) = row?;
            let state = SessionState::from_name(&state)
                .ok_or_else(|| StoreError::Malformed(format!("the session state {state:?}")))?;
            Ok((name, state))
        })
        .collect()
    }

    /// The sessions that `id` comes after.
    pub fn predecessor_sessions(&self, id: SessionId) -> Result<Vec<SessionRow>, StoreError> {
        self.select_sessions(
            "WHERE session_id IN (SELECT after_id FROM session_after WHERE session_id = ?1) \
             ORDER BY created_seq",
            params![id.to_string()],
        )
    }

    /// How many sessions are in each state.
    pub fn counts(&self) -> Result<Vec<(SessionState, u64)>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT state, count(*) FROM sessions GROUP BY state")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)? as u64))
        })?;
        rows.map(|row| {
            let (name, count) = row?;
            let state = SessionState::from_name(&name)
                .ok_or_else(|| StoreError::Malformed(format!("the session state {name:?}")))?;
            Ok((state, count))
        })
        .collect()
    }

    /// A session's jobs in the order they are to run.
    pub fn jobs_of(&self, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
        jobs_of(&self.connection, session)
    }

    /// Jobs that a supervisor should be running, or that recovery left.
    pub fn jobs_in(&self, state: JobState) -> Result<Vec<JobRow>, StoreError> {
        self.select_jobs(
            "WHERE state = ?1 ORDER BY queued_seq",
            params![state.name()],
        )
    }

    /// Events in their order.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<Record>, StoreError> {
        let session = filter.session.map(|id| id.to_string());
        let limit = filter.limit.map_or(-1, i64::from);
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM events WHERE seq > ?1 AND (?2 IS NULL OR session_id = ?2) \
             ORDER BY seq LIMIT ?3",
        )?;
        let mut rows = statement.query(params![filter.after as i64, session, limit])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(chain::Row::from_sql(row)?.into_record()?);
        }
        Ok(records)
    }

    /// The sequence number of the last event.
    pub fn head_seq(&self) -> Result<u64, StoreError> {
        Ok(chain::head(&self.connection)?.seq)
    }

    /// Artifacts with their provenance, the newest first.
    pub fn artifacts(&self, session: Option<SessionId>) -> Result<Vec<ArtifactRow>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT * FROM artifacts WHERE ?1 IS NULL OR session_id = ?1 ORDER BY seq DESC",
        )?;
        let mut rows = statement.query([session.map(|id| id.to_string())])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(ArtifactRow {
                hash: row.get::<_, String>("hash")?.parse()?,
                session_id: parsed(row, "session_id")?,
                job_id: parsed(row, "job_id")?,
                size: row.get::<_, i64>("size")? as u64,
                kind: row.get("kind")?,
                media_type: row.get("media_type")?,
                stored_ms: row.get("stored_ms")?,
                quarantined: row.get("quarantined")?,
            });
        }
        Ok(found)
    }

    fn select_sessions(
        &self,
        clause: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<SessionRow>, StoreError> {
        select_sessions(&self.connection, clause, values)
    }

    fn select_jobs(
        &self,
        clause: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<JobRow>, StoreError> {
        select_jobs(&self.connection, clause, values)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        job(&self.connection, id)
    }

    /// Whether any artifact row names this hash.
    pub fn knows_artifact(&self, hash: &ContentHash) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .query_row(
                "SELECT 1 FROM artifacts WHERE hash = ?1 LIMIT 1",
                [hash.as_str()],
                |_| Ok(()),
            )
            .optional()?
            .is_some())
    }
}

/// What holds at the moment: no other writer can change it before this transaction ends.
impl Tx<'_> {
    /// One session.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        session(&self.inner, id)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>, StoreError> {
        job(&self.inner, id)
    }

    /// A session's jobs in the order they are to run.
    pub fn jobs_of(&self, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
        jobs_of(&self.inner, session)
    }
}

fn session(db: &Connection, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
    let found = select_sessions(db, "WHERE session_id = ?1", params![id.to_string()])?;
    Ok(found.into_iter().next())
}

fn job(db: &Connection, id: JobId) -> Result<Option<JobRow>, StoreError> {
    let found = select_jobs(db, "WHERE job_id = ?1", params![id.to_string()])?;
    Ok(found.into_iter().next())
}

fn jobs_of(db: &Connection, session: SessionId) -> Result<Vec<JobRow>, StoreError> {
    let clause = "WHERE session_id = ?1 ORDER BY position, queued_seq";
    select_jobs(db, clause, params![session.to_string()])
}

fn select_sessions(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<SessionRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("SELECT * FROM sessions {clause}"))?;
    let rows = statement.query_and_then(values, SessionRow::from_sql)?;
    rows.collect()
}

fn select_jobs(
    db: &Connection,
    clause: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<JobRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("SELECT * FROM jobs {clause}"))?;
    let rows = statement.query_and_then(values, JobRow::from_sql)?;
    rows.collect()
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
