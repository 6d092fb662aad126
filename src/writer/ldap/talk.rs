//! One verb's conversation with a directory, within its time.

use std::collections::{BTreeMap, HashSet};

use ldap3::{LdapResult, Mod, Scope, SearchEntry, SearchOptions};
use tokio::time::Instant;

use super::answer::{later, lost_write, refusal, told};
use super::line::{Line, Lines};
use crate::model::Dn;
use crate::writer::{Errand, WriteError};

/// Entries that one search may give. Nobody needs more than to know that there are several.
const ENTRIES_MAX: i32 = 10;

/// Values as they travel.
pub(super) type Bytes = Vec<u8>;
/// Attributes of a new entry, as they travel.
pub(super) type Lists = Vec<(Bytes, HashSet<Bytes>)>;

/// A conversation: one connection, and the moment by which all must be said.
pub(super) struct Talk<'a> {
    lines: &'a Lines,
    line: Option<Line>,
    deadline: Instant,
}

/// An entry as it was read; names of attributes in lower case.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) dn: String,
    values: BTreeMap<String, Vec<Bytes>>,
}

impl Entry {
    pub(super) fn values(&self, name: &str) -> &[Bytes] {
        self.values.get(&name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = String> {
        self.values(name).iter().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Whether the server gave only some of the values (Active Directory's ranges).
    pub(super) fn is_cut(&self, name: &str) -> bool {
        let range = format!("{};range=", name.to_ascii_lowercase());
        self.values.keys().any(|held| held.starts_with(&range))
    }

    pub(super) fn parsed_dn(&self) -> Result<Dn, WriteError> {
        let words = |error| format!("`{}` cannot be understood, so it is not written: {error}", self.dn.escape_debug());
        Dn::parse(&self.dn).map_err(|error| super::answer::refused("not_a_dn", words(error)))
    }
}

impl<'a> Talk<'a> {
    pub(super) async fn begin(lines: &'a Lines, deadline: Instant) -> Result<Self, WriteError> {
        Ok(Self { lines, line: Some(lines.take(deadline).await?), deadline })
    }

    /// Keeps the connection for others; a conversation that ends otherwise closes it.
    pub(super) fn end(&mut self) {
        if let Some(line) = self.line.take() {
            self.lines.give_back(line);
        }
    }

    /// The entries that `filter` reaches; none where the base does not exist. References elsewhere are passed over.
    pub(super) async fn search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, WriteError> {
        self.search_up_to(ENTRIES_MAX, base, scope, filter, attributes).await
    }

    pub(super) async fn search_up_to(
        &mut self,
        entries_max: i32,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, WriteError> {
        let mut line = self.hold()?;
        let left = self.deadline.saturating_duration_since(Instant::now());
        line.ldap.with_timeout(left).with_search_options(SearchOptions::new().sizelimit(entries_max));
        let result = line.ldap.search(base, scope, filter, attributes.to_vec()).await;
        let result = result.map_err(|error| later(&format!("the directory did not answer: {}", told(&error))))?;
        let (found, answer) = (result.0, result.1);
        self.keep(line, &answer);
        match answer.rc {
            0 | 4 => Ok(found.into_iter().filter(|entry| !entry.is_ref()).map(entry).collect()),
            32 => Ok(Vec::new()),
            _ => Err(refusal(&answer)),
        }
    }

    pub(super) async fn add(&mut self, errand: &Errand<'_>, dn: &str, lists: Lists) -> Result<LdapResult, WriteError> {
        let mut line = self.begin_write(errand)?;
        let answer = line.ldap.add(dn, lists).await.map_err(|error| lost_write(&error))?;
        self.keep(line, &answer);
        Ok(answer)
    }

    pub(super) async fn modify(
        &mut self,
        errand: &Errand<'_>,
        dn: &str,
        mods: Vec<Mod<Bytes>>,
    ) -> Result<LdapResult, WriteError> {
        let mut line = self.begin_write(errand)?;
        let answer = line.ldap.modify(dn, mods).await.map_err(|error| lost_write(&error))?;
        self.keep(line, &answer);
        Ok(answer)
    }

    pub(super) async fn rename(
        &mut self,
        errand: &Errand<'_>,
        dn: &str,
        rdn: &str,
        above: Option<&str>,
    ) -> Result<LdapResult, WriteError> {
        let mut line = self.begin_write(errand)?;
        let answer = line.ldap.modifydn(dn, rdn, true, above).await.map_err(|error| lost_write(&error))?;
        self.keep(line, &answer);
        Ok(answer)
    }

    pub(super) async fn delete(&mut self, errand: &Errand<'_>, dn: &str) -> Result<LdapResult, WriteError> {
        let mut line = self.begin_write(errand)?;
        let answer = line.ldap.delete(dn).await.map_err(|error| lost_write(&error))?;
        self.keep(line, &answer);
        Ok(answer)
    }

    fn begin_write(&mut self, errand: &Errand<'_>) -> Result<Line, WriteError> {
        errand.still_fits()?;
        let mut line = self.hold()?;
        line.ldap.with_timeout(self.deadline.saturating_duration_since(Instant::now()));
        Ok(line)
    }

    fn hold(&mut self) -> Result<Line, WriteError> {
        if self.deadline <= Instant::now() {
            return Err(later("there was no time left to ask the directory"));
        }
        self.line.take().ok_or_else(|| later("the connection to the directory was lost"))
    }

    /// A server that is busy or confused may be better left.
    fn keep(&mut self, line: Line, answer: &LdapResult) {
        if !matches!(answer.rc, 1 | 51 | 52 | 80) {
            self.line = Some(line);
        }
    }
}

fn entry(found: ldap3::ResultEntry) -> Entry {
    let read = SearchEntry::construct(found);
    let texts =
        read.attrs.into_iter().map(|(name, values)| (name, values.into_iter().map(String::into_bytes).collect()));
    let all = texts.chain(read.bin_attrs);
    Entry { dn: read.dn, values: all.map(|(name, values)| (name.to_ascii_lowercase(), values)).collect() }
}
