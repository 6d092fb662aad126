//! A new account: in one request, with a password from the first moment.

use std::collections::HashSet;

use ldap3::Scope;
use secrecy::{ExposeSecret as _, SecretString};

use super::answer::{CONSTRAINT_VIOLATION, ENTRY_EXISTS, NO_SUCH_OBJECT, Trouble};
use super::find::asked;
use super::held::{Held, Values};
use super::lately::Whom;
use super::read::Entry;
use super::{LdapKind, LdapWriter, refused, words};
use crate::chance;
use crate::model::{Attributes, Change, Dn, Known, Name, PARENT, Value};
use crate::writer::ldif::entry::naming_value;
use crate::writer::ldif::limits;
use crate::writer::until::Until;
use crate::writer::{Cause, Errand, WriteError};

/// Shortest password that is made, whatever the settings say: more than any policy asks for.
const PASSWORD_CHARS_MIN: usize = 16;
/// Longest: Active Directory takes 256 characters.
const PASSWORD_CHARS_MAX: usize = 256;
/// How often a password is drawn until three kinds of characters are in it. One draw in a thousand is not enough.
const PASSWORD_DRAWS_MAX: u32 = 16;
/// Active Directory's own number for a user principal name that somebody has (ERROR_DS_UPN_VALUE_NOT_UNIQUE…).
const NAME_NOT_UNIQUE: [&str; 2] = ["000021C8", "0000202F"];

/// Attributes that one account only may have in a domain, whatever its class.
const UNIQUE: [&str; 2] = ["sAMAccountName", "userPrincipalName"];

impl LdapWriter {
    /// Makes the account that a change describes.
    ///
    /// # Errors
    /// As [`Writer::write`](crate::writer::Writer::write).
    pub(super) async fn create(
        &self,
        errand: &Errand<'_>,
        change: &Change,
        until: Until,
    ) -> Result<Option<Known>, WriteError> {
        self.check_values(change)?;
        let container = container_wanted(change)?.ok_or_else(|| {
            refused("no_container", "it is not said in which container the account shall stand".into())
        })?;
        self.check_container(&container)?;
        let name = naming_value(&self.settings.naming, &change.set)?;
        let dn = container.child(self.settings.naming.as_str(), name);
        let enabled = words::enabled(change.set.get(words::ENABLED))?.unwrap_or(true);
        let values = self.values_of_new(&change.set, name, enabled)?;
        let mut held = self.take_to_make(errand, until).await?;
        let added = held.add(dn.as_str(), values).await;
        if matches!(added, Ok(()) | Err(Trouble::Lost(_))) {
            self.lately.remember(Whom::person(errand), held.server());
        }
        if let Err(trouble) = added {
            return Err(self.not_made(&mut held, trouble, change, &dn).await);
        }
        let known = self.made(&mut held, &dn, change, enabled).await?;
        self.lately.remember(Whom::Object(known.object.clone()), held.server());
        Ok(Some(known))
    }

    /// Other directories have other limits than Active Directory, and say so themselves.
    ///
    /// # Errors
    /// [`WriteError::Refused`] names the attribute and what would fit.
    pub(super) fn check_values(&self, change: &Change) -> Result<(), WriteError> {
        let mut named = change.set.iter().map(|(name, _)| name).chain(&change.clear);
        named.try_for_each(words::check_named_plainly)?;
        change.set.iter().try_for_each(|(name, value)| words::check_text(name, value))?;
        match self.kind() {
            LdapKind::ActiveDirectory => limits::check(&change.set),
            LdapKind::Ldap => change.set.iter().try_for_each(|(name, _)| limits::check_name(name)),
        }
    }

    fn values_of_new(&self, set: &Attributes, name: &str, enabled: bool) -> Result<Values, WriteError> {
        let mut values: Values = vec![(b"objectClass".to_vec(), self.classes())];
        for (attribute, value) in set.iter().filter(|(attribute, _)| words::is_written_as_it_is(attribute)) {
            let held = words::values(attribute, value)?;
            if *attribute != self.settings.naming && !held.is_empty() {
                values.push((attribute.as_str().as_bytes().to_vec(), held));
            }
        }
        match self.kind() {
            LdapKind::ActiveDirectory => {
                let flags = flags_after(words::NORMAL_ACCOUNT, set)? & !words::ACCOUNT_DISABLE;
                let flags = if enabled { flags } else { flags | words::ACCOUNT_DISABLE };
                let password = password(self.settings.password_chars)?;
                values.push((words::PASSWORD.into(), HashSet::from([quoted(&password)])));
                values.push((words::CONTROL.into(), HashSet::from([flags.to_string().into_bytes()])));
            }
            LdapKind::Ldap => {
                complete_person(&mut values, &self.settings.naming, name);
                let password = password(self.settings.password_chars)?;
                let password = password.expose_secret().as_bytes().to_vec();
                values.push((b"userPassword".to_vec(), HashSet::from([password])));
                if !enabled {
                    values.push((words::LOCKED_TIME.into(), HashSet::from([words::LOCKED_FOR_EVER.into()])));
                }
            }
        }
        Ok(values)
    }

    fn classes(&self) -> HashSet<Vec<u8>> {
        ["top", "person", "organizationalPerson", self.kind().person_class()]
            .iter()
            .map(|class| class.as_bytes().to_vec())
            .collect()
    }

    /// What the directory calls the new account is known only by reading it.
    async fn made(&self, held: &mut Held<'_>, dn: &Dn, change: &Change, enabled: bool) -> Result<Known, WriteError> {
        let unknown = |why: String| WriteError::Unknown {
            cause: Cause(format!("{dn} was made, and could not be read afterwards: {why}")),
        };
        let found = held.search(dn.as_str(), Scope::Base, "(objectClass=*)", &asked(&[])).await;
        let found = found.map_err(|trouble| unknown(trouble.told().to_string()))?;
        let entry = found.first().ok_or_else(|| unknown("it is not there".to_owned()))?;
        let object = entry.object(self.kind()).ok_or_else(|| unknown("it has no GUID".to_owned()))?;
        let readable = change.set.iter().filter(|(name, _)| words::is_readable(name));
        let mut attributes: Attributes =
            readable.map(|(name, value)| (name.clone(), self.as_held(name, value))).collect();
        attributes.set(Name::new(words::ENABLED), Value::Boolean(enabled));
        Ok(Known { object, attributes, container: entry.container(), synced: false })
    }

    /// A value as the directory holds it: entries have names without blanks at their edges.
    pub(super) fn as_held(&self, name: &Name, value: &Value) -> Value {
        match value {
            Value::Text(text) if *name == self.settings.naming => Value::text(text.trim()),
            value => value.clone(),
        }
    }

    /// Why an account was not made; whose value it is, where somebody has it.
    async fn not_made(&self, held: &mut Held<'_>, trouble: Trouble, change: &Change, dn: &Dn) -> WriteError {
        match &trouble {
            Trouble::Answered(result) if result.rc == ENTRY_EXISTS => {}
            Trouble::Answered(result)
                if result.rc == CONSTRAINT_VIOLATION
                    && NAME_NOT_UNIQUE.iter().any(|mark| result.text.contains(mark)) => {}
            Trouble::Answered(result) if result.rc == NO_SUCH_OBJECT => {
                let why = format!("there is no container for {dn}; make it, or correct the rule's `container`");
                return refused("no_container", why);
            }
            _ => return trouble.told(),
        }
        match self.who_has(held, &change.set, Some(dn)).await {
            Ok(Some((attribute, other))) => self.taken(attribute, &other),
            Ok(None) => trouble.told(),
            // Nothing was made; whose the value is, is asked with the next try.
            Err(lost) => lost.told(),
        }
    }

    /// Whose one of the values is that only one account may have: the attribute, and the entry that has it.
    pub(super) async fn who_has(
        &self,
        held: &mut Held<'_>,
        set: &Attributes,
        dn: Option<&Dn>,
    ) -> Result<Option<(Name, Entry)>, Trouble> {
        for attribute in UNIQUE {
            let Some(value) = set.get(attribute).and_then(Value::as_text) else { continue };
            let filter = format!("({attribute}={})", words::in_filter(value));
            let found = held.search(self.base(), Scope::Subtree, &filter, &asked(&[])).await?;
            if let Some(other) = found.into_iter().next() {
                return Ok(Some((Name::new(attribute), other)));
            }
        }
        let Some(dn) = dn else { return Ok(None) };
        let found = held.search(dn.as_str(), Scope::Base, "(objectClass=*)", &asked(&[])).await?;
        Ok(found.into_iter().next().map(|other| (self.settings.naming.clone(), other)))
    }

    /// Somebody else has the value.
    pub(super) fn taken(&self, attribute: Name, other: &Entry) -> WriteError {
        WriteError::Taken { attribute, holder: other.object(self.kind()), cause: Cause(format!("{} has it", other.dn)) }
    }
}

/// What the schema asks of a person besides what is mapped (RFC 2798, RFC 4519): `cn` and `sn`.
fn complete_person(values: &mut Values, naming: &Name, name: &str) {
    let has = |values: &Values, wanted: &str| {
        values.iter().any(|(held, _)| held.eq_ignore_ascii_case(wanted.as_bytes())) || *naming == *wanted
    };
    for wanted in ["cn", "sn"] {
        if !has(values, wanted) {
            values.push((wanted.as_bytes().to_vec(), HashSet::from([name.as_bytes().to_vec()])));
        }
    }
}

/// The bits after a change: those a mapping gives, where it may, and otherwise as they are held.
///
/// # Errors
/// [`WriteError::Refused`] for bits that no mapping may give: trust, delegation, no password.
pub(super) fn flags_after(held: i64, set: &Attributes) -> Result<i64, WriteError> {
    let mapped = match set.get(words::CONTROL) {
        None | Some(Value::Null) => return Ok(held),
        Some(Value::Integer(flags)) => Some(*flags),
        Some(Value::Text(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let mapped = mapped.filter(|flags| flags & !(words::MAY_BE_MAPPED | words::NORMAL_ACCOUNT) == 0);
    let mapped = mapped.ok_or_else(|| {
        let why = format!("a mapping may give {} no other bits than {:#x}", words::CONTROL, words::MAY_BE_MAPPED);
        refused("user_account_control", why)
    })?;
    Ok((held & !words::MAY_BE_MAPPED) | (mapped & words::MAY_BE_MAPPED))
}

/// The container the change speaks of, by placement or by a mapping.
pub(super) fn container_wanted(change: &Change) -> Result<Option<Dn>, WriteError> {
    let mapped = change.set.get(PARENT).and_then(Value::as_text).filter(|text| !text.is_empty());
    match (&change.container, mapped) {
        (Some(container), _) => Ok(Some(container.clone())),
        (None, Some(text)) => {
            let none = |error| refused("not_a_dn", format!("`{}`: {error}", text.escape_debug()));
            Dn::parse(text).map(Some).map_err(none)
        }
        (None, None) => Ok(None),
    }
}

/// A random password nobody knows: upper and lower case, digits, and a mark, whatever a policy asks for.
fn password(chars: usize) -> Result<SecretString, WriteError> {
    let no_chance = || WriteError::Later { after: None, cause: Cause(chance::NoChance.to_string()) };
    let wanted = chars.clamp(PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX);
    for _ in 0..PASSWORD_DRAWS_MAX {
        let mut drawn = String::new();
        while drawn.len() + 1 < wanted {
            drawn.push_str(&chance::token().map_err(|_| no_chance())?);
        }
        drawn.truncate(wanted - 1);
        drawn.push('!');
        let has = |kind: fn(&char) -> bool| drawn.chars().any(|c| kind(&c));
        if has(char::is_ascii_lowercase) && has(char::is_ascii_uppercase) && has(char::is_ascii_digit) {
            return Ok(SecretString::from(drawn));
        }
    }
    Err(no_chance())
}

/// The password as Active Directory takes it: in quotation marks, in UTF-16 ([MS-ADTS] 3.1.1.3.1.5.1).
fn quoted(password: &SecretString) -> Vec<u8> {
    format!("\"{}\"", password.expose_secret()).encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_gives_its_own_bits_and_leaves_the_others() {
        let set = |flags| [(Name::new("userAccountControl"), Value::Integer(flags))].into_iter().collect();
        assert_eq!(flags_after(0x220, &set(0x1_0200)).unwrap(), 0x1_0220);
        assert_eq!(flags_after(0x1_0222, &set(0x200)).unwrap(), 0x220);
        assert_eq!(flags_after(0x222, &Attributes::new()).unwrap(), 0x222);
        // Trusted for delegation, no password required.
        assert!(flags_after(0x200, &set(0x8_0200)).is_err() && flags_after(0x200, &set(0x220)).is_err());
    }

    #[test]
    fn passwords_are_as_long_as_is_asked_and_never_the_same() {
        let (one, other) = (password(24).unwrap(), password(24).unwrap());
        assert_eq!(one.expose_secret().len(), 24);
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(password(1).unwrap().expose_secret().len(), PASSWORD_CHARS_MIN);
        assert_eq!(quoted(&SecretString::from("aB")), [34, 0, 97, 0, 66, 0, 34, 0]);
        assert!(!format!("{one:?}").contains(one.expose_secret()));
    }
}
