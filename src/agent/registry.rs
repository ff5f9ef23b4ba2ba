//! The one list of tools. What models, people and other programs are told of a tool is made from it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::arguments::refusal;
use super::tool::{self, Prepared, Tool, prepared};
use super::world::World;
use crate::model::chat::ToolSpec;
use crate::model::code::Code;
use crate::model::ids::ContentHash;
use crate::model::tool::{
    Availability, Capabilities, Card, ErrorKind, Payload, Request, ToolError, ToolId, ToolVersion,
};

/// A tool, and all that is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// What it is.
    #[serde(flatten)]
    pub card: Card,
    /// The JSON Schema of its arguments.
    pub input_schema: Value,
    /// The JSON Schema of its results.
    pub output_schema: Value,
    /// Arguments as they may be.
    pub example: Value,
    #[serde(skip)]
    prepare: Prepare,
}

/// Reads arguments, and looks at what they name.
type Prepare = fn(&Entry, &Call<'_>, &World) -> Result<Prepared, ToolError>;

/// One call, before anything of it was read.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The version that the caller was told of; the current one without.
    pub version: Option<&'a ToolVersion>,
    /// What the caller wrote for arguments.
    pub args: &'a Value,
    /// Whether to say what would be done, and do nothing.
    pub dry_run: bool,
}

/// All tools, by their ids.
#[derive(Debug, Clone)]
pub struct Registry(BTreeMap<ToolId, Entry>);

impl Registry {
    /// Those that come with treeyard.
    pub fn standard() -> Self {
        let entries = tool::standard().into_iter();
        Self(entries.map(|one| (one.card.tool_id.clone(), one)).collect())
    }

    /// All of them, in the order of their ids.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.values()
    }

    /// The one of this id.
    ///
    /// # Errors
    /// When there is none; the message names those that are near.
    pub fn get(&self, id: &str) -> Result<&Entry, ToolError> {
        let found = id.parse().ok().and_then(|id: ToolId| self.0.get(&id));
        found.ok_or_else(|| self.unknown(id))
    }

    /// What a model is told that may do so much. Tools that it may not call are left out.
    pub fn specs(&self, granted: &Capabilities) -> Vec<ToolSpec> {
        let offered = self.entries().filter(|entry| {
            let card = &entry.card;
            card.availability == Availability::Available
                && !card.deferred
                && card.required_capabilities.is_within(granted)
        });
        offered.map(Entry::spec).collect()
    }

    /// Reads a call and looks at what it names, without doing anything.
    ///
    /// # Errors
    /// When there is no such tool, or it does not take these arguments.
    pub fn prepare(&self, id: &str, call: &Call<'_>, world: &World) -> Result<Prepared, ToolError> {
        let entry = self.get(id)?;
        let ours = &entry.card.tool_version;
        if let Some(asked) = call.version.filter(|asked| !asked.is_served_by(ours)) {
            let message = format!("{id} has the version {ours}, which does not do for {asked}");
            let error = ToolError::new(Code::EnvelopeInvalid, ErrorKind::Validation, message);
            return Err(error);
        }
        (entry.prepare)(entry, call, world)
    }

    /// The same for an envelope, whose arguments `fetch` gets when they are elsewhere.
    ///
    /// # Errors
    /// As above, or as `fetch` says.
    pub fn prepare_request(
        &self,
        request: &Request,
        fetch: impl FnOnce(&ContentHash) -> Result<Vec<u8>, ToolError>,
        world: &World,
    ) -> Result<Prepared, ToolError> {
        let fetched;
        let args = match &request.args {
            Payload::Inline(args) => args,
            Payload::Reference(hash) => {
                fetched = serde_json::from_slice(&fetch(hash)?).map_err(|error| {
                    let message = format!("the arguments {hash} are not JSON: {error}");
                    ToolError::new(Code::EnvelopeInvalid, ErrorKind::Validation, message)
                })?;
                &fetched
            }
        };
        let call = Call {
            version: Some(&request.tool_version),
            args,
            dry_run: request.dry_run,
        };
        self.prepare(request.tool_id.as_str(), &call, world)
    }

    fn unknown(&self, id: &str) -> ToolError {
        let told: String = id.chars().take(80).collect();
        let ids: Vec<&str> = self.0.keys().map(ToolId::as_str).collect();
        let message = format!("there is no tool {told:?}; there are {}", ids.join(", "));
        ToolError::new(Code::ToolUnknown, ErrorKind::Validation, message)
    }
}

impl Entry {
    pub(super) fn of<T: Tool>() -> Self {
        Self {
            card: T::card(),
            input_schema: tool::schema::<T::Args>(),
            output_schema: tool::schema::<T::Output>(),
            example: T::example(),
            prepare: prepared::<T>,
        }
    }

    /// As a provider is told.
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.card.tool_id.to_string(),
            description: self.card.description.to_owned(),
            schema: self.input_schema.clone(),
        }
    }

    /// That one of its arguments does not do.
    pub(super) fn refuse(&self, field: &str, why: &str) -> ToolError {
        refusal(&self.card.tool_id, field, why, &self.example)
    }
}
