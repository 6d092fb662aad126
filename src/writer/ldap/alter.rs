//! A change to an account that is there: read first, guarded, then written; renamed and moved where it must be.

use std::collections::HashSet;

use ldap3::Mod;

use super::answer::{CONSTRAINT_VIOLATION, ENTRY_EXISTS, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT, NON_LEAF, Trouble};
use super::create::{container_wanted, flags_after};
use super::held::Held;
use super::lately::Whom;
use super::read::Entry;
use super::{LdapKind, LdapWriter, refused, words};
use crate::model::{Attributes, Change, Dn, Known, Name, ObjectId, Value, escape_rdn_value};
use crate::writer::ldif::entry::checked_name;
use crate::writer::ldif::limits;
use crate::writer::until::Until;
use crate::writer::{Cause, WriteError};

type Mods = Vec<Mod<Vec<u8>>>;

impl LdapWriter {
    /// Changes an account.
    ///
    /// # Errors
    /// As [`Writer::write`](crate::writer::Writer::write).
    pub(super) async fn alter(
        &self,
        object: &ObjectId,
        change: &Change,
        until: Until,
    ) -> Result<Option<Known>, WriteError> {
        self.check_values(change)?;
        let container = container_wanted(change)?;
        if let Some(container) = &container {
            self.check_container(container)?;
        }
        let (mut held, entry) = self.reach_to_write(object, &[Name::new("pwdLastSet")], until).await?;
        let enabled = words::enabled(change.set.get(words::ENABLED))?;
        self.check_password(&entry, enabled)?;
        let mods = self.modifications(&entry, change, enabled)?;
        let dn = if enabled == Some(true) {
            // A door is opened only where the account shall stand from now on.
            let dn = self.rename(&mut held, &entry, change, container.as_ref()).await?;
            self.modify(&mut held, &dn, mods, change).await?;
            dn
        } else {
            self.modify(&mut held, &entry.dn, mods, change).await?;
            self.rename(&mut held, &entry, change, container.as_ref()).await?
        };
        Ok(Some(self.receipt(object, change, &dn)))
    }

    /// Takes an account away. One that is gone is gone.
    ///
    /// # Errors
    /// As [`Writer::write`](crate::writer::Writer::write).
    pub(super) async fn take_away(&self, object: &ObjectId, until: Until) -> Result<Option<Known>, WriteError> {
        let Some((mut held, entry)) = self.reach(object, &[], until).await? else { return Ok(None) };
        self.check_account(&mut held, &entry).await?;
        match held.delete(&entry.dn).await {
            Ok(()) => {
                self.lately.remember(Whom::Deleted(object.clone()), held.server());
                Ok(None)
            }
            Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => Ok(None),
            Err(trouble) if trouble.code() == Some(NON_LEAF) => Err(refused(
                "non_leaf",
                format!(
                    "{} has entries below it (devices, mailboxes); look at them and take them away first",
                    entry.dn
                ),
            )),
            Err(trouble) => Err(trouble.told()),
        }
    }

    /// Points the manager of an account at another, or at nobody.
    ///
    /// # Errors
    /// As [`Writer::set_manager`](crate::writer::Writer::set_manager).
    pub(super) async fn point_manager(
        &self,
        object: &ObjectId,
        manager: Option<&ObjectId>,
        until: Until,
    ) -> Result<(), WriteError> {
        let (mut held, entry) = self.reach_to_write(object, &[], until).await?;
        let value = match manager {
            Some(manager) => {
                let found = self.entry(&mut held, manager, &[]).await.map_err(Trouble::told)?;
                if found.is_none() {
                    self.must_be_here(&Whom::Object(manager.clone()), &held, "the manager's account")?;
                }
                let gone = || refused("manager_gone", format!("the manager's account {manager} is not there any more"));
                HashSet::from([found.ok_or_else(gone)?.dn.into_bytes()])
            }
            None => HashSet::new(),
        };
        let mods = vec![Mod::Replace(b"manager".to_vec(), value)];
        held.modify(&entry.dn, mods).await.map_err(Trouble::told)
    }

    /// The entry of a linked account, at a server that has it, where it may be written.
    pub(super) async fn reach_to_write(
        &self,
        object: &ObjectId,
        attributes: &[Name],
        until: Until,
    ) -> Result<(Held<'_>, Entry), WriteError> {
        let Some((mut held, entry)) = self.reach(object, attributes, until).await? else {
            return Err(WriteError::Gone { cause: Cause(format!("no entry {object} is there")) });
        };
        self.check_account(&mut held, &entry).await?;
        self.lately.remember(Whom::Object(object.clone()), held.server());
        Ok((held, entry))
    }

    /// Active Directory opens no account without a password, and Samba does: it is refused here (`facts/services.md`).
    fn check_password(&self, entry: &Entry, enabled: Option<bool>) -> Result<(), WriteError> {
        let is_opened = enabled == Some(true) && entry.is_locked(self.kind());
        let has_none = entry.number("pwdLastSet").unwrap_or_default() == 0;
        if self.kind() == LdapKind::ActiveDirectory && is_opened && has_none {
            return Err(refused(
                "no_password",
                format!("{} has no password that is in force; set one, then it can be enabled", entry.dn),
            ));
        }
        Ok(())
    }

    /// One `replace` for each attribute: with no values it clears, whether or not the attribute is there
    /// (RFC 4511 §4.6), where `delete` would fail the second time.
    fn modifications(&self, entry: &Entry, change: &Change, enabled: Option<bool>) -> Result<Mods, WriteError> {
        let mut mods = Vec::new();
        let is_ours = |name: &Name| words::is_written_as_it_is(name) && *name != self.settings.naming;
        for (name, value) in change.set.iter().filter(|(name, _)| is_ours(name)) {
            mods.push(Mod::Replace(name.as_str().as_bytes().to_vec(), words::values(name, value)?));
        }
        for name in change.clear.iter().filter(|name| is_ours(name)) {
            limits::check_name(name)?;
            let cleared = if *name == *words::EXPIRES { HashSet::from([b"0".to_vec()]) } else { HashSet::new() };
            mods.push(Mod::Replace(name.as_str().as_bytes().to_vec(), cleared));
        }
        match self.kind() {
            LdapKind::ActiveDirectory => put_flags(&mut mods, entry, change, enabled)?,
            LdapKind::Ldap => put_lock(&mut mods, entry, enabled),
        }
        Ok(mods)
    }

    /// What the account holds now: what was written, and where it stands.
    fn receipt(&self, object: &ObjectId, change: &Change, dn: &str) -> Known {
        let mut attributes: Attributes = change.before.clone();
        for (name, value) in change.set.iter().filter(|(name, _)| words::is_readable(name)) {
            attributes.set(name.clone(), self.as_held(name, value));
        }
        for name in &change.clear {
            attributes.set(name.clone(), Value::Null);
        }
        let container = Dn::parse(dn).ok().and_then(|dn| dn.split_first().map(|(_, above)| above));
        Known { object: object.clone(), attributes, container, synced: false }
    }

    async fn modify(&self, held: &mut Held<'_>, dn: &str, mods: Mods, change: &Change) -> Result<(), WriteError> {
        if mods.is_empty() {
            return Ok(());
        }
        let names_flags = mods.iter().any(|change| matches!(change, Mod::Delete(..)));
        let Err(trouble) = held.modify(dn, mods).await else { return Ok(()) };
        match trouble.code() {
            Some(NO_SUCH_OBJECT) => Err(WriteError::Gone { cause: Cause(format!("{dn} is not there any more")) }),
            // Only the old flags are named for deletion: somebody was faster.
            Some(NO_SUCH_ATTRIBUTE) if names_flags && trouble.speaks_of(words::CONTROL) => Err(WriteError::Later {
                after: None,
                cause: Cause(format!("somebody changed {dn} at the same moment")),
            }),
            Some(ENTRY_EXISTS | CONSTRAINT_VIOLATION) => match self.who_has(held, &change.set, None).await {
                Ok(Some((attribute, other))) if !other.dn.eq_ignore_ascii_case(dn) => {
                    Err(self.taken(attribute, &other))
                }
                _ => Err(trouble.told()),
            },
            _ => Err(trouble.told()),
        }
    }

    /// Gives the entry its new name and place, if either differs; its name from then on.
    async fn rename(
        &self,
        held: &mut Held<'_>,
        entry: &Entry,
        change: &Change,
        container: Option<&Dn>,
    ) -> Result<String, WriteError> {
        let naming = &self.settings.naming;
        if change.clear.contains(naming) {
            return Err(refused("no_name", format!("{naming} names the entry and cannot be cleared")));
        }
        let parsed = Dn::parse(&entry.dn).ok();
        let Some((rdn, above)) = parsed.as_ref().and_then(Dn::split_first) else {
            return Err(refused("not_a_dn", format!("`{}` does not stand in a container", entry.dn)));
        };
        let new_name = change.set.get(naming.as_str()).and_then(Value::as_text).map(str::trim);
        let new_rdn = match new_name.filter(|name| !name.is_empty()) {
            Some(name) => format!("{naming}={}", escape_rdn_value(checked_name(name)?)),
            None => rdn.to_owned(),
        };
        let to = container.filter(|wanted| !wanted.names_same_entry(&above));
        if new_rdn == rdn && to.is_none() {
            return Ok(entry.dn.clone());
        }
        let new_dn = format!("{new_rdn},{}", to.unwrap_or(&above));
        match held.rename(&entry.dn, &new_rdn, to.map(Dn::as_str)).await {
            Ok(()) => Ok(new_dn),
            Err(trouble) if trouble.code() == Some(ENTRY_EXISTS) => Err(WriteError::Taken {
                attribute: naming.clone(),
                holder: None,
                cause: Cause(format!("{new_dn} is there already")),
            }),
            Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => Err(refused(
                "no_container",
                format!("{} cannot be moved to {}: there is no such container", entry.dn, to.unwrap_or(&above)),
            )),
            Err(trouble) => Err(trouble.told()),
        }
    }
}

/// Flips one bit and leaves the others as they are. The old flags are named, so that a change by somebody else in
/// between is not undone.
fn put_flags(mods: &mut Mods, entry: &Entry, change: &Change, enabled: Option<bool>) -> Result<(), WriteError> {
    if enabled.is_none() && change.set.get(words::CONTROL).is_none() {
        return Ok(());
    }
    let Some(held) = entry.number(words::CONTROL) else {
        return Err(refused("no_control", format!("{} of {} cannot be read", words::CONTROL, entry.dn)));
    };
    let flags = flags_after(held, &change.set)?;
    let flags = match enabled {
        Some(true) => flags & !words::ACCOUNT_DISABLE,
        Some(false) => flags | words::ACCOUNT_DISABLE,
        None => flags,
    };
    if flags != held {
        let value = |flags: i64| HashSet::from([flags.to_string().into_bytes()]);
        mods.push(Mod::Delete(words::CONTROL.into(), value(held)));
        mods.push(Mod::Add(words::CONTROL.into(), value(flags)));
    }
    Ok(())
}

fn put_lock(mods: &mut Mods, entry: &Entry, enabled: Option<bool>) {
    let is_locked = entry.is_locked(LdapKind::Ldap);
    match enabled {
        Some(false) if !is_locked => {
            mods.push(Mod::Replace(words::LOCKED_TIME.into(), HashSet::from([words::LOCKED_FOR_EVER.into()])));
        }
        Some(true) if is_locked => mods.push(Mod::Replace(words::LOCKED_TIME.into(), HashSet::new())),
        _ => {}
    }
}
