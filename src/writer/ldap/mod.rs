//! Writes to directories that speak LDAP: Active Directory, and others (OpenLDAP).
//!
//! It decides nothing about people. What it refuses, whatever a server asks for, is in `guard`: outside the agent's
//! containers, and whom it protects. A password is made here and never leaves but to the directory.

mod alter;
mod answer;
mod connection;
mod create;
mod find;
mod guard;
mod held;
mod lately;
mod looks;
mod member;
mod missing;
mod ranges;
mod read;
mod settings;
mod words;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use self::connection::Pool;
use self::guard::ProtectedGroups;
use self::lately::Lately;
use self::looks::Looks;
use super::until::Until;
use super::{Cause, Errand, Group, Membership, Missing, Search, WriteError, Writer};
use crate::model::{Change, ChangeKind, Found, Known, ObjectId};

pub use connection::LdapSettingsError;
pub use settings::{LdapKind, LdapSettings};

/// Writes to one directory.
pub struct LdapWriter {
    settings: Arc<LdapSettings>,
    /// Where people are looked for and written.
    domain: Pool,
    /// Where names are looked for besides, if anywhere.
    forest: Option<Pool>,
    groups: ProtectedGroups,
    lately: Lately,
    /// Who is to be looked for at the server that serves …
    looks: Looks,
    /// … and at each one besides, by its place in the list.
    looks_at: Vec<Looks>,
}

impl fmt::Debug for LdapWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LdapWriter").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl LdapWriter {
    /// A writer for the directory. Nothing is asked of it yet.
    ///
    /// # Errors
    /// [`LdapSettingsError`]: an address or the certificates are wrong.
    pub fn new(settings: LdapSettings) -> Result<Self, LdapSettingsError> {
        let settings = Arc::new(settings);
        let domain = Pool::new(&settings, &settings.servers)?;
        let forest = match settings.global_catalogue.as_slice() {
            [] => None,
            servers => Some(Pool::new(&settings, servers)?),
        };
        Ok(Self {
            looks: Looks::default(),
            looks_at: settings.servers.iter().map(|_| Looks::default()).collect(),
            settings,
            domain,
            forest,
            groups: ProtectedGroups::default(),
            lately: Lately::new(),
        })
    }

    fn kind(&self) -> LdapKind {
        self.settings.kind
    }

    fn base(&self) -> &str {
        self.settings.base.as_str()
    }

    fn until(&self) -> Until {
        Until::at(Instant::now() + self.settings.timeout)
    }

    /// Nothing of it is begun that the errand's lease may not outlive.
    fn until_for(&self, errand: &Errand<'_>) -> Until {
        Until::of(errand, Instant::now() + self.settings.timeout)
    }
}

#[async_trait]
impl Writer for LdapWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        match &search.object {
            Some(object) => self.find_object(object, &search.attributes, self.until()).await,
            None => self.find_by_keys(search, self.until()).await,
        }
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let until = self.until_for(errand);
        match (change.kind, &change.object) {
            (ChangeKind::Create, _) => self.create(errand, change, until).await,
            (ChangeKind::Restore, _) => Err(refused(
                "no_restore",
                "a deleted account of a directory keeps too little to be brought back; a new one is made".to_owned(),
            )),
            (_, None) => Err(refused("no_object", "the change does not say which account".to_owned())),
            (ChangeKind::Delete, Some(object)) => self.take_away(object, until).await,
            (_, Some(object)) => match self.alter(object, change, until).await {
                Err(WriteError::Gone { .. }) if self.is_tombstone(object, until).await => {
                    Err(WriteError::Gone { cause: Cause(format!("{object} was deleted there: it is a tombstone now")) })
                }
                written => written,
            },
        }
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.point_manager(object, manager, self.until_for(errand)).await
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.put_member(group, object, is_member, self.until_for(errand)).await
    }

    async fn missing(&self) -> Result<Vec<Missing>, WriteError> {
        self.not_found().await
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }
}

fn refused(code: &str, why: String) -> WriteError {
    WriteError::Refused { code: code.to_owned(), cause: Cause(why) }
}
