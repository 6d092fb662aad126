//! *Record*: the decisions on a batch of operations, and the work they make, in one transaction.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec;
use super::link::links;
use super::names::Names;
use super::{Arriving, Batch, Decided, Refusal, Said, StoredPerson, Tally, words};
use super::{JobState, Store, StoreError};
use crate::decide::{Admission, Decision};
use crate::model::{Anchor, Generation, Outcome, Person, Placement, Reason, Statement, Timestamp, UploadId};

/// Words below zero in `person.placed`.
pub(super) const NOWHERE: i64 = 0;
pub(super) const PLACEMENT_HELD: i64 = -1;
pub(super) const OUT_OF_SCOPE: i64 = -2;
pub(super) const DELETED: i64 = -3;

impl Store {
    /// Records batches in one transaction: for each statement `decide` is asked, with what is stored of the person and
    /// when it was accepted.
    ///
    /// Statements are taken in the order of the batches; uploads, and the batches of one, come in their order.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing of the batch was recorded.
    pub fn record(
        &self,
        job: &JobState,
        batches: Vec<Batch>,
        decide: &mut dyn FnMut(Option<&StoredPerson>, Statement, Timestamp) -> Decided,
    ) -> Result<Tally, StoreError> {
        self.write(|on| {
            let names = &mut self.names_mut();
            let mut tally = Tally::default();
            for Batch { upload, accepted_at: at, operations } in batches {
                let mut recorder = Recorder { on, names, job, upload, at, are_reports_waiting: None };
                let count = operations.len();
                tally += recorder.all(operations, &mut |stored, statement| decide(stored, statement, at))?;
                recorder.advance(count)?;
            }
            Ok(tally)
        })
    }

    /// Of each of these anchors, whether a person of the job has it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn known(&self, job: &JobState, anchors: &[&str]) -> Result<Vec<bool>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached("SELECT 1 FROM anchor WHERE job = ?1 AND anchor = ?2")?;
            let known = anchors.iter().map(|anchor| statement.exists(params![job.key.0, anchor]));
            Ok(known.collect::<Result<_, _>>()?)
        })
    }

    /// Decides up to `count` people again whose job file has changed since they were decided. Gives how many
    /// were left to look at before; 0 when all are decided with the current one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn redecide(
        &self,
        job: &JobState,
        now: Timestamp,
        count: usize,
        decide: &mut dyn FnMut(&StoredPerson) -> Decision,
    ) -> Result<usize, StoreError> {
        self.write(|on| {
            let after: Option<i64> =
                on.query_row("SELECT redecide_after FROM job WHERE id = ?1", [job.key.0], |row| row.get(0))?;
            let Some(after) = after else { return Ok(0) };
            let mut statement =
                on.prepare_cached("SELECT id FROM person WHERE job = ?1 AND id > ?2 ORDER BY id LIMIT ?3")?;
            let people = statement.query_map(params![job.key.0, after, count], |row| row.get(0))?;
            let people: Vec<i64> = people.collect::<Result<_, _>>()?;
            let names = &mut self.names_mut();
            let mut recorder = Recorder { on, names, job, upload: UploadId(0), at: now, are_reports_waiting: None };
            for person in &people {
                let stored = stored_person(on, recorder.names, job, *person)?;
                let decision = decide(&stored);
                recorder.place(*person, &stored.person.anchor, &decision)?;
                recorder.withdraw_others(*person, stored.person.generation, &decision)?;
                recorder.make_work(*person, stored.person.generation, &decision)?;
                recorder.end_at_once(*person, &decision)?;
            }
            on.execute("UPDATE job SET redecide_after = ?2 WHERE id = ?1", params![job.key.0, people.last()])?;
            Ok(people.len())
        })
    }
}

/// One batch being recorded.
pub(super) struct Recorder<'a, 'c> {
    pub(super) on: &'a Transaction<'c>,
    pub(super) names: &'a mut Names,
    pub(super) job: &'a JobState,
    pub(super) upload: UploadId,
    pub(super) at: Timestamp,
    /// Whether anybody waits for a manager: asked once, when it first matters.
    pub(super) are_reports_waiting: Option<bool>,
}

impl Recorder<'_, '_> {
    pub(super) fn all(
        &mut self,
        batch: Vec<Arriving>,
        decide: &mut dyn FnMut(Option<&StoredPerson>, Statement) -> Decided,
    ) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        for arriving in batch {
            self.one(arriving, decide, &mut tally)?;
        }
        Ok(tally)
    }

    fn one(
        &mut self,
        arriving: Arriving,
        decide: &mut dyn FnMut(Option<&StoredPerson>, Statement) -> Decided,
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let Arriving { index, bulk_id, said, fingerprint } = arriving;
        let entry = Entry { index, bulk_id };
        let statement = match said {
            Said::Statement(statement) => statement,
            Said::New(judged) => {
                let (person, decision) = *judged;
                tally.new += 1;
                let row = self.new_person(&person, &decision, fingerprint)?;
                return self.carry_on(&entry, row, person.generation, &decision);
            }
            Said::Refused(refusal) => {
                tally.refused += 1;
                return self.refuse(&entry, refusal);
            }
        };
        let anchor = statement.anchor().clone();
        let row = person_row(self.on, self.job, anchor.as_str())?;
        let stored = row.map(|row| stored_person(self.on, self.names, self.job, row)).transpose()?;
        match (row, decide(stored.as_ref(), statement)) {
            (row, Decided::Unchanged) => {
                tally.unchanged += 1;
                self.say_again(&entry, &anchor, row)?;
                if let (Some(row), Some(fingerprint)) = (row, fingerprint) {
                    self.remember_row(&anchor, row, Some(fingerprint))?;
                }
            }
            (row, Decided::Changed { person, decision }) => {
                let row = match row {
                    Some(row) => {
                        tally.changed += 1;
                        self.change_person(row, &person, &decision)?;
                        self.remember_row(&anchor, row, fingerprint)?;
                        row
                    }
                    None => {
                        tally.new += 1;
                        self.new_person(&person, &decision, fingerprint)?
                    }
                };
                self.carry_on(&entry, row, person.generation, &decision)?;
            }
        }
        Ok(())
    }

    /// Records an operation that says nothing new: what had failed of the person is tried again for it.
    fn say_again(&mut self, entry: &Entry, anchor: &Anchor, row: Option<i64>) -> Result<(), StoreError> {
        let generation = match row {
            Some(row) => self.try_failed_again(row)?,
            None => None,
        };
        let ending = if generation.is_some() { Ending::pending() } else { Ending::of(&Outcome::Unchanged) };
        self.operation(entry, row, generation, ending, row.is_none().then(|| anchor.as_str()))
    }

    /// Records the operation, and the work or the end that the decision gives it.
    fn carry_on(
        &mut self,
        entry: &Entry,
        row: i64,
        generation: Generation,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        self.operation(entry, Some(row), Some(generation), Ending::pending(), None)?;
        let is_first = generation.0 == 1;
        if !is_first {
            self.withdraw_others(row, generation, decision)?;
        }
        self.make_work(row, generation, decision)?;
        self.end_at_once(row, decision)
    }

    fn refuse(&mut self, entry: &Entry, refusal: Refusal) -> Result<(), StoreError> {
        let row = match &refusal.anchor {
            Some(anchor) => person_row(self.on, self.job, anchor)?,
            None => None,
        };
        let anchor = refusal.anchor.as_deref().filter(|_| row.is_none());
        self.operation(entry, row, None, Ending::of(&refusal.outcome), anchor)
    }

    fn operation(
        &mut self,
        entry: &Entry,
        person: Option<i64>,
        generation: Option<Generation>,
        ending: Ending<'_>,
        anchor: Option<&str>,
    ) -> Result<(), StoreError> {
        let ended = (ending.outcome != words::PENDING).then_some(self.at.0);
        self.on
            .prepare_cached(
                "INSERT INTO operation (upload, idx, person, generation, outcome, code, detail, bulk_id, ended_at, anchor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                self.upload.0,
                entry.index,
                person,
                generation.map(|generation| generation.0),
                ending.outcome,
                ending.reason.map(|reason| reason.code.as_ref()),
                ending.reason.map(|reason| reason.detail.as_str()),
                entry.bulk_id,
                ended,
                anchor,
            ])?;
        Ok(())
    }

    fn new_person(
        &mut self,
        person: &Person,
        decision: &Decision,
        fingerprint: Option<[u8; 16]>,
    ) -> Result<i64, StoreError> {
        let (placed, rule) = self.placed(decision)?;
        let attributes = codec::encode_person(person, self.names, self.on)?;
        self.on
            .prepare_cached(
                "INSERT INTO person (job, anchor, generation, deleted, accepted_at, placed, rule, attributes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.job.key.0,
                person.anchor.as_str(),
                person.generation.0,
                person.deleted,
                person.accepted_at.0,
                placed,
                rule,
                attributes
            ])?;
        let row = self.on.last_insert_rowid();
        self.on
            .prepare_cached("INSERT INTO anchor (job, anchor, person, fingerprint) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![self.job.key.0, person.anchor.as_str(), row, fingerprint.as_ref().map(|f| &f[..])])?;
        self.wake_reports(&person.anchor, placed)?;
        Ok(row)
    }

    fn change_person(&mut self, row: i64, person: &Person, decision: &Decision) -> Result<(), StoreError> {
        let (placed, rule) = self.placed(decision)?;
        let attributes = codec::encode_person(person, self.names, self.on)?;
        self.on
            .prepare_cached(
                "UPDATE person SET generation = ?2, deleted = ?3, accepted_at = ?4, placed = ?5, rule = ?6, attributes = ?7
                 WHERE id = ?1",
            )?
            .execute(params![row, person.generation.0, person.deleted, person.accepted_at.0, placed, rule, attributes])?;
        self.wake_reports(&person.anchor, placed)
    }

    fn remember_row(&mut self, anchor: &Anchor, row: i64, fingerprint: Option<[u8; 16]>) -> Result<(), StoreError> {
        debug_assert!(row > 0, "rows begin at 1");
        self.on
            .prepare_cached("UPDATE anchor SET fingerprint = ?3 WHERE job = ?1 AND anchor = ?2")?
            .execute(params![self.job.key.0, anchor.as_str(), fingerprint.as_ref().map(|f| &f[..])])?;
        Ok(())
    }

    fn place(&mut self, row: i64, anchor: &Anchor, decision: &Decision) -> Result<(), StoreError> {
        let (placed, rule) = self.placed(decision)?;
        self.on
            .prepare_cached("UPDATE person SET placed = ?2, rule = ?3 WHERE id = ?1")?
            .execute(params![row, placed, rule])?;
        self.wake_reports(anchor, placed)
    }

    fn placed(&mut self, decision: &Decision) -> Result<(i64, Option<u32>), StoreError> {
        let rule = match decision.verdict.as_ref().and_then(|verdict| verdict.by.as_ref()) {
            Some(rule) => Some(self.names.number(rule, self.on)?),
            None => None,
        };
        let placed = match (&decision.admitted, &decision.verdict) {
            (Admission::Deleted, _) => DELETED,
            (Admission::OutOfScope { .. }, _) => OUT_OF_SCOPE,
            (Admission::Admitted, None) => PLACEMENT_HELD,
            (Admission::Admitted, Some(verdict)) => match &verdict.placement {
                Placement::Nowhere => NOWHERE,
                Placement::Held(_) => PLACEMENT_HELD,
                Placement::Cloud { target } | Placement::OnPremises { target, .. } => {
                    self.job.target(target).map_or(PLACEMENT_HELD, |key| key.0)
                }
            },
        };
        Ok((placed, rule))
    }

    fn advance(&mut self, count: usize) -> Result<(), StoreError> {
        self.on
            .prepare_cached("UPDATE upload SET decided = decided + ?2 WHERE id = ?1")?
            .execute(params![self.upload.0, count as i64])?;
        self.on
            .prepare_cached(
                "DELETE FROM staged WHERE upload = ?1 AND (SELECT decided >= operations FROM upload WHERE id = ?1)",
            )?
            .execute([self.upload.0])?;
        Ok(())
    }
}

struct Entry {
    index: u32,
    bulk_id: Option<String>,
}

struct Ending<'a> {
    outcome: i64,
    reason: Option<&'a Reason>,
}

impl<'a> Ending<'a> {
    fn pending() -> Self {
        Self { outcome: words::PENDING, reason: None }
    }

    fn of(outcome: &'a Outcome) -> Self {
        Self { outcome: words::outcome_number(outcome), reason: outcome.reason() }
    }
}

pub(super) fn person_row(on: &Transaction<'_>, job: &JobState, anchor: &str) -> Result<Option<i64>, StoreError> {
    Ok(on
        .prepare_cached("SELECT person FROM anchor WHERE job = ?1 AND anchor = ?2")?
        .query_row(params![job.key.0, anchor], |row| row.get(0))
        .optional()?)
}

pub(super) fn stored_person(
    on: &Transaction<'_>,
    names: &Names,
    job: &JobState,
    row: i64,
) -> Result<StoredPerson, StoreError> {
    let mut statement =
        on.prepare_cached("SELECT anchor, generation, attributes, deleted, accepted_at FROM person WHERE id = ?1")?;
    let mut rows = statement.query([row])?;
    let found = rows.next()?.ok_or_else(|| codec::broken("a person without a row"))?;
    let anchor = found.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
    let payload = found.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let (attributes, moments) = codec::decode_person(payload, names)?;
    let person = Person {
        anchor: Anchor::parse(anchor).map_err(|error| StoreError::Broken(format!("anchor {anchor}: {error}")))?,
        generation: Generation(found.get(1)?),
        attributes,
        deleted: found.get(3)?,
        accepted_at: Timestamp(found.get(4)?),
        moments,
    };
    let (links, members) = links(on, names, job, row)?;
    Ok(StoredPerson { person, links, members })
}
