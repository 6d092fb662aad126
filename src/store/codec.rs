//! How attributes, what is known of accounts, and changes stand in rows: as compact bytes, both ways.
//!
//! Every stored payload begins with its version, so that an old row is never read as a new one.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use super::StoreError;
use super::names::Names;
use super::words::{kind, kind_number};
use crate::model::{Attributes, Change, Dn, Known, Name, ObjectId, Person, Timestamp, Value};

/// The moments of a person, as they carry them.
type Moments = BTreeMap<Name, Timestamp>;

/// The version written today.
const VERSION: u8 = 1;
/// The version of a person who has moments; they stand before the attributes.
const VERSION_WITH_MOMENTS: u8 = 2;
/// Moments of one person that are read back: more than a job has expressions that tell the time.
const MOMENTS_MAX: u64 = 10_000;
/// Deepest nesting that is written and read back; SCIM needs three.
const DEPTH_MAX: u32 = 16;

pub(super) fn broken(what: &str) -> StoreError {
    StoreError::Broken(what.to_owned())
}

/// What is held of a person as bytes: attributes, and moments where there are any.
pub(super) fn encode_person(person: &Person, names: &mut Names, on: &Transaction<'_>) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(512);
    if person.moments.is_empty() {
        bytes.push(VERSION);
    } else {
        bytes.push(VERSION_WITH_MOMENTS);
        put_number(&mut bytes, person.moments.len() as u64);
        for (inputs, moment) in &person.moments {
            put_number(&mut bytes, u64::from(names.number(inputs, on)?));
            bytes.extend_from_slice(&moment.0.to_le_bytes());
        }
    }
    put_attributes(&mut bytes, &person.attributes, 0, names, on)?;
    Ok(bytes)
}

/// What is known of an account as bytes; its object id stands in a column of its own.
pub(super) fn encode_known(known: &Known, names: &mut Names, on: &Transaction<'_>) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(VERSION);
    bytes.push(u8::from(known.synced));
    put_text(&mut bytes, known.container.as_ref().map_or("", Dn::as_str));
    put_attributes(&mut bytes, &known.attributes, 0, names, on)?;
    Ok(bytes)
}

fn put_attributes(
    bytes: &mut Vec<u8>,
    attributes: &Attributes,
    depth: u32,
    names: &mut Names,
    on: &Transaction<'_>,
) -> Result<(), StoreError> {
    put_number(bytes, attributes.len() as u64);
    for (name, value) in attributes.iter() {
        put_number(bytes, u64::from(names.number(name, on)?));
        put_value(bytes, value, depth, names, on)?;
    }
    Ok(())
}

fn put_value(
    bytes: &mut Vec<u8>,
    value: &Value,
    depth: u32,
    names: &mut Names,
    on: &Transaction<'_>,
) -> Result<(), StoreError> {
    // What could not be read back must not get in.
    check_depth(depth)?;
    match value {
        Value::Null => bytes.push(0),
        Value::Text(text) => {
            bytes.push(1);
            put_text(bytes, text);
        }
        Value::Boolean(false) => bytes.push(2),
        Value::Boolean(true) => bytes.push(3),
        Value::Integer(number) => {
            bytes.push(4);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Value::Many(values) => {
            bytes.push(5);
            put_number(bytes, values.len() as u64);
            for value in values {
                put_value(bytes, value, depth + 1, names, on)?;
            }
        }
        Value::Complex(parts) => {
            bytes.push(6);
            put_attributes(bytes, parts, depth + 1, names, on)?;
        }
    }
    Ok(())
}

fn check_depth(depth: u32) -> Result<(), StoreError> {
    if depth > DEPTH_MAX { Err(broken("a value nested too deeply")) } else { Ok(()) }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// A number in as few bytes as it needs (LEB128).
pub(super) fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// What is held of a person from bytes.
pub(super) fn decode_person(bytes: &[u8], names: &Names) -> Result<(Attributes, Moments), StoreError> {
    let mut reader = Bytes(bytes);
    let moments = match bytes.first() {
        Some(&VERSION_WITH_MOMENTS) => {
            reader.byte()?;
            reader.moments(names)?
        }
        _ => {
            reader.version()?;
            Moments::new()
        }
    };
    Ok((reader.attributes(names, 0)?, moments))
}

/// What is known of `object` from bytes.
pub(super) fn decode_known(object: &str, bytes: &[u8], names: &Names) -> Result<Known, StoreError> {
    let mut reader = Bytes(bytes);
    reader.version()?;
    let synced = reader.byte()? == 1;
    let container = match reader.text()? {
        "" => None,
        text => Some(Dn::parse(text).map_err(|error| StoreError::Broken(format!("container {text}: {error}")))?),
    };
    Ok(Known { object: ObjectId::new(object), attributes: reader.attributes(names, 0)?, container, synced })
}

/// Bytes that are left to be read.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    fn version(&mut self) -> Result<(), StoreError> {
        match self.byte()? {
            VERSION => Ok(()),
            other => Err(StoreError::Broken(format!("a payload of version {other}"))),
        }
    }

    fn byte(&mut self) -> Result<u8, StoreError> {
        let (first, rest) = self.0.split_first().ok_or_else(|| broken("a payload ends too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(broken("a number without an end"))
    }

    fn moments(&mut self, names: &Names) -> Result<Moments, StoreError> {
        let count = self.number()?;
        if count > MOMENTS_MAX {
            return Err(broken("more moments than there can be"));
        }
        (0..count).map(|_| Ok((self.name(names)?, Timestamp(self.integer()?)))).collect()
    }

    fn name(&mut self, names: &Names) -> Result<Name, StoreError> {
        let number = u32::try_from(self.number()?).map_err(|_| broken("a name's number"))?;
        Ok(names.name(number)?.clone())
    }

    fn integer(&mut self) -> Result<i64, StoreError> {
        let bytes = self.take(8)?;
        Ok(i64::from_le_bytes(bytes.try_into().map_err(|_| broken("a whole number"))?))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], StoreError> {
        let count = usize::try_from(count).map_err(|_| broken("a length beyond memory"))?;
        if count > self.0.len() {
            return Err(broken("a payload ends too early"));
        }
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<&'a str, StoreError> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| broken("a text that is not UTF-8"))
    }

    fn attributes(&mut self, names: &Names, depth: u32) -> Result<Attributes, StoreError> {
        let count = self.number()?;
        let mut attributes = Attributes::with_capacity(count.min(64) as usize);
        for _ in 0..count {
            let name = self.name(names)?;
            attributes.set(name, self.value(names, depth)?);
        }
        Ok(attributes)
    }

    fn value(&mut self, names: &Names, depth: u32) -> Result<Value, StoreError> {
        check_depth(depth)?;
        Ok(match self.byte()? {
            0 => Value::Null,
            1 => Value::Text(self.text()?.to_owned()),
            2 => Value::Boolean(false),
            3 => Value::Boolean(true),
            4 => Value::Integer(self.integer()?),
            5 => {
                let count = self.number()?;
                let values: Result<_, _> = (0..count).map(|_| self.value(names, depth + 1)).collect();
                Value::Many(values?)
            }
            6 => Value::Complex(self.attributes(names, depth + 1)?),
            other => return Err(StoreError::Broken(format!("a value of kind {other}"))),
        })
    }
}

/// A change as bytes, for the history: what was set, emptied, moved, and what was there before.
pub(super) fn encode_change(change: &Change, names: &mut Names, on: &Transaction<'_>) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(VERSION);
    bytes.push(kind_number(change.kind) as u8);
    for text in [
        change.object.as_ref().map_or("", ObjectId::as_str),
        change.container.as_ref().map_or("", Dn::as_str),
        change.container_before.as_ref().map_or("", Dn::as_str),
    ] {
        put_text(&mut bytes, text);
    }
    put_attributes(&mut bytes, &change.set, 0, names, on)?;
    put_attributes(&mut bytes, &change.before, 0, names, on)?;
    put_number(&mut bytes, change.clear.len() as u64);
    for name in &change.clear {
        put_number(&mut bytes, u64::from(names.number(name, on)?));
    }
    Ok(bytes)
}

/// A change from bytes.
pub(super) fn decode_change(bytes: &[u8], names: &Names) -> Result<Change, StoreError> {
    let mut reader = Bytes(bytes);
    reader.version()?;
    let kind = kind(Some(i64::from(reader.byte()?))).ok_or_else(|| broken("a change of no kind"))?;
    let object = Some(reader.text()?).filter(|text| !text.is_empty()).map(ObjectId::new);
    let mut dn = || match reader.text()? {
        "" => Ok(None),
        text => Dn::parse(text).map(Some).map_err(|error| StoreError::Broken(format!("container {text}: {error}"))),
    };
    let (container, container_before) = (dn()?, dn()?);
    let set = reader.attributes(names, 0)?;
    let before = reader.attributes(names, 0)?;
    let count = reader.number()?;
    let mut clear = Vec::new();
    for _ in 0..count {
        clear.push(reader.name(names)?);
    }
    Ok(Change { kind, object, set, clear, container, before, container_before })
}

#[cfg(test)]
mod tests;
