//! Answers that have to follow a JSON Schema.

use serde_json::Value;

/// How often a model may put its last answer right.
pub(super) const CORRECTIONS: u32 = 2;

/// The first thing that is wrong with an answer, for its model.
pub(super) fn wrong_with(answer: &str, schema: &Value) -> Option<String> {
    let value: Value = match serde_json::from_str(unfenced(answer)) {
        Ok(value) => value,
        Err(error) => return Some(format!("it is no JSON: {error}")),
    };
    match jsonschema::validator_for(schema) {
        Ok(validator) => {
            let error = validator.iter_errors(&value).next()?;
            Some(match error.instance_path().to_string().as_str() {
                "" => error.to_string(),
                path => format!("at {path}: {error}"),
            })
        }
        Err(error) => Some(format!("the schema itself cannot be used: {error}")),
    }
}

/// How the loop begins what it says in the place of a person.
const OWN: &str = "Your last answer ";

/// Whether these are words of the loop's, and of no person.
pub(super) fn is_own(text: &str) -> bool {
    text.starts_with(OWN)
}

/// What the model is told of it.
pub(super) fn correction(wrong: &str) -> String {
    format!(
        "{OWN}does not follow the JSON Schema that was asked for: {wrong}. Answer again with nothing but \
         a JSON document that does."
    )
}

/// Models like to put a document between fences.
fn unfenced(answer: &str) -> &str {
    let text = answer.trim();
    let inner = text
        .strip_prefix("```json")
        .or_else(|| text.strip_prefix("```"))
        .and_then(|rest| rest.strip_suffix("```"));
    inner.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// They are no word of a person's, after which what was read before would count no more.
    #[test]
    fn the_loops_own_words_are_known() {
        assert!(is_own(&correction("x")));
        assert!(!is_own("Go on."));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let schema = json!({ "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } });
        assert_eq!(wrong_with(r#"{"n": 1}"#, &schema), None);
        assert_eq!(wrong_with("```json\n{\"n\": 1}\n```", &schema), None);
        for (answer, part) in [
            ("I think so", "no JSON"),
            (r#"{"n": "x"}"#, "at /n: "),
            ("{}", "\"n\" is a required property"),
        ] {
            let wrong = wrong_with(answer, &schema).unwrap();
            assert!(wrong.contains(part), "{answer}: {wrong}");
        }
    }
}
