//! The tools: one a file. A tool reads its arguments, says what they touch, and does what they say when it
//! is called with a permit.

mod artifact_get;
mod artifact_put;
mod delete;
mod edit;
mod git_commit;
mod git_diff;
mod git_log;
mod git_status;
mod glob;
mod hunks;
mod list;
mod patch;
mod read;
mod relocate;
mod scope_request;
mod search;
mod shell;
mod todo;
mod write;

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::arguments;
use super::artifacts::Artifact;
use super::path::RelPath;
use super::place::Place;
use super::registry::{Call, Entry};
use super::world::World;
use crate::model::code::Code;
use crate::model::tool::{
    Availability, Capability, Card, Determinism, ErrorKind, Fingerprint, Idempotency, Pattern,
    RiskLevel, SideEffect, Subject, ToolError, ToolId, ToolVersion,
};

/// Those that come with treeyard.
pub(super) fn standard() -> Vec<Entry> {
    vec![
        Entry::of::<artifact_get::ArtifactGet>(),
        Entry::of::<artifact_get::ArtifactList>(),
        Entry::of::<artifact_put::ArtifactPut>(),
        Entry::of::<delete::Delete>(),
        Entry::of::<edit::Edit>(),
        Entry::of::<git_commit::GitCommit>(),
        Entry::of::<git_diff::GitDiff>(),
        Entry::of::<git_log::GitLog>(),
        Entry::of::<git_status::GitStatus>(),
        Entry::of::<glob::Glob>(),
        Entry::of::<list::List>(),
        Entry::of::<patch::Patch>(),
        Entry::of::<read::Read>(),
        Entry::of::<relocate::Move>(),
        Entry::of::<scope_request::ScopeRequest>(),
        Entry::of::<search::Search>(),
        Entry::of::<shell::Shell>(),
        Entry::of::<todo::TodoRead>(),
        Entry::of::<todo::TodoWrite>(),
        Entry::of::<write::Write>(),
    ]
}

/// A tool; a value is one call of it that makes sense.
pub(super) trait Tool: Sized + fmt::Debug + Send + Sync + 'static {
    /// What it takes.
    type Args: DeserializeOwned + JsonSchema;
    /// What it answers.
    type Output: Serialize + JsonSchema;

    /// What everybody is told of it.
    fn card() -> Card;

    /// Arguments as they may be.
    fn example() -> Value;

    /// Checks the arguments, and follows links where the tool does.
    ///
    /// # Errors
    /// When it makes no sense.
    fn prepare(args: Self::Args, entry: &Entry, place: &Place) -> Result<Self, ToolError>;

    /// What it touches.
    fn subjects(&self) -> Vec<Subject>;

    /// Does it, or finds out what it would do.
    ///
    /// # Errors
    /// When it cannot, in words that a model can act on.
    fn act(&self, world: &World, how: How<'_>) -> Result<Answer<Self::Output>, ToolError>;
}

/// How a call is to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// It says what it would do, and does nothing.
    pub dry_run: bool,
    /// Files and folders that a tool does not look at on its way.
    pub closed: &'a [Pattern],
}

/// What a tool answers.
#[derive(Debug)]
pub(super) struct Answer<T> {
    pub output: T,
    /// What it read or changed, or would.
    pub files: Vec<RelPath>,
    /// What it stored.
    pub artifacts: Vec<Artifact>,
}

impl<T> Answer<T> {
    /// Of a tool that stored nothing.
    fn of(output: T, files: Vec<RelPath>) -> Self {
        Self {
            output,
            files,
            artifacts: Vec::new(),
        }
    }

    fn with_artifacts(self, artifacts: Vec<Artifact>) -> Self {
        Self { artifacts, ..self }
    }
}

/// A call that makes sense, and has not run.
pub struct Prepared {
    pub(super) card: Card,
    pub(super) fingerprint: Fingerprint,
    pub(super) subjects: Vec<Subject>,
    pub(super) dry_run: bool,
    call: Box<dyn Ready>,
}

/// What a call came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// An object, by the schema of the tool's results.
    pub result: Value,
    /// What it read or changed, or would; from the root of the worktree.
    pub files: Vec<String>,
    /// What it stored, and nobody has recorded yet.
    pub artifacts: Vec<Artifact>,
}

/// A tool of any kind.
trait Ready: fmt::Debug + Send + Sync {
    fn act(&self, world: &World, how: How<'_>) -> Result<Done, ToolError>;
}

impl<T: Tool> Ready for T {
    fn act(&self, world: &World, how: How<'_>) -> Result<Done, ToolError> {
        let answer = Tool::act(self, world, how)?;
        let result = serde_json::to_value(answer.output).map_err(|error| unexpected(&error))?;
        Ok(Done {
            result,
            files: answer.files.iter().map(RelPath::to_string).collect(),
            artifacts: answer.artifacts,
        })
    }
}

impl Prepared {
    /// The tool.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// By which a person's word about this very call is known.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// What it touches.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// Only the gate and what it made come here.
    pub(super) fn act(&self, world: &World, how: How<'_>) -> Result<Done, ToolError> {
        self.call.act(world, how)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// Reads a call of a tool.
pub(super) fn prepared<T: Tool>(
    entry: &Entry,
    call: &Call<'_>,
    world: &World,
) -> Result<Prepared, ToolError> {
    let id = &entry.card.tool_id;
    let args = arguments::read(id, call.args, &entry.example)?;
    let tool = T::prepare(args, entry, &world.place)?;
    Ok(Prepared {
        card: entry.card.clone(),
        fingerprint: Fingerprint::of(id, call.args).map_err(|error| unexpected(&error))?,
        subjects: tool.subjects(),
        dry_run: call.dry_run,
        call: Box::new(tool),
    })
}

fn unexpected(error: &dyn fmt::Display) -> ToolError {
    ToolError::new(Code::Io, ErrorKind::Tool, error.to_string())
}

/// A JSON Schema (2020-12) that stands for itself: some providers know no references.
pub(super) fn schema<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of a type says nothing to anybody.
    schema.remove("title");
    schema.into()
}

/// A card with what most tools have in common: one that reads, and does no harm.
fn card(tool_id: ToolId, description: &'static str, needs: &[Capability]) -> Card {
    Card {
        tool_id,
        tool_version: ToolVersion::new(1, 0, 0),
        description,
        side_effect: SideEffect::Read,
        idempotency: Idempotency::Idempotent,
        determinism: Determinism::Deterministic,
        availability: Availability::Available,
        required_capabilities: needs.iter().copied().collect(),
        risk_level: RiskLevel::Low,
        deferred: false,
    }
}

/// The same for a tool that changes files: what is lost was mostly committed before.
fn changing(card: Card) -> Card {
    Card {
        side_effect: SideEffect::Write,
        idempotency: Idempotency::NonIdempotent,
        risk_level: RiskLevel::Medium,
        ..card
    }
}

/// The same for a tool that starts programs of a model's choice.
fn executing(card: Card) -> Card {
    Card {
        side_effect: SideEffect::Execute,
        determinism: Determinism::NonDeterministic,
        ..changing(card)
    }
}

/// A file, as rules know it.
fn file(path: &RelPath) -> Subject {
    Subject::File(path.as_str().to_owned())
}

/// All of these, or all of the worktree when none is named.
fn folders(paths: &[RelPath]) -> Vec<Subject> {
    match paths {
        [] => vec![folder(&RelPath::root())],
        paths => paths.iter().map(folder).collect(),
    }
}

/// All of a folder, or a single file, as rules know it.
fn folder(path: &RelPath) -> Subject {
    Subject::Folder(path.as_str().to_owned())
}
