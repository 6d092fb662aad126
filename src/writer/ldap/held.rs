//! A connection in use: what is asked and written on it, and what it means when that breaks off.

use std::collections::HashSet;

use ldap3::controls::RawControl;
use ldap3::{Ldap, LdapResult, Mod, Scope, SearchOptions};
use tokio::sync::SemaphorePermit;
use tokio::time::timeout_at;

use super::answer::{PASSES, Trouble, is_unbound, words};
use super::connection::Pool;
use super::read::{Entry, read};
use crate::writer::until::{TOO_LATE, Until};

/// Entries one search may answer. Two are enough to know that it is not one; some more, to name them.
const ENTRIES_MAX: i32 = 10;
/// Entries a list may have: groups somebody is in. More is no list of groups.
const LIST_MAX: i32 = 1_000;
/// A search found more than it may answer (RFC 4511 §4.1.9): what came is enough.
const SIZE_LIMIT_EXCEEDED: u32 = 4;
/// Shows what was deleted and is not gone yet ([MS-ADTS] 3.1.1.3.4.1.14, LDAP_SERVER_SHOW_DELETED_OID).
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// A connection in use. It goes back to the others only while nothing went wrong on it.
pub(super) struct Held<'a> {
    ldap: Option<Ldap>,
    pool: &'a Pool,
    until: Until,
    /// Something was written already, so whatever fails from now on may not say that nothing was.
    wrote: bool,
    at: usize,
    _permit: SemaphorePermit<'a>,
}

/// Attributes and their values, as the directory takes them.
pub(super) type Values = Vec<(Vec<u8>, HashSet<Vec<u8>>)>;

impl<'a> Held<'a> {
    /// A connection to the server at that place of the list.
    pub(super) fn new(ldap: Ldap, at: usize, pool: &'a Pool, until: Until, permit: SemaphorePermit<'a>) -> Self {
        Self { ldap: Some(ldap), pool, until, wrote: false, at, _permit: permit }
    }
}

impl Held<'_> {
    /// To which server it goes, by its place in the list.
    pub(super) fn server(&self) -> usize {
        self.at
    }

    /// The entries that a filter finds at or below `base`; [`ENTRIES_MAX`] at most.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        self.search_with(base, scope, filter, attributes, (ENTRIES_MAX, Vec::new())).await
    }

    /// All entries below `base` that a filter finds; refused where they are more than [`LIST_MAX`], or than the server
    /// gives.
    pub(super) async fn search_many(
        &mut self,
        base: &str,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        self.search_with(base, Scope::Subtree, filter, attributes, (LIST_MAX, Vec::new())).await
    }

    /// As [`Held::search`], among what was deleted.
    pub(super) async fn search_deleted(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, Trouble> {
        let show = RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None };
        self.search_with(base, scope, filter, attributes, (ENTRIES_MAX, vec![show])).await
    }

    async fn search_with(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        (entries_max, controls): (i32, Vec<RawControl>),
    ) -> Result<Vec<Entry>, Trouble> {
        let mut found = self.search_once(base, scope, filter, attributes, (entries_max, controls.clone())).await?;
        self.complete(&mut found, &controls).await?;
        Ok(found)
    }

    /// One search; of attributes with many values, the entries may have some only.
    pub(super) async fn search_once(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
        (entries_max, controls): (i32, Vec<RawControl>),
    ) -> Result<Vec<Entry>, Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out()?;
        ldap.with_search_options(SearchOptions::new().sizelimit(entries_max));
        if !controls.is_empty() {
            ldap.with_controls(controls);
        }
        let searched = timeout_at(deadline, ldap.search(base, scope, filter, attributes)).await;
        let found = match searched {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(self.unsent(error.to_string())),
            Err(_) => return Err(self.unsent("the directory did not answer a search in time".to_owned())),
        };
        let (entries, result) = (found.0, found.1);
        self.ldap = Some(ldap).filter(|_| !is_unbound(&result));
        match result.rc {
            0 => Ok(entries.into_iter().filter_map(read).collect()),
            // Of a look-up, what came is enough. A list that is cut off is none: whom it leaves out is not known.
            SIZE_LIMIT_EXCEEDED if entries_max == ENTRIES_MAX => Ok(entries.into_iter().filter_map(read).collect()),
            _ => Err(Trouble::Answered(result)),
        }
    }

    /// Makes an entry.
    pub(super) async fn add(&mut self, dn: &str, values: Values) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let added = timeout_at(deadline, ldap.add(dn, values)).await;
        self.written(ldap, added)
    }

    /// Changes an entry.
    pub(super) async fn modify(&mut self, dn: &str, changes: Vec<Mod<Vec<u8>>>) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let modified = timeout_at(deadline, ldap.modify(dn, changes)).await;
        self.written(ldap, modified)
    }

    /// Renames an entry, or moves it below `above`.
    pub(super) async fn rename(&mut self, dn: &str, rdn: &str, above: Option<&str>) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let renamed = timeout_at(deadline, ldap.modifydn(dn, rdn, true, above)).await;
        self.written(ldap, renamed)
    }

    /// Takes an entry away.
    pub(super) async fn delete(&mut self, dn: &str) -> Result<(), Trouble> {
        let deadline = self.until.end;
        let mut ldap = self.out_to_write()?;
        let deleted = timeout_at(deadline, ldap.delete(dn)).await;
        self.written(ldap, deleted)
    }

    /// The connection, out of our hands: whatever breaks off now, it does not come back.
    fn out(&mut self) -> Result<Ldap, Trouble> {
        let ldap = self.ldap.take();
        ldap.ok_or_else(|| self.unsent("the connection broke before this was sent".to_owned()))
    }

    /// The same for a write, which must be begun while it may.
    fn out_to_write(&mut self) -> Result<Ldap, Trouble> {
        if self.until.is_too_late() {
            return Err(self.unsent(TOO_LATE.to_owned()));
        }
        self.out()
    }

    /// This was not sent; but something before it may have been.
    pub(super) fn unsent(&self, why: String) -> Trouble {
        if self.wrote { Trouble::Lost(why) } else { Trouble::NotSent(why) }
    }

    fn written(
        &mut self,
        ldap: Ldap,
        answer: Result<ldap3::result::Result<LdapResult>, tokio::time::error::Elapsed>,
    ) -> Result<(), Trouble> {
        match answer {
            Ok(Ok(result)) => {
                self.ldap = Some(ldap).filter(|_| !is_unbound(&result));
                match result.rc {
                    0 => self.wrote = true,
                    rc if self.wrote && (PASSES.contains(&rc) || is_unbound(&result)) => {
                        return Err(Trouble::Lost(words(&result)));
                    }
                    _ => return Err(Trouble::Answered(result)),
                }
                Ok(())
            }
            // The request never reached the one who would have sent it.
            Ok(Err(error @ ldap3::LdapError::OpSend { .. })) => Err(self.unsent(error.to_string())),
            Ok(Err(error)) => Err(Trouble::Lost(error.to_string())),
            Err(_) => Err(Trouble::Lost("the directory did not answer in time".to_owned())),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(ldap) = self.ldap.take() {
            self.pool.give_back(ldap, self.at);
        }
    }
}
