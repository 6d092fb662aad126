//! What Active Directory would refuse, refused before it is in a file that others must clear up.

use crate::model::{Attributes, Name, Value};
use crate::writer::WriteError;

use super::refused;

/// Longest values in characters: `rangeUpper` in Microsoft's published AD DS schema (Windows Server 2012 R2 and
/// 2016); 20 for a user's `sAMAccountName` is the limit of the account database behind the schema's 256.
const CHARACTERS_MAX: [(&str, usize); 26] = [
    ("c", 3),
    ("cn", 64),
    ("co", 128),
    ("company", 64),
    ("department", 64),
    ("description", 1024),
    ("displayName", 256),
    ("division", 256),
    ("employeeID", 16),
    ("employeeNumber", 512),
    ("employeeType", 256),
    ("facsimileTelephoneNumber", 64),
    ("givenName", 64),
    ("initials", 6),
    ("l", 128),
    ("mail", 256),
    ("middleName", 64),
    ("mobile", 64),
    ("physicalDeliveryOfficeName", 128),
    ("postalCode", 40),
    ("sAMAccountName", 20),
    ("sn", 64),
    ("st", 128),
    ("streetAddress", 1024),
    ("telephoneNumber", 64),
    ("title", 128),
];

/// What a `sAMAccountName` may not have in it (`facts/entra.md` §6), and the quotation mark.
const NOT_IN_ACCOUNT_NAMES: [char; 16] =
    ['"', '/', '\\', '[', ']', ':', ';', '|', '=', ',', '+', '*', '?', '<', '>', '@'];

/// Checks every value that is to be set.
///
/// # Errors
/// [`WriteError::Refused`] names the attribute and what is wrong with it.
pub(in crate::writer) fn check(set: &Attributes) -> Result<(), WriteError> {
    for (name, value) in set.iter() {
        check_name(name)?;
        if let Value::Text(text) = value {
            check_length(name, text)?;
        }
    }
    match set.get("sAMAccountName").and_then(Value::as_text) {
        Some(text) => check_account_name(text),
        None => Ok(()),
    }
}

/// The name of an attribute (RFC 4512 §2.5), so that it cannot break out of its line.
///
/// # Errors
/// [`WriteError::Refused`] when it is none.
pub(in crate::writer) fn check_name(name: &Name) -> Result<(), WriteError> {
    let text = name.as_str();
    let is_one = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';'))
        && (!text.contains('.') || text.starts_with(|c: char| c.is_ascii_digit()));
    if is_one { Ok(()) } else { Err(refused("attribute_name", format!("`{text:?}` is not the name of an attribute"))) }
}

/// # Errors
/// [`WriteError::Refused`] when `text` is longer than the schema allows for `name`.
pub(super) fn check_length(name: &Name, text: &str) -> Result<(), WriteError> {
    let Some((_, max)) = CHARACTERS_MAX.iter().find(|(limited, _)| *name == **limited) else { return Ok(()) };
    // Active Directory counts UTF-16 units.
    let count = text.encode_utf16().count();
    if count <= *max {
        return Ok(());
    }
    Err(refused("too_long", format!("{name} has {count} characters, and Active Directory takes {max}")))
}

fn check_account_name(text: &str) -> Result<(), WriteError> {
    if let Some(bad) = text.chars().find(|c| c.is_control() || NOT_IN_ACCOUNT_NAMES.contains(c)) {
        return Err(refused("account_name", format!("sAMAccountName may not have {bad:?} in it")));
    }
    if text.ends_with('.') {
        return Err(refused("account_name", "sAMAccountName may not end in a full stop".to_owned()));
    }
    Ok(())
}
