//! The outside of a bulk request, checked in one pass that builds nothing.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::scim::schema::BULK_REQUEST;

/// A bulk request whose outside is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    /// How many operations it has.
    pub operations: u32,
}

/// Why a body is not accepted, by what the client must do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Repair the body: not JSON, or not in the form of a bulk request. HTTP 400.
    #[error("{0}")]
    Malformed(String),
    /// Send a bulk request: the body is something else. HTTP 400.
    #[error("{0}; `schemas` must be [\"{BULK_REQUEST}\"]")]
    Schemas(&'static str),
    /// Send fewer operations at a time. HTTP 413.
    #[error("the request has {count} operations, more than the {max} that are taken at once; send them in parts")]
    TooMany {
        /// How many it has.
        count: u32,
        /// How many may be in one.
        max: usize,
    },
}

/// Checks the outside of a bulk request: valid JSON, the right `schemas`, `Operations` a list of bounded length.
///
/// What is inside the operations is only passed over. Nesting is bounded by the JSON reader (128 levels), so
/// depth costs no stack. `failOnErrors` and fields nobody knows are passed over too.
///
/// # Errors
/// [`EnvelopeError`], with a message for the client.
pub fn check_envelope(body: &[u8], operations_max: usize) -> Result<Envelope, EnvelopeError> {
    let text = body_text(body)?;
    // Said in our words: the JSON reader's would repeat the body.
    if text.trim_start().starts_with(['[', '"']) {
        return Err(EnvelopeError::Malformed("the body is not a JSON object".to_owned()));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_map(Outside).and_then(|fields| deserializer.end().map(|()| fields));
    let fields = read.map_err(|error| EnvelopeError::Malformed(format!("the body cannot be read: {error}")))?;
    match fields.schemas {
        Schemas::Right => {}
        Schemas::Missing => return Err(EnvelopeError::Schemas("the body has no `schemas`")),
        Schemas::Wrong => return Err(EnvelopeError::Schemas("the body is not a bulk request")),
    }
    let Some(count) = fields.operations else {
        return Err(EnvelopeError::Malformed("the body has no `Operations`; send them as a list".to_owned()));
    };
    if usize::try_from(count).is_ok_and(|count| count <= operations_max) {
        Ok(Envelope { operations: count })
    } else {
        Err(EnvelopeError::TooMany { count, max: operations_max })
    }
}

/// The body as text, without the byte order mark that some editors and shells put in front.
pub(super) fn body_text(body: &[u8]) -> Result<&str, EnvelopeError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        EnvelopeError::Malformed(format!("the body is not UTF-8 text, from byte {} on", error.valid_up_to()))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Schemas {
    Missing,
    Wrong,
    Right,
}

struct Fields {
    schemas: Schemas,
    operations: Option<u32>,
}

struct Outside;

impl<'de> Visitor<'de> for Outside {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bulk request, which is a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields { schemas: Schemas::Missing, operations: None };
        while let Some(field) = map.next_key_seed(FieldSeed)? {
            match field {
                Field::Schemas => fields.schemas = map.next_value_seed(SchemasSeed)?,
                // Twice would leave open which of them was meant.
                Field::Operations if fields.operations.is_some() => {
                    return Err(de::Error::custom("`Operations` is there twice"));
                }
                Field::Operations => fields.operations = Some(map.next_value_seed(CountSeed)?),
                Field::Other => map.next_value_seed(Skim)?,
            }
        }
        Ok(fields)
    }
}

pub(super) enum Field {
    Schemas,
    Operations,
    Other,
}

/// Which field of the outside a name means; names are taken whatever their case (RFC 7643 §2.1).
pub(super) struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Field, E> {
        Ok(if name.eq_ignore_ascii_case("Operations") {
            Field::Operations
        } else if name.eq_ignore_ascii_case("schemas") {
            Field::Schemas
        } else {
            Field::Other
        })
    }
}

/// Whether the bulk request's URN is among the schemas.
struct SchemasSeed;

impl<'de> DeserializeSeed<'de> for SchemasSeed {
    type Value = Schemas;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Schemas, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SchemasSeed {
    type Value = Schemas;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`schemas` to be [\"{BULK_REQUEST}\"]")
    }

    /// One text instead of a list of one: what PowerShell makes of such a list.
    fn visit_str<E: de::Error>(self, urn: &str) -> Result<Schemas, E> {
        Ok(if urn.eq_ignore_ascii_case(BULK_REQUEST) { Schemas::Right } else { Schemas::Wrong })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Schemas, A::Error> {
        let mut seen = Schemas::Wrong;
        while let Some(one) = seq.next_element_seed(SchemasSeed)? {
            if one == Schemas::Right {
                seen = one;
            }
        }
        Ok(seen)
    }
}

/// Counts the operations.
struct CountSeed;

impl<'de> DeserializeSeed<'de> for CountSeed {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CountSeed {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`Operations` to be a list, even of one")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<u32, E> {
        Err(E::custom("`Operations` is a text; it must be a list, even of one"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u32, A::Error> {
        let mut count: u32 = 0;
        while seq.next_element_seed(Skim)?.is_some() {
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

/// Passes over any value. Unlike serde's own `IgnoredAny` it bounds the depth and checks every escape, so
/// that what was accepted can be read later.
struct Skim;

impl<'de> DeserializeSeed<'de> for Skim {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skim {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Skim)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Skim)?.is_some() {
            map.next_value_seed(Skim)?;
        }
        Ok(())
    }
}
