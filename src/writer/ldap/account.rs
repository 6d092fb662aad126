//! What an account is made of in each kind of directory, and how its values travel.

use std::collections::HashSet;

use super::answer::refused;
use super::settings::LdapKind;
use super::talk::{Bytes, Entry};
use crate::model::{Attributes, Dn, Known, Name, ObjectId, Value};
use crate::reconcile::ACCOUNT_ENABLED;
use crate::writer::WriteError;

/// Of an ordinary account (UF_NORMAL_ACCOUNT).
pub(super) const NORMAL: i64 = 0x200;
/// The bit that locks an account's owner out (UF_ACCOUNTDISABLE).
pub(super) const DISABLED: i64 = 0x2;
/// What a mapping may change of `userAccountControl`: disabled, password does not expire, smart card required, may not be
/// delegated. All other bits stay as they are.
const MAY_CHANGE: i64 = DISABLED | 0x1_0000 | 0x4_0000 | 0x10_0000;

pub(super) const CONTROL: &str = "userAccountControl";
pub(super) const PARENT: &str = "parentDistinguishedName";
const EXPIRES: &str = "accountExpires";
/// How the password policy of OpenLDAP says that an account is locked until somebody opens it (slapo-ppolicy).
pub(super) const LOCKED: &str = "pwdAccountLockedTime";
pub(super) const LOCKED_FOR_GOOD: &str = "000001010000Z";

/// Names that stand for something else, or that the directory gives itself: never written as they are.
const NOT_AS_THEY_ARE: [&str; 9] = [
    ACCOUNT_ENABLED,
    CONTROL,
    PARENT,
    LOCKED,
    "objectClass",
    "distinguishedName",
    "name",
    "unicodePwd",
    "userPassword",
];

/// From 1601 to 1970 in milliseconds: `accountExpires` counts 100 nanoseconds from 1601.
const FILETIME_OFFSET_MILLIS: i64 = 11_644_473_600_000;
/// An account that never expires, besides 0.
const NEVER: i64 = i64::MAX;

/// The classes of a person's account, the most general first.
pub(super) fn classes(kind: LdapKind) -> [&'static str; 4] {
    let last = match kind {
        LdapKind::ActiveDirectory => "user",
        LdapKind::Ldap => "inetOrgPerson",
    };
    ["top", "person", "organizationalPerson", last]
}

/// The attribute that never changes and names an object for ever.
pub(super) fn id_attribute(kind: LdapKind) -> &'static str {
    match kind {
        LdapKind::ActiveDirectory => "objectGUID",
        LdapKind::Ldap => "entryUUID",
    }
}

/// The id of an entry as muster keeps it.
pub(super) fn object(kind: LdapKind, entry: &Entry) -> Result<ObjectId, WriteError> {
    let text = match kind {
        LdapKind::ActiveDirectory => entry
            .values("objectGUID")
            .first()
            .and_then(|bytes| <[u8; 16]>::try_from(bytes.as_slice()).ok())
            .map(|bytes| uuid::Uuid::from_bytes_le(bytes).to_string()),
        LdapKind::Ldap => entry.text("entryUUID"),
    };
    let id = id_attribute(kind);
    let text =
        text.ok_or_else(|| refused("no_id", format!("the agent's account may not read {id} of {}", entry.dn)))?;
    Ok(ObjectId::new(&text))
}

/// What is known of an account, of the attributes that were asked for.
pub(super) fn known(kind: LdapKind, entry: &Entry, asked: &[Name]) -> Result<Known, WriteError> {
    let container = entry.parsed_dn().ok().and_then(|dn| dn.split_first().map(|(_, above)| above));
    let read = |name: &Name| match name {
        name if *name == *ACCOUNT_ENABLED => is_enabled(kind, entry).map_or(Value::Null, Value::Boolean),
        name if *name == *PARENT => container.as_ref().map_or(Value::Null, |above| Value::text(above.as_str())),
        name if *name == *EXPIRES && kind == LdapKind::ActiveDirectory => moment(entry),
        name => value(entry, name),
    };
    let attributes = asked.iter().map(|name| (name.clone(), read(name))).collect();
    Ok(Known { object: object(kind, entry)?, attributes, container, synced: false })
}

pub(super) fn is_enabled(kind: LdapKind, entry: &Entry) -> Option<bool> {
    match kind {
        LdapKind::ActiveDirectory => entry.number(CONTROL).map(|flags| flags & DISABLED == 0),
        LdapKind::Ldap => Some(entry.text(LOCKED).is_none_or(|since| since != LOCKED_FOR_GOOD)),
    }
}

fn value(entry: &Entry, name: &Name) -> Value {
    let text = |text: String| match text.as_str() {
        "TRUE" => Value::Boolean(true),
        "FALSE" => Value::Boolean(false),
        _ => Value::Text(text),
    };
    let mut values: Vec<Value> = entry.texts(name.as_str()).map(text).collect();
    match values.len() {
        0 => Value::Null,
        1 => values.remove(0),
        _ => Value::Many(values),
    }
}

fn moment(entry: &Entry) -> Value {
    let Some(ticks) = entry.number(EXPIRES).filter(|ticks| !matches!(*ticks, 0 | NEVER)) else { return Value::Null };
    let moment = jiff::Timestamp::from_millisecond(ticks / 10_000 - FILETIME_OFFSET_MILLIS);
    moment.map_or_else(|_| Value::Text(ticks.to_string()), |moment| Value::Text(moment.to_string()))
}

/// The values of an attribute as the directory takes them.
pub(super) fn bytes(kind: LdapKind, name: &Name, value: &Value) -> Result<HashSet<Bytes>, WriteError> {
    if *name == *EXPIRES && kind == LdapKind::ActiveDirectory {
        return Ok(HashSet::from([expiry(value)?.to_string().into_bytes()]));
    }
    let mut set = HashSet::new();
    collect(name, value, &mut set)?;
    Ok(set)
}

fn collect(name: &Name, value: &Value, set: &mut HashSet<Bytes>) -> Result<(), WriteError> {
    match value {
        Value::Text(text) if !text.is_empty() => drop(set.insert(text.clone().into_bytes())),
        Value::Null | Value::Text(_) => {}
        Value::Boolean(true) => drop(set.insert(b"TRUE".to_vec())),
        Value::Boolean(false) => drop(set.insert(b"FALSE".to_vec())),
        Value::Integer(number) => drop(set.insert(number.to_string().into_bytes())),
        Value::Many(values) => values.iter().try_for_each(|value| collect(name, value, set))?,
        Value::Complex(_) => {
            let why = format!("{name} has sub-attributes, which a directory cannot hold");
            return Err(refused("complex_value", why));
        }
    }
    Ok(())
}

fn expiry(value: &Value) -> Result<i64, WriteError> {
    let of_text = |text: &str| {
        if let Ok(ticks) = text.parse::<i64>() {
            return Some(ticks);
        }
        let moment = text.parse::<jiff::Timestamp>().ok();
        let moment = moment.or_else(|| {
            let day = text.parse::<jiff::civil::Date>().ok()?;
            Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        })?;
        (moment.as_millisecond() + FILETIME_OFFSET_MILLIS).checked_mul(10_000)
    };
    let ticks = match value {
        Value::Null => Some(0),
        Value::Integer(ticks) => Some(*ticks),
        Value::Text(text) if text.is_empty() || text.eq_ignore_ascii_case("never") => Some(0),
        Value::Text(text) => of_text(text),
        _ => None,
    };
    ticks.ok_or_else(|| refused("account_expires", "accountExpires is neither a date nor `never`"))
}

/// Whether a name is written under itself.
pub(super) fn is_plain(naming: &Name, name: &Name) -> bool {
    name != naming && !NOT_AS_THEY_ARE.iter().any(|other| *name == **other)
}

/// Whether the account's owner shall be let in, where that is said.
pub(super) fn enabled_wanted(set: &Attributes) -> Result<Option<bool>, WriteError> {
    match set.get(ACCOUNT_ENABLED) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Boolean(enabled)) => Ok(Some(*enabled)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(refused("account_enabled", "accountEnabled is neither true nor false")),
    }
}

/// `userAccountControl` after the change, bit by bit: what nobody speaks of stays as it is.
pub(super) fn control_after(held: i64, set: &Attributes) -> Result<i64, WriteError> {
    let mapped = match set.get(CONTROL) {
        None | Some(Value::Null) => None,
        Some(Value::Integer(flags)) => Some(*flags),
        Some(Value::Text(text)) => text.parse().ok(),
        Some(_) => None,
    };
    let mut flags = held;
    if let Some(mapped) = mapped {
        let foreign = mapped & !(MAY_CHANGE | NORMAL);
        if foreign != 0 {
            let why = format!("userAccountControl: a mapping may not give the flags {foreign:#x}");
            return Err(refused("user_account_control", why));
        }
        flags = (held & !MAY_CHANGE) | (mapped & MAY_CHANGE);
    }
    Ok(match enabled_wanted(set)? {
        Some(true) => flags & !DISABLED,
        Some(false) => flags | DISABLED,
        None => flags,
    })
}

/// The text under `name` without blanks at its edges, which directories drop from names; `None` if that is nothing.
pub(super) fn said<'a>(set: &'a Attributes, name: &str) -> Option<&'a str> {
    set.get(name).and_then(Value::as_text).map(str::trim).filter(|text| !text.is_empty())
}

/// The container the change speaks of, by placement or by a mapping.
pub(super) fn container_wanted(container: Option<&Dn>, set: &Attributes) -> Result<Option<Dn>, WriteError> {
    match (container, said(set, PARENT)) {
        (Some(container), _) => Ok(Some(container.clone())),
        (None, Some(text)) => {
            let bad = |error| refused("not_a_dn", format!("`{}`: {error}", text.escape_debug()));
            Dn::parse(text).map(Some).map_err(bad)
        }
        (None, None) => Ok(None),
    }
}

/// Escapes a value for a filter (RFC 4515 §3).
pub(super) fn in_filter(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '*' | '(' | ')' | '\\' | '\0' => escaped.push_str(&format!("\\{:02x}", u32::from(c))),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, Value)]) -> Attributes {
        pairs.iter().map(|(name, value)| (Name::new(name), value.clone())).collect()
    }

    #[test]
    fn only_the_bit_that_is_spoken_of_is_flipped() {
        let off = set(&[(ACCOUNT_ENABLED, Value::Boolean(false))]);
        assert_eq!(control_after(0x1_0220, &off).unwrap(), 0x1_0222);
        let on = set(&[(ACCOUNT_ENABLED, Value::Boolean(true))]);
        assert_eq!(control_after(0x1_0222, &on).unwrap(), 0x1_0220);
        let mapped = set(&[(CONTROL, Value::Integer(0x1_0200))]);
        assert_eq!(control_after(0x220, &mapped).unwrap(), 0x1_0220);
        let trusted = set(&[(CONTROL, Value::Integer(0x8_0200))]);
        assert!(control_after(0x200, &trusted).is_err());
    }

    #[test]
    fn a_value_cannot_break_out_of_a_filter() {
        assert_eq!(in_filter("a*(b)\\\0ü"), "a\\2a\\28b\\29\\5c\\00ü");
    }

    #[test]
    fn an_expiry_is_counted_as_active_directory_counts() {
        let ticks = |text: &str| expiry(&Value::text(text)).unwrap();
        assert_eq!(ticks("1970-01-01"), 116_444_736_000_000_000);
        assert_eq!(ticks("1970-01-01T00:00:01Z"), 116_444_736_010_000_000);
        assert_eq!((ticks("never"), ticks("116444736000000000")), (0, 116_444_736_000_000_000));
        assert!(expiry(&Value::text("soon")).is_err());
    }
}
