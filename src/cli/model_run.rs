//! `treeyard __model-run`: what a supervisor starts for a session with a model.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::agent::Heard;
use crate::app::model_run::model_run;
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

/// Nobody may read it any more; that stops no model.
#[derive(Default)]
struct Printer {
    in_a_line: bool,
    thinks: bool,
}

impl Printer {
    fn hear(&mut self, heard: Heard<'_>) {
        match heard {
            Heard::Text(text) => {
                if std::mem::take(&mut self.thinks) {
                    self.end_line();
                }
                self.put(text);
            }
            Heard::Thinking(text) => {
                if !self.thinks {
                    self.end_line();
                    self.put("[thinks] ");
                    self.thinks = true;
                }
                self.put(text);
            }
            Heard::Answered => {
                self.thinks = false;
                self.end_line();
            }
            Heard::Calling { line } => self.line(&format!("> {line}")),
            Heard::Called { line } => self.line(&format!("  {line}")),
            Heard::Note(text) => self.line(&format!("[{text}]")),
        }
    }

    fn put(&mut self, text: &str) {
        if let Some(last) = text.chars().last() {
            self.in_a_line = last != '\n';
        }
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    fn end_line(&mut self) {
        if self.in_a_line {
            self.put("\n");
        }
    }

    fn line(&mut self, text: &str) {
        self.end_line();
        self.put(text);
        self.end_line();
    }
}
