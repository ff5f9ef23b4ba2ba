//! The arguments of the commands that change sessions.

use std::path::PathBuf;

use clap::Args;

use crate::model::consent::ConsentScope;

/// One task on the command line, or a plan file.
#[derive(Debug, Clone, Default, Args)]
pub struct TaskArgs {
    /// A plan file
    #[arg(conflicts_with_all = ["cmd", "prompt"], required_unless_present_any = ["cmd", "prompt"])]
    pub plan: Option<PathBuf>,
    /// What a model is asked, in place of a command
    #[arg(long, value_name = "TEXT", conflicts_with = "cmd")]
    pub prompt: Option<String>,
    /// How it works
    #[command(flatten)]
    pub model: ModelArgs,
    /// The task's name (default: the program's)
    #[arg(long, conflicts_with = "plan")]
    pub name: Option<String>,
    /// Files it may change, relative to the root (repeatable)
    #[arg(long, value_name = "PATTERN", conflicts_with = "plan")]
    pub scope: Vec<String>,
    /// It changes no file: what it changes is refused
    #[arg(long, conflicts_with_all = ["plan", "scope"])]
    pub read_only: bool,
    /// Sessions or tasks that must complete first (repeatable)
    #[arg(long, value_name = "TASK", conflicts_with = "plan")]
    pub after: Vec<String>,
    /// Time limit of one attempt, such as `90s` or `10m`
    #[arg(long, value_name = "DURATION", conflicts_with = "plan")]
    pub timeout: Option<String>,
    /// Further attempts after a failure
    #[arg(long, value_name = "N", conflicts_with = "plan")]
    pub retries: Option<u32>,
    /// 0 is the most urgent, 50 the default
    #[arg(long, value_name = "N", conflicts_with = "plan")]
    pub priority: Option<u8>,
    /// A variable for the command (repeatable)
    #[arg(long, value_name = "KEY=VALUE", conflicts_with = "plan")]
    pub env: Vec<String>,
    /// A secret that the command gets in a file (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "plan")]
    pub secret: Vec<String>,
    /// A check on the merged tree before landing (repeatable)
    #[arg(long, value_name = "COMMAND", conflicts_with = "plan")]
    pub gate: Vec<String>,
    /// Run it without the sandbox, for this reason, which is logged
    #[arg(long, value_name = "REASON", conflicts_with = "plan")]
    pub no_sandbox: Option<String>,
    /// Land each session when it completes
    #[arg(long)]
    pub auto_land: bool,
    /// The branch to land on
    #[arg(long, value_name = "BRANCH")]
    pub target: Option<String>,
    /// Agree now to what models send: for each session, or for those submitted together
    #[arg(long, value_name = "SCOPE", conflicts_with = "cmd")]
    pub consent: Option<Beforehand>,
    /// Run the command so many times, as jobs of one session
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: u32,
    /// The command, after `--`
    #[arg(last = true, value_name = "COMMAND")]
    pub cmd: Vec<String>,
}

/// For how much a person agrees before there is anything to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Beforehand {
    /// Every call of a session
    Session,
    /// Every call of the sessions submitted together
    Plan,
}

impl From<Beforehand> for ConsentScope {
    fn from(scope: Beforehand) -> Self {
        match scope {
            Beforehand::Session => Self::SessionScoped,
            Beforehand::Plan => Self::WpScoped,
        }
    }
}

/// How a model works.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelArgs {
    /// The model (default: `agent.model` of the settings)
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["plan", "cmd"])]
    pub model: Option<String>,
    /// What it may do: `read-only`, `edit`, `build`, `full` or a profile of the settings
    #[arg(long, value_name = "PROFILE", conflicts_with_all = ["plan", "cmd"])]
    pub profile: Option<String>,
    /// A work profile, which says who plays which role (default: `agent.work_profile`)
    #[arg(long, value_name = "FILE", conflicts_with = "cmd")]
    pub work_profile: Option<PathBuf>,
    /// Whom it stands for, such as `worker`
    #[arg(long, value_name = "ROLE", conflicts_with_all = ["plan", "cmd"])]
    pub role: Option<String>,
    /// A JSON Schema that its last answer has to follow
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "cmd"])]
    pub output_schema: Option<PathBuf>,
    /// Its tools only say what they would do
    #[arg(long, conflicts_with_all = ["plan", "cmd"])]
    pub rehearse: bool,
}

/// `treeyard run`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  treeyard run plan.toml
  treeyard run plan.toml --auto-land --jobs 4
  treeyard run --name docs --scope 'docs/**' --prompt 'Describe the API'
  treeyard run --name docs --scope 'docs/**' -- make docs")]
pub struct RunArgs {
    /// What to run.
    #[command(flatten)]
    pub task: TaskArgs,
    /// How many sessions may run at once
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,
    /// Print an HSK_STATUS line for each change of a session
    #[arg(long, conflicts_with = "json")]
    pub status_lines: bool,
}

/// `treeyard submit`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  treeyard submit plan.toml
  treeyard submit --in docs -- make check")]
pub struct SubmitArgs {
    /// What to run.
    #[command(flatten)]
    pub task: TaskArgs,
    /// Add the command to this session
    #[arg(
        long = "in",
        value_name = "S",
        requires = "cmd",
        conflicts_with_all = [
            "plan", "name", "scope", "read_only", "after", "timeout", "retries", "priority", "env", "secret",
            "gate", "no_sandbox", "auto_land", "target", "repeat", "consent", "prompt", "model", "profile", "role",
        ],
    )]
    pub in_session: Option<String>,
}

/// `treeyard up`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  treeyard up\n  treeyard up --foreground")]
pub struct UpArgs {
    /// Stay attached to the terminal
    #[arg(long)]
    pub foreground: bool,
}

/// `treeyard down`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  treeyard down\n  treeyard down --cancel")]
pub struct DownArgs {
    /// Also cancel what is running
    #[arg(long)]
    pub cancel: bool,
}

/// `treeyard land`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  treeyard land docs\n  treeyard land docs --method squash\n  treeyard land docs --only-in-scope"
)]
pub struct LandArgs {
    /// Which session
    #[arg(value_name = "S")]
    pub session: String,
    /// How, instead of `land.method`
    #[arg(long, value_name = "METHOD", value_parser = ["merge", "squash", "rebase"])]
    pub method: Option<String>,
    /// Leave out what is outside its scope, and land the rest as one commit
    #[arg(long, conflicts_with = "method")]
    pub only_in_scope: bool,
}

/// `treeyard cancel`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  treeyard cancel docs\n  treeyard cancel --all")]
pub struct CancelArgs {
    /// Which sessions
    #[arg(value_name = "S", required_unless_present = "all")]
    pub sessions: Vec<String>,
    /// Every open session
    #[arg(long, conflicts_with = "sessions")]
    pub all: bool,
}

/// `treeyard pause`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  treeyard pause docs
  treeyard pause docs notes

What runs now runs to its end; `treeyard cancel` ends it.")]
pub struct PauseArgs {
    /// Which sessions
    #[arg(value_name = "S", required = true)]
    pub sessions: Vec<String>,
}

/// `treeyard resume`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  treeyard resume docs")]
pub struct ResumeArgs {
    /// Which sessions
    #[arg(value_name = "S", required = true)]
    pub sessions: Vec<String>,
}

/// `treeyard retry`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  treeyard retry docs

It goes on in the same worktree, as long as that is there.")]
pub struct RetryArgs {
    /// Which sessions
    #[arg(value_name = "S", required = true)]
    pub sessions: Vec<String>,
}

/// `treeyard demo`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  treeyard demo\n  treeyard demo --keep")]
pub struct DemoArgs {
    /// Keep the scratch repository
    #[arg(long)]
    pub keep: bool,
}
