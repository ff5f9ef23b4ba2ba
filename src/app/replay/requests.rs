//! What a model was sent, made again from the record.

use std::collections::BTreeMap;

use crate::agent::{Shown, request};
use crate::app::failure::Failure;
use crate::app::project::Project;
use crate::model::chat::{ChatRequest, ToolSpec};
use crate::model::ids::ContentHash;
use crate::model::run::CallIntent;
use crate::model::thread::Thread;

/// What requests have besides threads, as it was.
#[derive(Default)]
pub(super) struct Frames(BTreeMap<ContentHash, ChatRequest>);

impl Frames {
    /// The hash of what was sent of this thread; nothing where too little is on record to make it again.
    pub fn hash_of(
        &mut self,
        project: &Project,
        call: &CallIntent,
        thread: &Thread,
    ) -> Result<Option<ContentHash>, Failure> {
        let Some(frame) = &call.frame else {
            return Ok(None);
        };
        let shown = Shown {
            left_out: frame.left_out,
            names_pictures: frame.names_pictures,
        };
        let common = self.read(project, &frame.request)?;
        let bytes = serde_json::to_vec(&request(common, thread, shown));
        let bytes = bytes.map_err(crate::agent::RunError::Json)?;
        Ok(Some(ContentHash::of(&bytes)))
    }

    fn read(&mut self, project: &Project, hash: &ContentHash) -> Result<&ChatRequest, Failure> {
        if !self.0.contains_key(hash) {
            let mut bytes = Vec::new();
            project.cas.read_to(hash, &mut bytes)?;
            let frame = serde_json::from_slice(&bytes).map_err(crate::agent::RunError::Json)?;
            self.0.insert(hash.clone(), frame);
        }
        Ok(&self.0[hash])
    }

    /// Whether a tool was described to the model otherwise than it is now. Not where nothing is on record of that.
    pub fn is_told_otherwise(&self, tool: &str, now: Option<&ToolSpec>) -> bool {
        let described = self.0.values().flat_map(|frame| &frame.tools);
        let mut then = described.filter(|spec| spec.name == tool);
        then.any(|then| now != Some(then))
    }
}
