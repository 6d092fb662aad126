//! A directory in memory that behaves: for rehearsals, dry runs and tests.
//!
//! It keeps names unique, honours containers, and can be told to fail. It keeps nothing when it is dropped.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Cause, Errand, Group, Membership, NO_GROUP, Search, WriteError, Writer};
use crate::model::{Attributes, Change, ChangeKind, Dn, Found, Known, Name, ObjectId, Value};

/// How long one call may take: it never waits for anything.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Attributes whose value one account only may hold, as in Entra and Active Directory.
const UNIQUE: [&str; 3] = ["userPrincipalName", "mail", "sAMAccountName"];

/// A directory in memory. A clone is another handle to the same one.
#[derive(Debug, Clone, Default)]
pub struct SimulatedWriter {
    directory: Arc<Mutex<Directory>>,
}

/// One account in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedAccount {
    /// What the directory calls it: `sim-000001`, then `sim-000002`.
    pub object: ObjectId,
    /// What it holds. Nothing that is empty.
    pub attributes: Attributes,
    /// Where it stands.
    pub container: Option<Dn>,
    /// Whom it reports to.
    pub manager: Option<ObjectId>,
    /// Carried there by directory synchronisation: no change is taken.
    pub synced: bool,
}

#[derive(Debug, Default)]
struct Directory {
    accounts: BTreeMap<ObjectId, SimulatedAccount>,
    /// Deleted, and can be restored.
    bin: BTreeMap<ObjectId, SimulatedAccount>,
    groups: BTreeMap<String, BTreeSet<ObjectId>>,
    made: u64,
    writes: BTreeMap<ObjectId, u32>,
    planned: VecDeque<Planned>,
}

/// A failure that the next call of its kind meets.
#[derive(Debug)]
enum Planned {
    Find(WriteError),
    Write(WriteError),
    WriteAfterAll(WriteError),
}

impl SimulatedWriter {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// All accounts, in the order in which they were made.
    pub fn accounts(&self) -> Vec<SimulatedAccount> {
        self.directory().accounts.values().cloned().collect()
    }

    /// How often each object was written to: account and manager reference, the making included.
    ///
    /// Refused and failed writes are not counted, nor those that changed nothing by deleting what is gone.
    pub fn writes(&self) -> BTreeMap<ObjectId, u32> {
        self.directory().writes.clone()
    }

    /// Puts an account there, as somebody else might have.
    pub fn insert(&self, attributes: Attributes, container: Option<Dn>, synced: bool) -> ObjectId {
        self.directory().add(attributes, container, synced)
    }

    /// Takes an account away, as somebody else might.
    pub fn remove(&self, object: &ObjectId) {
        self.directory().accounts.remove(object);
    }

    /// Makes a group without members, as somebody else might.
    pub fn add_group(&self, name: &str) {
        self.directory().groups.entry(name.to_owned()).or_default();
    }

    /// Somebody makes an account a member by hand.
    pub fn add_member(&self, group: &str, object: &ObjectId) {
        self.directory().groups.entry(group.to_owned()).or_default().insert(object.clone());
    }

    /// The groups and who is in them.
    pub fn groups(&self) -> BTreeMap<String, BTreeSet<ObjectId>> {
        self.directory().groups.clone()
    }

    /// Accounts that were deleted and can be restored.
    pub fn deleted(&self) -> Vec<SimulatedAccount> {
        self.directory().bin.values().cloned().collect()
    }

    /// Changes an attribute of an account, as somebody else might.
    pub fn edit(&self, object: &ObjectId, name: &str, value: Value) {
        if let Some(account) = self.directory().accounts.get_mut(object) {
            account.attributes.set(Name::new(name), value);
        }
    }

    /// Makes an account report to another, as somebody else might.
    pub fn report_to(&self, object: &ObjectId, manager: &ObjectId) {
        if let Some(account) = self.directory().accounts.get_mut(object) {
            account.manager = Some(manager.clone());
        }
    }

    /// The next look fails so.
    pub fn fail_next_find(&self, error: WriteError) {
        self.directory().planned.push_back(Planned::Find(error));
    }

    /// The next write fails so, and nothing is written.
    pub fn fail_next_write(&self, error: WriteError) {
        self.directory().planned.push_back(Planned::Write(error));
    }

    /// The next write is carried, and fails so all the same: its answer was lost.
    pub fn lose_next_answer(&self, error: WriteError) {
        self.directory().planned.push_back(Planned::WriteAfterAll(error));
    }

    fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Writer for SimulatedWriter {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        let mut directory = self.directory();
        match directory.planned.iter().position(|planned| matches!(planned, Planned::Find(_))) {
            Some(at) => match directory.planned.remove(at) {
                Some(Planned::Find(error)) => Err(error),
                _ => Ok(directory.find(search)),
            },
            None => Ok(directory.find(search)),
        }
    }

    async fn write(&self, _: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        self.directory().meet_failure(|directory| directory.write(change))
    }

    async fn set_manager(
        &self,
        _: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.directory().meet_failure(|directory| directory.set_manager(object, manager))
    }

    async fn set_member(
        &self,
        _: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.directory().meet_failure(|directory| directory.set_member(group, object, is_member))
    }

    fn timeout(&self) -> Duration {
        TIMEOUT
    }
}

impl Directory {
    fn add(&mut self, attributes: Attributes, container: Option<Dn>, synced: bool) -> ObjectId {
        self.made += 1;
        let object = ObjectId::new(&format!("sim-{:06}", self.made));
        let account = SimulatedAccount { object: object.clone(), attributes, container, manager: None, synced };
        self.accounts.insert(object.clone(), account);
        object
    }

    /// Carries `write`, unless a planned failure says otherwise.
    fn meet_failure<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T, WriteError>) -> Result<T, WriteError> {
        let at = self.planned.iter().position(|planned| !matches!(planned, Planned::Find(_)));
        match at.and_then(|at| self.planned.remove(at)) {
            Some(Planned::Write(error) | Planned::Find(error)) => Err(error),
            Some(Planned::WriteAfterAll(error)) => write(self).and(Err(error)),
            None => write(self),
        }
    }

    fn find(&self, search: &Search) -> Found {
        let known = |account: &SimulatedAccount| account.known(&search.attributes);
        if let Some(object) = &search.object {
            return self.accounts.get(object).map_or(Found::Nobody, |account| Found::One(known(account)));
        }
        for (key, value) in search.keys.0.iter().filter(|(_, value)| !value.is_empty()) {
            let found: Vec<&SimulatedAccount> = self.accounts.values().filter(|a| a.holds(key, value)).collect();
            match found.as_slice() {
                [] => {}
                [account] => return Found::One(known(account)),
                several => return Found::Several(several.iter().map(|account| account.object.clone()).collect()),
            }
        }
        let keys = search.keys.0.iter().filter(|(_, value)| !value.is_empty());
        let mut deleted = keys.flat_map(|(key, value)| self.bin.values().filter(|a| a.holds(key, value)));
        deleted.next().map_or(Found::Nobody, |account| Found::Deleted(known(account)))
    }

    fn write(&mut self, change: &Change) -> Result<Option<Known>, WriteError> {
        let object = match (change.kind, &change.object) {
            (ChangeKind::Create, _) => {
                self.check_unique(None, &change.set)?;
                self.add(Attributes::new(), None, false)
            }
            (ChangeKind::Delete, Some(object)) => {
                self.check_ours(object).or_else(gone_is_done)?;
                if let Some(account) = self.accounts.remove(object) {
                    self.bin.insert(object.clone(), account);
                    for members in self.groups.values_mut() {
                        members.remove(object);
                    }
                    self.count(object);
                }
                return Ok(None);
            }
            (ChangeKind::Restore, Some(object)) => self.restore(object, &change.set)?,
            (_, Some(object)) => {
                self.check_ours(object)?;
                self.check_unique(Some(object), &change.set)?;
                object.clone()
            }
            (_, None) => return Err(refused("no_object", "the change does not say which account")),
        };
        self.count(&object);
        let account = self.accounts.get_mut(&object).ok_or_else(|| gone(&object))?;
        account.take(change);
        Ok(Some(receipt(account, change)))
    }

    fn restore(&mut self, object: &ObjectId, set: &Attributes) -> Result<ObjectId, WriteError> {
        if let Some(account) = self.bin.get(object) {
            let mut attributes = account.attributes.clone();
            set.iter().for_each(|(name, value)| attributes.set(name.clone(), value.clone()));
            self.check_unique(Some(object), &attributes)?;
        }
        match self.bin.remove(object) {
            Some(account) => drop(self.accounts.insert(object.clone(), account)),
            // Carried twice, it is there already.
            None => self.check_ours(object)?,
        }
        Ok(object.clone())
    }

    fn set_manager(&mut self, object: &ObjectId, manager: Option<&ObjectId>) -> Result<(), WriteError> {
        self.check_ours(object)?;
        if let Some(manager) = manager.filter(|manager| !self.accounts.contains_key(manager)) {
            return Err(refused("manager_gone", &format!("no account {manager} is there")));
        }
        if let Some(account) = self.accounts.get_mut(object) {
            account.manager = manager.cloned();
        }
        self.count(object);
        Ok(())
    }

    fn set_member(&mut self, group: &Group, object: &ObjectId, is_member: bool) -> Result<Membership, WriteError> {
        self.check_ours(object)?;
        if group.create {
            self.groups.entry(group.name.clone()).or_default();
        }
        let no_group = || refused(NO_GROUP, &format!("there is no group {}", group.name));
        let members = self.groups.get_mut(&group.name).ok_or_else(no_group)?;
        let is_new = if is_member { members.insert(object.clone()) } else { members.remove(object) };
        if !is_new {
            return Ok(Membership::WasSo);
        }
        self.count(object);
        Ok(Membership::Changed)
    }

    fn count(&mut self, object: &ObjectId) {
        *self.writes.entry(object.clone()).or_default() += 1;
    }

    fn check_ours(&self, object: &ObjectId) -> Result<(), WriteError> {
        match self.accounts.get(object) {
            None => Err(gone(object)),
            Some(account) if account.synced => Err(refused("synced", "directory synchronisation owns the account")),
            Some(_) => Ok(()),
        }
    }

    fn check_unique(&self, object: Option<&ObjectId>, set: &Attributes) -> Result<(), WriteError> {
        for name in UNIQUE {
            let Some(Value::Text(value)) = set.get(name).filter(|value| !value.is_empty()) else { continue };
            let key = Name::new(name);
            let holder = self.accounts.values().find(|a| Some(&a.object) != object && a.holds(&key, value));
            if let Some(holder) = holder {
                let cause = Cause(format!("{} holds it", holder.object));
                return Err(WriteError::Taken { attribute: key, holder: Some(holder.object.clone()), cause });
            }
        }
        Ok(())
    }
}

impl SimulatedAccount {
    fn holds(&self, key: &Name, value: &str) -> bool {
        let is = |held: &Value| held.as_text().is_some_and(|text| text.to_lowercase() == value.to_lowercase());
        match self.attributes.get(key.as_str()) {
            Some(Value::Many(values)) => values.iter().any(is),
            Some(held) => is(held),
            None => false,
        }
    }

    fn known(&self, wanted: &[Name]) -> Known {
        let held = |name: &Name| self.attributes.get(name.as_str()).cloned().unwrap_or(Value::Null);
        Known {
            object: self.object.clone(),
            attributes: wanted.iter().map(|name| (name.clone(), held(name))).collect(),
            container: self.container.clone(),
            synced: self.synced,
        }
    }

    fn take(&mut self, change: &Change) {
        for (name, value) in change.set.iter().filter(|(_, value)| !value.is_empty()) {
            self.attributes.set(name.clone(), value.clone());
        }
        let emptied = change.set.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| name);
        for name in emptied.chain(&change.clear) {
            self.attributes.remove(name.as_str());
        }
        if let Some(container) = &change.container {
            self.container = Some(container.clone());
        }
    }
}

/// What the target holds now: what it held before, overlaid by what was written.
fn receipt(account: &SimulatedAccount, change: &Change) -> Known {
    let mut attributes = change.before.clone();
    for (name, value) in change.set.iter() {
        attributes.set(name.clone(), value.clone());
    }
    for name in &change.clear {
        attributes.set(name.clone(), Value::Null);
    }
    Known { object: account.object.clone(), attributes, container: account.container.clone(), synced: account.synced }
}

fn gone(object: &ObjectId) -> WriteError {
    WriteError::Gone { cause: Cause(format!("no account {object} is there")) }
}

fn gone_is_done(error: WriteError) -> Result<(), WriteError> {
    if matches!(error, WriteError::Gone { .. }) { Ok(()) } else { Err(error) }
}

fn refused(code: &str, words: &str) -> WriteError {
    WriteError::Refused { code: code.to_owned(), cause: Cause(words.to_owned()) }
}
