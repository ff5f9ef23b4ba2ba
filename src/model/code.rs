//! The one registry of stable codes: each has a meaning, a recovery hint and an exit code.

use std::io::{self, ErrorKind};

use serde::Serialize;

/// Process exit codes. The table in the README is checked against this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done.
    Ok = 0,
    /// A job, a gate or a check failed.
    Failed = 1,
    /// The command line, a plan or a configuration file is wrong.
    Usage = 2,
    /// There is no such repository, session, artifact or file.
    NotFound = 3,
    /// A merge conflict, or a target that moved.
    Conflict = 4,
    /// Something is held by somebody else: the runner, a lock, a dirty checkout.
    Held = 5,
    /// The store or the artifacts are damaged, or from a newer version.
    Damaged = 6,
    /// The machine refused: disk full, read-only, a missing program, permissions.
    System = 7,
    /// A time limit was reached.
    Timeout = 124,
    /// Interrupted by the person.
    Interrupted = 130,
}

impl Exit {
    /// The one with this number.
    pub fn of(code: u8) -> Option<Self> {
        use Exit::*;
        let mut all = [
            Ok,
            Failed,
            Usage,
            NotFound,
            Conflict,
            Held,
            Damaged,
            System,
            Timeout,
            Interrupted,
        ]
        .into_iter();
        all.find(|exit| *exit as u8 == code)
    }
}

macro_rules! codes {
    ($($variant:ident = $id:literal, $exit:ident, $meaning:literal, $hint:literal;)*) => {
        /// A stable code. Ids are append-only and never change meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $meaning] $variant),* }

        impl Code {
            /// Every code, in the order of the registry.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// What a refusal of the system is, of which nothing more is known.
            pub fn of_system(error: &io::Error) -> Self {
                match error.kind() {
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::DiskFull,
                    _ => Self::Io,
                }
            }

            /// The text that appears in output, events and JSON.
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id),* }
            }

            /// The one with this id.
            pub fn of_id(id: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.id() == id)
            }

            /// What it means, as a sentence without a full stop.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $meaning),* }
            }

            /// What a person can do about it.
            pub fn hint(self) -> &'static str {
                match self { $(Code::$variant => $hint),* }
            }

            /// The exit code of a command that ends with it.
            pub fn exit(self) -> Exit {
                match self { $(Code::$variant => Exit::$exit),* }
            }
        }
    };
}

codes! {
    NoReadyModel = "CX-MM-001", Held, "no model is ready", "`treeyard models probe` tries them and says why; with `agent.mode = \"DOCS_ONLY\"` none is used, and everything else works";
    ScopeConflict = "CX-MM-002", Held, "scope lock conflict", "wait for the holder, narrow the scope, or change the priority";
    ModelSwapFailed = "CX-MM-003", Failed, "another model could not be taken", "`treeyard models probe` says which are ready; go on with the one before, or name another";
    ParallelForbidden = "CX-MM-004", Held, "several models at once are asked for, and policy forbids it", "let one model play all roles (`SINGLE_MODEL_MULTI_ROLE`), or set limits for several";
    ReasoningLocal = "CX-MM-005", Ok, "a local model is asked for a strength of reasoning", "nothing needs to be done: local models are asked without";
    ConsentMissing = "CX-MM-CONSENT-MISSING", Held, "a call would leave this machine, and nobody has agreed to it", "look at what would be sent and agree to it, or name a local model";
    ModelUnnamed = "TY-MODEL-UNNAMED", Usage, "no model is named, or none that there is", "name one: `--model NAME`, or `agent.model` in the settings; `treeyard models ls` lists them, and `PROVIDER/MODEL` needs no table";
    ProviderUnknown = "TY-PROVIDER-UNKNOWN", Usage, "there is no such provider of models", "`anthropic`, `gemini`, `ollama` and `openai` are built in; others stand under `[providers.NAME]` in your own config.toml";
    ProviderInvalid = "TY-PROVIDER-INVALID", Usage, "a provider's address or headers cannot be used", "correct its table under `[providers.NAME]` in your own config.toml";
    KeyMissing = "TY-KEY-MISSING", System, "a provider's key is not there", "set its variable, or name another by `key_env` or a file by `key_file` in the provider's table in your own config.toml";
    KeyExposed = "TY-KEY-EXPOSED", System, "others may read the file of a provider's key", "take that from them: `chmod go-rwx FILE`; a key that others could read is better made anew";
    ScriptUnusable = "TY-SCRIPT-UNUSABLE", System, "the script of a provider cannot be used", "correct `script` in the provider's table, or the file";
    LockMissing = "TY-LOCK-MISSING", NotFound, "no such lock is held", "`treeyard locks ls` lists what is held";
    LockLost = "TY-LOCK-LOST", Held, "a session works under a lock that it has lost", "look at what has changed meanwhile, make the commits anew on top of it (`git rebase --exec 'git commit --amend --no-edit'`), then `treeyard land` again";
    BranchGuarded = "TY-BRANCH-GUARDED", Held, "a session may not move this branch", "commit on the session's own branch; `treeyard land` brings it to the target";
    HookUndecided = "TY-HOOK-UNDECIDED", Damaged, "a hook could not decide, and refused", "`treeyard doctor` says what is wrong, `treeyard doctor --fix` repairs it";
    HooksMissing = "TY-HOOKS-MISSING", NotFound, "no hooks of treeyard are installed here", "`treeyard hooks install` installs them";
    NotHeld = "TY-NOT-HELD", Usage, "no session holds this path", "commit it: nothing needs to be overridden";
    InvalidEvent = "HSK-400-INVALID-EVENT", Damaged, "event of unknown type or wrong shape", "run `treeyard events verify`; an event written by a newer treeyard needs that version to read it";
    EnvelopeInvalid = "VAL-HTC-001", Usage, "a tool envelope is invalid", "send an envelope `htc-1.0`; `treeyard tools show` names the fields of a tool's arguments";
    ToolUnknown = "TY-TOOL-UNKNOWN", NotFound, "there is no such tool", "`treeyard tools ls` lists them";
    ToolArguments = "TY-TOOL-ARGUMENTS", Usage, "a tool was called with wrong arguments", "`treeyard tools schema` prints what each tool takes";
    ToolDenied = "TY-TOOL-DENIED", Held, "a session may not call this tool, or not like that", "grant what is missing (`treeyard tools show` names it), or do without";
    PathRefused = "TY-PATH-REFUSED", Held, "a tool was given a path that it does not go to", "name a file of the worktree, from its root and without `..`, links that leave it and `.git`";
    FileUnsuitable = "TY-FILE-UNSUITABLE", Failed, "a file is not what a tool expects", "look at it first: it may be missing, too large, binary, a folder, or have changed meanwhile";
    EditMismatch = "TY-EDIT-MISMATCH", Failed, "an edit does not fit the file", "read the file again and repeat its text exactly";
    GuardrailUnknown = "TY-GUARDRAIL-UNKNOWN", NotFound, "there is no such guardrail", "`treeyard guardrails ls` lists them";
    GuardrailFound = "TY-GUARDRAIL-FOUND", Failed, "something severe meets a guardrail", "correct what is named; `treeyard guardrails show` says what each is about";
    GuardrailDigest = "TY-GUARDRAIL-DIGEST", Failed, "the registry of guardrails is another one than expected", "use the version of treeyard that has it, or expect the new digest after a look at `treeyard guardrails ls`";
    Usage = "TY-USAGE", Usage, "the command line is wrong", "see `treeyard help`";
    PlanInvalid = "TY-PLAN-INVALID", Usage, "the plan file is wrong", "run `treeyard plan check FILE`; the schema is printed by `treeyard plan schema`";
    ConfigInvalid = "TY-CONFIG-INVALID", Usage, "a configuration file is wrong", "correct the named key; `treeyard config show` prints every key with its value and origin";
    ScopeInvalid = "TY-SCOPE-INVALID", Usage, "a scope pattern is wrong", "use patterns relative to the repository root, such as `src/api/**`";
    NotARepository = "TY-GIT-NO-REPO", NotFound, "this is not a git repository", "change into one, or run `git init` and make a first commit";
    Unborn = "TY-GIT-UNBORN", NotFound, "the repository has no commit yet", "make a first commit: `git commit --allow-empty -m start`";
    NoTarget = "TY-GIT-NO-TARGET", Usage, "there is no branch to land on", "HEAD is detached: set `target = \"main\"` in treeyard.toml or pass --target";
    UnsupportedRepository = "TY-GIT-UNSUPPORTED", Usage, "this kind of repository is not supported", "treeyard needs a SHA-1 repository in the files ref format";
    GitFailed = "TY-GIT-FAILED", System, "a git operation failed", "the message is git's own; `treeyard doctor` checks the repository";
    ImportRefused = "TY-IMPORT-REFUSED", Damaged, "a session's commits did not pass the checks", "take what is named out of its commits, in its worktree (`treeyard open`); nothing of it reached the target";
    WorkspaceFailed = "TY-WORKSPACE-FAILED", System, "a worktree could not be made or removed", "free disk space or correct permissions, then `treeyard retry`; `treeyard doctor` lists leftovers";
    WorkspaceChanged = "TY-WORKSPACE-CHANGED", Damaged, "a worktree's own git files were changed", "it is kept as it is: `treeyard doctor` says what is wrong, and `treeyard doctor --fix` corrects paths after a move";
    SandboxUnreached = "TY-SANDBOX-UNREACHED", System, "this machine cannot hold sessions back as far as it is asked to", "`treeyard sandbox probe` says what is missing; a single task may ask to run without: `--no-sandbox REASON`";
    SessionUnknown = "TY-SESSION-UNKNOWN", NotFound, "no session has that name or id", "`treeyard ls --all` lists them";
    SessionAmbiguous = "TY-SESSION-AMBIGUOUS", Usage, "several sessions match", "give more digits of the id";
    SessionState = "TY-SESSION-STATE", Usage, "the session is not in a state that allows this", "`treeyard show` tells its state and why";
    JobFailed = "TY-JOB-FAILED", Failed, "a job failed", "read `treeyard logs`, then `treeyard retry`";
    JobTimeout = "TY-JOB-TIMEOUT", Timeout, "a job reached its time limit", "raise `timeout`, then `treeyard retry`";
    JobLimit = "TY-JOB-LIMIT", Failed, "a job used more of the machine than it may", "`treeyard show` names the limit; let it use less, or raise the limit in your own settings, then `treeyard retry`";
    ProgramMissing = "TY-PROGRAM-MISSING", System, "a program was not found", "install it or correct `run`; jobs see the PATH of the runner";
    SecretMissing = "TY-SECRET-MISSING", System, "a secret that a task names cannot be passed to it", "correct its entry under `[secrets]` in your own config.toml, then `treeyard retry`; `env` is the environment of the runner";
    RunnerHeld = "TY-RUNNER-HELD", Held, "another runner is active in this repository", "use it with `treeyard submit`, or stop it with `treeyard down`";
    RunnerAbsent = "TY-RUNNER-ABSENT", NotFound, "no runner is active in this repository", "start it with `treeyard up`";
    MergeConflict = "TY-MERGE-CONFLICT", Conflict, "the work conflicts with the target", "`treeyard show` names the report; merge the target into the session's branch, then `treeyard land` again";
    TargetMoved = "TY-TARGET-MOVED", Conflict, "the target branch moved while landing", "run `treeyard land` again";
    TargetDirty = "TY-TARGET-DIRTY", Held, "the target is checked out with uncommitted changes", "commit or stash them, then `treeyard land` again";
    Uncommitted = "TY-UNCOMMITTED", Held, "the session has uncommitted work", "commit it in the worktree, or set `land.uncommitted = \"commit\"`";
    OutOfScope = "TY-OUT-OF-SCOPE", Held, "the session changed files outside its scope", "take them out of its commits, run it with a wider scope, or `treeyard land --only-in-scope`";
    GateFailed = "TY-GATE-FAILED", Failed, "a gate failed on the merged tree", "read `treeyard logs`; the target was not moved";
    NothingToLand = "TY-NOTHING-TO-LAND", Ok, "the session changed nothing", "nothing needs to be done";
    ArtifactUnknown = "TY-ARTIFACT-UNKNOWN", NotFound, "no artifact has that hash", "`treeyard artifacts ls` lists them";
    ArtifactDamaged = "TY-ARTIFACT-DAMAGED", Damaged, "an artifact's bytes do not match its hash", "what it held is lost; a session's files are in its checkpoints (`treeyard restore S --at N --files`), and a command makes its output anew; the damaged file is kept";
    StoreDamaged = "TY-STORE-DAMAGED", Damaged, "the database is damaged", "move `treeyard.db`, `treeyard.db-wal` and `treeyard.db-shm` out of the `treeyard` folder of the git directory and run `treeyard doctor`; branches, worktrees, saved work and artifacts are not affected";
    StoreNewer = "TY-STORE-NEWER", Damaged, "the database was written by a newer treeyard", "use that version or a later one";
    StoreReadOnly = "TY-STORE-READONLY", System, "the store cannot be written", "correct the permissions of the `treeyard` folder in the git directory, or make room on its disk";
    StoreBusy = "TY-STORE-BUSY", Held, "another process holds the database", "try again; `treeyard doctor` names the runner";
    ChainBroken = "TY-CHAIN-BROKEN", Damaged, "the event log was edited", "the named event is the first that does not follow from the one before it";
    DiskFull = "TY-DISK-FULL", System, "the disk is full", "free space, `treeyard gc` can help; then run the command again, or `treeyard retry`";
    SalvageUnknown = "TY-SALVAGE-UNKNOWN", NotFound, "no saved work has that name", "`treeyard salvage ls` lists what is saved";
    CheckpointUnknown = "TY-CHECKPOINT-UNKNOWN", NotFound, "the session has no such checkpoint", "`treeyard checkpoints` lists them; `treeyard checkpoints S --take` records one";
    RestoreRefused = "TY-RESTORE-REFUSED", Held, "a session cannot be put back as it stands", "pause it and wait until its command has ended; or go on from a checkpoint in another session: `treeyard fork`";
    ReplayDiverged = "TY-REPLAY-DIVERGED", Failed, "a run is not what its record says", "the first difference is named: a tool that changed, or a record that was";
    BundleInvalid = "TY-BUNDLE-INVALID", Damaged, "a file is no exported session, or a damaged one", "export it anew: `treeyard export S`";
    BundleNewer = "TY-BUNDLE-NEWER", Damaged, "a session was exported by a newer treeyard", "use that version or a later one";
    BundleSecrets = "TY-BUNDLE-SECRETS", Held, "files of a session's checkpoints have secrets in them, and commits cannot be changed", "let `.gitignore` name such files before the next run; or export it for people who may see them: `--with-secrets`";
    Interrupted = "TY-INTERRUPTED", Interrupted, "interrupted", "the sessions were cancelled; `treeyard retry` starts one again";
    CommandDenied = "TY-COMMAND-DENIED", Held, "a session may not run this command without a person's word", "do what is said instead of it, or ask a person: `treeyard approve` allows one run";
    InsideSession = "TY-INSIDE-SESSION", System, "the runner's records are out of reach from inside a session", "work goes on without them: `treeyard scope request` asks for more files from here; for anything else ask a person outside";
    FileMissing = "TY-NO-FILE", NotFound, "there is no such file", "check the path; relative paths start from the current folder, or from -C";
    Io = "TY-IO", System, "a file could not be read or written", "check the path, its permissions and the free space";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_has_its_own_id_and_a_hint() {
        let ids: HashSet<_> = Code::ALL.iter().map(|code| code.id()).collect();
        assert_eq!(ids.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(code.hint().len() > 10, "{} needs a hint", code.id());
            assert!(!code.meaning().ends_with('.'), "{}", code.id());
        }
    }
}
