//! What a model wrote for arguments, read so that it can correct itself.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::model::code::Code;
use crate::model::tool::{ErrorKind, ToolError, ToolId};

/// The longest reason that a model is told, in characters: it quotes what was wrong.
const LONGEST_REASON: usize = 400;

/// The arguments of a tool.
///
/// # Errors
/// When they are not what the tool takes. The message says which field, what is wrong with it and how
/// a right call looks.
pub(super) fn read<T: DeserializeOwned>(
    tool: &ToolId,
    args: &Value,
    example: &Value,
) -> Result<T, ToolError> {
    if let Value::String(_) = args {
        return Err(refusal(tool, "", "this is not one JSON object", example));
    }
    serde_path_to_error::deserialize(args).map_err(|error| {
        let field = match error.path().iter().next() {
            None => String::new(),
            Some(_) => error.path().to_string(),
        };
        refusal(tool, &field, &error.inner().to_string(), example)
    })
}

/// That a field does not do; the empty one is all of them.
pub(super) fn refusal(tool: &ToolId, field: &str, why: &str, example: &Value) -> ToolError {
    let mut reason: String = why.chars().take(LONGEST_REASON).collect();
    if reason.len() < why.len() {
        reason.push('…');
    }
    let at = match field {
        "" => "the arguments".to_owned(),
        field => format!("`{field}`"),
    };
    let message = format!("{tool}: {at}: {reason}. A right call looks like this: {example}");
    ToolError::new(Code::ToolArguments, ErrorKind::Validation, message)
        .with_details(json!({ "field": field, "reason": reason, "example": example }))
}
