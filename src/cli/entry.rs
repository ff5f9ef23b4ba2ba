//! From the process's arguments to its exit code.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Cli, Color, Command, Global};
use super::commands as c;
use super::context::Context;
use super::out::Terminal;
use crate::app::control::Word;
use crate::app::failure::Failure;
use crate::model::code::{Code, Exit};

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match cli.global.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    log_to_stderr(&cli.global);
    let context = Context::new(&cli.global);
    let exit = dispatch(&cli.command, &context).unwrap_or_else(|failure| {
        context.terminal.failure(&failure);
        failure.code.exit()
    });
    ExitCode::from(exit as u8)
}

/// The command line is wrong, or asks for help. Before it is understood, `--json` is looked for by hand.
fn refuse(error: &clap::Error) -> ExitCode {
    let asked = std::env::args_os().take_while(|arg| arg != "--");
    let json = asked.into_iter().any(|arg| arg == "--json");
    if error.use_stderr() && json {
        let terminal = Terminal { json, quiet: false };
        terminal.failure(&usage(error));
    } else {
        // Nobody reads it when the pipe is closed.
        let _unread = error.print();
    }
    ExitCode::from(error.exit_code() as u8)
}

/// The parser's own text, taken apart: what is wrong, and then what may help.
fn usage(error: &clap::Error) -> Failure {
    use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as NothingGiven;
    if error.kind() == NothingGiven {
        return Failure::new(Code::Usage, "no command is given");
    }
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(|part| {
        let lines: Vec<&str> = part.lines().map(str::trim).collect();
        lines.join(" ")
    });
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message);
    let mut failure = Failure::new(Code::Usage, message.trim());
    failure.hints = parts.filter(|part| !part.is_empty()).collect();
    failure
}

/// Warnings by default; the runner in the background writes the same into its log. The library
/// calls it an error when a pack is rolled up while it reads, and then looks again.
fn log_to_stderr(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error,gix_odb=off",
        (false, 0) => "treeyard=warn,error,gix_odb=off",
        (false, 1) => "treeyard=info,warn,gix_odb=off",
        (false, _) => "treeyard=debug,info",
    };
    let _set_before = tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(level))
        .with_writer(std::io::stderr)
        .with_target(false)
        .try_init();
}

fn dispatch(command: &Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => c::run::run(args, context),
        Command::Submit(args) => c::run::submit(args, context),
        Command::Up(args) => c::control::up(args, context),
        Command::Down(args) => c::control::down(args, context),
        Command::Land(args) => c::control::land(args, context),
        Command::Cancel(args) => c::control::cancel(args, context),
        Command::Pause(args) => c::control::words(&args.sessions, Word::Pause, context),
        Command::Resume(args) => c::control::words(&args.sessions, Word::Resume, context),
        Command::Retry(args) => c::control::words(&args.sessions, Word::Retry, context),
        Command::Demo(args) => c::demo::run(args, context),
        Command::Init(args) => c::init::run(args, context),
        Command::Config(args) => c::config::run(args, context),
        Command::Ls(args) => c::ls::run(args, context),
        Command::Show(args) => c::show::run(args, context),
        Command::Logs(args) => c::logs::run(args, context),
        Command::Thread(args) => c::thread::run(args, context),
        Command::Steps(args) => c::steps::run(args, context),
        Command::Chat(args) => c::chat::run(args, context),
        Command::Send(args) => c::send::run(args, context),
        Command::Diff(args) => c::diff::run(args, context),
        Command::Checkpoints(args) => c::checkpoints::run(args, context),
        Command::Restore(args) => c::restore::run(args, context),
        Command::Fork(args) => c::fork::run(args, context),
        Command::Events(args) => c::events::run(args, context),
        Command::Status(args) => c::status::run(args, context),
        Command::Swap(args) => c::swap::run(args, context),
        Command::Artifacts(args) => c::artifacts::run(args, context),
        Command::Open(args) => c::open::run(args, context),
        Command::Salvage(args) => c::salvage::run(args, context),
        Command::Hooks(args) => c::hooks::run(args, context),
        Command::Approve(args) => c::approve::run(args, context),
        Command::Approvals(args) => c::approvals::run(args, context),
        Command::Consent(args) => c::consent::run(args, context),
        Command::Adopt(args) => c::adopt::run(args, context),
        Command::Claim(args) => c::claim::claim(args, context),
        Command::Release(args) => c::claim::release(args, context),
        Command::Sandbox(args) => c::sandbox::run(args, context),
        Command::Scope(args) => c::scope::run(args, context),
        Command::Models(args) => c::models::run(args, context),
        Command::Prices(args) => c::prices::run(args, context),
        Command::Priority(args) => c::priority::run(args, context),
        Command::Locks(args) => c::locks::run(args, context),
        Command::Gc(args) => c::gc::run(args, context),
        Command::Usage(args) => c::usage::run(args, context),
        Command::Tools(args) => c::tools::run(args, context),
        Command::Guardrails(args) => c::guardrails::run(args, context),
        Command::Plan(args) => c::plan::run(args, context),
        Command::Doctor(args) => c::doctor::run(args, context),
        Command::Replay(args) => c::replay::run(args, context),
        Command::Export(args) => c::export::run(args, context),
        Command::Import(args) => c::import::run(args, context),
        Command::Recover(args) => c::recover::run(args, context),
        Command::Fault(args) => c::fault::run(args, context),
        Command::Codes(args) => c::codes::run(args, context),
        Command::Completions(args) => c::completions::run(args, context),
        Command::Man(args) => c::man::run(args, context),
    }
}
