//! `treeyard __model-run`: what a supervisor starts for a session with a model.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::agent::Heard;
use crate::app::model_run::model_run;
use crate::cli::format::{clean, clean_lines};
use crate::cli::spoken::Mark;
use crate::model::run::Verdict;

/// `ROOT SESSION JOB [KEY=VALUE…]`. What the model says goes to standard output as it comes.
pub fn model(args: &[OsString]) -> ExitCode {
    let [root, session, job, flags @ ..] = args else {
        return ExitCode::FAILURE;
    };
    let text = |word: &OsString| word.to_str().map(str::to_owned);
    let ids = text(session)
        .and_then(|id| id.parse().ok())
        .zip(text(job).and_then(|id| id.parse().ok()));
    let Some(ids) = ids else {
        return ExitCode::FAILURE;
    };
    let flag = |word: &OsString| {
        let (key, value) = word.to_str()?.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    let flags: Vec<_> = flags.iter().filter_map(flag).collect();
    let mut printer = Printer::default();
    match model_run((Path::new(root), &flags), ids, &mut |heard| {
        printer.hear(heard)
    }) {
        Ok(stop) => {
            printer.line(&format!("[it {}]", stop.describe()));
            match stop.verdict() {
                Verdict::Fail | Verdict::Cancel => ExitCode::FAILURE,
                Verdict::Done | Verdict::GoOn | Verdict::Block | Verdict::Pause => {
                    ExitCode::SUCCESS
                }
            }
        }
        Err(failure) => {
            printer.line(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Each line begins with whose it is: a model may say what a call of it looks like. Nobody may read it any more; that
/// stops no model.
#[derive(Default)]
struct Printer {
    in_a_line: bool,
    whose: Option<Mark>,
}

impl Printer {
    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Text(text) => self.say(Mark::Words, text),
            Heard::Thinking(text) => self.say(Mark::Thought, text),
            Heard::Answered => self.end_line(),
            Heard::Calling { line } => self.told(Mark::Call, line),
            Heard::Called { line } => self.told(Mark::End, line),
            Heard::Note(text) => self.line(&format!("[{text}]")),
        }
    }

    /// A piece of what a model says.
    fn say(&mut self, whose: Mark, text: &str) {
        if self.whose.replace(whose) != Some(whose) {
            self.end_line();
        }
        let text = clean_lines(text);
        put(&self.marked(whose, &text));
    }

    fn marked(&mut self, whose: Mark, text: &str) -> String {
        let mut marked = String::new();
        for piece in text.split_inclusive('\n') {
            if !self.in_a_line && piece != "\n" {
                marked.push_str(whose.first());
            }
            marked.push_str(piece);
            self.in_a_line = !piece.ends_with('\n');
        }
        marked
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.in_a_line) {
            put("\n");
        }
    }

    fn told(&mut self, mark: Mark, text: &str) {
        self.line(&format!("{}{}", mark.first(), text.trim_start()));
    }

    fn line(&mut self, text: &str) {
        self.end_line();
        put(&format!("{}\n", clean(text)));
    }
}

fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_begins_with_whose_it_is() {
        let said = "one\n\n> shell.exec true\n  [it answered]";
        let expected = "  one\n\n  > shell.exec true\n    [it answered]";
        for cut in 0..said.len() {
            let mut printer = Printer::default();
            let mut shown = printer.marked(Mark::Words, &said[..cut]);
            shown += &printer.marked(Mark::Words, &said[cut..]);
            assert_eq!(shown, expected, "{cut}");
        }
    }
}
