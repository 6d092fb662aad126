//! Entries as they come over the wire, and what is known of an account from one.

use std::collections::HashMap;

use ldap3::ResultEntry;

use super::{LdapKind, ranges, words};
use crate::model::{Attributes, Dn, Known, Name, ObjectId, PARENT, Value};

/// An entry: its name, and the values of its attributes, by their names in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) dn: String,
    values: HashMap<String, Vec<Vec<u8>>>,
    /// Of which attributes there are more values, and from which on.
    unread: Vec<(String, u64)>,
}

/// Reads an entry; `None` for a referral, and for what is none.
///
/// The library's own reading panics where a server answers nonsense.
pub(super) fn read(raw: ResultEntry) -> Option<Entry> {
    if raw.is_ref() || raw.is_intermediate() {
        return None;
    }
    let mut parts = raw.0.match_id(4)?.expect_constructed()?.into_iter();
    let dn = String::from_utf8(parts.next()?.expect_primitive()?).ok()?;
    let mut values: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
    let mut unread = Vec::new();
    for attribute in parts.next()?.expect_constructed()? {
        let mut halves = attribute.expect_constructed()?.into_iter();
        let name = String::from_utf8(halves.next()?.expect_primitive()?).ok()?.to_ascii_lowercase();
        let (name, rest) = ranges::piece(&name);
        unread.extend(rest.map(|from| (name.to_owned(), from)));
        let held = halves.next()?.expect_constructed()?;
        values
            .entry(name.to_owned())
            .or_default()
            .extend(held.into_iter().filter_map(|value| value.expect_primitive()));
    }
    Some(Entry { dn, values, unread })
}

impl Entry {
    /// An entry that holds nothing but these values.
    #[cfg(test)]
    pub(super) fn with(name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let values = HashMap::from([(name.to_ascii_lowercase(), values)]);
        Self { dn: String::new(), values, unread: Vec::new() }
    }

    /// The same entry with these values besides.
    #[cfg(test)]
    pub(super) fn and(mut self, name: &str, values: &[&str]) -> Self {
        let values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
        self.values.insert(name.to_ascii_lowercase(), values);
        self
    }

    /// Whether it has values of an attribute under an option, such as a language (RFC 4512 §2.5).
    pub(super) fn has_options_of(&self, name: &str) -> bool {
        let bare = name.to_ascii_lowercase();
        self.values.keys().any(|held| held.strip_prefix(bare.as_str()).is_some_and(|rest| rest.starts_with(';')))
    }

    /// An attribute of which the directory has left values out, and from which value on.
    pub(super) fn unread(&self) -> Option<(String, u64)> {
        self.unread.first().cloned()
    }

    /// Adds the values of an attribute from that on; whether there were any.
    pub(super) fn go_on(&mut self, name: &str, from: u64, mut rest: Self) -> bool {
        let more = rest.values.remove(name).unwrap_or_default();
        let next = rest.unread.into_iter().find(|(attribute, _)| attribute == name);
        if more.is_empty() || next.as_ref().is_some_and(|(_, next)| *next <= from) {
            return false;
        }
        self.values.entry(name.to_owned()).or_default().extend(more);
        self.unread.retain(|(attribute, _)| attribute != name);
        self.unread.extend(next);
        true
    }

    /// All values of an attribute.
    pub(super) fn all(&self, name: &str) -> &[Vec<u8>] {
        self.values.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The one value of an attribute, as a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.all(name).first()?).ok()
    }

    /// The one value of an attribute, as a number.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// What the directory calls it, for ever: its GUID.
    pub(super) fn object(&self, kind: LdapKind) -> Option<ObjectId> {
        match kind {
            LdapKind::ActiveDirectory => {
                let bytes: [u8; 16] = self.all("objectGUID").first()?.as_slice().try_into().ok()?;
                Some(ObjectId::new(&uuid::Uuid::from_bytes_le(bytes).to_string()))
            }
            LdapKind::Ldap => self.text("entryUUID").map(|text| ObjectId::new(&text.to_ascii_lowercase())),
        }
    }

    /// The container it stands in.
    pub(super) fn container(&self) -> Option<Dn> {
        Dn::parse(&self.dn).ok()?.split_first().map(|(_, above)| above)
    }

    /// What is known of the account, of the attributes that were asked for. What was asked for and is not there is
    /// null: it was looked at.
    pub(super) fn known(&self, kind: LdapKind, wanted: &[Name]) -> Option<Known> {
        let attributes: Attributes = wanted
            .iter()
            .filter(|name| words::is_readable(name))
            .map(|name| (name.clone(), self.value(kind, name)))
            .collect();
        Some(Known { object: self.object(kind)?, attributes, container: self.container(), synced: false })
    }

    fn value(&self, kind: LdapKind, name: &Name) -> Value {
        if *name == *words::ENABLED {
            return Value::Boolean(!self.is_locked(kind));
        }
        if *name == *PARENT {
            return self.container().map_or(Value::Null, |container| Value::text(container.as_str()));
        }
        if *name == *words::EXPIRES {
            return words::expiry(self.text(words::EXPIRES));
        }
        let mut values: Vec<Value> = self.all(name.as_str()).iter().map(|bytes| text_or_bytes(bytes)).collect();
        match values.len() {
            0 => Value::Null,
            1 => values.remove(0),
            _ => Value::Many(values),
        }
    }

    /// Whether its owner is locked out.
    pub(super) fn is_locked(&self, kind: LdapKind) -> bool {
        match kind {
            LdapKind::ActiveDirectory => {
                self.number(words::CONTROL).is_some_and(|flags| flags & words::ACCOUNT_DISABLE != 0)
            }
            LdapKind::Ldap => self.text(words::LOCKED_TIME) == Some(words::LOCKED_FOR_EVER),
        }
    }
}

/// A value that is no text is told in Base64: nothing is mapped from it, but a difference must show.
fn text_or_bytes(bytes: &[u8]) -> Value {
    use base64::Engine as _;
    match std::str::from_utf8(bytes) {
        Ok(text) => Value::text(text),
        Err(_) => Value::text(base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}
