//! The numbers of names: rows refer to attributes and rules by number.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::{Connection, Transaction};

use super::StoreError;
use super::codec::broken;
use crate::model::Name;

/// The numbers of names, both ways.
#[derive(Default)]
pub(super) struct Names {
    by_number: Vec<Option<Name>>,
    /// As they are spelled: `employeeId` of one directory and `employeeID` of another are two.
    by_spelling: HashMap<Box<str>, u32, RandomState>,
}

impl Names {
    pub(super) fn read(connection: &Connection) -> Result<Self, StoreError> {
        let mut names = Self::default();
        let mut statement = connection.prepare("SELECT id, text FROM name")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            names.hold(row.get(0)?, Name::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?));
        }
        Ok(names)
    }

    fn hold(&mut self, number: u32, name: Name) {
        let at = number as usize;
        if self.by_number.len() <= at {
            self.by_number.resize(at + 1, None);
        }
        self.by_spelling.insert(name.as_str().into(), number);
        self.by_number[at] = Some(name);
    }

    /// The number of `name`, given in this transaction if it has none yet.
    pub(super) fn number(&mut self, name: &Name, transaction: &Transaction<'_>) -> Result<u32, StoreError> {
        if let Some(number) = self.by_spelling.get(name.as_str()) {
            return Ok(*number);
        }
        transaction.prepare_cached("INSERT INTO name (text) VALUES (?1)")?.execute([name.as_str()])?;
        let number = u32::try_from(transaction.last_insert_rowid()).map_err(|_| broken("too many names"))?;
        self.hold(number, name.clone());
        Ok(number)
    }

    pub(super) fn name(&self, number: u32) -> Result<&Name, StoreError> {
        self.by_number
            .get(number as usize)
            .and_then(Option::as_ref)
            .ok_or_else(|| StoreError::Broken(format!("there is no name {number}")))
    }
}
