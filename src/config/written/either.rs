//! Settings that may be written in several ways, read without losing the place of a mistake.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};

use super::{AttributeTable, AttributeWritten, CellKindWritten, ColumnTable, ColumnWritten, ConstantWritten};

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = ColumnWritten;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path, a table with `to`, or a list of these")
    }

    fn visit_str<E: Error>(self, path: &str) -> Result<ColumnWritten, E> {
        Ok(ColumnWritten::Path(path.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnWritten, A::Error> {
        ColumnTable::deserialize(MapAccessDeserializer::new(map)).map(|table| ColumnWritten::Table(Box::new(table)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ColumnWritten, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(ColumnWritten::Several)
    }
}

impl<'de> Deserialize<'de> for ColumnWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

impl JsonSchema for ColumnWritten {
    fn schema_name() -> Cow<'static, str> {
        "ColumnOrPath".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<ColumnTable>();
        let either = json_schema!({ "anyOf": [{ "type": "string" }, table.clone()] });
        json_schema!({ "anyOf": [{ "type": "string" }, table, { "type": "array", "items": either }] })
    }
}

struct AttributeVisitor;

impl<'de> Visitor<'de> for AttributeVisitor {
    type Value = AttributeWritten;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`text`, `boolean`, `integer`, or a table with `type`")
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<AttributeWritten, E> {
        CellKindWritten::deserialize(word.into_deserializer()).map(AttributeWritten::Kind)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AttributeWritten, A::Error> {
        AttributeTable::deserialize(MapAccessDeserializer::new(map)).map(AttributeWritten::Table)
    }
}

impl<'de> Deserialize<'de> for AttributeWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AttributeVisitor)
    }
}

impl JsonSchema for AttributeWritten {
    fn schema_name() -> Cow<'static, str> {
        "AttributeOrKind".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<CellKindWritten>();
        let table = generator.subschema_for::<AttributeTable>();
        json_schema!({ "anyOf": [kind, table] })
    }
}

struct ConstantVisitor;

impl<'de> Visitor<'de> for ConstantVisitor {
    type Value = ConstantWritten;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a whole number, true, false, or a list of texts")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ConstantWritten, E> {
        Ok(ConstantWritten::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<ConstantWritten, E> {
        Ok(ConstantWritten::Boolean(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<ConstantWritten, E> {
        Ok(ConstantWritten::Integer(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ConstantWritten, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(ConstantWritten::List)
    }
}

impl<'de> Deserialize<'de> for ConstantWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ConstantVisitor)
    }
}

impl JsonSchema for ConstantWritten {
    fn schema_name() -> Cow<'static, str> {
        "Constant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" }, { "type": "boolean" }, { "type": "integer" },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}
