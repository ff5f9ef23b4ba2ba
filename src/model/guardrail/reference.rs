//! The registry as a page (`docs/guardrails.md`).

use std::fmt::Write;

use super::entry::Guardrail;
use super::registry::Registry;
use super::signal::Signal;

impl Registry {
    /// The part of the page that follows from the registry.
    pub fn reference(&self) -> String {
        let mut text = format!(
            "Version {}, `{}`.\n\n| Id | Severity | Domain | Outcome | Pattern | Enforced by |\n| --- | --- | --- | --- | --- | --- |\n",
            self.version,
            self.digest()
        );
        for one in &self.guardrails {
            let _ = writeln!(
                text,
                "| `{}` | {} | `{}` | `{}` | {} | {} |",
                one.guardrail_id,
                one.severity.name(),
                one.domain.name(),
                one.outcome.name(),
                one.title,
                one.standing().describe()
            );
        }
        for one in &self.guardrails {
            let _ = write!(text, "\n{}", one.reference());
        }
        text.push_str(
            "\n## Signals\n\n| Signal | Looked for in | What was seen |\n| --- | --- | --- |\n",
        );
        for signal in Signal::ALL {
            let (name, source, meaning) = (signal.name(), signal.source().name(), signal.meaning());
            let _ = writeln!(text, "| `{name}` | `{source}` | {meaning} |");
        }
        text
    }
}

impl Guardrail {
    /// All of it, as Markdown.
    pub fn reference(&self) -> String {
        let list = |names: &[String]| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let mut text = format!(
            "### {}: {}\n\n{}\n\n- when: `{}`\n- then: `{}`\n- events: {}\n- since: {}\n",
            self.guardrail_id,
            self.title,
            self.note,
            self.trigger,
            self.outcome.name(),
            list(&self.required_events),
            self.since
        );
        if !self.held_by.is_empty() {
            let _ = writeln!(text, "- held by: {}", list(&self.held_by));
        }
        text
    }
}
