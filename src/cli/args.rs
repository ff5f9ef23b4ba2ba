//! The command line as a whole: global flags and the list of commands.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::args_work as work;
use super::commands as c;

const EXAMPLES: &str = "\
Examples:
  treeyard demo                      the main job on a scratch clone
  treeyard run plan.toml             run a plan here
  treeyard ls                        what is going on
  treeyard logs -f docs              follow one session

S is a task's name or any unique start of a session's id.
`treeyard codes` prints every error code and exit code.";

/// Run jobs in isolated git worktrees and land their work safely.
#[derive(Debug, Parser)]
#[command(name = "treeyard", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const GLOBAL: &str = "Global options";

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Print one JSON document (streams: one a line)
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub json: bool,
    /// Work as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = GLOBAL)]
    pub directory: Option<PathBuf>,
    /// Override one setting for this command (repeatable)
    #[arg(long, value_name = "KEY=VALUE", global = true, value_parser = setting, help_heading = GLOBAL)]
    pub set: Vec<(String, String)>,
    /// Print results only
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub quiet: bool,
    /// Say more on standard error (repeat for even more)
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = GLOBAL)]
    pub verbose: u8,
    /// When to use colours: auto, always or never
    #[arg(long, value_enum, value_name = "WHEN", default_value_t, hide_possible_values = true, global = true, help_heading = GLOBAL)]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write it as KEY=VALUE".to_owned()),
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a plan or one command, and stay until it is done
    Run(work::RunArgs),
    /// Start the background runner
    Up(work::UpArgs),
    /// Stop the background runner
    Down(work::DownArgs),
    /// Queue a plan or one command for the background runner
    Submit(work::SubmitArgs),
    /// Land a session's work on its target
    Land(work::LandArgs),
    /// End sessions and everything they started
    Cancel(work::CancelArgs),
    /// Start nothing more of these sessions
    Pause(work::PauseArgs),
    /// Let paused sessions go on
    Resume(work::ResumeArgs),
    /// Start failed or cancelled sessions again
    Retry(work::RetryArgs),
    /// Show the main job on a scratch repository
    Demo(work::DemoArgs),
    /// Write a commented treeyard.toml
    Init(c::init::Args),
    /// List sessions
    Ls(c::ls::Args),
    /// Show one session
    Show(c::show::Args),
    /// Say how sessions stand, in a line for programs each
    Status(c::status::Args),
    /// Give a session another model
    Swap(c::swap::Args),
    /// Print what a session's jobs printed
    Logs(c::logs::Args),
    /// Print what was said in a session with a model
    Thread(c::thread::Args),
    /// List what a session did, step by step
    Steps(c::steps::Args),
    /// Talk with a model, line by line
    Chat(c::chat::Args),
    /// Say something to a session's model
    Send(c::send::Args),
    /// Show what a session changed
    Diff(c::diff::Args),
    /// List the points that a session can be put back to
    Checkpoints(c::checkpoints::Args),
    /// Put a session back to a checkpoint
    Restore(c::restore::Args),
    /// Go on from a checkpoint in another session
    Fork(c::fork::Args),
    /// Print or verify the event log
    Events(c::events::Args),
    /// List, store, print or verify artifacts
    Artifacts(c::artifacts::Args),
    /// Print a session's worktree, or start a shell there
    Open(c::open::Args),
    /// List or restore saved work
    Salvage(c::salvage::Args),
    /// Refuse commits of what sessions hold
    Hooks(c::hooks::Args),
    /// Let a session run one command that it may not run by itself
    Approve(c::approve::Args),
    /// Answer what models ask before they act
    Approvals(c::approvals::Args),
    /// Agree to what is sent to providers, or not
    Consent(c::consent::Args),
    /// Give a worktree that is there already a session, a lock and hooks
    Adopt(c::adopt::Args),
    /// Hold files in this checkout, so that nobody else changes them
    Claim(c::claim::Args),
    /// Give up claims, or the locks of sessions
    Release(c::claim::ReleaseArgs),
    /// Ask for more files while a session runs
    Scope(c::scope::Args),
    /// Say how urgent a waiting session is
    Priority(c::priority::Args),
    /// Say who holds what, and why; release, narrow and pass on
    Locks(c::locks::Args),
    /// Say what holds sessions back on this machine
    Sandbox(c::sandbox::Args),
    /// Remove what is no longer needed
    Gc(c::gc::Args),
    /// List what models can call, and what each takes
    Tools(c::tools::Args),
    /// Say what is known to do harm, and look for it
    Guardrails(c::guardrails::Args),
    /// Check a plan file
    Plan(c::plan::Args),
    /// Say what models used up
    Usage(c::usage::Args),
    /// List models, and try whether they answer
    Models(c::models::Args),
    /// Say what models cost
    Prices(c::prices::Args),
    /// Print every setting with its origin
    Config(c::config::Args),
    /// Check everything, and say what to do
    Doctor(c::doctor::Args),
    /// Run a model's session once more, against what is on record of it
    Replay(c::replay::Args),
    /// Write a session into one file, for another machine
    Export(c::export::Args),
    /// Take in a session that was exported elsewhere
    Import(c::import::Args),
    /// What a crash left: say it, or settle it
    Recover(c::recover::Args),
    /// Print every error code with its exit code
    #[command(visible_alias = "help-codes")]
    Codes(c::codes::Args),
    /// Faults that tests can ask for
    #[command(hide = true)]
    Fault(c::fault::Args),
    /// Print a shell's completion script
    Completions(c::completions::Args),
    /// Print or write the manual pages
    Man(c::man::Args),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The words of an example up to what a shell does with them.
    fn words(example: &str) -> Vec<String> {
        let own = example
            .split(" >")
            .next()
            .and_then(|text| text.split(" | ").next());
        let from = own
            .unwrap_or_default()
            .trim_start_matches("cd \"$(")
            .trim_end_matches(")\"");
        // What stands between quotes is one word.
        let parts = from.split('\'').enumerate();
        let words = parts.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect()
    }

    #[test]
    fn every_example_is_a_command_line() {
        let cli = Cli::command();
        let mut tried = 0;
        for command in cli.get_subcommands() {
            let text = command
                .get_after_help()
                .map_or(String::new(), ToString::to_string);
            let examples = text.lines().take_while(|line| !line.is_empty());
            for example in examples.filter(|line| line.starts_with("  ")) {
                let parsed = Cli::try_parse_from(words(example.trim()));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                tried += 1;
            }
        }
        assert!(tried > 40, "only {tried} examples");
    }

    #[test]
    fn settings_need_a_key() {
        assert_eq!(setting("a.b=c=d").unwrap(), ("a.b".into(), "c=d".into()));
        assert!(setting("=x").is_err() && setting("x").is_err());
    }
}
