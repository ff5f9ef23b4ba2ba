//! Names of tasks: unique, known where others come after them, and without a circle.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::DeValue;

use super::graph::cycles;
use super::reader::{Problems, Read, quoted, unknown};
use crate::model::task::TaskName;

/// What a task is called, and the tasks that it comes after.
pub(super) struct Named<'e> {
    pub name: Option<&'e Placed>,
    pub after: &'e [Placed],
}

/// Looking for what was meant takes long in a long plan; the first ones are what is shown.
const MOST_SUGGESTIONS: usize = 20;

/// Names are unique, `after` names tasks of the plan, and no task waits for itself.
pub(super) fn check_names(entries: &[Named<'_>], text: &str, problems: &Problems) {
    let mut index: HashMap<&str, (usize, usize)> = HashMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(name) = entry.name else { continue };
        match index.get(name.text.as_str()) {
            Some((_, first)) => {
                let line = text[..*first].matches('\n').count() + 1;
                let hint = format!("name one of them differently; the first is in line {line}");
                let message = format!("two tasks are named {}", quoted(&name.text));
                problems.add(name.offset, message, Some(hint));
            }
            None => {
                index.insert(&name.text, (at, name.offset));
            }
        }
    }
    let known: Vec<&str> = index.keys().copied().collect();
    let mut suggestions = 0;
    let mut after = vec![Vec::new(); entries.len()];
    for (at, entry) in entries.iter().enumerate() {
        for name in entry.after {
            if let Some((before, _)) = index.get(name.text.as_str()) {
                after[at].push(*before);
                continue;
            }
            suggestions += 1;
            let known = if suggestions > MOST_SUGGESTIONS {
                &[]
            } else {
                known.as_slice()
            };
            unknown(name.offset, "task", &name.text, known, problems);
        }
    }
    for cycle in cycles(&after) {
        report_cycle(&cycle, entries, problems);
    }
}

fn report_cycle(cycle: &[usize], entries: &[Named<'_>], problems: &Problems) {
    let nodes = cycle.iter().chain(cycle.first());
    let names: Vec<&str> = nodes
        .filter_map(|node| entries[*node].name)
        .map(|name| name.text.as_str())
        .collect();
    let offset = cycle.first().and_then(|first| {
        let waits_for = names.get(1)?;
        let edge = entries[*first].after.iter().find(|a| a.text == *waits_for);
        edge.map(|edge| edge.offset)
    });
    let message = format!("tasks wait for each other: {}", way_round(&names));
    let hint = "take one of them out of `after`".to_owned();
    problems.add(offset.unwrap_or_default(), message, Some(hint));
}

/// A long way is cut in the middle.
fn way_round(names: &[&str]) -> String {
    const ENDS: usize = 10;
    if names.len() <= 2 * ENDS {
        return names.join(" -> ");
    }
    let (first, last) = (&names[..ENDS], &names[names.len() - ENDS..]);
    let between = names.len() - 2 * ENDS;
    format!(
        "{} -> ({between} more) -> {}",
        first.join(" -> "),
        last.join(" -> ")
    )
}

/// A text and its byte offset.
#[derive(Clone)]
pub(super) struct Placed {
    pub text: String,
    pub offset: usize,
}

impl Read for Placed {
    fn read(value: &Spanned<DeValue<'_>>, problems: &Problems) -> Option<Self> {
        let offset = value.span().start;
        String::read(value, problems).map(|text| Self { text, offset })
    }
}

impl Placed {
    pub(super) fn task_name(&self, problems: &Problems) -> Option<TaskName> {
        let name = self.text.parse().ok();
        if name.is_none() {
            let hint = "1 to 60 letters, digits, `.`, `_`, `-`; begins with a letter or digit, \
                        no `..`, no `.` or `.lock` at the end";
            let message = format!("{} cannot name a task", quoted(&self.text));
            problems.add(self.offset, message, Some(hint.to_owned()));
        }
        name
    }
}
