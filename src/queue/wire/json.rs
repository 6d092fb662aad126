//! Attributes as JSON and back. Every kind of value has a JSON kind of its own, so nothing has to be tagged.

use serde_json::{Map, Value as Json};

use crate::model::{Attributes, Name, Value};

/// Attributes as a JSON object.
pub(super) fn object(attributes: &Attributes) -> Map<String, Json> {
    attributes.iter().map(|(name, value)| (name.as_str().to_owned(), json(value))).collect()
}

/// A JSON object as attributes.
pub(super) fn attributes(object: Map<String, Json>) -> Attributes {
    object.into_iter().map(|(name, value)| (Name::new(&name), self::value(value))).collect()
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Integer(number) => Json::from(*number),
        Value::Many(values) => Json::Array(values.iter().map(json).collect()),
        Value::Complex(parts) => Json::Object(object(parts)),
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::String(text) => Value::Text(text),
        Json::Bool(truth) => Value::Boolean(truth),
        // A number that is no whole number stays the text it is ([`Value`]).
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Integer),
        Json::Array(values) => Value::Many(values.into_iter().map(value).collect()),
        Json::Object(parts) => Value::Complex(attributes(parts)),
    }
}
