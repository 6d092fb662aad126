//! A (person, target, part) as it stands in its row, and how a piece of its work ended.

use rusqlite::Transaction;

use crate::model::{Change, Generation, Manager, Part, Settlement, Situation};

/// Who holds work that lies in a queue and is no worker's yet. An index names it too.
pub const OFFERED: &str = "queue";

/// A (person, target, part) as it stands in its row.
#[derive(Debug)]
pub(super) struct LinkRow {
    pub(super) id: i64,
    pub(super) person: i64,
    pub(super) target: i64,
    pub(super) part: Part,
    pub(super) directory: i64,
    pub(super) generation: i64,
    pub(super) settled: i64,
    pub(super) due: Option<i64>,
    pub(super) outdated: bool,
    pub(super) damage: i64,
    pub(super) object: Option<String>,
    pub(super) look: bool,
    pub(super) attempt: u32,
    pub(super) sequence: Option<i64>,
    pub(super) lease: Option<String>,
    pub(super) holder: Option<String>,
    pub(super) lost: u32,
    pub(super) leased_generation: Option<i64>,
    pub(super) released: Option<i64>,
    pub(super) manager: Option<String>,
    pub(super) written: bool,
    /// The line of those who wait for the names offered to this work, or to whom they waited for before.
    pub(super) leads: Option<i64>,
}

impl LinkRow {
    /// Whether an earlier try, or a lease that ran out, may have written without telling.
    pub(super) fn is_unsure(&self) -> bool {
        self.look || self.is_lost()
    }

    /// Whether a worker had it, and its lease ran out. An offer that nobody took up is none: nobody wrote.
    pub(super) fn is_lost(&self) -> bool {
        self.lease.is_some() && !self.is_offered()
    }

    /// Whether it lies in a queue, and is nobody's yet.
    pub(super) fn is_offered(&self) -> bool {
        self.lease.is_some() && self.holder.as_deref() == Some(OFFERED)
    }

    pub(super) fn read(on: &Transaction<'_>, id: i64) -> rusqlite::Result<Self> {
        on.prepare_cached(
            "SELECT id, person, target, part, directory, generation, settled, object, look, attempt, sequence,
                   lease, leased_generation, released, manager, written, outdated, damage, due, leads,
                   holder, lost FROM link WHERE id = ?1",
        )?
        .query_row([id], |row| {
            Ok(Self {
                id: row.get(0)?,
                person: row.get(1)?,
                target: row.get(2)?,
                part: if row.get::<_, i64>(3)? == 0 { Part::Account } else { Part::Manager },
                directory: row.get(4)?,
                generation: row.get(5)?,
                settled: row.get(6)?,
                object: row.get(7)?,
                look: row.get(8)?,
                attempt: row.get(9)?,
                sequence: row.get(10)?,
                lease: row.get(11)?,
                leased_generation: row.get(12)?,
                released: row.get(13)?,
                manager: row.get(14)?,
                written: row.get(15)?,
                outdated: row.get(16)?,
                damage: row.get(17)?,
                due: row.get(18)?,
                leads: row.get(19)?,
                holder: row.get(20)?,
                lost: row.get(21)?,
            })
        })
    }
}

/// How a piece of work ended, whoever ended it.
pub(super) struct Conclusion {
    pub(super) generation: Generation,
    pub(super) situation: Situation,
    pub(super) change: Option<Change>,
    pub(super) settlement: Settlement,
    pub(super) manager: Option<Manager>,
    /// An earlier try may have written without telling.
    pub(super) unsure: Option<Unsure>,
}

/// What an earlier try may have done, and whether that is known by now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unsure {
    /// The target was looked at.
    pub(super) has_looked: bool,
}
