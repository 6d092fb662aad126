//! The users of a practice tenant, and where to find them. It knows no HTTP and no rules about values.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::filter::Filter;
use crate::model::Timestamp;

/// How long a deleted user can be had back (`facts/graph_users.md` §11).
const BIN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Properties that are looked up rather than searched for: 10,000 users are matched 10,000 times.
const INDEXED: [&str; 5] = ["userPrincipalName", "mail", "employeeId", "mailNickname", "onPremisesImmutableId"];

/// A user as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    /// Its place in lists: the order in which users were made.
    pub(super) number: u64,
    pub(super) id: String,
    pub(super) properties: Map<String, Json>,
    pub(super) manager: Option<String>,
}

/// All users, present and deleted.
#[derive(Debug, Default)]
pub(super) struct Directory {
    users: BTreeMap<u64, Stored>,
    bin: BTreeMap<u64, (Timestamp, Stored)>,
    numbers: HashMap<String, u64>,
    index: HashMap<(&'static str, String), BTreeSet<u64>>,
    made: u64,
}

impl Directory {
    /// The number the next user gets.
    pub(super) fn next_number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn put(&mut self, user: Stored) {
        self.numbers.insert(user.id.clone(), user.number);
        self.enter(&user);
        self.users.insert(user.number, user);
    }

    /// A user by id.
    pub(super) fn get(&self, id: &str) -> Option<&Stored> {
        self.users.get(self.numbers.get(&id.to_ascii_lowercase())?)
    }

    /// A user by id or user principal name.
    pub(super) fn named(&self, name: &str) -> Option<&Stored> {
        self.get(name).or_else(|| self.holder("userPrincipalName", name))
    }

    /// The first user under whose `property` (an indexed one) that text stands.
    pub(super) fn holder(&self, property: &str, text: &str) -> Option<&Stored> {
        self.users.get(self.indexed(property, text)?.first()?)
    }

    /// Changes a user; the index follows.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut Stored)) {
        let Some(mut user) = self.numbers.get(id).and_then(|number| self.users.remove(number)) else { return };
        self.leave(&user);
        change(&mut user);
        self.put(user);
    }

    /// Puts a user into the bin; its name becomes free.
    pub(super) fn bin(&mut self, id: &str, at: Timestamp) {
        let Some(mut user) = self.numbers.get(id).and_then(|number| self.users.remove(number)) else { return };
        self.leave(&user);
        let name = user.properties.get("userPrincipalName").and_then(Json::as_str).unwrap_or_default();
        let binned = format!("{}{name}", user.id.replace('-', ""));
        user.properties.insert("userPrincipalName".to_owned(), Json::String(binned));
        user.properties.insert("deletedDateTime".to_owned(), Json::String(super::moment(at)));
        self.bin.insert(user.number, (at, user));
    }

    /// Takes a user out of the bin, its name as it was; `None` when it is not there.
    pub(super) fn unbin(&mut self, id: &str) -> Option<Stored> {
        let number = self.numbers.get(id)?;
        let (_, mut user) = self.bin.remove(number)?;
        if let Some(Json::String(name)) = user.properties.get_mut("userPrincipalName") {
            *name = name.get(user.id.replace('-', "").len()..).unwrap_or_default().to_owned();
        }
        user.properties.insert("deletedDateTime".to_owned(), Json::Null);
        Some(user)
    }

    pub(super) fn binned(&self, id: &str) -> Option<&Stored> {
        self.bin.get(self.numbers.get(&id.to_ascii_lowercase())?).map(|(_, user)| user)
    }

    /// Lets go of what has been in the bin for too long.
    pub(super) fn empty_bin(&mut self, now: Timestamp) {
        let oldest = now.minus(BIN);
        self.bin.retain(|_, (at, _)| *at >= oldest);
    }

    pub(super) fn users(&self) -> impl Iterator<Item = &Stored> {
        self.users.values()
    }

    pub(super) fn bin_users(&self) -> impl Iterator<Item = &Stored> {
        self.bin.values().map(|(_, user)| user)
    }

    /// The users a filter holds for, after number `after`, in the order in which they were made.
    pub(super) fn select(&self, filter: Option<&Filter>, after: u64) -> Vec<&Stored> {
        let holds = |user: &&Stored| user.number > after && filter.is_none_or(|filter| filter.holds(&user.properties));
        let narrow = filter.and_then(Filter::single_equality).and_then(|(property, text)| {
            let property = INDEXED.iter().find(|name| name.eq_ignore_ascii_case(property))?;
            Some(self.indexed(property, text))
        });
        match narrow {
            Some(numbers) => numbers.into_iter().flatten().filter_map(|n| self.users.get(n)).filter(holds).collect(),
            None => self.users.values().filter(holds).collect(),
        }
    }

    fn indexed(&self, property: &str, text: &str) -> Option<&BTreeSet<u64>> {
        let property = INDEXED.iter().find(|name| **name == property)?;
        self.index.get(&(*property, text.to_lowercase()))
    }

    fn enter(&mut self, user: &Stored) {
        for key in keys(user) {
            self.index.entry(key).or_default().insert(user.number);
        }
    }

    fn leave(&mut self, user: &Stored) {
        for key in keys(user) {
            if let Some(numbers) = self.index.get_mut(&key) {
                numbers.remove(&user.number);
                if numbers.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
    }
}

fn keys(user: &Stored) -> impl Iterator<Item = (&'static str, String)> {
    INDEXED.iter().filter_map(|name| Some((*name, user.properties.get(*name)?.as_str()?.to_lowercase())))
}
