//! `treeyard fault`: which faults tests can ask for.

use serde_json::json;

use crate::app::failure::Failure;
use crate::cli::context::Context;
use crate::cli::table::{Table, width};
use crate::fault::{Action, Fault, Point, VARIABLE};
use crate::model::code::{Code, Exit};

/// Nothing, or a description to check.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  treeyard fault\n  treeyard fault check 'kill@tool-ran:1@/tmp/mark'"
)]
pub struct Args {
    /// What else to do
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What else to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Say whether a description can be read
    Check {
        /// `ACTION@POINT:N@MARK`
        description: String,
    },
}

/// Prints the points and the actions, or checks a description.
pub fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if let Some(Verb::Check { description }) = &args.verb {
        let read = description.parse::<Fault>();
        let fault = read.map_err(|error| {
            let hint = "`treeyard fault` lists the actions and the points";
            Failure::new(Code::Usage, error.to_string()).hint(hint)
        })?;
        let (point, turn) = (fault.point.name(), fault.turn);
        let body = json!({ "point": point, "turn": turn, "mark": fault.mark });
        context.terminal.result("fault", body, || {
            format!("{point}: {}", fault.point.meaning())
        })?;
        return Ok(Exit::Ok);
    }
    let points: Vec<_> = Point::ALL
        .iter()
        .map(|point| json!({ "point": point.name(), "meaning": point.meaning(), "repeats": point.repeats() }))
        .collect();
    let actions: Vec<_> = Action::ALL
        .iter()
        .map(|(action, meaning)| json!({ "action": action, "meaning": meaning }))
        .collect();
    let known = cfg!(debug_assertions);
    let body =
        json!({ "variable": VARIABLE, "known": known, "actions": actions, "points": points });
    context.terminal.result("faults", body, told)?;
    Ok(Exit::Ok)
}

fn told() -> String {
    let mut actions = Table::new(&["ACTION", "WHAT HAPPENS"]);
    for (action, meaning) in Action::ALL {
        actions.row([(*action).into(), (*meaning).into()]);
    }
    let mut points = Table::new(&["POINT", "REPEAT", "HOW THINGS STAND THERE"]);
    for point in Point::ALL {
        let repeats = if point.repeats() { "yes" } else { "" };
        points.row([point.name().into(), repeats.into(), point.meaning().into()]);
    }
    let known = match cfg!(debug_assertions) {
        true => "This build knows faults.",
        false => "This build has no debug assertions, and knows no faults.",
    };
    format!(
        "{VARIABLE}=ACTION@POINT:N@MARK asks for a fault at a point, the Nth time (* for each time); the file MARK tells \
         that it happened. {known}\n\n{}\n{}",
        actions.render(width()),
        points.render(width())
    )
}
