//! *Settle*: what a worker reports becomes what is known, and operations end.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec;
use super::end::end_operations;
use super::link::{Conclusion, LinkRow, Unsure};
use super::names::Names;
use super::{JobState, Store, StoreError};
use super::{reserve, words};
use crate::meter::{self, Counter};
use crate::model::{
    Anchor, Carried, Damage, Generation, Known, LeaseId, Part, Reason, Settlement, Situation, Timestamp, WorkerId,
};
use crate::reconcile::damages;

/// Whether a settlement was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Taken,
    /// The lease is somebody else's by now, or was settled before. Nothing was changed; who holds it looks first.
    LeaseLost,
}

impl Store {
    /// Records how a lease ended. Only who holds it can, and only once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; the lease stands, and may be settled again.
    pub fn settle(
        &self,
        job: &JobState,
        holder: &WorkerId,
        lease: &LeaseId,
        carried: Carried,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(|on| settle_one(on, &mut self.names_mut(), job, holder, lease, carried, now))
    }

    /// Records how several leases ended, in one transaction; the answers are in the same order.
    ///
    /// # Errors
    /// As [`Store::settle`], for all of them together.
    pub fn settle_all(
        &self,
        job: &JobState,
        holder: &WorkerId,
        carried: &[(LeaseId, Carried)],
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        self.write(|on| {
            let mut names = self.names_mut();
            carried
                .iter()
                .map(|(lease, carried)| settle_one(on, &mut names, job, holder, lease, carried.clone(), now))
                .collect()
        })
    }
}

fn settle_one(
    on: &Transaction<'_>,
    names: &mut Names,
    job: &JobState,
    holder: &WorkerId,
    lease: &LeaseId,
    carried: Carried,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let id: Option<i64> = on
        .prepare_cached("SELECT id FROM link WHERE lease = ?1 AND holder = ?2 AND due IS NOT NULL")?
        .query_row(params![lease.as_str(), holder.as_str()], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(Settled::LeaseLost) };
    let row = LinkRow::read(on, id)?;
    let Some(target) = job.target_named(row.target) else { return Ok(Settled::LeaseLost) };
    let anchor: String =
        on.prepare_cached("SELECT anchor FROM person WHERE id = ?1")?.query_row([row.person], |row| row.get(0))?;
    let anchor = Anchor::parse(&anchor).map_err(|error| StoreError::Broken(error.to_string()))?;
    let generation = Generation(row.leased_generation.ok_or_else(|| codec::broken("a lease without a generation"))?);
    let manager =
        row.manager.as_deref().filter(|_| row.part == Part::Account).map(super::manager::wanted_manager).transpose()?;
    let Carried { situation, change, settlement } = carried;
    let settled = settlement.word();
    // Whatever is reported of a work item that was to look first comes after the look, but for a failure.
    let has_looked = !matches!(settlement, Settlement::Failed(_));
    let unsure = row.look.then_some(Unsure { has_looked });
    let conclusion = Conclusion { generation, situation, change, settlement, manager, unsure };
    Settler { on, names, job, now }.conclude(&row, &anchor, conclusion)?;
    meter::count(Counter::Settled, &[("target", target.as_str()), ("settlement", settled)], 1);
    Ok(Settled::Taken)
}

/// What becomes of the row: the fields every ending sets.
struct Ending<'a> {
    outcome: Option<i64>,
    reason: Option<&'a Reason>,
    due: Option<Timestamp>,
    attempt: u32,
    look: bool,
    written: bool,
}

impl<'a> Ending<'a> {
    fn of(outcome: i64, reason: Option<&'a Reason>) -> Self {
        Self { outcome: Some(outcome), reason, due: None, attempt: 0, look: false, written: false }
    }
}

/// One conclusion being written.
pub(super) struct Settler<'a, 'c> {
    pub(super) on: &'a Transaction<'c>,
    pub(super) names: &'a mut Names,
    pub(super) job: &'a JobState,
    pub(super) now: Timestamp,
}

impl Settler<'_, '_> {
    pub(super) fn conclude(&mut self, row: &LinkRow, anchor: &Anchor, mut end: Conclusion) -> Result<(), StoreError> {
        self.check_object(row, &mut end)?;
        self.check_own_deletion(row, &mut end)?;
        self.keep_known(row, anchor, &end)?;
        self.keep_member(row, &end)?;
        let ending = self.ending(row, &end);
        self.write_row(row, &end, &ending)?;
        self.write_journal(row, &end, &ending)?;
        reserve::end_offer(self.on, row, &end.settlement, ending.look, self.now)?;
        let is_there = matches!(end.settlement, Settlement::Applied { known: Some(_) } | Settlement::Unchanged);
        if row.part == Part::Account && is_there {
            self.keep_manager(row, anchor, &end)?;
            if row.object.is_some() || matches!(end.settlement, Settlement::Applied { .. }) {
                self.wake_members(row, end.generation)?;
            }
        }
        if matches!(end.settlement, Settlement::Failed(_)) {
            self.forget_fingerprint(anchor)?;
        }
        end_operations(self.on, row.person, None, self.now)
    }

    /// An account that is linked to somebody else is not linked again.
    fn check_object(&self, row: &LinkRow, end: &mut Conclusion) -> Result<(), StoreError> {
        let known = match &end.settlement {
            Settlement::Linked { known } | Settlement::Applied { known: Some(known) } => known,
            _ => return Ok(()),
        };
        if row.part != Part::Account || row.object.as_deref() == Some(known.object.as_str()) {
            return Ok(());
        }
        let Some(other) = self.linked_to_other(row, known)? else { return Ok(()) };
        let was_only_looked_at =
            matches!(end.settlement, Settlement::Linked { .. }) && end.situation != Situation::Found;
        end.settlement = if was_only_looked_at {
            Settlement::Again { due: self.now, look: false, why: other }
        } else {
            end.situation = Situation::FoundAlreadyLinked;
            Settlement::Failed(other)
        };
        Ok(())
    }

    fn linked_to_other(&self, row: &LinkRow, known: &Known) -> Result<Option<Reason>, StoreError> {
        let other: Option<String> = self
            .on
            .prepare_cached(
                "SELECT person.anchor FROM link JOIN person ON person.id = link.person
                 WHERE link.directory = ?1 AND link.object = ?2 AND link.id <> ?3",
            )?
            .query_row(params![row.directory, known.object.as_str(), row.id], |row| row.get(0))
            .optional()?;
        Ok(other.map(|other| {
            Reason::new(
                "found_already_linked",
                format!(
                    "the account {} that matches is linked to {other} already; one of the two matches by mistake",
                    known.object
                ),
            )
        }))
    }

    /// Where a deletion of ours was not reported, and the account is not there, it did not vanish: it was deleted.
    fn check_own_deletion(&mut self, row: &LinkRow, end: &mut Conclusion) -> Result<(), StoreError> {
        let may_have_deleted = end.unsure.is_some() && row.damage & words::damage_bit(Damage::Delete) != 0;
        if !may_have_deleted || end.situation != Situation::Missing {
            return Ok(());
        }
        if let Settlement::Held(why) = &end.settlement {
            end.settlement = Settlement::Again { due: self.now, look: false, why: why.clone() };
            self.forget_known(row)?;
        }
        Ok(())
    }

    /// Writes what the target holds now, and wakes who waited for it.
    fn keep_known(&mut self, row: &LinkRow, anchor: &Anchor, end: &Conclusion) -> Result<(), StoreError> {
        let known = match &end.settlement {
            Settlement::Applied { known: Some(known) } | Settlement::Linked { known } if row.part == Part::Account => {
                known
            }
            Settlement::Applied { known: None } if row.part == Part::Account => return self.forget_known(row),
            _ => return Ok(()),
        };
        let bytes = codec::encode_known(known, self.names, self.on)?;
        self.on.prepare_cached("UPDATE link SET object = ?2, known = ?3 WHERE id = ?1")?.execute(params![
            row.id,
            known.object.as_str(),
            bytes
        ])?;
        if row.object.as_deref() == Some(known.object.as_str()) {
            return Ok(());
        }
        if row.object.is_none() {
            self.count_people(row.target, 1)?;
        }
        // Whatever was written of the manager was written to another account.
        self.forget_manager(row)?;
        if row.object.is_some() {
            self.forget_members(row, true)?;
        }
        self.wake_reports(row, anchor)?;
        self.wake_other_homes(row, end.generation)
    }

    /// A migration goes on where the person lived before.
    fn wake_other_homes(&self, row: &LinkRow, generation: Generation) -> Result<(), StoreError> {
        let others = self.job.targets.iter().filter(|(_, target)| target.0 != row.target && !self.job.is_app(target.0));
        for (_, target) in others.filter(|_| !self.job.is_app(row.target)) {
            self.on
                .prepare_cached(
                    "UPDATE link SET due = CASE WHEN lease IS NOT NULL THEN due WHEN attempt > 0 AND due > ?4 THEN due ELSE ?4 END,
                       outdated = lease IS NOT NULL, settled = 0, generation = max(generation, ?3)
                     WHERE person = ?1 AND target = ?2 AND part = 0 AND object IS NOT NULL",
                )?
                .execute(params![row.person, target.0, generation.0, self.now.0])?;
        }
        Ok(())
    }

    fn forget_known(&mut self, row: &LinkRow) -> Result<(), StoreError> {
        self.on.prepare_cached("UPDATE link SET object = NULL, known = NULL WHERE id = ?1")?.execute([row.id])?;
        self.forget_manager(row)?;
        self.wake_failed_reports(row)?;
        self.forget_members(row, false)?;
        reserve::free_names(self.on, row.person)?;
        if row.object.is_some() { self.count_people(row.target, -1) } else { Ok(()) }
    }

    fn forget_manager(&self, row: &LinkRow) -> Result<(), StoreError> {
        self.on
            .prepare_cached("DELETE FROM link WHERE person = ?1 AND target = ?2 AND part = 1")?
            .execute([row.person, row.target])?;
        Ok(())
    }

    /// The next import reads the row of whoever failed, although it has not changed: then it is tried again.
    fn forget_fingerprint(&self, anchor: &Anchor) -> Result<(), StoreError> {
        self.on
            .prepare_cached("UPDATE anchor SET fingerprint = NULL WHERE job = ?1 AND anchor = ?2")?
            .execute(params![self.job.key.0, anchor.as_str()])?;
        Ok(())
    }

    fn count_people(&self, target: i64, by: i64) -> Result<(), StoreError> {
        self.on.prepare_cached("UPDATE target SET people = people + ?2 WHERE id = ?1")?.execute([target, by])?;
        Ok(())
    }

    fn ending<'e>(&self, row: &LinkRow, end: &'e Conclusion) -> Ending<'e> {
        // An account that has vanished stays so until a look finds it, or somebody releases the person.
        let is_missing = matches!(end.settlement, Settlement::Held(_)) && end.situation == Situation::Missing;
        let look = is_missing || end.unsure.is_some_and(|unsure| !unsure.has_looked);
        let of = |outcome, reason| Ending { look, ..Ending::of(outcome, reason) };
        match &end.settlement {
            Settlement::Applied { known } => {
                let by_an_earlier_try = match known {
                    Some(_) => row.written || end.unsure.is_some(),
                    None => end.unsure.is_some() && row.damage & words::damage_bit(Damage::Delete) != 0,
                };
                let was_written = end.change.is_some() || by_an_earlier_try;
                of(if was_written { words::APPLIED } else { words::UNCHANGED }, None)
            }
            Settlement::Unchanged if row.written => of(words::APPLIED, None),
            Settlement::Unchanged => of(words::UNCHANGED, None),
            Settlement::Held(reason) => of(words::HELD, Some(reason)),
            Settlement::Skipped(reason) => of(words::SKIPPED, Some(reason)),
            Settlement::Failed(reason) => of(words::FAILED, Some(reason)),
            Settlement::Linked { .. } => {
                Ending { outcome: None, reason: None, due: Some(self.now), attempt: 0, look: false, written: true }
            }
            Settlement::Again { due, look, why } => Ending {
                outcome: None,
                reason: Some(why),
                due: Some(*due),
                // What was withheld was no try at the target: a newer state of the person does not wait for its hour.
                attempt: if why.is_withheld() { 0 } else { row.attempt + 1 },
                look: *look,
                written: row.written,
            },
        }
    }

    fn write_row(&mut self, row: &LinkRow, end: &Conclusion, ending: &Ending<'_>) -> Result<(), StoreError> {
        // Something new came while this was carried: it is due at once. Where it is not a newer state of the person
        // but a newer decision on the same one, this is not the end of it.
        let is_newer_state = row.generation > end.generation.0;
        let is_newer_decision = row.outdated && !is_newer_state;
        let is_over = ending.due.is_none() && !is_newer_state && !is_newer_decision;
        let due = if is_over { None } else { Some(ending.due.map_or(self.now, |due| due.max(self.now))) };
        let outcome = ending.outcome.filter(|_| !is_newer_decision);
        let settled = match outcome {
            Some(_) => end.generation.0,
            None => row.settled.min(row.generation.max(end.generation.0) - 1),
        };
        let was_written = is_newer_decision && matches!(end.settlement, Settlement::Applied { .. });
        // What may have left a trace under its number keeps it until it has surely ended.
        let is_tried_again = matches!(end.settlement, Settlement::Again { .. });
        // The row says how things stand now, the journal how they stood before.
        let situation = match &end.settlement {
            Settlement::Applied { known: Some(_) } => Situation::Confirmed,
            _ => end.situation,
        };
        self.on
            .prepare_cached(
                "UPDATE link SET outcome = ?2, code = ?3, detail = ?4, due = ?5, attempt = ?6, look = ?7, written = ?8,
                   settled = ?9, situation = ?10, generation = max(generation, ?11), lease = NULL, holder = NULL,
                   ends = NULL, outdated = 0, lost = 0, damage = iif(?7, damage, 0), sequence = iif(?12, sequence, NULL),
                   released = iif(?5 IS NULL, NULL, released) WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                outcome,
                ending.reason.map(|reason| reason.code.as_ref()),
                ending.reason.map(|reason| reason.detail.as_str()),
                due.map(|due| due.0),
                ending.attempt,
                ending.look,
                ending.written || was_written,
                settled,
                words::situation_number(situation),
                end.generation.0,
                is_tried_again,
            ])?;
        Ok(())
    }

    /// What was damaged by what was written, and by what an earlier try may have written without telling.
    fn damage_done(row: &LinkRow, end: &Conclusion) -> i64 {
        let was_written = matches!(end.settlement, Settlement::Applied { .. });
        let written = end.change.as_ref().filter(|_| was_written);
        let told = written.map_or(0, |change| words::damage_bits(damages(change)));
        // Where a look found all as it was known before, nothing was written.
        let nothing_was =
            matches!(end.settlement, Settlement::Unchanged | Settlement::Skipped(_) | Settlement::Held(_));
        let is_known = end.unsure.is_some_and(|unsure| unsure.has_looked);
        let comes_again = matches!(end.settlement, Settlement::Again { look: true, .. });
        if is_known && !nothing_was && !comes_again { told | row.damage } else { told }
    }

    fn write_journal(&mut self, row: &LinkRow, end: &Conclusion, ending: &Ending<'_>) -> Result<(), StoreError> {
        let damage = Self::damage_done(row, end);
        // What is tried again says why in its row; a night's outage would fill the history.
        let nothing_happened =
            matches!(end.settlement, Settlement::Unchanged | Settlement::Again { .. }) && damage == 0;
        if nothing_happened {
            return Ok(());
        }
        let change = end.change.as_ref().map(|change| codec::encode_change(change, self.names, self.on)).transpose()?;
        self.on
            .prepare_cached(
                "INSERT INTO journal (at, person, target, part, generation, situation, kind, outcome, code, detail, change, damage)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute(params![
                self.now.0,
                row.person,
                row.target,
                row.part_number,
                end.generation.0,
                words::situation_number(end.situation),
                end.change.as_ref().map(|change| words::kind_number(change.kind)),
                ending.outcome.unwrap_or(words::PENDING),
                ending.reason.map(|reason| reason.code.as_ref()),
                ending.reason.map(|reason| reason.detail.as_str()),
                change,
                damage,
            ])?;
        Ok(())
    }
}

/// Who holds a lease may be told apart from who does not, nothing more.
impl Settled {
    /// Whether it was taken.
    pub fn is_taken(self) -> bool {
        self == Self::Taken
    }
}
