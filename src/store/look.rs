//! *Look*: people with their accounts, and whether anything about them is under way, for who compares with directories.

use rusqlite::{Transaction, params};

use super::names::Names;
use super::record::{person_row, stored_person};
use super::{JobState, Store, StoreError, StoredPerson, words};
use crate::model::{PersonId, TargetId};

/// A person, and where their accounts stand.
#[derive(Debug, Clone)]
pub struct ToLook {
    /// Their row.
    pub id: PersonId,
    /// The person, and the accounts they are known to have.
    pub stored: StoredPerson,
    /// Targets where something is due or under way, so that what is known may differ from what is there.
    pub moving: Vec<TargetId>,
    /// Targets where their account is held or failed: somebody must see to it, and the store says so.
    pub stuck: Vec<TargetId>,
}

impl Store {
    /// The people of a job behind that row, in the order of their rows, `count` at most.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn to_look_after(&self, job: &JobState, after: PersonId, count: usize) -> Result<Vec<ToLook>, StoreError> {
        self.read(|on| {
            let fresh = Names::read(on)?;
            let mut statement =
                on.prepare_cached("SELECT id FROM person WHERE job = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
            let people = statement.query_map(params![job.key.0, after.0, count], |row| row.get(0))?;
            let people: Vec<i64> = people.collect::<Result<_, _>>()?;
            people.into_iter().map(|row| to_look(on, &fresh, job, row)).collect()
        })
    }

    /// The same of one person, as they are now; `None` when the job has never heard of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn to_look(&self, job: &JobState, anchor: &str) -> Result<Option<ToLook>, StoreError> {
        self.read(|on| match person_row(on, job, anchor)? {
            Some(row) => Ok(Some(to_look(on, &Names::read(on)?, job, row)?)),
            None => Ok(None),
        })
    }
}

fn to_look(on: &Transaction<'_>, names: &Names, job: &JobState, row: i64) -> Result<ToLook, StoreError> {
    let stored = stored_person(on, names, job, row)?;
    let (mut moving, mut stuck) = (Vec::new(), Vec::new());
    let mut statement =
        on.prepare_cached("SELECT target, due IS NOT NULL OR look, outcome FROM link WHERE person = ?1 AND part = 0")?;
    let mut rows = statement.query([row])?;
    while let Some(found) = rows.next()? {
        let Some(target) = job.target_named(found.get(0)?) else { continue };
        match (found.get::<_, bool>(1)?, found.get::<_, Option<i64>>(2)?) {
            (true, _) => moving.push(target.clone()),
            (false, Some(words::HELD | words::FAILED)) => stuck.push(target.clone()),
            (false, _) => {}
        }
    }
    Ok(ToLook { id: PersonId(row), stored, moving, stuck })
}
