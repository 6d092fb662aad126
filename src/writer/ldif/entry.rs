//! One change as LDIF records, and what the entry holds once they are applied.

use crate::model::{
    ACCOUNT_ENABLED, Attributes, Change, ChangeKind, Dn, Known, Name, ObjectId, PARENT, Value, escape_rdn_value,
};
use crate::writer::{NO_GROUP, WriteError};

use super::{limits, refused, text};

/// `userAccountControl` of an ordinary account (UF_NORMAL_ACCOUNT).
const NORMAL_ACCOUNT: i64 = 0x200;
/// The bit of `userAccountControl` that locks an account's owner out (UF_ACCOUNTDISABLE).
const ACCOUNT_DISABLE: i64 = 0x2;

/// The classes of a person's account, the most general first.
const CLASSES: [&str; 4] = ["top", "person", "organizationalPerson", "user"];

const ENABLED: &str = ACCOUNT_ENABLED;
const CONTROL: &str = "userAccountControl";

/// Names that stand for something else in the directory, or that it gives itself: never written as they are.
const NOT_AS_THEY_ARE: [&str; 6] = [ENABLED, CONTROL, PARENT, "objectClass", "distinguishedName", "name"];

/// What goes into a file, and what is known once somebody has applied it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Script {
    /// What the file takes for granted, and what its reader must do: sentences for the header.
    pub(super) notes: Vec<&'static str>,
    /// The records; empty where nothing has to be said.
    pub(super) records: String,
    /// `None` when the entry is taken away.
    pub(super) known: Option<Known>,
}

const ASSUMES_STANDING: &str = "It assumes that the entry stands where muster last wrote it.";

const ASSUMES_GROUP: &str = "It assumes that the group exists, and that the membership is not so already.";

/// Says `change` in LDIF, for entries named by `naming`.
///
/// # Errors
/// [`WriteError::Refused`] names what is missing or cannot be said.
pub(super) fn script(naming: &Name, change: &Change) -> Result<Script, WriteError> {
    limits::check(&change.set)?;
    match change.kind {
        ChangeKind::Create => create(naming, change),
        ChangeKind::Delete => delete(change),
        ChangeKind::Restore => {
            Err(refused("no_restore", "a change file cannot bring a deleted account back".to_owned()))
        }
        ChangeKind::Join | ChangeKind::Leave => {
            Err(refused("no_membership", "a membership is no change to an account".to_owned()))
        }
        ChangeKind::Update | ChangeKind::Enable | ChangeKind::Move | ChangeKind::Disable => alter(naming, change),
    }
}

/// Says that the manager of `object` is `manager`.
///
/// # Errors
/// [`WriteError::Refused`] when either is no distinguished name.
pub(super) fn manager(object: &ObjectId, manager: Option<&ObjectId>) -> Result<Script, WriteError> {
    let dn = entry_of(object)?;
    let value = match manager {
        Some(manager) => Value::text(entry_of(manager)?.as_str()),
        None => Value::Null,
    };
    let mut mods = String::new();
    replace(&mut mods, "manager", &texts("manager", &value)?);
    let mut notes = vec![ASSUMES_STANDING];
    notes.extend(manager.map(|_| "It assumes the same of the manager's entry."));
    Ok(Script { notes, records: modify(&dn, &mods), known: None })
}

/// Says that `object` is a member of `group`, or is none any more.
///
/// # Errors
/// [`WriteError::Refused`] when either is no distinguished name: a change file cannot look for a group by another.
pub(super) fn member(group: &str, object: &ObjectId, is_member: bool) -> Result<Script, WriteError> {
    let of_group = Dn::parse(group).map_err(|error| {
        refused(
            NO_GROUP,
            format!("a change file names a group by its distinguished name, and `{group}` is none: {error}"),
        )
    })?;
    let verb = if is_member { "add" } else { "delete" };
    let mut mods = String::new();
    text::line(&mut mods, verb, "member");
    text::line(&mut mods, "member", entry_of(object)?.as_str());
    mods.push_str("-\n");
    Ok(Script { notes: vec![ASSUMES_GROUP], records: modify(&of_group, &mods), known: None })
}

fn create(naming: &Name, change: &Change) -> Result<Script, WriteError> {
    let container = container_wanted(change)?
        .ok_or_else(|| refused("no_container", "it is not said in which container the account shall stand".into()))?;
    let cn = naming_value(naming, &change.set)?;
    let dn = container.child(naming.as_str(), cn);
    let mut records = String::new();
    text::line(&mut records, "dn", dn.as_str());
    text::line(&mut records, "changetype", "add");
    for class in CLASSES {
        text::line(&mut records, "objectClass", class);
    }
    text::line(&mut records, &naming.as_str().to_ascii_lowercase(), cn);
    for (name, value) in change.set.iter().filter(|(name, _)| *name != naming && is_written_as_it_is(name)) {
        for text in texts(name.as_str(), value)? {
            text::line(&mut records, name.as_str(), &text);
        }
    }
    // A new account has no password, and Active Directory lets nobody in without one.
    let control = control_flags(&change.set).unwrap_or(NORMAL_ACCOUNT) | ACCOUNT_DISABLE;
    text::line(&mut records, CONTROL, &control.to_string());
    records.push('\n');
    let mut notes = vec![
        "It assumes that no entry with this DN exists, and that its container does.",
        "The new account is disabled and has no password.",
    ];
    if enabled_wanted(&change.set)? == Some(true) {
        notes.push("The source wants it enabled: set a password first, then enable it.");
    }
    Ok(Script { notes, records, known: Some(known_after(change, &dn, Some(container))) })
}

fn delete(change: &Change) -> Result<Script, WriteError> {
    let dn = entry(change)?;
    let mut records = String::new();
    text::line(&mut records, "dn", dn.as_str());
    text::line(&mut records, "changetype", "delete");
    records.push('\n');
    let notes = vec![ASSUMES_STANDING, "It assumes that nothing stands inside the entry."];
    Ok(Script { notes, records, known: None })
}

/// Attributes, then place; but a door is opened only where the account shall stand from now on.
fn alter(naming: &Name, change: &Change) -> Result<Script, WriteError> {
    let dn = entry(change)?;
    let (renamed, container) = moved(naming, change, &dn)?;
    let mods = modifications(naming, change)?;
    let enabled = enabled_wanted(&change.set)?;
    let records = match &renamed {
        None => modify(&dn, &mods),
        Some(rename) if enabled == Some(true) => format!("{}{}", rename.record, modify(&rename.dn, &mods)),
        Some(rename) => format!("{}{}", modify(&dn, &mods), rename.record),
    };
    let mut notes = vec![ASSUMES_STANDING];
    if enabled == Some(true) {
        notes.push("It enables the account, and assumes that it has a password: Active Directory refuses otherwise.");
    }
    if change.container.is_some() && renamed.is_some() {
        notes.push("It assumes that the container it is moved to exists.");
    }
    let dn = renamed.map_or(dn, |rename| rename.dn);
    Ok(Script { notes, records, known: Some(known_after(change, &dn, container)) })
}

/// A new name or place, as a record.
struct Rename {
    record: String,
    dn: Dn,
}

/// The record that renames or moves the entry, if it does either; and the container it then stands in.
fn moved(naming: &Name, change: &Change, dn: &Dn) -> Result<(Option<Rename>, Option<Dn>), WriteError> {
    let Some((rdn, parent)) = dn.split_first() else {
        return Err(refused("not_a_dn", format!("`{dn}` does not stand in a container")));
    };
    if change.clear.contains(naming) {
        return Err(refused("no_name", format!("{naming} names the entry and cannot be cleared")));
    }
    let new_rdn = match said(&change.set, naming.as_str()) {
        Some(value) => format!("{naming}={}", escape_rdn_value(checked_name(value)?)),
        None => rdn.to_owned(),
    };
    let container = container_wanted(change)?;
    // Directories compare names without regard to case; a move to where it stands would be noise.
    let moves = container.as_ref().filter(|wanted| !wanted.as_str().eq_ignore_ascii_case(parent.as_str()));
    if new_rdn == rdn && moves.is_none() {
        return Ok((None, container.or(Some(parent))));
    }
    let mut record = String::new();
    text::line(&mut record, "dn", dn.as_str());
    text::line(&mut record, "changetype", "modrdn");
    text::line(&mut record, "newrdn", &new_rdn);
    text::line(&mut record, "deleteoldrdn", "1");
    if let Some(container) = moves {
        text::line(&mut record, "newsuperior", container.as_str());
    }
    record.push('\n');
    let above = moves.unwrap_or(&parent);
    let dn = parse(&format!("{new_rdn},{above}"))?;
    Ok((Some(Rename { record, dn }), container.or(Some(parent))))
}

/// The body of a `modify` record: one `replace` per attribute. With no values it clears, whether or not the
/// attribute is there (RFC 4511 §4.6), where `delete` would fail the second time.
fn modifications(naming: &Name, change: &Change) -> Result<String, WriteError> {
    let mut mods = String::new();
    for (name, value) in change.set.iter().filter(|(name, _)| *name != naming && is_written_as_it_is(name)) {
        replace(&mut mods, name.as_str(), &texts(name.as_str(), value)?);
    }
    for name in change.clear.iter().filter(|name| is_written_as_it_is(name)) {
        limits::check_name(name)?;
        replace(&mut mods, name.as_str(), &[]);
    }
    let flags = control_flags(&change.set);
    let control = match enabled_wanted(&change.set)? {
        Some(true) => Some(flags.unwrap_or(NORMAL_ACCOUNT) & !ACCOUNT_DISABLE),
        Some(false) => Some(flags.unwrap_or(NORMAL_ACCOUNT) | ACCOUNT_DISABLE),
        None => flags,
    };
    if let Some(control) = control {
        replace(&mut mods, CONTROL, &[control.to_string()]);
    }
    Ok(mods)
}

fn modify(dn: &Dn, mods: &str) -> String {
    if mods.is_empty() {
        return String::new();
    }
    let mut record = String::new();
    text::line(&mut record, "dn", dn.as_str());
    text::line(&mut record, "changetype", "modify");
    record.push_str(mods);
    record.push('\n');
    record
}

fn replace(mods: &mut String, name: &str, values: &[String]) {
    text::line(mods, "replace", name);
    for value in values {
        text::line(mods, name, value);
    }
    mods.push_str("-\n");
}

/// The values as the directory takes them. An empty text is none: Active Directory answers 21 to one.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, WriteError> {
    let mut texts = Vec::new();
    match value {
        Value::Null => {}
        Value::Text(text) if text.is_empty() => {}
        Value::Text(text) => texts.push(text.clone()),
        Value::Boolean(true) => texts.push("TRUE".to_owned()),
        Value::Boolean(false) => texts.push("FALSE".to_owned()),
        Value::Integer(number) => texts.push(number.to_string()),
        Value::Many(values) => {
            for value in values.iter().filter(|value| !matches!(value, Value::Many(_))) {
                texts.extend(self::texts(name, value)?);
            }
        }
        Value::Complex(_) => {
            return Err(refused("complex_value", format!("{name} has sub-attributes, which a directory cannot hold")));
        }
    }
    // The same value twice is an error there (20), and says nothing.
    let mut seen = std::collections::HashSet::new();
    texts.retain(|text| seen.insert(text.clone()));
    Ok(texts)
}

fn is_written_as_it_is(name: &Name) -> bool {
    !NOT_AS_THEY_ARE.iter().any(|other| *name == **other)
}

/// The flags a mapping gives, if one does.
fn control_flags(set: &Attributes) -> Option<i64> {
    match set.get(CONTROL)? {
        Value::Integer(flags) => Some(*flags),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// Whether the account's owner shall be let in, where that is said.
fn enabled_wanted(set: &Attributes) -> Result<Option<bool>, WriteError> {
    match set.get(ENABLED) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Boolean(enabled)) => Ok(Some(*enabled)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(refused("account_enabled", "accountEnabled is neither true nor false".to_owned())),
    }
}

/// The container the change speaks of, by placement or by a mapping.
fn container_wanted(change: &Change) -> Result<Option<Dn>, WriteError> {
    match (&change.container, said(&change.set, PARENT)) {
        (Some(container), _) => Ok(Some(container.clone())),
        (None, Some(text)) => parse(text).map(Some),
        (None, None) => Ok(None),
    }
}

/// What the entry is called: by its naming attribute, else by what people read, else by what they log in with.
pub(in crate::writer) fn naming_value<'a>(naming: &Name, set: &'a Attributes) -> Result<&'a str, WriteError> {
    let value = [naming.as_str(), "displayName", "sAMAccountName"].into_iter().find_map(|name| said(set, name));
    match value {
        Some(value) => checked_name(value),
        None => Err(refused(
            "no_name",
            format!("the account has no name there: map {naming}, displayName or sAMAccountName"),
        )),
    }
}

/// Active Directory marks names that collided, and deleted ones, by a line feed in them; people have no such names.
pub(in crate::writer) fn checked_name(value: &str) -> Result<&str, WriteError> {
    if value.chars().any(char::is_control) {
        return Err(refused("name", format!("{value:?} has a control character in it, and cannot name an entry")));
    }
    limits::check_length(&Name::new("cn"), value).map(|()| value)
}

/// The text under `name` without blanks at its edges, which directories drop from names; `None` if that is nothing.
fn said<'a>(set: &'a Attributes, name: &str) -> Option<&'a str> {
    set.get(name).and_then(Value::as_text).map(str::trim).filter(|text| !text.is_empty())
}

fn entry(change: &Change) -> Result<Dn, WriteError> {
    let object = change.object.as_ref();
    entry_of(object.ok_or_else(|| refused("no_object", "it is not known which entry is meant".to_owned()))?)
}

fn entry_of(object: &ObjectId) -> Result<Dn, WriteError> {
    parse(object.as_str())
}

fn parse(text: &str) -> Result<Dn, WriteError> {
    Dn::parse(text).map_err(|error| refused("not_a_dn", format!("`{}`: {error}", text.escape_debug())))
}

/// What was set is known as it was wanted, `accountEnabled` included: whoever applies the file finishes the account,
/// and a leaver must differ from it later on. What was cleared is known to be empty.
fn known_after(change: &Change, dn: &Dn, container: Option<Dn>) -> Known {
    let cleared = change.clear.iter().map(|name| (name.clone(), Value::Null));
    let attributes = change.set.clone().into_iter().chain(cleared).collect();
    Known { object: ObjectId::new(dn.as_str()), attributes, container, synced: false }
}
