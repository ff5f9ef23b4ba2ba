//! The check as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::change::changes;
use super::plans::plans;
use crate::app::failure::Failure;
use crate::config::Settings;
use crate::git::Repo;
use crate::model::code::Code;
use crate::model::guardrail::{Registry, Severity, Signal, Signals, bundled};
use crate::model::ids::{CommitId, ContentHash};

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `BASE..HEAD`: the commits to look at.
    pub range: Option<String>,
    /// The digest that the registry has to have.
    pub digest: Option<String>,
    /// Plan files besides those that are found.
    pub plans: Vec<PathBuf>,
}

/// A guardrail that is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which.
    pub guardrail_id: String,
    /// Its pattern.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// By what.
    pub signals: Vec<Signal>,
    /// The commit, when it is one that brings it.
    pub commit: Option<CommitId>,
    /// Where, for a person.
    pub place: String,
    /// What is there, for a person, without secrets.
    pub detail: String,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The registry.
    pub registry: &'static Registry,
    /// What was looked at, in words.
    pub looked_at: Vec<String>,
    /// What could not be looked at, and why.
    pub passed_over: Vec<String>,
    /// In the order in which it was looked at.
    pub findings: Vec<Finding>,
}

/// Something in which signals were seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub commit: Option<CommitId>,
    pub place: String,
    pub detail: String,
    pub signals: Signals,
}

impl Checked {
    /// Whether something is met that no project should have.
    pub fn fails(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.severity >= Severity::High)
    }

    /// Notes what is met by what was seen in one place.
    pub(super) fn note(&mut self, seen: Seen) {
        let found = self.registry.evaluate(&seen.signals).into_iter();
        self.findings.extend(found.map(|found| Finding {
            guardrail_id: found.guardrail.guardrail_id.clone(),
            title: found.guardrail.title.clone(),
            severity: found.guardrail.severity,
            signals: found.signals,
            commit: seen.commit.clone(),
            place: seen.place.clone(),
            detail: seen.detail.clone(),
        }));
    }
}

/// Looks at settings, plans and, with a range, commits.
///
/// # Errors
/// Another digest than asked for, no repository, a range that is none, settings or a given plan that are wrong.
pub fn check(start: &Path, request: &Request) -> Result<Checked, Failure> {
    let registry =
        bundled().map_err(|error| Failure::new(Code::ConfigInvalid, error.to_string()))?;
    compare(registry, request.digest.as_deref())?;
    let repo = Repo::discover(start)?;
    let range = request.range.as_deref().map(|text| range(&repo, text));
    let range = range.transpose()?;
    let root = repo.work_dir().unwrap_or(repo.main_root()).to_owned();
    // A person's own settings are not the project's.
    let settings = Settings::load(Some(&root), None, &[])?;
    let mut checked = Checked {
        registry,
        looked_at: Vec::new(),
        passed_over: Vec::new(),
        findings: Vec::new(),
    };
    let head = match &range {
        Some((_, head)) => Some(head.clone()),
        None => repo.resolve("HEAD").ok(),
    };
    plans(
        &repo,
        &settings,
        (head.as_ref(), &request.plans),
        &mut checked,
    )?;
    if let Some((base, head)) = &range {
        changes(&repo, base, head, &mut checked)?;
    }
    Ok(checked)
}

fn compare(registry: &Registry, asked: Option<&str>) -> Result<(), Failure> {
    let Some(asked) = asked else {
        return Ok(());
    };
    let hex = asked.strip_prefix("blake3:").unwrap_or(asked);
    let digest = registry.digest();
    let wanted = ContentHash::from_hex(hex)
        .map_err(|error| Failure::new(Code::Usage, format!("--digest: {error}")))?;
    if wanted == digest {
        return Ok(());
    }
    let message = format!("the registry of guardrails is {digest}, and not {wanted}");
    let details = serde_json::json!({ "version": registry.version, "digest": digest });
    Err(Failure::new(Code::GuardrailDigest, message).with_details(details))
}

fn range(repo: &Repo, text: &str) -> Result<(CommitId, CommitId), Failure> {
    let parts = text.split_once("..");
    let Some((base, head)) =
        parts.filter(|(base, head)| !base.is_empty() && !head.starts_with('.'))
    else {
        let message = format!("{text:?} is no range of commits");
        return Err(Failure::new(Code::Usage, message).hint("write it as BASE..HEAD"));
    };
    let head = if head.is_empty() { "HEAD" } else { head };
    Ok((repo.resolve(base)?, repo.resolve(head)?))
}
