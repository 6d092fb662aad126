//! The lease itself: what is written into a row, and the work item that is made of it.

use rusqlite::params;

use super::Lessor;
use crate::chance;
use crate::model::{LeaseId, Manager, Part, Task, WorkItem};
use crate::store::link::LinkRow;
use crate::store::{StoreError, StoredPerson, codec, manager};

impl Lessor<'_, '_> {
    pub(super) fn grant(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        task: Task,
        damage: i64,
        manager: Option<&Manager>,
    ) -> Result<(), StoreError> {
        let lease = chance::uuid().map_err(|error| StoreError::Broken(error.to_string()))?;
        let ends = self.terms.now.plus(self.terms.lasts);
        let generation = stored.person.generation;
        let sequence = self.sequence(row)?;
        let look = row.is_unsure();
        let attempt = row.attempt + u32::from(row.is_lost());
        let lost = row.lost + u32::from(row.is_lost());
        let manager = match manager {
            _ if row.part == Part::Manager => row.manager.as_deref(),
            manager => manager.map(manager::text),
        };
        self.on
            .prepare_cached(
                "UPDATE link SET lease = ?2, holder = ?3, ends = ?4, due = ?5, leased_generation = ?6, sequence = ?7,
                   look = ?8, attempt = ?9, damage = ?10, manager = ?11, generation = max(generation, ?6),
                   outdated = 0, line = NULL, lost = ?12 WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                lease,
                self.terms.holder.as_str(),
                ends.0,
                ends.plus(self.terms.grace).0,
                generation.0,
                sequence,
                look,
                attempt,
                damage,
                manager,
                lost,
            ])?;
        let target = self.job.target_named(self.target.0).ok_or_else(|| codec::broken("work at an unknown target"))?;
        self.gave.items.push(WorkItem {
            job: self.job.id.clone(),
            anchor: stored.person.anchor.clone(),
            target: target.clone(),
            generation,
            sequence,
            lease: LeaseId::new(&lease),
            ends,
            attempt,
            task,
            known: stored.links.iter().find(|(id, _)| id == target).map(|(_, known)| known.clone()),
            look,
        });
        Ok(())
    }

    /// The place of this piece of work in the order of its target: given when it is first leased, and kept until it
    /// has ended, so that whatever an unreported try left behind is found under the same number.
    fn sequence(&self, row: &LinkRow) -> Result<i64, StoreError> {
        match row.sequence {
            Some(sequence) => Ok(sequence),
            None => Ok(self
                .on
                .prepare_cached(
                    "UPDATE target SET next_sequence = next_sequence + 1 WHERE id = ?1 RETURNING next_sequence - 1",
                )?
                .query_row([self.target.0], |row| row.get(0))?),
        }
    }
}
