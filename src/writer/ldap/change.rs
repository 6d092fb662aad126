//! Changes to an account that is there: attributes, name, place, and whether its owner is let in.

use std::collections::HashSet;

use ldap3::{Mod, Scope};

use super::account::{
    CONTROL, DISABLED, LOCKED, LOCKED_FOR_GOOD, NORMAL, bytes, container_wanted, control_after, enabled_wanted,
    is_enabled, is_plain, said,
};
use super::answer::{after_a_write, refusal, refused, said as words};
use super::create::{checked_name, receipt};
use super::settings::LdapKind;
use super::talk::{Bytes, Entry, Talk};
use super::{LdapWriter, gone, password, to_read};
use crate::model::{Change, Dn, Known, Name, ObjectId, Value, escape_rdn_value};
use crate::writer::{Errand, WriteError, directory_limits};

impl LdapWriter {
    pub(super) async fn alter(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        object: &ObjectId,
        change: &Change,
    ) -> Result<Known, WriteError> {
        self.check_values(&change.set)?;
        change.clear.iter().try_for_each(directory_limits::check_name)?;
        let spoken: Vec<Name> = change.set.iter().map(|(name, _)| name).chain(&change.clear).cloned().collect();
        let mut read = to_read(&spoken);
        read.push("pwdLastSet");
        let entry = self.guarded(talk, object, &read).await?.ok_or_else(|| gone(object))?;
        let place = self.place(&entry, change)?;
        let mods = self.mods(&entry, change)?;
        // A door is opened only where the account shall stand from now on, and closed before it is moved.
        let opens = enabled_wanted(&change.set)? == Some(true);
        let mut dn = entry.dn.clone();
        let mut wrote = false;
        if opens {
            wrote = self.rename(talk, errand, object, &mut dn, &place, change).await?;
        }
        let modified = self.modify(talk, errand, object, &dn, mods, change).await;
        wrote |= modified.map_err(|error| if wrote { after_a_write(error) } else { error })?;
        if !opens {
            let renamed = self.rename(talk, errand, object, &mut dn, &place, change).await;
            renamed.map_err(|error| if wrote { after_a_write(error) } else { error })?;
        }
        Ok(receipt(object.clone(), Some(place.container), change))
    }

    /// Where and under which name the entry shall stand.
    fn place(&self, entry: &Entry, change: &Change) -> Result<Place, WriteError> {
        let naming = &self.settings.naming;
        let dn = entry.parsed_dn()?;
        let (rdn, parent) =
            dn.split_first().ok_or_else(|| refused("not_a_dn", format!("{dn} stands in no container")))?;
        if change.clear.contains(naming) {
            return Err(refused("no_name", format!("{naming} names the entry and cannot be cleared")));
        }
        let container = container_wanted(change.container.as_ref(), &change.set)?;
        let moves = container.filter(|wanted| !wanted.names_same_entry(&parent));
        if let Some(container) = &moves {
            self.guard.check_container(container)?;
        }
        let is_named_so = rdn.split_once('=').is_some_and(|(name, _)| *naming == *name.trim());
        let new_rdn = match said(&change.set, naming.as_str()) {
            Some(value) if !is_named_so || dn.value_at(0).as_deref() != Some(value) => {
                Some(format!("{naming}={}", escape_rdn_value(checked_name(naming, value)?)))
            }
            _ => None,
        };
        let stays = new_rdn.is_none() && moves.is_none();
        let rdn = new_rdn.unwrap_or_else(|| rdn.to_owned());
        let container = moves.clone().unwrap_or(parent);
        Ok(Place { rdn, moves, container, stays })
    }

    async fn rename(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        object: &ObjectId,
        dn: &mut String,
        place: &Place,
        change: &Change,
    ) -> Result<bool, WriteError> {
        if place.stays {
            return Ok(false);
        }
        let answer = talk.rename(errand, dn, &place.rdn, place.moves.as_ref().map(Dn::as_str)).await?;
        let new = format!("{},{}", place.rdn, place.container);
        match answer.rc {
            0 => {
                *dn = new;
                Ok(true)
            }
            32 => {
                let there = talk.search(place.container.as_str(), Scope::Base, "(objectClass=*)", &["ou"]).await?;
                if there.is_empty() {
                    let why = format!("the container {} is not there: {}", place.container, words(&answer));
                    return Err(refused("no_container", why));
                }
                Err(gone(object))
            }
            68 => {
                let new = Dn::parse(&new).map_err(|error| refused("not_a_dn", error.to_string()))?;
                Err(self.taken(talk, Some(object), &new, &change.set, &answer).await?)
            }
            _ => Err(refusal(&answer)),
        }
    }

    async fn modify(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        object: &ObjectId,
        dn: &str,
        mods: Vec<Mod<Bytes>>,
        change: &Change,
    ) -> Result<bool, WriteError> {
        if mods.is_empty() {
            return Ok(false);
        }
        let answer = talk.modify(errand, dn, mods).await?;
        match answer.rc {
            0 => Ok(true),
            32 => Err(gone(object)),
            17 if self.settings.kind == LdapKind::Ldap && answer.text.contains(LOCKED) => {
                let why = "this directory has no attribute that locks an account: load the overlay `ppolicy`, or choose \
                           another end for leavers (`on_delete = \"delete\"`)";
                Err(refused("cannot_disable", why))
            }
            19 | 68 => {
                let dn = Dn::parse(dn).map_err(|error| refused("not_a_dn", error.to_string()))?;
                Err(self.taken(talk, Some(object), &dn, &change.set, &answer).await?)
            }
            _ => Err(refusal(&answer)),
        }
    }

    /// What must be replaced; what is as it shall be is not written again.
    fn mods(&self, entry: &Entry, change: &Change) -> Result<Vec<Mod<Bytes>>, WriteError> {
        let kind = self.settings.kind;
        let cleared = change.clear.iter().map(|name| (name, &Value::Null));
        let mut mods = Vec::new();
        for (name, value) in change.set.iter().chain(cleared).filter(|(name, _)| is_plain(&self.settings.naming, name))
        {
            let wanted = bytes(kind, name, value)?;
            let held: HashSet<Bytes> = entry.values(name.as_str()).iter().cloned().collect();
            if wanted != held {
                mods.push(Mod::Replace(name.as_str().as_bytes().to_vec(), wanted));
            }
        }
        match kind {
            LdapKind::ActiveDirectory => self.switch(entry, change, &mut mods)?,
            LdapKind::Ldap => lock(entry, change, &mut mods)?,
        }
        Ok(mods)
    }

    /// `userAccountControl`, one bit of it; and a password, where the account never had one.
    fn switch(&self, entry: &Entry, change: &Change, mods: &mut Vec<Mod<Bytes>>) -> Result<(), WriteError> {
        let spoken = change.set.get(CONTROL).is_some() || enabled_wanted(&change.set)?.is_some();
        if !spoken {
            return Ok(());
        }
        let unreadable = || refused("no_control", format!("userAccountControl of {} cannot be read", entry.dn));
        let held = entry.number(CONTROL).ok_or_else(unreadable)?;
        let flags = control_after(held, &change.set)?;
        if flags == held {
            return Ok(());
        }
        let one = |value: Bytes| HashSet::from([value]);
        let opens = held & DISABLED != 0 && flags & DISABLED == 0 && held & NORMAL != 0;
        if opens && entry.number("pwdLastSet").unwrap_or(0) == 0 {
            let password = password::draw(self.settings.password_chars)?;
            mods.push(Mod::Replace(b"unicodePwd".to_vec(), one(password::unicode(&password))));
        }
        mods.push(Mod::Replace(CONTROL.into(), one(flags.to_string().into_bytes())));
        Ok(())
    }
}

/// Name and place of an entry after a change.
struct Place {
    rdn: String,
    moves: Option<Dn>,
    container: Dn,
    stays: bool,
}

fn lock(entry: &Entry, change: &Change, mods: &mut Vec<Mod<Bytes>>) -> Result<(), WriteError> {
    let wanted = enabled_wanted(&change.set)?;
    if wanted.is_none() || wanted == is_enabled(LdapKind::Ldap, entry) {
        return Ok(());
    }
    let values = match wanted {
        Some(false) => HashSet::from([LOCKED_FOR_GOOD.as_bytes().to_vec()]),
        _ => HashSet::new(),
    };
    mods.push(Mod::Replace(LOCKED.into(), values));
    Ok(())
}
