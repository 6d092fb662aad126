//! Writes to directories that speak LDAP: Active Directory, and others (OpenLDAP).
//!
//! It decides nothing, and trusts nobody: what the settings protect is not written, whatever is asked for.

mod account;
mod answer;
mod change;
mod create;
mod group;
mod guard;
mod line;
mod password;
mod settings;
mod talk;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use ldap3::{Mod, Scope};
use tokio::time::Instant;

pub use settings::{LdapKind, LdapSettings, LdapSettingsError};

use self::account::{CONTROL, LOCKED, id_attribute, in_filter, is_plain, known};
use self::answer::{refusal, refused};
use self::guard::Guard;
use self::line::Lines;
use self::talk::{Entry, Talk};
use super::{Errand, Group, Membership, Search, WriteError, Writer};
use crate::model::{Change, ChangeKind, Found, Known, MatchKeys, Name, ObjectId};

/// Values that one account of the whole forest may have, and not only of its domain.
const IN_FOREST: [&str; 3] = ["userPrincipalName", "mail", "proxyAddresses"];

/// Writes to one directory.
pub struct LdapWriter {
    settings: LdapSettings,
    lines: Lines,
    catalogue: Option<Lines>,
    guard: Guard,
}

impl fmt::Debug for LdapWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapWriter").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl LdapWriter {
    /// A writer for this directory; nobody is asked yet.
    ///
    /// # Errors
    /// [`LdapSettingsError`] says what cannot be used.
    pub fn new(settings: LdapSettings) -> Result<Self, LdapSettingsError> {
        settings.check()?;
        let lines = Lines::new(&settings, settings.servers.clone())?;
        let catalogue = match settings.global_catalogue.as_slice() {
            [] => None,
            servers => Some(Lines::new(&settings, servers.to_vec())?),
        };
        Ok(Self { guard: Guard::new(&settings), lines, catalogue, settings })
    }

    async fn talk(&self) -> Result<Talk<'_>, WriteError> {
        Talk::begin(&self.lines, Instant::now() + self.settings.timeout).await
    }

    /// The entry of an object, wherever it stands now; what is asked for is read, and its id.
    async fn read(
        &self,
        talk: &mut Talk<'_>,
        object: &ObjectId,
        attributes: &[&str],
    ) -> Result<Option<Entry>, WriteError> {
        let Ok(id) = uuid::Uuid::parse_str(object.as_str()) else { return Ok(None) };
        let mut read = vec![id_attribute(self.settings.kind)];
        read.extend(attributes);
        let mut found = match self.settings.kind {
            LdapKind::ActiveDirectory => {
                talk.search(&format!("<GUID={id}>"), Scope::Base, "(objectClass=*)", &read).await?
            }
            LdapKind::Ldap => {
                let filter = format!("(entryUUID={id})");
                talk.search(self.settings.base.as_str(), Scope::Subtree, &filter, &read).await?
            }
        };
        Ok(found.pop())
    }

    async fn look(&self, talk: &mut Talk<'_>, search: &Search) -> Result<Found, WriteError> {
        let asked = to_read(&search.attributes);
        let found = |entry: &Entry| known(self.settings.kind, entry, &search.attributes).map(Found::One);
        if let Some(object) = &search.object {
            let entry = self.read(talk, object, &asked).await?;
            return entry.map_or(Ok(Found::Nobody), |entry| found(&entry));
        }
        for (key, value) in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            let entries = self.by_key(talk, key, value, &asked).await?;
            match entries.as_slice() {
                [] => {}
                [entry] => return found(entry),
                several => {
                    let objects = several.iter().map(|entry| account::object(self.settings.kind, entry));
                    return Ok(Found::Several(objects.collect::<Result<_, _>>()?));
                }
            }
        }
        Ok(Found::Nobody)
    }

    async fn by_key(
        &self,
        talk: &mut Talk<'_>,
        key: &Name,
        value: &str,
        read: &[&str],
    ) -> Result<Vec<Entry>, WriteError> {
        directory_limit_of_key(key)?;
        let mut asked = vec![id_attribute(self.settings.kind)];
        asked.extend(read);
        let filter = format!("({key}={})", in_filter(value));
        talk.search(self.settings.base.as_str(), Scope::Subtree, &filter, &asked).await
    }

    /// Whether somebody of another domain has the value already. It is nobody to be linked, so it is never one.
    async fn elsewhere(&self, keys: &MatchKeys) -> Result<Option<Found>, WriteError> {
        let Some(lines) = &self.catalogue else { return Ok(None) };
        let in_forest = |key: &Name| IN_FOREST.iter().any(|name| *key == **name);
        let mut talk = Talk::begin(lines, Instant::now() + self.settings.timeout).await?;
        for (key, value) in keys.0.iter().filter(|(key, value)| in_forest(key) && !value.is_empty()) {
            let filter = format!("({key}={})", in_filter(value));
            let found = talk.search("", Scope::Subtree, &filter, &[id_attribute(self.settings.kind)]).await?;
            if !found.is_empty() {
                let objects = found.iter().map(|entry| account::object(self.settings.kind, entry));
                return Ok(Some(Found::Several(objects.collect::<Result<_, _>>()?)));
            }
        }
        talk.end();
        Ok(None)
    }

    /// The entry that is to be written, read for the guard and let through by it.
    async fn guarded(
        &self,
        talk: &mut Talk<'_>,
        object: &ObjectId,
        besides: &[&str],
    ) -> Result<Option<Entry>, WriteError> {
        let mut read = guard::READ.to_vec();
        read.extend(besides);
        let Some(entry) = self.read(talk, object, &read).await? else { return Ok(None) };
        self.guard.check_account(talk, &entry).await?;
        Ok(Some(entry))
    }

    async fn remove(&self, talk: &mut Talk<'_>, errand: &Errand<'_>, object: &ObjectId) -> Result<(), WriteError> {
        let Some(entry) = self.guarded(talk, object, &[]).await? else { return Ok(()) };
        let answer = talk.delete(errand, &entry.dn).await?;
        match answer.rc {
            0 | 32 => Ok(()),
            66 => Err(refused("not_a_leaf", format!("something stands inside {}, so it is not deleted", entry.dn))),
            _ => Err(refusal(&answer)),
        }
    }

    async fn point(
        &self,
        talk: &mut Talk<'_>,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let entry = self.guarded(talk, object, &["manager"]).await?.ok_or_else(|| gone(object))?;
        let wanted = match manager {
            None => None,
            Some(manager) => {
                let there = self.read(talk, manager, &["cn"]).await?;
                let missing = || refused("manager_gone", format!("the manager's account {manager} is not there"));
                Some(there.ok_or_else(missing)?.dn)
            }
        };
        if entry.text("manager") == wanted {
            return Ok(());
        }
        let values = wanted.map(String::into_bytes).into_iter().collect();
        let answer = talk.modify(errand, &entry.dn, vec![Mod::Replace(b"manager".to_vec(), values)]).await?;
        match answer.rc {
            0 => Ok(()),
            32 => Err(gone(object)),
            _ => Err(refusal(&answer)),
        }
    }
}

#[async_trait]
impl Writer for LdapWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        let mut talk = self.talk().await?;
        let found = self.look(&mut talk, search).await?;
        talk.end();
        match (&search.object, found) {
            (None, Found::Nobody) => Ok(self.elsewhere(&search.keys).await?.unwrap_or(Found::Nobody)),
            (_, found) => Ok(found),
        }
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let mut talk = self.talk().await?;
        let object =
            || change.object.as_ref().ok_or_else(|| refused("no_object", "the change does not say which account"));
        let known = match change.kind {
            ChangeKind::Create => Some(self.create(&mut talk, errand, change).await?),
            ChangeKind::Delete => {
                self.remove(&mut talk, errand, object()?).await?;
                None
            }
            ChangeKind::Restore => {
                let why = "a deleted entry has lost what it held, so none is brought back; a new one is made";
                return Err(refused("no_restore", why));
            }
            _ => Some(self.alter(&mut talk, errand, object()?, change).await?),
        };
        talk.end();
        Ok(known)
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        let mut talk = self.talk().await?;
        self.point(&mut talk, errand, object, manager).await?;
        talk.end();
        Ok(())
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        let mut talk = self.talk().await?;
        let became = self.member(&mut talk, errand, group, object, is_member).await?;
        talk.end();
        Ok(became)
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }
}

fn gone(object: &ObjectId) -> WriteError {
    WriteError::Gone { cause: super::Cause(format!("no account {object} is there, or it was deleted")) }
}

/// What must be read so that these attributes are known.
fn to_read(attributes: &[Name]) -> Vec<&str> {
    let no_name = Name::new("");
    let plain = attributes.iter().filter(|name| is_plain(&no_name, name)).map(Name::as_str);
    plain.chain([CONTROL, LOCKED]).collect()
}

fn directory_limit_of_key(key: &Name) -> Result<(), WriteError> {
    super::directory_limits::check_name(key)
}
