//! New accounts: made in one piece where the directory lets us, with a password before their owner is let in.

use std::collections::HashSet;

use ldap3::{LdapResult, Mod, Scope};

use super::account::{
    self, CONTROL, DISABLED, LOCKED, LOCKED_FOR_GOOD, NORMAL, bytes, classes, container_wanted, control_after,
    enabled_wanted, id_attribute, in_filter, is_plain, said,
};
use super::answer::{after_a_write, refusal, refused, said as words, unknown};
use super::settings::LdapKind;
use super::talk::{Bytes, Lists, Talk};
use super::{LdapWriter, password};
use crate::model::{Attributes, Change, Dn, Known, Name, ObjectId, Value};
use crate::writer::{Cause, Errand, WriteError, directory_limits};

const UNICODE_PWD: &str = "unicodePwd";

/// Values that one account of a domain may have.
const UNIQUE: [&str; 2] = ["sAMAccountName", "userPrincipalName"];

impl LdapWriter {
    pub(super) async fn create(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        change: &Change,
    ) -> Result<Known, WriteError> {
        let settings = &self.settings;
        self.check_values(&change.set)?;
        let no_container = || refused("no_container", "it is not said in which container the account shall stand");
        let container = container_wanted(change.container.as_ref(), &change.set)?.ok_or_else(no_container)?;
        self.guard.check_container(&container)?;
        let name = naming_value(&settings.naming, &change.set)?;
        let dn = container.child(settings.naming.as_str(), name);
        let lists = self.lists(name, &change.set)?;
        let answer = talk.add(errand, dn.as_str(), lists.clone()).await?;
        let answer = match (settings.kind, answer.rc) {
            (LdapKind::ActiveDirectory, 53) => self.create_in_steps(talk, errand, dn.as_str(), lists, answer).await?,
            _ => answer,
        };
        match answer.rc {
            0 => {}
            19 | 68 => return Err(self.taken(talk, None, &dn, &change.set, &answer).await?),
            32 => {
                return Err(refused(
                    "no_container",
                    format!("the container {container} is not there: {}", words(&answer)),
                ));
            }
            _ => return Err(refusal(&answer)),
        }
        let id = id_attribute(settings.kind);
        let made = talk.search(dn.as_str(), Scope::Base, "(objectClass=*)", &[id]).await.map_err(after_a_write)?;
        let made = made.first().ok_or_else(|| unknown("the new account cannot be seen yet"))?;
        let object = account::object(settings.kind, made).map_err(after_a_write)?;
        Ok(Known { object, attributes: change.set.clone(), container: Some(container), synced: false })
    }

    /// What Active Directory would refuse is refused with its name; other directories have limits of their own.
    pub(super) fn check_values(&self, set: &Attributes) -> Result<(), WriteError> {
        match self.settings.kind {
            LdapKind::ActiveDirectory => directory_limits::check(set),
            LdapKind::Ldap => set.iter().try_for_each(|(name, _)| directory_limits::check_name(name)),
        }
    }

    fn lists(&self, name: &str, set: &Attributes) -> Result<Lists, WriteError> {
        let settings = &self.settings;
        let one = |value: &[u8]| HashSet::from([value.to_vec()]);
        let class = classes(settings.kind).iter().map(|class| class.as_bytes().to_vec()).collect();
        let mut lists: Lists = vec![(b"objectClass".to_vec(), class)];
        lists.push((settings.naming.as_str().as_bytes().to_vec(), one(name.as_bytes())));
        for (name, value) in set.iter().filter(|(name, _)| is_plain(&settings.naming, name)) {
            let values = bytes(settings.kind, name, value)?;
            if !values.is_empty() {
                lists.push((name.as_str().as_bytes().to_vec(), values));
            }
        }
        let enabled = enabled_wanted(set)?;
        match settings.kind {
            LdapKind::ActiveDirectory => {
                // Nobody is let in unless that is said.
                let flags = control_after(NORMAL | DISABLED, set)?;
                let flags = if enabled == Some(true) { flags } else { flags | DISABLED };
                lists.push((CONTROL.into(), one(flags.to_string().as_bytes())));
                let password = password::draw(settings.password_chars)?;
                lists.push((UNICODE_PWD.into(), HashSet::from([password::unicode(&password)])));
            }
            LdapKind::Ldap => {
                for needed in ["sn", "cn"].into_iter().filter(|name| settings.naming != **name) {
                    if said(set, needed).is_none() {
                        let why = format!("{needed} is missing; a directory makes no inetOrgPerson without it");
                        return Err(refused("missing_attribute", why));
                    }
                }
                if enabled == Some(false) {
                    lists.push((LOCKED.into(), one(LOCKED_FOR_GOOD.as_bytes())));
                }
            }
        }
        Ok(lists)
    }

    /// Where no password is taken while an entry is made: disabled, then the password, then enabled.
    async fn create_in_steps(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        dn: &str,
        mut lists: Lists,
        refused_first: LdapResult,
    ) -> Result<LdapResult, WriteError> {
        let mut take = |name: &str| {
            let at = lists.iter().position(|(held, _)| held == name.as_bytes())?;
            Some(lists.swap_remove(at).1)
        };
        let (Some(password), Some(flags)) = (take(UNICODE_PWD), take(CONTROL)) else { return Ok(refused_first) };
        let disabled = (NORMAL | DISABLED).to_string().into_bytes();
        lists.push((CONTROL.into(), HashSet::from([disabled.clone()])));
        let made = talk.add(errand, dn, lists).await?;
        if made.rc != 0 {
            return Ok(made);
        }
        let replace = |name: &str, values: HashSet<Bytes>| vec![Mod::Replace(name.as_bytes().to_vec(), values)];
        let set = talk.modify(errand, dn, replace(UNICODE_PWD, password)).await.map_err(after_a_write)?;
        if set.rc != 0 || flags.contains(&disabled) {
            return Ok(set);
        }
        talk.modify(errand, dn, replace(CONTROL, flags)).await.map_err(after_a_write)
    }

    /// Which value of `set` somebody else has; what the server said, where nobody has any.
    pub(super) async fn taken(
        &self,
        talk: &mut Talk<'_>,
        own: Option<&ObjectId>,
        dn: &Dn,
        set: &Attributes,
        answer: &LdapResult,
    ) -> Result<WriteError, WriteError> {
        let kind = self.settings.kind;
        let id = [id_attribute(kind)];
        let unique: &[&str] = if kind == LdapKind::ActiveDirectory { &UNIQUE } else { &[] };
        for name in unique {
            let Some(value) = said(set, name) else { continue };
            let filter = format!("({name}={})", in_filter(value));
            let found = talk.search(self.settings.base.as_str(), Scope::Subtree, &filter, &id).await?;
            for entry in found {
                let holder = account::object(kind, &entry)?;
                if Some(&holder) != own {
                    return Ok(held_by(Name::new(name), holder, &entry.dn));
                }
            }
        }
        if answer.rc == 68 {
            let found = talk.search(dn.as_str(), Scope::Base, "(objectClass=*)", &id).await?;
            if let Some(entry) = found.first() {
                let holder = account::object(kind, entry)?;
                if Some(&holder) != own {
                    return Ok(held_by(self.settings.naming.clone(), holder, &entry.dn));
                }
            }
        }
        if answer.text.contains("0000202F") || answer.text.contains("000021C8") {
            let cause = Cause(words(answer));
            return Ok(WriteError::Taken { attribute: Name::new("userPrincipalName"), holder: None, cause });
        }
        if answer.text.contains("0000052D") {
            let why = format!(
                "the domain's policy does not take a password of {} characters: make `password_chars` larger in the agent's file",
                self.settings.password_chars
            );
            return Ok(refused("password_policy", why));
        }
        Ok(refusal(answer))
    }
}

fn held_by(attribute: Name, holder: ObjectId, dn: &str) -> WriteError {
    WriteError::Taken { attribute, holder: Some(holder), cause: Cause(format!("{dn} holds it")) }
}

/// What the entry is called: by its naming attribute, else by what people read, else by what they log in with.
fn naming_value<'a>(naming: &Name, set: &'a Attributes) -> Result<&'a str, WriteError> {
    let value = [naming.as_str(), "displayName", "sAMAccountName"].into_iter().find_map(|name| said(set, name));
    let why =
        || refused("no_name", format!("the account has no name there: map {naming}, displayName or sAMAccountName"));
    checked_name(naming, value.ok_or_else(why)?)
}

/// Active Directory marks names that collided, and deleted ones, by a line feed in them; people have no such names.
pub(super) fn checked_name<'a>(naming: &Name, value: &'a str) -> Result<&'a str, WriteError> {
    if value.chars().any(char::is_control) {
        return Err(refused("name", format!("{value:?} has a control character in it, and cannot name an entry")));
    }
    directory_limits::check_length(naming, value).map(|()| value)
}

/// What a change says of an account, as it is known from now on.
pub(super) fn receipt(object: ObjectId, container: Option<Dn>, change: &Change) -> Known {
    let mut attributes = change.before.clone();
    for (name, value) in change.set.iter() {
        attributes.set(name.clone(), value.clone());
    }
    for name in &change.clear {
        attributes.set(name.clone(), Value::Null);
    }
    Known { object, attributes, container, synced: false }
}
