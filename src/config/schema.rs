//! The plan file as it is written: the source of its JSON Schema, and what programs fill in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::Value;

use crate::model::execution::ExecutionMode;
use crate::model::task::Command;

/// A plan file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PlanFile {
    /// The branch that finished work lands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether sessions land as soon as they are finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_land: Option<bool>,
    /// How its models work: one after the other, or side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_mode: Option<ExecutionMode>,
    /// Limits while the plan runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<PlanLimits>,
    /// Values for tasks that do not set their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<PlanDefaults>,
    /// The tasks.
    #[schemars(length(min = 1))]
    pub task: Vec<TaskOptions>,
}

/// Limits while a plan runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PlanLimits {
    /// How many sessions run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_sessions: Option<u32>,
    /// How many sessions of models run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent_models: Option<u32>,
    /// Limits of named groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("propertyNames" = {"minLength": 1, "pattern": r"^[^=\p{Cc}]+$"}))]
    pub per_group: Option<BTreeMap<String, GroupText>>,
    /// Seconds between asking a job to stop and killing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// The limits of a group as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum GroupText {
    /// How many of its sessions run at once.
    Max(u32),
    /// How many, and how often its jobs start.
    Table(GroupTable),
}

/// The limits of a group, of which at least one stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields, extend("anyOf" = [{"required": ["max"]}, {"required": ["rate"]}],
    "dependentRequired" = {"burst": ["rate"]}))]
pub struct GroupTable {
    /// How many of its sessions run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// How often its jobs start, such as "30/min"; the units are s, min, h and d.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^0*([1-9][0-9]{0,2}|1000)/(s|min|h|d)$"))]
    pub rate: Option<String>,
    /// How many jobs may start at once after a pause; 1 unless it is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub burst: Option<u32>,
}

/// Leave to run without the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct BypassTable {
    /// The level: "none" is the only one that a task may ask for.
    #[schemars(regex(pattern = "^none$"))]
    pub level: String,
    /// Why, for those who read the log.
    #[schemars(
        length(min = 1, max = 500),
        regex(pattern = r"^[^\p{Cc}]*[^\s\p{Cc}][^\p{Cc}]*$")
    )]
    pub reason: String,
}

macro_rules! task_tables {
    ($($(#[$meta:meta])* $field:ident: $type:ty,)*) => {
        /// Values for the tasks of a plan that do not set their own.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub struct PlanDefaults {
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        /// One task as it is written: what is left out takes its default.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
        #[schemars(deny_unknown_fields, extend("oneOf" = [{"required": ["run"]}, {"required": ["prompt"]}]))]
        pub struct TaskOptions {
            /// Its name, unique in the plan; becomes part of the branch name.
            #[schemars(length(min = 1, max = 60), regex(pattern = r"^(?!.*\.\.)(?!.*\.(lock)?$)[A-Za-z0-9][A-Za-z0-9._-]*$"))]
            pub name: String,
            /// The files it may change, as patterns relative to the repository root; none is nothing.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(inner(regex(pattern = r"^(?!!?(\./)*(/|\\([/\\0-9A-Za-z]|$)|[0-9A-Za-z]:|(.*/)?\.\.(/|$)|\s*$))[^\p{Cc}]+$")))]
            pub scope: Option<Vec<String>>,
            /// What is run: a shell line, or a list of arguments without a shell.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<CommandText>")]
            pub run: Option<Command>,
            /// What is run in place of `run` once that has begun.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(with = "Option<CommandText>")]
            pub run_again: Option<Command>,
            /// What a model is asked, in place of `run`.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(regex(pattern = r"\S"))]
            pub prompt: Option<String>,
            /// Tasks that must have completed before.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub after: Option<Vec<String>>,
            /// That it runs without the sandbox, and why.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub sandbox: Option<BypassTable>,
            /// Names of secrets that its commands get, each in a file of `$TREEYARD_SECRETS`.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(inner(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_-]{0,59}$")), extend("uniqueItems" = true))]
            pub secrets: Option<Vec<String>>,
            $($(#[$meta])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }

        impl TaskOptions {
            /// A task with every default.
            pub fn new(name: impl Into<String>) -> Self {
                Self { name: name.into(), scope: None, run: None, run_again: None, prompt: None, after: None, sandbox: None, secrets: None, $($field: None,)* }
            }
        }
    };
}

task_tables! {
    /// Commands that must succeed on the merged tree before the target moves.
    #[schemars(with = "Option<Vec<CommandText>>")]
    gate: Vec<Command>,
    /// Commands run once in each new worktree, before `run`.
    #[schemars(with = "Option<Vec<CommandText>>")]
    setup: Vec<Command>,
    /// The longest one attempt may take: "30s", "5m", "2h", whole seconds, or "none".
    timeout: TimeText,
    /// Further attempts after a failure.
    retries: RetriesText,
    /// 0 is the most urgent, 255 the least; 50 is the default.
    priority: u8,
    /// The queue: primary, validation, subagent or background.
    lane: LaneText,
    /// Added to the environment.
    #[schemars(extend("propertyNames" = {"pattern": "^(?!TREEYARD_)[^=\\u0000]+$"}))]
    env: BTreeMap<String, String>,
    /// What to do when its supervisor vanished: ask, resume or fail.
    on_crash: OnCrashText,
    /// Tasks of the same group share a limit.
    #[schemars(length(min = 1), regex(pattern = r"^[^=\p{Cc}]+$"))]
    group: String,
    /// The model of a task with a `prompt`: one of the settings' `models`, or PROVIDER/MODEL.
    #[schemars(length(min = 1))]
    model: String,
    /// What it may do: read-only, edit, build, full, or one of the settings' `profiles`.
    #[schemars(length(min = 1))]
    profile: String,
    /// Whom it stands for, such as worker.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,40}$"))]
    role: String,
    /// Whether its session waits for another message when it has answered.
    stay: bool,
    /// How often it may be called in one job.
    max_steps: u32,
    /// How much it is to think: low, medium or high.
    thinking: ThinkingText,
    /// The JSON Schema that its last answer has to follow.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    output_schema: Value,
    /// Whether its tools only say what they would do.
    rehearse: bool,
    /// What happens to a call of a tool that a crash cut short, when nothing tells how far it came: ask, adopt or rerun.
    on_ambiguous: OnAmbiguousText,
}

/// A command as it is written, for the schema.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum CommandText {
    /// Run through `sh -c`.
    Shell(#[schemars(regex(pattern = r"\S"))] String),
    /// Run as it is, without a shell.
    Argv(#[schemars(length(min = 1))] Vec<String>),
}

/// A length of time as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum TimeText {
    /// Whole seconds.
    Seconds(#[schemars(range(max = 31_622_400))] u32),
    /// A number with its unit.
    Text(#[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d)|none)$"))] String),
}

/// Retries as they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RetriesText {
    /// How many.
    Max(u32),
    /// How many, and how long to wait.
    Table(RetriesTable),
}

/// Retries with waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RetriesTable {
    /// Further attempts after the first.
    pub max: u32,
    /// How the wait grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<BackoffText>,
    /// The first wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<TimeText>,
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident { $($variant:ident),* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        #[expect(missing_docs, reason = "the words of the model's type of the same name")]
        pub enum $name { $($variant),* }
    )*};
}

texts! {
    /// How the wait grows, as it is written.
    BackoffText { Fixed, Exponential }
    /// The queue, as it is written.
    LaneText { Primary, Validation, Subagent, Background }
    /// What to do after a crash, as it is written.
    OnCrashText { Ask, Resume, Fail }
    /// What happens to a call that was cut short, as it is written.
    OnAmbiguousText { Ask, Adopt, Rerun }
    /// How much a model thinks, as it is written.
    ThinkingText { Low, Medium, High }
}

/// The JSON Schema (2020-12) of plan files.
pub fn plan_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<PlanFile>()
        .to_value()
}
