//! Who is there: by keys, by object, and among what was deleted.

use ldap3::Scope;

use super::answer::{NO_SUCH_OBJECT, Trouble};
use super::held::Held;
use super::read::Entry;
use super::{LdapKind, LdapWriter, words};
use crate::model::{Found, Name, ObjectId, PARENT};
use crate::writer::until::Until;
use crate::writer::{Cause, Search, WriteError};

/// Read of every entry besides what is asked for: who it is, and whether it may be touched.
const ALWAYS: [&str; 11] = [
    "objectGUID",
    "entryUUID",
    words::CONTROL,
    words::LOCKED_TIME,
    "adminCount",
    "objectSid",
    "primaryGroupID",
    "isCriticalSystemObject",
    "sAMAccountName",
    "uid",
    "objectClass",
];

impl LdapWriter {
    /// The first key, in the order of precedence, under which somebody stands, ends the search. Whom the server that
    /// serves does not have, another may: all that can be reached are asked before it is said that nobody is there.
    pub(super) async fn find_by_keys(&self, search: &Search, until: Until) -> Result<Found, WriteError> {
        let mut asked = Vec::new();
        for key in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            let stand = self.stand_under(None, key, &search.attributes, until).await;
            let (server, found) = stand.map_err(Trouble::told)?;
            if let Some(found) = self.found(found, &search.attributes)? {
                return Ok(found);
            }
            if let Some(elsewhere) = self.find_in_forest(key, until).await? {
                return Ok(elsewhere);
            }
            asked.push(server);
        }
        // One that was asked for some of the keys only, because another serves now, is asked again.
        asked.dedup();
        let others = if asked.len() == 1 { self.domain.others(&asked) } else { self.domain.others(&[]) };
        let mut unasked = None;
        for server in others {
            if let Some(found) = self.find_at(server, search, until, &mut unasked).await? {
                return Ok(found);
            }
        }
        match unasked {
            Some(server) if search.again => self.must_be_nobody(server, &search.keys).map(|()| Found::Nobody),
            _ => Ok(Found::Nobody),
        }
    }

    /// Whom another server has; where it cannot be asked, it is `unasked`.
    async fn find_at(
        &self,
        server: usize,
        search: &Search,
        until: Until,
        unasked: &mut Option<usize>,
    ) -> Result<Option<Found>, WriteError> {
        let mut entries = Vec::new();
        for key in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            match self.stand_under(Some(server), key, &search.attributes, until).await {
                Ok((_, found)) if found.is_empty() => {}
                Ok((_, found)) => {
                    entries = found;
                    break;
                }
                Err(trouble) => {
                    tracing::debug!(server = self.domain.name_of(server), ?trouble, "a server could not be asked");
                    *unasked = Some(server);
                    return Ok(None);
                }
            }
        }
        let mut left = Vec::new();
        for entry in entries {
            match entry.object(self.kind()) {
                // It has not heard yet that the account was taken away.
                Some(object) if self.is_deleted(&object, until).await => {}
                _ => left.push(entry),
            }
        }
        self.found(left, &search.attributes)
    }

    fn found(&self, mut entries: Vec<Entry>, attributes: &[Name]) -> Result<Option<Found>, WriteError> {
        match entries.len() {
            0 => Ok(None),
            1 => self.one(entries.remove(0), attributes).map(Some),
            _ => Ok(Some(Found::Several(entries.iter().filter_map(|entry| entry.object(self.kind())).collect()))),
        }
    }

    /// A name may be somebody's in another domain of the forest.
    async fn find_in_forest(&self, (key, value): &(Name, String), until: Until) -> Result<Option<Found>, WriteError> {
        let Some(forest) = &self.forest else { return Ok(None) };
        let filter = &self.filter(key, std::iter::once(value.as_str()));
        let mut held = forest.take(until).await.map_err(Trouble::told)?;
        // The catalogue holds some attributes only; that somebody is there is enough.
        let found = held.search("", Scope::Subtree, filter, &ALWAYS).await.map_err(Trouble::told)?;
        let objects: Vec<ObjectId> = found.iter().filter_map(|entry| entry.object(self.kind())).collect();
        // Whoever it is, nobody of another domain is linked: to the caller it is somebody who must not be guessed at.
        Ok((!objects.is_empty()).then_some(Found::Several(objects)))
    }

    /// The object itself, wherever it stands by now.
    pub(super) async fn find_object(
        &self,
        object: &ObjectId,
        attributes: &[Name],
        until: Until,
    ) -> Result<Found, WriteError> {
        match self.reach(object, attributes, until).await? {
            Some((_, entry)) => self.one(entry, attributes),
            None => Ok(Found::Nobody),
        }
    }

    /// The entry of an object; `None` where it is gone.
    pub(super) async fn entry(
        &self,
        held: &mut Held<'_>,
        object: &ObjectId,
        attributes: &[Name],
    ) -> Result<Option<Entry>, Trouble> {
        let asked = asked(attributes);
        let found = match self.by_object(object) {
            Some((base, filter, scope)) => held.search(&base, scope, &filter, &asked).await,
            None => return Ok(None),
        };
        match found {
            Ok(mut found) => Ok((found.len() == 1).then(|| found.remove(0))),
            Err(trouble) if trouble.code() == Some(NO_SUCH_OBJECT) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Whether the object lies among what was deleted; `false` where that cannot be asked.
    pub(super) async fn is_tombstone(&self, object: &ObjectId, until: Until) -> bool {
        let Ok(mut held) = self.domain.take(until).await else { return false };
        let Some((base, filter, scope)) = self.by_object(object) else { return false };
        if self.kind() != LdapKind::ActiveDirectory {
            return false;
        }
        let found = held.search_deleted(&base, scope, &filter, &["isDeleted", "lastKnownParent"]).await;
        found.is_ok_and(|found| found.iter().any(|entry| entry.text("isDeleted") == Some("TRUE")))
    }

    fn by_object(&self, object: &ObjectId) -> Option<(String, String, Scope)> {
        let id = uuid::Uuid::try_parse(object.as_str()).ok()?;
        Some(match self.kind() {
            LdapKind::ActiveDirectory => (format!("<GUID={id}>"), "(objectClass=*)".to_owned(), Scope::Base),
            LdapKind::Ldap => (self.base().to_owned(), format!("(entryUUID={id})"), Scope::Subtree),
        })
    }

    fn one(&self, entry: Entry, attributes: &[Name]) -> Result<Found, WriteError> {
        let without_id = || WriteError::Later {
            after: None,
            cause: Cause(format!("the directory does not say what {} is called for ever", entry.dn)),
        };
        entry.known(self.kind(), attributes).map(Found::One).ok_or_else(without_id)
    }

    /// People who stand under one of the values. Computers are of class `user`, too.
    pub(super) fn filter<'v>(&self, key: &Name, values: impl Iterator<Item = &'v str>) -> String {
        let terms: Vec<String> = values.map(|value| format!("({key}={})", words::in_filter(value))).collect();
        let terms = if terms.len() == 1 { terms.concat() } else { format!("(|{})", terms.concat()) };
        match self.kind() {
            LdapKind::ActiveDirectory => format!("(&(objectCategory=person)(objectClass=user){terms})"),
            LdapKind::Ldap => format!("(&(objectClass=inetOrgPerson){terms})"),
        }
    }
}

/// What is read: what is asked for under its own name, and [`ALWAYS`].
pub(super) fn asked(attributes: &[Name]) -> Vec<&str> {
    let named = attributes.iter().filter(|name| words::is_readable(name)).map(Name::as_str);
    let mut asked: Vec<&str> = ALWAYS.to_vec();
    for name in named.filter(|name| *name != words::ENABLED && *name != PARENT) {
        if !asked.iter().any(|held| held.eq_ignore_ascii_case(name)) {
            asked.push(name);
        }
    }
    asked
}
