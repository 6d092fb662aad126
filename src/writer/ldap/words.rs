//! The words of directories: attributes that stand for something else, and values as they are written there.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::civil::Date;

use super::refused;
use crate::model::{ACCOUNT_ENABLED, Name, PARENT, Value};
use crate::writer::WriteError;

/// The core's word for "its owner may sign in"; directories have other words for it.
pub(super) const ENABLED: &str = ACCOUNT_ENABLED;
/// The bits of an account ([MS-ADTS] 2.2.16).
pub(super) const CONTROL: &str = "userAccountControl";
/// When an account ends.
pub(super) const EXPIRES: &str = "accountExpires";
/// The password, written and never read.
pub(super) const PASSWORD: &str = "unicodePwd";
/// Set where an account is locked (draft-behera-ldap-password-policy §5.3.3).
pub(super) const LOCKED_TIME: &str = "pwdAccountLockedTime";
/// Locked until somebody unlocks it (the same).
pub(super) const LOCKED_FOR_EVER: &str = "000001010000Z";

/// An ordinary account (UF_NORMAL_ACCOUNT).
pub(super) const NORMAL_ACCOUNT: i64 = 0x200;
/// Its owner is locked out (UF_ACCOUNTDISABLE).
pub(super) const ACCOUNT_DISABLE: i64 = 0x2;

/// What a mapping may change of the bits: disabled, the password does not expire, a smart card is required, may not be
/// delegated. All others are the directory's and its administrators'.
pub(super) const MAY_BE_MAPPED: i64 = ACCOUNT_DISABLE | 0x1_0000 | 0x4_0000 | 0x10_0000;

/// Between 1601-01-01, from which Active Directory counts, and 1970-01-01, in seconds.
const EPOCH_DIFFERENCE_SECONDS: i64 = 11_644_473_600;
/// Active Directory counts in tenths of a microsecond.
const TICKS_A_SECOND: i64 = 10_000_000;
/// What Active Directory says of an account that never ends, besides 0.
const NEVER: i64 = i64::MAX;

/// Names that stand for something else, that the directory gives itself, or that are never read.
const NOT_WRITTEN_AS_THEY_ARE: [&str; 9] =
    [ENABLED, CONTROL, PARENT, PASSWORD, "userPassword", "objectClass", "distinguishedName", "name", LOCKED_TIME];

/// Passwords are not read, and nothing of them is kept.
pub(super) fn is_readable(name: &Name) -> bool {
    *name != *PASSWORD && *name != *"userPassword"
}

/// An attribute is named by its name. Under its object identifier, or with options, a directory takes it too
/// (RFC 4512 §2.5), and what is never written would be written all the same.
///
/// # Errors
/// [`WriteError::Refused`] with `attribute_name`.
pub(super) fn check_named_plainly(name: &Name) -> Result<(), WriteError> {
    if name.as_str().contains(['.', ';']) {
        let why = format!("`{name}` is an object identifier or has options; map the attribute by its plain name");
        return Err(refused("attribute_name", why));
    }
    Ok(())
}

/// A NUL is taken by directories (RFC 4517 §3.3.6 allows it) and ends the text for many who read it there: two people
/// could then have one name.
///
/// # Errors
/// [`WriteError::Refused`] with `control_character`.
pub(super) fn check_text(name: &Name, value: &Value) -> Result<(), WriteError> {
    match value {
        Value::Text(text) if text.contains('\0') => {
            let why = format!("{name} has a control character (NUL) in it: {text:?}; correct it where it comes from");
            Err(refused("control_character", why))
        }
        Value::Many(values) => values.iter().try_for_each(|value| check_text(name, value)),
        _ => Ok(()),
    }
}

/// Whether an attribute is written under its own name, as it is.
pub(super) fn is_written_as_it_is(name: &Name) -> bool {
    !NOT_WRITTEN_AS_THEY_ARE.iter().any(|other| *name == **other)
}

/// The values of an attribute as the directory takes them: none where it shall be empty.
///
/// # Errors
/// [`WriteError::Refused`] for what has sub-attributes, and a date that is none.
pub(super) fn values(name: &Name, value: &Value) -> Result<HashSet<Vec<u8>>, WriteError> {
    if *name == *EXPIRES {
        return Ok(HashSet::from([ticks(value)?.to_string().into_bytes()]));
    }
    let mut texts = HashSet::new();
    collect(name, value, &mut texts)?;
    Ok(texts)
}

fn collect(name: &Name, value: &Value, into: &mut HashSet<Vec<u8>>) -> Result<(), WriteError> {
    match value {
        Value::Null => {}
        Value::Text(text) if text.is_empty() => {}
        Value::Text(text) => drop(into.insert(text.clone().into_bytes())),
        Value::Boolean(truth) => drop(into.insert(if *truth { b"TRUE".to_vec() } else { b"FALSE".to_vec() })),
        Value::Integer(number) => drop(into.insert(number.to_string().into_bytes())),
        Value::Many(values) => {
            for value in values {
                collect(name, value, into)?;
            }
        }
        Value::Complex(_) => {
            return Err(refused("complex_value", format!("{name} has sub-attributes, which a directory cannot hold")));
        }
    }
    Ok(())
}

/// The end of an account as Active Directory counts it; 0 is never.
fn ticks(value: &Value) -> Result<i64, WriteError> {
    let none = || {
        refused(
            "account_expires",
            format!("{EXPIRES} takes a date such as 2027-03-01 or 2027-03-01T00:00:00Z, or nothing"),
        )
    };
    match value {
        Value::Null => Ok(0),
        Value::Integer(ticks) if *ticks >= 0 => Ok(*ticks),
        Value::Text(text) if text.trim().is_empty() || text.eq_ignore_ascii_case("never") => Ok(0),
        Value::Text(text) => {
            if let Ok(ticks) = text.trim().parse::<i64>() {
                return Ok(ticks.max(0));
            }
            let seconds = moment(text.trim()).ok_or_else(none)?;
            seconds.checked_add(EPOCH_DIFFERENCE_SECONDS).and_then(|s| s.checked_mul(TICKS_A_SECOND)).ok_or_else(none)
        }
        _ => Err(none()),
    }
}

/// A date, or a moment, in seconds since 1970.
fn moment(text: &str) -> Option<i64> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_second());
    }
    let date = text.parse::<Date>().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The end of an account as it is told; nothing where it never ends.
pub(super) fn expiry(ticks: Option<&str>) -> Value {
    match ticks.and_then(|text| text.parse::<i64>().ok()) {
        None | Some(0 | NEVER) => Value::Null,
        Some(ticks) => {
            let seconds = ticks / TICKS_A_SECOND - EPOCH_DIFFERENCE_SECONDS;
            Timestamp::from_second(seconds).map_or(Value::Integer(ticks), |moment| Value::text(moment.to_string()))
        }
    }
}

/// Whether the account's owner shall be let in, where that is said.
///
/// # Errors
/// [`WriteError::Refused`] for what is neither true nor false.
pub(super) fn enabled(value: Option<&Value>) -> Result<Option<bool>, WriteError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Boolean(enabled)) => Ok(Some(*enabled)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(refused("account_enabled", format!("{ENABLED} is neither true nor false"))),
    }
}

/// A value in a filter (RFC 4515 §3): whatever it is, it cannot end the filter or widen it.
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

    #[test]
    fn what_is_never_written_is_not_written_under_another_name_either() {
        for name in ["2.5.4.35", "1.2.840.113556.1.4.8", "userPassword;x-any", "unicodePwd;binary"] {
            assert!(check_named_plainly(&Name::new(name)).is_err(), "{name}");
        }
        assert!(check_named_plainly(&Name::new("extensionAttribute1")).is_ok());
    }

    #[test]
    fn a_text_that_would_end_in_the_middle_is_not_written() {
        let name = Name::new("otherTelephone");
        let many = |text: &str| Value::Many(vec![Value::text("1"), Value::text(text)]);
        assert!(check_text(&name, &Value::text("1\0")).is_err() && check_text(&name, &many("1\0")).is_err());
        assert!(check_text(&name, &Value::text("1\r\n\t2")).is_ok() && check_text(&name, &many("2")).is_ok());
    }

    #[test]
    fn a_value_can_neither_end_a_filter_nor_widen_it() {
        assert_eq!(in_filter("*)(objectClass=*"), r"\2a\29\28objectClass=\2a");
        assert_eq!(in_filter("a\\b\0"), r"a\5cb\00");
        assert_eq!(in_filter("Łukasz 山田"), "Łukasz 山田");
    }

    #[test]
    fn the_end_of_an_account_is_told_as_it_was_said() {
        let name = Name::new("accountExpires");
        let ticks =
            |value: &Value| String::from_utf8(values(&name, value).unwrap().into_iter().next().unwrap()).unwrap();
        assert_eq!(ticks(&Value::text("1970-01-01")), "116444736000000000");
        assert_eq!(ticks(&Value::text("2027-03-01T00:00:00Z")), ticks(&Value::text("2027-03-01")));
        for never in [Value::Null, Value::text(""), Value::text("never"), Value::text("0")] {
            assert_eq!(ticks(&never), "0");
        }
        assert_eq!(expiry(Some("116444736000000000")), Value::text("1970-01-01T00:00:00Z"));
        assert_eq!((expiry(Some("0")), expiry(Some("9223372036854775807"))), (Value::Null, Value::Null));
        assert!(values(&name, &Value::text("next week")).is_err());
    }

    #[test]
    fn a_value_that_is_said_twice_is_written_once() {
        let twice = Value::Many(vec![Value::text("a"), Value::text("a"), Value::text("")]);
        assert_eq!(values(&Name::new("otherTelephone"), &twice).unwrap().len(), 1);
    }
}
