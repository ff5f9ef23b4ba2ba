//! JSON Schemas as Gemini takes them: a subset of the keywords (ai.google.dev/gemini-api/docs/structured-output, "JSON
//! Schema support"). With any other keyword the whole request is refused.
//!
//! What is left out only makes a schema wider. Arguments are checked against the whole schema before a tool runs.

use serde_json::{Map, Value, json};

/// Keywords whose value is taken as it is.
const PLAIN: [&str; 15] = [
    "$id",
    "$anchor",
    "$ref",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "required",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "propertyOrdering",
    "nullable",
];

/// Keywords with a schema.
const ONE: [&str; 2] = ["items", "additionalProperties"];

/// Keywords with a list of schemas.
const LIST: [&str; 3] = ["anyOf", "oneOf", "prefixItems"];

/// Keywords with schemas by name.
const NAMED: [&str; 2] = ["properties", "$defs"];

/// Deeper schemas are cut off: nobody writes them.
const DEEPEST: usize = 64;

/// The schema without what Gemini does not take.
pub(super) fn taken(schema: &Value) -> Value {
    of_depth(schema, DEEPEST)
}

fn of_depth(schema: &Value, depth: usize) -> Value {
    // `true` and `false` are schemas too; there is no other word for the second one.
    let (Some(fields), Some(depth)) = (schema.as_object(), depth.checked_sub(1)) else {
        return json!({});
    };
    let mut kept = Map::new();
    for (keyword, value) in fields {
        if let Some(value) = keyword_taken(keyword, value, depth) {
            kept.insert(keyword.clone(), value);
        }
    }
    translate(fields, &mut kept, depth);
    Value::Object(kept)
}

fn keyword_taken(keyword: &str, value: &Value, depth: usize) -> Option<Value> {
    if PLAIN.contains(&keyword) {
        return Some(value.clone());
    }
    if ONE.contains(&keyword) {
        return Some(match value {
            Value::Bool(_) => value.clone(),
            schema => of_depth(schema, depth),
        });
    }
    if LIST.contains(&keyword) {
        let list = value.as_array()?;
        return Some(list.iter().map(|schema| of_depth(schema, depth)).collect());
    }
    if NAMED.contains(&keyword) {
        let named = value.as_object()?.iter();
        let named = named.map(|(name, schema)| (name.clone(), of_depth(schema, depth)));
        return Some(Value::Object(named.collect()));
    }
    None
}

/// Says with the keywords that are taken what others say, where that is the same.
fn translate(fields: &Map<String, Value>, kept: &mut Map<String, Value>, depth: usize) {
    if let Some(only) = fields.get("const") {
        kept.entry("enum").or_insert_with(|| json!([only]));
    }
    // Older generators say it so.
    if let Some(Value::Object(named)) = fields.get("definitions") {
        let named = named.iter();
        let named = named.map(|(name, schema)| (name.clone(), of_depth(schema, depth)));
        kept.entry("$defs")
            .or_insert_with(|| Value::Object(named.collect()));
    }
    if let Some(Value::String(place)) = kept.get_mut("$ref")
        && let Some(name) = place.strip_prefix("#/definitions/")
    {
        *place = format!("#/$defs/{name}");
    }
    // All of one schema is that schema.
    if let Some([Value::Object(only)]) = fields
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        && let Value::Object(only) = of_depth(&Value::Object(only.clone()), depth)
    {
        for (keyword, value) in only {
            kept.entry(keyword).or_insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gemini_does_not_take_is_left_out_or_said_otherwise() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "title": "Edit",
            "properties": {
                "pattern": { "type": "string", "pattern": "^a", "minLength": 1, "default": "a" },
                "default": { "type": ["string", "null"], "examples": ["x"] },
                "kind": { "const": "a" },
                "any": true,
                "count": { "type": "integer", "minimum": 0, "exclusiveMaximum": 9, "format": "uint32" },
                "to": { "allOf": [{ "$ref": "#/definitions/Place" }], "description": "Where." },
                "list": { "type": "array", "items": { "type": "string", "maxLength": 3 }, "uniqueItems": true },
                "one": { "oneOf": [{ "type": "string", "pattern": "a" }, { "enum": [1, 2] }] },
            },
            "required": ["pattern"],
            "additionalProperties": false,
            "definitions": { "Place": { "type": "object", "patternProperties": {} } },
        });
        let expected = json!({
            "type": "object",
            "title": "Edit",
            "properties": {
                "pattern": { "type": "string" },
                "default": { "type": ["string", "null"] },
                "kind": { "enum": ["a"] },
                "any": {},
                "count": { "type": "integer", "minimum": 0, "format": "uint32" },
                "to": { "$ref": "#/$defs/Place", "description": "Where." },
                "list": { "type": "array", "items": { "type": "string" } },
                "one": { "oneOf": [{ "type": "string" }, { "enum": [1, 2] }] },
            },
            "required": ["pattern"],
            "additionalProperties": false,
            "$defs": { "Place": { "type": "object" } },
        });
        assert_eq!(taken(&schema), expected);
        assert_eq!(taken(&expected), expected);
    }

    #[test]
    fn a_schema_without_an_end_is_cut_off() {
        let mut schema = json!({});
        for _ in 0..1000 {
            schema = json!({ "items": schema });
        }
        assert!(taken(&schema).to_string().len() < 1000);
    }
}
