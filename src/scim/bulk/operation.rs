//! One operation after the other, each understood or refused for itself.

use std::fmt;

use percent_encoding::percent_decode_str;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::envelope::{EnvelopeError, Field, FieldSeed, body_text};
use super::{OperationFault, Understood};
use crate::model::{Anchor, Record, Statement};
use crate::scim::nearest::clipped;
use crate::scim::user::{Fault, anchor_of, read_user};

/// The operations of a body that [`check_envelope`](super::check_envelope) has passed, in their order.
///
/// # Errors
/// [`EnvelopeError::Malformed`] when it has not.
pub fn operations(body: &[u8]) -> Result<Operations<'_>, EnvelopeError> {
    let text = body_text(body)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let entries = deserializer
        .deserialize_map(Entries)
        .map_err(|error| EnvelopeError::Malformed(format!("the body cannot be read: {error}")))?;
    Ok(Operations { entries: entries.into_iter(), index: 0 })
}

/// Gives each operation with its place in the request, from 0.
#[derive(Debug)]
pub struct Operations<'a> {
    entries: std::vec::IntoIter<&'a RawValue>,
    index: u32,
}

impl Iterator for Operations<'_> {
    type Item = (u32, Understood);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        let index = self.index;
        self.index = index.saturating_add(1);
        Some((index, understand(entry.get())))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl ExactSizeIterator for Operations<'_> {}

fn understand(entry: &str) -> Understood {
    // Said in our words: the JSON reader's would repeat the entry.
    if !entry.starts_with('{') {
        let said = Err(fault("type", None, "an operation is a JSON object with `method`, `path` and `data`"));
        return Understood { bulk_id: None, said };
    }
    let mut deserializer = serde_json::Deserializer::from_str(entry);
    match deserializer.deserialize_map(EntryVisitor) {
        Ok(entry) => Understood { bulk_id: entry.bulk_id.and_then(text_of), said: entry.statement() },
        Err(error) => {
            let said = Err(fault("type", None, format!("the operation cannot be read: {error}")));
            Understood { bulk_id: None, said }
        }
    }
}

/// The fields of one operation, not yet looked into.
#[derive(Default)]
struct Entry<'a> {
    method: Option<&'a RawValue>,
    path: Option<&'a RawValue>,
    bulk_id: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
}

enum Method {
    Post,
    Delete,
}

impl Entry<'_> {
    fn statement(&self) -> Result<Statement, OperationFault> {
        let path = self.path.and_then(text_of);
        let said = match self.method()? {
            Method::Post => self.upsert(path.as_deref()),
            Method::Delete => delete(path.as_deref()),
        };
        said.map_err(|fault| OperationFault { anchor: fault.anchor.or_else(|| self.anchor()), ..fault })
    }

    fn method(&self) -> Result<Method, OperationFault> {
        let method = self.method.and_then(text_of).unwrap_or_default();
        if method.eq_ignore_ascii_case("POST") {
            return Ok(Method::Post);
        }
        if method.eq_ignore_ascii_case("DELETE") {
            return Ok(Method::Delete);
        }
        let found = if method.is_empty() { "none is given".to_owned() } else { format!("not `{}`", clipped(&method)) };
        let message = format!("the method is POST (what is known of a person) or DELETE (the person is gone), {found}");
        let refusal = fault("method", Some("method"), message);
        Err(OperationFault { anchor: self.anchor(), ..refusal })
    }

    fn upsert(&self, path: Option<&str>) -> Result<Statement, OperationFault> {
        if !path.is_some_and(|path| path.eq_ignore_ascii_case("/Users")) {
            let message = format!("the path of a POST is /Users, {}", shown(path));
            return Err(fault("path", Some("path"), message));
        }
        let Some(data) = self.data.map(RawValue::get).filter(|data| *data != "null") else {
            return Err(fault("data", Some("data"), "the operation has no `data`; it holds the user"));
        };
        let user = read_user(data).map_err(from_user)?;
        let Some(anchor) = user.anchor else {
            let message = "`externalId` is missing; it says who the person is";
            return Err(fault("anchor", Some("externalId"), message));
        };
        Ok(Statement::Upsert(Record { anchor, attributes: user.attributes }))
    }

    /// Of whom a faulty operation speaks.
    fn anchor(&self) -> Option<Anchor> {
        self.data.and_then(|data| anchor_of(data.get()))
    }
}

fn delete(path: Option<&str>) -> Result<Statement, OperationFault> {
    const COLLECTION: &str = "/Users/";
    let named = path.and_then(|path| path.split_at_checked(COLLECTION.len()));
    let segment = named.filter(|(start, _)| start.eq_ignore_ascii_case(COLLECTION)).map(|(_, segment)| segment);
    let Some(segment) = segment.filter(|segment| !segment.is_empty() && !segment.contains(['/', '?', '#'])) else {
        let message = format!("the path of a DELETE is /Users/{{externalId}}, percent-encoded, {}", shown(path));
        return Err(fault("path", Some("path"), message));
    };
    if has_bare_percent(segment) {
        return Err(fault("path", Some("path"), "a `%` in the path is not followed by two hexadecimal digits"));
    }
    let decoded = percent_decode_str(segment).decode_utf8();
    let text = decoded.map_err(|_| fault("anchor", Some("path"), "the externalId in the path is not UTF-8 text"))?;
    let anchor = Anchor::parse(&text).map_err(|error| fault("anchor", Some("path"), error.to_string()))?;
    Ok(Statement::Delete(anchor))
}

/// A decoder would let it stand, and somebody else be deleted.
fn has_bare_percent(segment: &str) -> bool {
    segment.split('%').skip(1).any(|rest| !rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count().eq(&2))
}

fn shown(path: Option<&str>) -> String {
    path.map_or_else(|| "none is given".to_owned(), |path| format!("not `{}`", clipped(path)))
}

fn fault(code: &'static str, path: Option<&str>, message: impl Into<String>) -> OperationFault {
    OperationFault { code, path: path.map(str::to_owned), message: message.into(), anchor: None }
}

fn from_user(user: Fault) -> OperationFault {
    OperationFault { code: user.kind.word(), path: Some(user.path), message: user.message, anchor: None }
}

/// The text, if it is one.
fn text_of(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Finds the operations in the body.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bulk request, which is a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<&'de RawValue>, A::Error> {
        while let Some(field) = map.next_key_seed(FieldSeed)? {
            match field {
                // What comes after them says nothing more.
                Field::Operations => return drained(map.next_value()?, map),
                Field::Schemas | Field::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Err(de::Error::custom("there is no list of `Operations`"))
    }
}

/// Reads the map to its end, as serde asks of a visitor.
fn drained<'de, A: MapAccess<'de>, T>(found: T, mut map: A) -> Result<T, A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(found)
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation, which is a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry<'de>, A::Error> {
        let mut entry = Entry::default();
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value: &'de RawValue = map.next_value()?;
            match name {
                name if name.eq_ignore_ascii_case("method") => entry.method = Some(value),
                name if name.eq_ignore_ascii_case("path") => entry.path = Some(value),
                name if name.eq_ignore_ascii_case("bulkId") => entry.bulk_id = Some(value),
                name if name.eq_ignore_ascii_case("data") => entry.data = Some(value),
                _ => {}
            }
        }
        Ok(entry)
    }
}
