//! Users on a shelf (those who are there, or those in the bin), and an index of what they are looked for by.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use super::filter::Filter;
use super::user::{Said, Stored};

/// Properties that are looked up rather than searched for: 100,000 users are matched 100,000 times.
const INDEXED: [&str; 5] = ["userPrincipalName", "mail", "employeeId", "mailNickname", "onPremisesImmutableId"];

/// Users by number, and the numbers under each text of an indexed property.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    users: BTreeMap<u64, Stored>,
    index: HashMap<(&'static str, String), Vec<u64>, foldhash::fast::RandomState>,
}

impl Shelf {
    pub(super) fn put(&mut self, user: Stored) {
        for (name, text) in keys(&user) {
            self.enter(name, text, user.number);
        }
        self.users.insert(user.number, user);
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Stored> {
        let user = self.users.remove(&number)?;
        for (name, text) in keys(&user) {
            self.leave(name, text, number);
        }
        Some(user)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Stored> {
        self.users.get(&number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.users.values()
    }

    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    /// The first user under whose `property` (an indexed one) that text stands.
    pub(super) fn holder(&self, property: &'static str, text: &str) -> Option<&Stored> {
        self.users.get(self.numbers(property, text).first()?)
    }

    /// Changes properties; the index follows where it must.
    pub(super) fn update(&mut self, number: u64, said: Said) {
        for (property, value) in said {
            let Some(user) = self.users.get_mut(&number) else { return };
            let Some(name) = INDEXED.iter().find(|name| **name == property.name) else {
                user.properties.set(property, value);
                continue;
            };
            let old = user.properties.text(name).map(str::to_lowercase);
            let new = value.as_str().map(str::to_lowercase);
            user.properties.set(property, value);
            if old != new {
                old.into_iter().for_each(|text| self.leave(name, text, number));
                new.into_iter().for_each(|text| self.enter(name, text, number));
            }
        }
    }

    pub(super) fn set_manager(&mut self, number: u64, manager: Option<String>) {
        if let Some(user) = self.users.get_mut(&number) {
            user.manager = manager;
        }
    }

    /// The users a filter holds for, after number `after`, in the order in which they were made.
    pub(super) fn select<'a>(
        &'a self,
        filter: Option<&'a Filter>,
        after: u64,
        ids: &HashMap<String, u64>,
    ) -> Box<dyn Iterator<Item = &'a Stored> + 'a> {
        let holds = move |user: &&Stored| filter.is_none_or(|filter| filter.holds(&|name| user.properties.get(name)));
        match filter.and_then(|filter| self.candidates(filter, ids)) {
            Some(numbers) => {
                let later = numbers.into_iter().filter(move |number| *number > after);
                Box::new(later.filter_map(|number| self.users.get(&number)).filter(holds))
            }
            None => {
                let later = self.users.range((Bound::Excluded(after), Bound::Unbounded));
                Box::new(later.map(|(_, user)| user).filter(holds))
            }
        }
    }

    /// Everybody for whom a filter can hold, where the index tells; the filter must still be asked.
    fn candidates(&self, filter: &Filter, ids: &HashMap<String, u64>) -> Option<BTreeSet<u64>> {
        match filter {
            Filter::Is { path, values } => {
                let [property] = path.as_slice() else { return None };
                let texts: Vec<&str> = values.iter().map(|value| value.as_str()).collect::<Option<_>>()?;
                if property == "id" {
                    return Some(texts.iter().filter_map(|id| ids.get(&id.to_ascii_lowercase())).copied().collect());
                }
                let property = INDEXED.iter().find(|name| *name == property)?;
                Some(texts.iter().flat_map(|text| self.numbers(property, text)).copied().collect())
            }
            Filter::Any(filters) => {
                let all: Option<Vec<BTreeSet<u64>>> =
                    filters.iter().map(|filter| self.candidates(filter, ids)).collect();
                Some(all?.into_iter().flatten().collect())
            }
            Filter::All(filters) => filters.iter().find_map(|filter| self.candidates(filter, ids)),
            Filter::StartsWith { .. } => None,
        }
    }

    fn numbers(&self, property: &'static str, text: &str) -> &[u64] {
        self.index.get(&(property, text.to_lowercase())).map_or(&[], Vec::as_slice)
    }

    fn enter(&mut self, name: &'static str, text: String, number: u64) {
        let numbers = self.index.entry((name, text)).or_default();
        if let Err(at) = numbers.binary_search(&number) {
            numbers.insert(at, number);
        }
    }

    fn leave(&mut self, name: &'static str, text: String, number: u64) {
        let key = (name, text);
        let Some(numbers) = self.index.get_mut(&key) else { return };
        numbers.retain(|held| *held != number);
        if numbers.is_empty() {
            self.index.remove(&key);
        }
    }
}

fn keys(user: &Stored) -> Vec<(&'static str, String)> {
    INDEXED.iter().filter_map(|name| Some((*name, user.properties.text(name)?.to_lowercase()))).collect()
}
