//! Attributes as plain JSON and back, whatever their names: for what the house itself keeps and sends.
//!
//! Reading gives what was written. No schema is asked here; a source's words go through
//! [`read_user`](super::user::read_user) instead.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::text::push_string;
use crate::model::{Attributes, Name, Value};

/// A value in a wire type: JSON of the same shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonValue(pub Value);

/// Attributes in a wire type: a JSON object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JsonAttributes(pub Attributes);

/// The value as JSON.
pub fn value_to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Text(text) => serde_json::Value::String(text.clone()),
        Value::Boolean(boolean) => serde_json::Value::Bool(*boolean),
        Value::Integer(number) => serde_json::Value::from(*number),
        Value::Many(values) => values.iter().map(value_to_json).collect(),
        Value::Complex(attributes) => serde_json::Value::Object(attributes_to_json(attributes)),
    }
}

/// The attributes as a JSON object, in the order of their names.
pub fn attributes_to_json(attributes: &Attributes) -> serde_json::Map<String, serde_json::Value> {
    attributes.iter().map(|(name, value)| (name.as_str().to_owned(), value_to_json(value))).collect()
}

/// JSON as a value. Numbers with a fraction, and those too great for an integer, become text.
pub fn value_from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(boolean) => Value::Boolean(*boolean),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or_else(|| Value::Text(number.to_string()), Value::Integer)
        }
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(values) => Value::Many(values.iter().map(value_from_json).collect()),
        serde_json::Value::Object(parts) => Value::Complex(attributes_from_json(parts)),
    }
}

/// A JSON object as attributes. Of two names that differ in case only, the later counts.
pub fn attributes_from_json(json: &serde_json::Map<String, serde_json::Value>) -> Attributes {
    json.iter().map(|(name, value)| (Name::new(name), value_from_json(value))).collect()
}

/// The attributes as compact JSON text. Faster than through a tree.
pub fn attributes_to_text(attributes: &Attributes) -> String {
    let mut out = String::with_capacity(64 * attributes.len() + 2);
    push_attributes(&mut out, attributes);
    out
}

/// Attributes from JSON text.
///
/// # Errors
/// When the text is not one JSON object.
pub fn attributes_from_text(text: &str) -> Result<Attributes, serde_json::Error> {
    serde_json::from_str::<JsonAttributes>(text).map(|read| read.0)
}

/// Writes attributes as a JSON object at the end of `out`.
pub(super) fn push_attributes(out: &mut String, attributes: &Attributes) {
    out.push('{');
    push_pairs(out, attributes.iter());
    out.push('}');
}

/// Writes `"name":value` for each, with commas between.
pub(super) fn push_pairs<'a>(out: &mut String, pairs: impl Iterator<Item = (&'a Name, &'a Value)>) {
    for (at, (name, value)) in pairs.enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(out, name.as_str());
        out.push(':');
        push_value(out, value);
    }
}

fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Text(text) => push_string(out, text),
        Value::Boolean(true) => out.push_str("true"),
        Value::Boolean(false) => out.push_str("false"),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Many(values) => push_values(out, values),
        Value::Complex(attributes) => push_attributes(out, attributes),
    }
}

fn push_values(out: &mut String, values: &[Value]) {
    out.push('[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_value(out, value);
    }
    out.push(']');
}

struct Borrowed<'a, T: ?Sized>(&'a T);

impl Serialize for Borrowed<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::Integer(number) => serializer.serialize_i64(*number),
            Value::Many(values) => serializer.collect_seq(values.iter().map(Borrowed)),
            Value::Complex(attributes) => Borrowed(attributes).serialize(serializer),
        }
    }
}

impl Serialize for Borrowed<'_, Attributes> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            map.serialize_entry(name.as_str(), &Borrowed(value))?;
        }
        map.end()
    }
}

impl Serialize for JsonValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

impl Serialize for JsonAttributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

impl<'de> Deserialize<'de> for JsonAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnyAttributes).map(Self)
    }
}

struct AnyAttributes;

impl<'de> Visitor<'de> for AnyAttributes {
    type Value = Attributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Attributes, A::Error> {
        let mut attributes = Attributes::with_capacity(map.size_hint().unwrap_or(0).min(64));
        while let Some(key) = map.next_key::<NameText<'de>>()? {
            let JsonValue(value) = map.next_value()?;
            attributes.set(Name::new(&key.0), value);
        }
        Ok(attributes)
    }
}

/// A name, borrowed where it stands without escapes.
#[derive(serde::Deserialize)]
struct NameText<'a>(#[serde(borrow)] Cow<'a, str>);

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Boolean(boolean))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(value_from_json(&serde_json::Value::from(number)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(JsonValue(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::Many(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        AnyAttributes.visit_map(map).map(Value::Complex)
    }
}

impl schemars::JsonSchema for JsonValue {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::Schema::default()
    }
}

impl schemars::JsonSchema for JsonAttributes {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Attributes".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scim::samples;

    proptest! {
        #[test]
        fn attributes_come_back_from_text_as_they_went(attributes in samples::any_attributes()) {
            let text = attributes_to_text(&attributes);
            prop_assert_eq!(attributes_from_text(&text).ok(), Some(attributes.clone()));
            let tree: serde_json::Value = serde_json::from_str(&text).expect("is JSON");
            prop_assert_eq!(value_from_json(&tree), Value::Complex(attributes.clone()));
            prop_assert_eq!(serde_json::to_value(JsonAttributes(attributes)).expect("prints"), tree);
        }
    }

    #[test]
    fn a_fraction_is_kept_as_text() {
        let read = attributes_from_text(r#"{"a": 0.5, "b": 18446744073709551615}"#).expect("reads");
        assert_eq!(attributes_to_text(&read), r#"{"a":"0.5","b":"18446744073709551615"}"#);
    }
}
