//! What stands under a custom URN: no schema says what it is, so it is taken as it is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de;
use serde_json::value::RawValue;

use super::trail::{Faults, Trail};
use super::{FaultKind, VALUE_DEPTH_MAX};
use crate::model::{Attributes, Name, Value};
use crate::scim::path::parse_head;

/// Reads the object under a custom URN; `raw` is valid JSON.
pub(super) fn read_extension<E: de::Error>(raw: &str, trail: &Trail<'_>, faults: &Faults) -> Result<Value, E> {
    match raw.as_bytes().first() {
        Some(b'{') => {
            let value = read_value(raw, trail, faults, VALUE_DEPTH_MAX)?;
            check_names(&value, trail, faults)?;
            Ok(value)
        }
        Some(b'n') => Ok(Value::Null),
        _ => {
            let advice = "expected an object: custom attributes stand inside one, under the URN of their schema";
            Err(faults.raise(FaultKind::Type, trail, advice))
        }
    }
}

/// An attribute whose name no path can spell could be held, but never be asked for.
fn check_names<E: de::Error>(value: &Value, trail: &Trail<'_>, faults: &Faults) -> Result<(), E> {
    let Value::Complex(attributes) = value else { return Ok(()) };
    for (name, _) in attributes.iter() {
        let here = trail.name(name.as_str());
        let message = match parse_head(&here.to_string(), 0) {
            Err(diagnostic) => diagnostic.message,
            Ok(path) if path.schema.as_ref().is_none_or(|urn| !trail.is_at(urn.as_str())) || path.sub.is_some() => {
                "no path can name this attribute: its name has neither `.` nor `:`, and its URN is not that of a \
                 known schema with more behind it"
                    .to_owned()
            }
            Ok(_) => continue,
        };
        return Err(faults.raise(FaultKind::Attribute, &here, message));
    }
    Ok(())
}

fn read_value<E: de::Error>(raw: &str, trail: &Trail<'_>, faults: &Faults, depth_left: usize) -> Result<Value, E> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        let message = format!("the value is nested deeper than {VALUE_DEPTH_MAX} levels");
        return Err(faults.raise(FaultKind::Type, trail, message));
    };
    match raw.as_bytes().first() {
        Some(b'{') => read_parts(raw, trail, faults, depth_left).map(Value::Complex),
        Some(b'[') => read_elements(raw, trail, faults, depth_left).map(Value::Many),
        Some(b'"') => read_json::<String, E>(raw, trail, faults).map(Value::Text),
        Some(b't') => Ok(Value::Boolean(true)),
        Some(b'f') => Ok(Value::Boolean(false)),
        Some(b'n') | None => Ok(Value::Null),
        // A number. What is no whole one is kept as it was written.
        Some(_) => Ok(raw.parse().map_or_else(|_| Value::text(raw), Value::Integer)),
    }
}

fn read_parts<E: de::Error>(raw: &str, trail: &Trail<'_>, faults: &Faults, depth_left: usize) -> Result<Attributes, E> {
    let parts: BTreeMap<Cow<'_, str>, &RawValue> = read_json(raw, trail, faults)?;
    let mut attributes = Attributes::with_capacity(parts.len());
    for (name, part) in parts {
        let value = read_value(part.get(), &trail.name(&name), faults, depth_left)?;
        attributes.set(Name::new(&name), value);
    }
    Ok(attributes)
}

fn read_elements<E: de::Error>(
    raw: &str,
    trail: &Trail<'_>,
    faults: &Faults,
    depth_left: usize,
) -> Result<Vec<Value>, E> {
    let elements: Vec<&RawValue> = read_json(raw, trail, faults)?;
    let read = |(at, element): (usize, &&RawValue)| read_value(element.get(), &trail.index(at), faults, depth_left);
    elements.iter().enumerate().map(read).collect()
}

fn read_json<'a, T: de::Deserialize<'a>, E: de::Error>(
    raw: &'a str,
    trail: &Trail<'_>,
    faults: &Faults,
) -> Result<T, E> {
    // Raw JSON may still hold half a character (`\ud800`).
    serde_json::from_str(raw).map_err(|error| faults.raise(FaultKind::Type, trail, error.to_string()))
}
