//! The typed event log: every change of state is one of these, and nothing else changes state.

use serde::{Deserialize, Serialize};

use super::budget::Warned;
use super::checkpoint::Checkpoint;
use super::consent::{ConsentReceipt, ProjectionPlan};
use super::drift::SharedPath;
use super::guardrail::GuardrailHit;
use super::identity::RoleExecutionIdentity;
use super::ids::{
    CommitId, ContentHash, EventId, JobId, MessageId, ModelCallId, PlanId, SessionId,
};
use super::job::{JobKind, Outcome};
use super::lock::{Conflict, Lease, LockToken, Party};
use super::run::{AskedCall, CallIntent, CallOutcome, Stop, ToolCallRecord};
use super::scope::Scope;
use super::session::SessionState;
use super::status::StatusLine;
use super::task::TaskSpec;
use super::thread::MessageRecord;
use super::tool::Rule;
use super::work::{Choice, Work};

#[macro_use]
mod registry;

pub use record::{Actor, Record};

events! {
    /// A task was recorded as a session.
    SessionCreated = "FR-EVT-SESS-001" {
        /** The tasks submitted with it. */ plan_id: PlanId,
        /** The task with every default filled in. */ spec: Box<TaskSpec>,
        /** Sessions that must have completed before. */ after: Vec<SessionId>,
        /** `refs/heads/…` of its own branch. */ branch: String,
        /** The branch that its work lands on, without `refs/heads/`. */ target: String,
        /** Whether it lands by itself when it completes. */ auto_land: bool,
    }
    /// A session moved from one state to another.
    SessionMoved = "FR-EVT-SESS-002" {
        /** The state before. */ from: SessionState,
        /** The state after. */ to: SessionState,
        /** Why, for a person. */ reason: String,
    }
    /// A session's work is complete.
    SessionCompleted = "FR-EVT-SESS-003" {
        /** The commit its branch ended on, when it has one. */ tip: Option<CommitId>,
    }
    /// A person let a session run without the sandbox.
    SandboxBypassed = "FR-EVT-GUARD-004" {
        /** Why. */ reason: String,
    }
    /// A job entered the queue.
    JobQueued = "FR-EVT-SESS-SCHED-001" {
        /** The job. */ job_id: JobId,
        /** What it does. */ kind: JobKind,
        /** Order within the session. */ position: u32,
        /** Counted from 1. */ attempt: u32,
        /** What is executed. */ command: Work,
        /** Not before this time, in milliseconds since the epoch (0: at once). */ not_before_ms: i64,
    }
    /// A job was given a slot; its supervisor starts.
    JobDispatched = "FR-EVT-SESS-SCHED-002" {
        /** The job. */ job_id: JobId,
    }
    /// Told once: a job that had a slot was held back by the rate of its group, or a call of a model by the rate of its provider.
    RateLimited = "FR-EVT-SESS-SCHED-003" {
        /** The job. */ job_id: JobId,
        /** Its group. */ #[serde(default, skip_serializing_if = "Option::is_none")] group: Option<String>,
        /** Its provider, as the settings name it. */ #[serde(default, skip_serializing_if = "Option::is_none")] provider: Option<String>,
        /** When the next job may start or the call be made, in milliseconds since the epoch. */ next_ms: i64,
    }
    /// A job that had a slot was held back because the machine has too little left; told once for each job.
    MachineShort = "FR-EVT-SESS-SCHED-006" {
        /** The job. */ job_id: JobId,
        /** What it lacks, for a person. */ reason: String,
    }
    /// A job was taken out of the queue.
    JobCancelled = "FR-EVT-SESS-SCHED-004" {
        /** The job. */ job_id: JobId,
        /** Why, for a person. */ reason: String,
    }
    /// A command ended.
    CommandExecuted = "FR-EVT-001" {
        /** The job. */ job_id: JobId,
        /** How it ended. */ outcome: Outcome,
        /** From start to end in milliseconds. */ duration_ms: u64,
        /** What it printed, standard output and standard error in one stream. */ output: Option<ContentHash>,
    }
    /// A person gave a session another place in the queue.
    SessionPrioritized = "FR-EVT-SESS-SCHED-005" {
        /** 0 is the most urgent. */ priority: u8,
    }
    /// A party may change the files of a scope from now on, and nobody else.
    LockGranted = "FR-EVT-LOCK-001" {
        /** Its fencing token: the sequence number of this event. */ token: LockToken,
        /** Whose it is. */ owner: Party,
        /** What may be changed. */ scope: Scope,
        /** The first of an unbroken row of grants to the same owner. */ since: LockToken,
        /** The owner's lock that this one takes the place of. */ replaces: Option<LockToken>,
        /** When it ends by itself. */ lease: Option<Lease>,
    }
    /// A lock is held no more.
    LockReleased = "FR-EVT-LOCK-002" {
        /** Which. */ token: LockToken,
        /** Why, for a person. */ reason: String,
    }
    /// A request met a lock; recorded for both sides, once for each time that a session waits.
    LockConflicted = "FR-EVT-LOCK-003" {
        /** Who, whom and where. */ conflict: Box<Conflict>,
    }
    /// Less is held than before.
    LockNarrowed = "FR-EVT-LOCK-004" {
        /** Which lock. */ token: LockToken,
        /** What is still held. */ scope: Scope,
    }
    /// Another party works under the lock now: a session that goes on from the owner's work, or the owner again.
    LockPassed = "FR-EVT-LOCK-005" {
        /** Which lock. */ token: LockToken,
        /** To whom. */ to: Party,
    }
    /// When the lock ends by itself has changed.
    LockLeased = "FR-EVT-LOCK-006" {
        /** Which lock. */ token: LockToken,
        /** `None`: it does not end by itself any more. */ lease: Option<Lease>,
    }
    /// What a session will ask for when its turn comes has changed.
    ScopeChanged = "FR-EVT-LOCK-007" {
        /** All of it. */ scope: Scope,
    }
    /// A session asked for more while it runs.
    ScopeRequested = "FR-EVT-LOCK-008" {
        /** What it asked for, besides what it has. */ more: Scope,
        /** What became of it: `granted`, `queued` or `refused`. */ answer: String,
    }
    /// What a session changed outside its scope, or where another one did too, is something else than before.
    DriftFound = "FR-EVT-GUARD-001" {
        /** Paths outside the scope, at most 20; none when nothing is left of it. */ outside: Vec<String>,
        /** How many more there are. */ more: u64,
        /** Paths that another session changed too, at most 20. */ shared: Vec<SharedPath>,
    }
    /// A job is about to start, and finds these secrets in files.
    SecretsPassed = "FR-EVT-GUARD-002" {
        /** The job. */ job_id: JobId,
        /** Their names. */ names: Vec<String>,
    }
    /// What a job printed held secrets; they are not in what was stored of it.
    OutputRedacted = "FR-EVT-GUARD-003" {
        /** The job. */ job_id: JobId,
        /** Names of secrets, and of patterns of what looks like one. */ names: Vec<String>,
        /** In how many places. */ count: u64,
    }
    /// A session was about to run a command that needs a person's word, and had none.
    CommandDenied = "FR-EVT-GUARD-005" {
        /** The program and its arguments, without passwords in addresses. */ words: Vec<String>,
        /** The stable word of the rule that it met. */ rule: String,
        /** Where it was to run. */ cwd: String,
    }
    /// A person allowed one run of exactly these words.
    CommandApproved = "FR-EVT-GUARD-006" {
        /** The program and its arguments, without passwords in addresses. */ words: Vec<String>,
    }
    /// That permission was used, and is gone.
    CommandApprovalUsed = "FR-EVT-GUARD-007" {
        /** The event that gave it. */ granted: EventId,
        /** The words, as they were given. */ words: Vec<String>,
    }
    /// Something was said in a session's thread.
    SessionMessage = "FR-EVT-SESS-004" {
        /** The message, without what it says. */ message: Box<MessageRecord>,
    }
    /// A budget is nearly used up; told once for each limit.
    BudgetWarned = "FR-EVT-SESS-005" {
        /** Which limit. */ warned: Warned,
    }
    /// A model begins to work in a session.
    ModelBegan = "FR-EVT-MODEL-005" {
        /** The job. */ job_id: JobId,
        /** Who does all that comes of it. */ identity: Box<RoleExecutionIdentity>,
        /** The stable code of what a person should know of that. */ notice: Option<String>,
    }
    /// Which model a session has from its next job on was decided.
    ModelChosen = "FR-EVT-MODEL-006" {
        /** Which, and why. */ choice: Choice,
    }
    /// A model is about to be called.
    ModelCallStarted = "FR-EVT-MODEL-001" {
        /** Which, and what for. */ call: Box<CallIntent>,
    }
    /// What has arrived of an answer so far is kept; more is to come.
    AnswerArriving = "FR-EVT-MODEL-007" {
        /** The job. */ job_id: JobId,
        /** The call. */ call_id: ModelCallId,
        /** The last message that its model had seen. */ #[serde(default, skip_serializing_if = "Option::is_none")] answers: Option<MessageId>,
        /** The artifact with its words, without secrets. */ hash: ContentHash,
    }
    /// That call ended.
    ModelCallEnded = "FR-EVT-MODEL-002" {
        /** How. */ call: Box<CallOutcome>,
    }
    /// A model stopped working in its session.
    ModelStopped = "FR-EVT-MODEL-003" {
        /** The job. */ job_id: JobId,
        /** Why. */ stop: Stop,
    }
    /// The older part of a thread is not sent any more as it was said.
    ThreadCompacted = "FR-EVT-MODEL-004" {
        /** The job. */ job_id: JobId,
        /** Results of tools in so many messages from the start are sent without what they say. */ upto: usize,
        /** How long the conversation was, in bytes. */ bytes_before: u64,
        /** How long it is now. */ bytes_after: u64,
    }
    /// A tool was called: it ran, or was not let through.
    ToolCalled = "FR-EVT-007" {
        /** The call. */ call: Box<ToolCallRecord>,
    }
    /// A call of a tool waits for a person's word.
    ApprovalAsked = "FR-EVT-GUARD-008" {
        /** The call. */ asked: Box<AskedCall>,
    }
    /// A person said what is to become of calls.
    ApprovalAnswered = "FR-EVT-GUARD-009" {
        /** Of which calls, and what. */ rule: Box<Rule>,
    }
    /// A rule is gone: it held once and was used, or a person took it back.
    ApprovalSpent = "FR-EVT-GUARD-010" {
        /** The event that gave it. */ granted: EventId,
    }
    /// A call of a tool met a guardrail, whatever became of the call.
    GuardrailHit = "FR-EVT-GUARD-011" {
        /** Which, and by what. */ hit: Box<GuardrailHit>,
    }
    /// Something is to be sent to a provider, and a person has to agree.
    ConsentRequested = "FR-EVT-CLOUD-001" {
        /** What, and where. */ plan: Box<ProjectionPlan>,
    }
    /// A person agreed.
    ConsentGiven = "FR-EVT-CLOUD-002" {
        /** To what. */ receipt: Box<ConsentReceipt>,
    }
    /// A person did not.
    ConsentDenied = "FR-EVT-CLOUD-003" {
        /** To what. */ plan_hash: ContentHash,
        /** Why, for a person. */ reason: String,
    }
    /// Something was sent with a person's agreement.
    CloudCalled = "FR-EVT-CLOUD-004" {
        /** The event by which they agreed. */ receipt: EventId,
        /** The call. */ call_id: ModelCallId,
    }
    /// A person took an agreement back.
    ConsentRevoked = "FR-EVT-CLOUD-005" {
        /** The event by which they had agreed. */ receipt: EventId,
        /** Why, for a person. */ reason: String,
    }
    /// How a session stands, in the one line for programs, is something else than before; in the same transaction as what changed it.
    StatusChanged = "FR-EVT-STATUS-001" {
        /** `HSK_STATUS …`. */ line: String,
        /** What it is made of. */ status: Box<StatusLine>,
    }
    /// A worktree was filled and registered.
    WorkspaceReady = "FR-EVT-WORKSPACE-001" {
        /** Where it is. */ path: String,
        /** Its private git directory, or the linked one. */ git_dir: String,
        /** The commit it started from. */ base: CommitId,
        /** How it was filled. */ method: String,
        /** How long it took in milliseconds. */ took_ms: u64,
    }
    /// A session's commits came into the repository.
    WorkspaceImported = "FR-EVT-WORKSPACE-002" {
        /** Where the session's branch now is. */ tip: CommitId,
    }
    /// Work that no branch holds was saved.
    WorkspaceSalvaged = "FR-EVT-WORKSPACE-003" {
        /** The ref that holds it. */ reference: String,
        /** What it points to. */ commit: CommitId,
    }
    /// A worktree was removed, or went into the pool.
    WorkspaceReleased = "FR-EVT-WORKSPACE-004" {
        /** Whether its files are kept for reuse. */ pooled: bool,
    }
    /// A session's own git files are not as they were made. Whoever opens its worktree is told.
    WorkspaceQuarantined = "FR-EVT-WORKSPACE-005" {
        /** What was changed, for a person. */ what: String,
    }
    /// Something went into the artifact store.
    ArtifactStored = "FR-EVT-ARTIFACT-001" {
        /** Its content hash. */ hash: ContentHash,
        /** Its size in bytes. */ size: u64,
        /** What it is: `output`, `conflict_report`, `patch`. */ kind: String,
        /** Its media type. */ media_type: String,
        /** The job that made it. */ job_id: Option<JobId>,
    }
    /// An artifact's bytes did not match its hash.
    ArtifactQuarantined = "FR-EVT-ARTIFACT-002" {
        /** The hash it should have. */ hash: ContentHash,
    }
    /// Unreferenced artifacts were removed.
    ArtifactsCollected = "FR-EVT-ARTIFACT-003" {
        /** Which. */ hashes: Vec<ContentHash>,
        /** How much was freed. */ bytes: u64,
    }
    /// Landing began; the target is at this commit.
    LandingStarted = "FR-EVT-MERGE-001" {
        /** The branch, without `refs/heads/`. */ target: String,
        /** Where it is now. */ onto: CommitId,
    }
    /// The target moved to include the session's work.
    Landed = "FR-EVT-MERGE-002" {
        /** The branch, without `refs/heads/`. */ target: String,
        /** Where it was. */ from: CommitId,
        /** Where it is. */ to: CommitId,
    }
    /// The session's work conflicts with the target.
    LandingConflicted = "FR-EVT-MERGE-003" {
        /** The paths in conflict. */ paths: Vec<String>,
        /** The conflict report. */ report: ContentHash,
    }
    /// The target did not move.
    LandingRefused = "FR-EVT-MERGE-004" {
        /** The stable code. */ code: String,
        /** Why, for a person. */ reason: String,
    }
    /// The target is about to move: written before, so that a landing which is cut short right after it is known.
    TargetMoving = "FR-EVT-MERGE-005" {
        /** The branch, without `refs/heads/`. */ target: String,
        /** Where it is. */ from: CommitId,
        /** Where it will be. */ to: CommitId,
    }
    /// Every checkout of the target has what landed; without it, one with the files from before was cut short.
    CheckoutsUpdated = "FR-EVT-MERGE-006" {
        /** The branch, without `refs/heads/`. */ target: String,
        /** Where it is. */ to: CommitId,
    }
    /// A person allowed one commit of a path that a session holds.
    HookOverridden = "FR-EVT-HOOK-001" {
        /** The path, relative to the root. */ path: String,
        /** Why, for a person. */ reason: String,
    }
    /// That permission was used, and is gone.
    HookOverrideUsed = "FR-EVT-HOOK-002" {
        /** The event that gave it. */ granted: EventId,
        /** The path, as it was given. */ path: String,
    }
    /// A point was recorded that a session can be put back to.
    CheckpointTaken = "FR-EVT-CKPT-001" {
        /** Which, and what it has. */ checkpoint: Box<Checkpoint>,
    }
    /// A session's files were put back.
    CheckpointRestored = "FR-EVT-CKPT-002" {
        /** To which checkpoint. */ number: u64,
        /** The one that has what there was before. */ saved: u64,
    }
    /// Checkpoints that are old, or were not wanted any more, were removed.
    CheckpointsDropped = "FR-EVT-CKPT-003" {
        /** Which. */ numbers: Vec<u64>,
    }
    /// A session's thread ends with this message again: what was said after it is not in the thread any more, and what came
    /// before it is, even if it was taken back earlier.
    ThreadTakenBack = "FR-EVT-CKPT-004" {
        /** The message; without one all of it. */ to: Option<MessageId>,
    }
    /// A session goes on from a checkpoint of another.
    SessionForked = "FR-EVT-CKPT-005" {
        /** The other one. */ from: SessionId,
        /** Which of its checkpoints. */ number: u64,
        /** The commit that has it. */ commit: CommitId,
        /** The target's commit that it was put on top of, if it was. */ #[serde(skip_serializing_if = "Option::is_none")] onto: Option<CommitId>,
    }
    /// What recovery found and did.
    Recovered = "FR-EVT-WF-RECOVERY" {
        /** A stable word: `reattached`, `adopted`, `stalled`, `requeued`, `reconciled`, `reevaluated`. */ action: String,
        /** What it concerned, for a person. */ detail: String,
    }
    /// A runner took the repository's lock.
    RunnerStarted = "FR-EVT-RUNNER-001" {
        /** Its process id. */ pid: u32,
        /** Its version. */ version: String,
        /** The boot of the machine that it belongs to; older versions did not say. */ #[serde(skip_serializing_if = "Option::is_none")] boot_id: Option<String>,
    }
    /// A runner gave the lock back.
    RunnerStopped = "FR-EVT-RUNNER-002" {
        /** Why, for a person. */ reason: String,
    }
    /// Old events were removed; the chain goes on from here.
    EventsPruned = "FR-EVT-RETENTION-001" {
        /** The last sequence number removed. */ through: u64,
        /** The hash of that row. */ head: ContentHash,
    }
}

mod about;
mod record;
#[cfg(test)]
mod tests;
