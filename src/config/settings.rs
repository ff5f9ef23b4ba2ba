//! Every setting, from one table: parsing, `config show`, the template and the docs follow it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::agent::{Finite, RepositoryFile};
use super::models::ModelTable;
use super::profiles::{Allow, OwnProfile};
use super::providers::ProviderTable;
use super::reader::Section;
use super::sandbox::{Count, CpuTime, Place, Reserve, Size};
use super::secrets::SecretSources;
use super::share::{Share, Thousandths};
use super::values::{
    EnvName, Isolation, LandMethod, OnDrift, Setting, Timeout, Uncommitted, WorktreesRoot,
};
use crate::model::budget::{BudgetLimits, BudgetThen};
use crate::model::consent::ConsentScope;
use crate::model::limit::GroupLimit;
use crate::model::mode::RuntimeMode;
use crate::model::network::Network;
use crate::model::sandbox::Level;
use crate::model::scope::Scope;
use crate::model::task::{Command, Lane, Retries};
use crate::model::tool::RiskLevel;

/// Where a value came from; a later variant overrides an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "source", content = "file")]
pub enum Origin {
    /// The program itself.
    BuiltIn,
    /// The person's own file.
    User(PathBuf),
    /// `treeyard.toml` of the repository.
    Repository(PathBuf),
    /// A plan file.
    Plan(PathBuf),
    /// The command line.
    Flag,
}

impl Origin {
    fn rank(&self) -> u8 {
        match self {
            Self::BuiltIn => 0,
            Self::User(_) => 1,
            Self::Repository(_) => 2,
            Self::Plan(_) => 3,
            Self::Flag => 4,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::User(path) | Self::Repository(path) | Self::Plan(path) => path.display().fmt(f),
            Self::Flag => f.write_str("command line"),
        }
    }
}

/// One setting with its value and origin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its dotted name.
    pub key: String,
    /// Its value as JSON.
    pub value: String,
    /// Where the value came from.
    pub origin: Origin,
}

/// What is fixed about a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The table it stands in; empty for the top level.
    pub section: &'static str,
    /// Its name in that table.
    pub name: &'static str,
    /// One sentence about it.
    pub about: &'static str,
}

impl Key {
    /// `section.name`.
    pub fn dotted(&self) -> String {
        match self.section {
            "" => self.name.to_owned(),
            section => format!("{section}.{}", self.name),
        }
    }
}

macro_rules! settings {
    ($($section:literal { $($name:literal $field:ident: $type:ty = $default:expr, $about:literal;)* })*) => {
        /// Every setting with its effective value.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $about] pub(super) $field: $type,)*)*
            origins: BTreeMap<&'static str, Origin>,
            pub(super) secrets: SecretSources,
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($($field: $default,)*)* origins: BTreeMap::new(), secrets: SecretSources::new() }
            }
        }

        /// Every setting, in the order of the template.
        pub const KEYS: &[Key] = &[$($(Key { section: $section, name: $name, about: $about },)*)*];

        impl Settings {
            /// Takes over what a table of a file sets, unless a stronger origin set it already.
            pub(super) fn apply_section(&mut self, name: &str, table: &mut Section<'_, '_>, origin: &Origin) {
                match name {
                    $($section => {$(
                        if let Some(value) = table.take::<$type>($name) {
                            let replaces = self.replaces(stringify!($field), origin);
                            let held = self.$field.clone();
                            let yields = self.yields(stringify!($field), origin);
                            self.$field = match (replaces, yields) {
                                (true, _) => value,
                                (_, true) => value.over(held),
                                (_, false) => held.over(value),
                            };
                        }
                    )*})*
                    _ => {}
                }
            }

            /// Every setting with its value and origin, in the order of the template.
            pub fn entries(&self) -> Vec<Entry> {
                vec![$($(Entry {
                    key: Key { section: $section, name: $name, about: $about }.dotted(),
                    value: self.$field.show().to_string(),
                    origin: self.origins.get(stringify!($field)).cloned().unwrap_or(Origin::BuiltIn),
                },)*)*]
            }
        }

        /// The tables of a settings file.
        pub(super) const SECTIONS: &[&str] = &[$($section),*];
    };
}

settings! {
    "" {
        "target" target: Option<String> = None, "The branch that finished work lands on; empty: the current branch.";
        "setup" setup: Vec<Command> = vec![], "Commands run once in each new worktree.";
        "providers" providers: BTreeMap<String, ProviderTable> = BTreeMap::new(), "Providers of models by name, besides `anthropic`, `gemini`, `ollama` and `openai`. Only in your own settings.";
        "models" models: BTreeMap<String, ModelTable> = BTreeMap::new(), "Models by name: { provider, model, … }.";
        "profiles" profiles: BTreeMap<String, OwnProfile> = BTreeMap::new(), "Further profiles by name: { capabilities = [...] }. Of two with one name only what both have counts.";
    }
    "limits" {
        "max_concurrent_sessions" max_concurrent_sessions: u32 = 8, "How many sessions run at once; 0 pauses the queue.";
        "max_concurrent_models" max_concurrent_models: u32 = 8, "How many sessions of models run at once; with less than 2 a plan with MULTI_MODEL_PARALLEL is refused (CX-MM-004).";
        "per_group" per_group: BTreeMap<String, GroupLimit> = BTreeMap::new(), "Limits of named groups: how many of their sessions run at once, or { max, rate, burst }.";
        "grace_seconds" grace_seconds: u32 = 10, "Seconds between asking a job to stop and killing it.";
        "min_free_memory" min_free_memory: Reserve = Reserve(Some(512 << 20)), "No further session starts while the machine has less memory available, unless nothing runs; \"none\": whatever it has.";
        "min_free_disk" min_free_disk: Reserve = Reserve(Some(1 << 30)), "No session starts while the disk of the worktrees has less room left; \"none\": whatever it has.";
    }
    "worktrees" {
        "root" root: WorktreesRoot = WorktreesRoot::Sibling, "Where worktrees are: \"sibling\" (NAME.treeyard beside the repository), \"data\" or an absolute path.";
        "isolation" isolation: Isolation = Isolation::Private, "\"private\": an own git directory for each session; \"linked\": a plain linked worktree, which shares refs, stash, configuration and hooks with the repository.";
        "pool" pool: u32 = 8, "How many finished worktrees are kept for reuse.";
        "include" include: bool = true, "Whether the files of .worktreeinclude come along.";
    }
    "land" {
        "method" land_method: LandMethod = LandMethod::Merge, "\"merge\", \"squash\" or \"rebase\".";
        "uncommitted" uncommitted: Uncommitted = Uncommitted::Commit, "Uncommitted work: \"commit\" it before landing, or \"refuse\" to land.";
        "gate" land_gate: Vec<Command> = vec![], "Commands that must succeed on the merged tree, for tasks without their own.";
        "auto" auto_land: bool = false, "Whether sessions land as soon as they are finished.";
    }
    "sandbox" {
        "level" sandbox_level: Level = Level::Standard, "The least that holds sessions back: \"standard\" or \"strict\". Where it is not reached nothing runs; all that the machine has is used (`treeyard sandbox probe`).";
        "narrow" sandbox_narrow: bool = false, "Whether sessions may write only in the folders of their scope, where it names folders; git switches no branch there then.";
        "network" network: Network = Network::Open, "What sessions reach: \"open\", \"none\" or a list of hosts such as [\"crates.io\", \"*.github.com\"].";
        "read" sandbox_read: Vec<Place> = vec![], "Further places that sessions may read. Only in your own settings.";
        "write" sandbox_write: Vec<Place> = vec![], "Further places that sessions may change. Only in your own settings.";
        "memory" sandbox_memory: Size = Size(None), "Memory of all processes of a job together, such as \"4GiB\"; \"none\": no limit.";
        "processes" sandbox_processes: Count = Count(1024), "How many processes a job may have at once; 0: no limit.";
        "disk" sandbox_disk: Size = Size(None), "What a session's worktree and its folders for git, home and temporary files may take of the disk; \"none\": no limit.";
        "files" sandbox_files: Count = Count(0), "How many files and folders may be in these; 0: no limit.";
        "total_cpu" sandbox_total_cpu: CpuTime = CpuTime(None), "Processor time of all processes of a job together; \"none\": no limit.";
        "cpu" sandbox_cpu: CpuTime = CpuTime(None), "Processor time of each process in a session; \"none\": no limit.";
        "file_size" sandbox_file_size: Size = Size(None), "The largest file that a session may write, such as \"2GiB\"; \"none\": no limit.";
        "open_files" sandbox_open_files: Count = Count(0), "How many files each process in a session may have open; 0: as many as the runner.";
    }
    "agent" {
        "model" agent_model: Option<String> = None, "The model of sessions that name none: one of `models`, or PROVIDER/MODEL.";
        "work_profile" agent_work_profile: Option<String> = None, "A file with a work profile, by which sessions get models that name none. Only in your own settings.";
        "mode" agent_mode: RuntimeMode = RuntimeMode::AiEnabled, "\"AI_ENABLED\", or \"DOCS_ONLY\": no model is called.";
        "ready_within" ready_within: Finite = Finite(60_000), "How long a model on this machine may take for a first word before it counts as not ready.";
        "profile" agent_profile: String = "edit".to_owned(), "What sessions of models may do: \"read-only\", \"edit\", \"build\", \"full\" or one of `profiles`.";
        "allow" agent_allow: Allow = Allow(vec!["full".to_owned()]), "The most that any session of a model may do: a profile, or several of which only what all have counts.";
        "ask_from" ask_from: RiskLevel = RiskLevel::High, "From which risk of a tool on a person is asked: \"LOW\", \"MEDIUM\" or \"HIGH\".";
        "max_steps" max_steps: u32 = 200, "How often a session's model is called before it is stopped.";
        "instructions" instructions: Vec<RepositoryFile> = vec![RepositoryFile("AGENTS.md".to_owned())], "Files of the repository that models are told of first, where they are there.";
        "compact_at" compact_at: Share = Share(Thousandths(800)), "The part of the context window that may be full before a conversation is made shorter.";
    }
    "budget" {
        "session" budget_session: BudgetLimits = BudgetLimits::default(), "The most that a session uses up: any of { tokens, usd, seconds, steps }.";
        "task" budget_task: BudgetLimits = BudgetLimits::default(), "The most that a task uses up, over all of its attempts.";
        "plan" budget_plan: BudgetLimits = BudgetLimits::default(), "The most that the sessions of a plan use up together.";
        "day" budget_day: BudgetLimits = BudgetLimits::default(), "The most that all sessions of the repository use up in a day.";
        "warn_at" budget_warn_at: Share = Share(Thousandths(800)), "The part of a budget after which a warning is told.";
        "then" budget_then: BudgetThen = BudgetThen::Pause, "What happens to a session whose budget is used up: \"pause\" or \"stop\".";
    }
    "consent" {
        "scope" consent_scope: ConsentScope = ConsentScope::SingleCall, "What one agreement to calls that leave the machine is for: a \"single\" call, a \"session\", the sessions of a \"plan\", or all that are open now (\"broadcast\"). Only in your own settings.";
        "valid_for" consent_valid_for: Finite = Finite(3_600_000), "How long an agreement is valid. Only in your own settings.";
    }
    "locks" {
        "paused" paused_keep: Timeout = Timeout(Some(86_400_000)), "How long a paused session keeps its files while others ask for them; \"none\": without an end.";
    }
    "drift" {
        "check" drift_check: Timeout = Timeout(Some(15_000)), "How often a session at work is looked at for changes outside its scope; \"none\": never.";
        "policy" on_drift: OnDrift = OnDrift::Warn, "What then happens: \"warn\" tells it, \"pause\" stops its command too until it is resumed.";
    }
    "checkpoints" {
        "record" record_checkpoints: bool = true, "Whether points that sessions can be put back to are recorded while they work and when they stop.";
        "messages" messages_a_checkpoint: u32 = 5, "After so many messages of a model's thread a point is recorded although no file changed; 0: never.";
        "stream_tokens" tokens_a_checkpoint: u32 = 4096, "After so many tokens of an answer what has arrived of it is kept, for a crash in the middle of it; 0: never.";
        "ignored" ignored_in_checkpoints: Scope = Scope::nothing(), "Files that git ignores and checkpoints have all the same, as patterns of a scope: [\"data/**\", \"*.local\"], or [\"**\"] for all.";
    }
    "retention" {
        "events_days" events_days: u32 = 7, "Days that events are kept; those of a session as long as it is kept.";
        "sessions_days" sessions_days: u32 = 30, "Days that ended sessions are kept, and the worktrees of those that failed or were cancelled.";
        "artifacts_days" artifacts_days: u32 = 30, "Days (at least 1) that artifacts are kept whose session is not.";
    }
    "env" {
        "pass" env_pass: Vec<EnvName> = vec![], "Further environment variables that jobs inherit.";
    }
    "defaults" {
        "timeout" timeout: Timeout = Timeout(None), "The longest one attempt may take, such as \"30m\"; \"none\": no limit.";
        "retries" retries: Retries = Retries::default(), "Further attempts: a number, or { max, backoff, delay }.";
        "priority" priority: u8 = 50, "0 is the most urgent, 255 the least.";
        "lane" lane: Lane = Lane::Primary, "\"primary\", \"validation\", \"subagent\" or \"background\".";
    }
}

impl Settings {
    /// Whether `origin` is a person who is the first to speak of a field. What is built in binds nobody
    /// but a repository, which may only make limits smaller.
    fn replaces(&self, field: &'static str, origin: &Origin) -> bool {
        matches!(origin, Origin::User(_) | Origin::Flag) && !self.origins.contains_key(field)
    }

    /// Records `origin` for a field unless a stronger one holds it.
    fn yields(&mut self, field: &'static str, origin: &Origin) -> bool {
        let held = self.origins.get(field).map_or(0, Origin::rank);
        let yields = held <= origin.rank();
        if yields {
            self.origins.insert(field, origin.clone());
        }
        yields
    }

    /// Takes a plan's `auto_land`, which stands at the top of the file there.
    pub(super) fn set_auto_land(&mut self, auto: bool, origin: &Origin) {
        if self.yields("auto_land", origin) {
            self.auto_land = auto;
        }
    }

    /// Takes a plan's target.
    pub(super) fn set_target(&mut self, target: Option<String>, origin: &Origin) {
        if self.yields("target", origin) {
            self.target = target;
        }
    }

    /// Takes a plan's default commands, which a settings file has in other places.
    pub(super) fn set_commands(
        &mut self,
        setup: Option<Vec<Command>>,
        gate: Option<Vec<Command>>,
        origin: &Origin,
    ) {
        if let Some(setup) = setup
            && self.yields("setup", origin)
        {
            self.setup = setup;
        }
        if let Some(gate) = gate
            && self.yields("land_gate", origin)
        {
            self.land_gate = gate;
        }
    }

    /// How long a paused session keeps its files, in milliseconds.
    pub fn paused_keep_ms(&self) -> Option<u64> {
        self.paused_keep.0
    }

    /// How often a session at work is looked at, in milliseconds.
    pub fn drift_check_ms(&self) -> Option<u64> {
        self.drift_check.0
    }

    /// Where the values of secrets come from.
    pub fn secrets(&self) -> &SecretSources {
        &self.secrets
    }

    /// Names of further environment variables that jobs inherit.
    pub fn env_pass(&self) -> impl Iterator<Item = &str> {
        self.env_pass.iter().map(|name| name.0.as_str())
    }

    /// Further places that sessions may read, for a person with this home directory.
    pub fn sandbox_read(&self, home: &Path) -> Vec<PathBuf> {
        self.sandbox_read
            .iter()
            .map(|place| place.path(home))
            .collect()
    }

    /// Further places that sessions may change.
    pub fn sandbox_write(&self, home: &Path) -> Vec<PathBuf> {
        self.sandbox_write
            .iter()
            .map(|place| place.path(home))
            .collect()
    }

    /// Memory of all processes of a job together, in bytes.
    pub fn sandbox_memory_bytes(&self) -> Option<u64> {
        self.sandbox_memory.0
    }

    /// How many processes a job may have at once.
    pub fn sandbox_processes(&self) -> Option<u64> {
        self.sandbox_processes.limit()
    }

    /// What the folders of a session may take of the disk, in bytes.
    pub fn sandbox_disk_bytes(&self) -> Option<u64> {
        self.sandbox_disk.0
    }

    /// How many files and folders may be in them.
    pub fn sandbox_files(&self) -> Option<u64> {
        self.sandbox_files.limit()
    }

    /// Processor time of all processes of a job together, in milliseconds.
    pub fn sandbox_total_cpu_ms(&self) -> Option<u64> {
        self.sandbox_total_cpu.0
    }

    /// Memory that has to be available for a further session to start, in bytes.
    pub fn min_free_memory(&self) -> Option<u64> {
        self.min_free_memory.0
    }

    /// Room that the disk of the worktrees has to have, in bytes.
    pub fn min_free_disk(&self) -> Option<u64> {
        self.min_free_disk.0
    }

    /// Processor time of each process in a session, in seconds.
    pub fn sandbox_cpu_seconds(&self) -> Option<u64> {
        self.sandbox_cpu.0.map(|ms| ms.div_ceil(1000))
    }

    /// The largest file that a session may write, in bytes.
    pub fn sandbox_file_bytes(&self) -> Option<u64> {
        self.sandbox_file_size.0
    }

    /// How many files each process in a session may have open.
    pub fn sandbox_open_files(&self) -> Option<u64> {
        self.sandbox_open_files.limit()
    }

    /// The default limit of one attempt in milliseconds.
    pub fn timeout_ms(&self) -> Option<u64> {
        self.timeout.0
    }
}

macro_rules! getters {
    (copy { $($field:ident: $copied:ty),* $(,)? } borrow { $($name:ident: $borrowed:ty),* $(,)? }) => {
        /// One reader for each setting; [`KEYS`] explains them.
        #[expect(missing_docs, reason = "the table of settings above documents each")]
        impl Settings {
            $(pub fn $field(&self) -> $copied { self.$field })*
            $(pub fn $name(&self) -> &$borrowed { &self.$name })*
        }
    };
}

getters! {
    copy {
        max_concurrent_sessions: u32, max_concurrent_models: u32, grace_seconds: u32, isolation: Isolation, pool: u32,
        include: bool, record_checkpoints: bool, messages_a_checkpoint: u32, tokens_a_checkpoint: u32,
        land_method: LandMethod, uncommitted: Uncommitted, auto_land: bool,
        on_drift: OnDrift, events_days: u32, sessions_days: u32, artifacts_days: u32, retries: Retries,
        priority: u8, lane: Lane, sandbox_level: Level, sandbox_narrow: bool,
        agent_mode: RuntimeMode, ask_from: RiskLevel, max_steps: u32, budget_session: BudgetLimits,
        budget_task: BudgetLimits, budget_plan: BudgetLimits, budget_day: BudgetLimits,
        budget_then: BudgetThen, consent_scope: ConsentScope,
    }
    borrow {
        target: Option<String>, ignored_in_checkpoints: Scope, setup: [Command],
        per_group: BTreeMap<String, GroupLimit>,
        root: WorktreesRoot, land_gate: [Command], network: Network,
        agent_model: Option<String>, agent_work_profile: Option<String>, agent_profile: str,
    }
}
