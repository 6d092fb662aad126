//! The users of a practice tenant, present, deleted and not yet visible. It knows no HTTP and no rules about values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::Value as Json;

use super::filter::Filter;
use super::shelf::Shelf;
use super::user::{Said, Stored};
use crate::model::Timestamp;

/// How long a deleted user can be had back (`facts/graph_users.md` §11).
const BIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// All users, present and deleted.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: Shelf,
    bin: Shelf,
    binned_at: BTreeSet<(Timestamp, u64)>,
    numbers: HashMap<String, u64>,
    /// Users that were made, and are not shown before a moment (`facts/graph_users.md` §9).
    hidden: BTreeMap<u64, Timestamp>,
    made: u64,
}

impl Directory {
    /// The number the next user gets.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// It is `now`: what was hidden until then is visible, and what has been in the bin for too long is let go.
    pub(super) fn tick(&mut self, now: Timestamp) {
        if !self.hidden.is_empty() {
            self.hidden.retain(|_, until| *until > now);
        }
        let oldest = now.minus(BIN);
        while let Some((at, number)) = self.binned_at.first().copied().filter(|(at, _)| *at < oldest) {
            self.binned_at.remove(&(at, number));
            if let Some(user) = self.bin.take(number) {
                self.numbers.remove(&user.id);
            }
        }
    }

    pub(super) fn put(&mut self, user: Stored) {
        self.made = self.made.max(user.number);
        self.numbers.insert(user.id.clone(), user.number);
        self.users.put(user);
    }

    /// A user is not shown before `until`; its name is taken all the same.
    pub(super) fn hide(&mut self, number: u64, until: Timestamp) {
        self.hidden.insert(number, until);
    }

    /// A user by id, where it is visible.
    pub(super) fn get(&self, id: &str) -> Option<&Stored> {
        self.visible(self.users.get(*self.numbers.get(&id.to_ascii_lowercase())?)?)
    }

    /// A user by number, where it is visible.
    pub(super) fn numbered(&self, number: u64) -> Option<&Stored> {
        self.visible(self.users.get(number)?)
    }

    /// A user by id or user principal name, where it is visible.
    pub(super) fn named(&self, name: &str) -> Option<&Stored> {
        self.get(name).or_else(|| self.visible(self.holder("userPrincipalName", name)?))
    }

    /// The first user, visible or not, under whose `property` (an indexed one) that text stands.
    pub(super) fn holder(&self, property: &'static str, text: &str) -> Option<&Stored> {
        self.users.holder(property, text)
    }

    fn visible<'a>(&self, user: &'a Stored) -> Option<&'a Stored> {
        (!self.hidden.contains_key(&user.number)).then_some(user)
    }

    pub(super) fn update(&mut self, number: u64, said: Said) {
        self.users.update(number, said);
    }

    pub(super) fn set_manager(&mut self, number: u64, manager: Option<String>) {
        self.users.set_manager(number, manager);
    }

    /// Puts a user into the bin; its name becomes free.
    pub(super) fn bin(&mut self, number: u64, at: Timestamp) {
        let Some(mut user) = self.users.take(number) else { return };
        let name = user.properties.text("userPrincipalName").unwrap_or_default();
        let binned = format!("{}{name}", user.id.replace('-', ""));
        user.properties.put("userPrincipalName", Json::String(binned));
        user.properties.put("deletedDateTime", Json::String(super::moment(at)));
        self.put_in_bin(user, at);
    }

    /// Puts a user into the bin as it is.
    pub(super) fn put_in_bin(&mut self, user: Stored, at: Timestamp) {
        self.made = self.made.max(user.number);
        self.numbers.insert(user.id.clone(), user.number);
        self.binned_at.insert((at, user.number));
        self.bin.put(user);
    }

    /// Takes a user out of the bin for good.
    pub(super) fn take_from_bin(&mut self, number: u64) -> Option<Stored> {
        let user = self.bin.take(number)?;
        self.binned_at.retain(|(_, binned)| *binned != number);
        Some(user)
    }

    pub(super) fn binned(&self, id: &str) -> Option<&Stored> {
        self.bin.get(*self.numbers.get(&id.to_ascii_lowercase())?)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &Stored> {
        self.users.iter()
    }

    pub(super) fn user_count(&self) -> usize {
        self.users.len()
    }

    pub(super) fn bin_users(&self) -> impl Iterator<Item = &Stored> {
        self.bin.iter()
    }

    /// The visible users a filter holds for, after number `after`, in the order in which they were made.
    pub(super) fn select<'a>(&'a self, filter: Option<&'a Filter>, after: u64) -> impl Iterator<Item = &'a Stored> {
        self.users.select(filter, after, &self.numbers).filter(|user| self.visible(user).is_some())
    }

    /// The same among those in the bin.
    pub(super) fn select_bin<'a>(&'a self, filter: Option<&'a Filter>, after: u64) -> impl Iterator<Item = &'a Stored> {
        self.bin.select(filter, after, &self.numbers)
    }
}

/// The name a user in the bin had before.
pub(super) fn name_before(user: &Stored) -> String {
    let name = user.properties.text("userPrincipalName").unwrap_or_default();
    name.get(user.id.replace('-', "").len()..).unwrap_or_default().to_owned()
}
