//! *Lease*: due work goes to one worker for a while. Limits of damage are kept here (promise 6).

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec::{self, Names};
use super::record::{StoredPerson, stored_person};
use super::settle::{Conclusion, LinkRow, Settler};
use super::{JobState, Store, StoreError, TargetKey};
use crate::chance;
use crate::model::{
    Damage, LeaseId, Manager, ObjectId, Outcome, Part, Reason, Settlement, Situation, Task, Timestamp, WorkItem,
    WorkerId,
};

/// How far back damage is counted.
pub(super) const DAMAGE_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows looked at for one leased item: most that need nothing are ended on the way.
const ROWS_PER_ITEM_MAX: usize = 8;

/// On what terms work is leased.
pub struct LeaseTerms<'a> {
    /// Who takes it.
    pub holder: WorkerId,
    /// How many items at most.
    pub count: usize,
    /// When.
    pub now: Timestamp,
    /// How long the worker may hold it.
    pub lasts: Duration,
    /// How long a write begun within the lease may still take: it is not leased again before this has passed too.
    pub grace: Duration,
    /// How much of each damage a target with so many people may see in a day.
    pub allowed: &'a dyn Fn(Damage, u64) -> u64,
}

/// What is to be done about a person at the target, as their decision has it now.
#[derive(Debug)]
pub enum Proposal {
    /// This, by a worker.
    Work {
        /// What the target shall hold.
        task: Task,
        /// What carrying it would do, as far as can be told from what is known.
        damages: Vec<Damage>,
        /// Whom the account shall report to, once it is there.
        manager: Option<Manager>,
    },
    /// Nothing needs to be carried; it ends so.
    End {
        /// How things stand.
        situation: Situation,
        /// How it ends: never *applied* or *superseded*.
        outcome: Outcome,
        /// Whom the account shall report to.
        manager: Option<Manager>,
    },
}

/// What leasing gave.
#[derive(Debug, Default)]
pub struct WorkFor {
    /// To be carried.
    pub items: Vec<WorkItem>,
    /// How many ended on the way, because nothing needed to be carried.
    pub ended: usize,
}

impl Store {
    /// Leases due work at a target: leavers first, then by how long it has been due. `propose` says what is to
    /// be done about a person as they are now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing is leased.
    pub fn lease(
        &self,
        job: &JobState,
        target: TargetKey,
        terms: &LeaseTerms<'_>,
        propose: &mut dyn FnMut(&StoredPerson) -> Proposal,
    ) -> Result<WorkFor, StoreError> {
        if !self.is_due(target, terms.now)? {
            return Ok(WorkFor::default());
        }
        self.write(|on| {
            let mut names = self.names_mut();
            let budget = Budget::read(on, target, terms)?;
            let mut lessor = Lessor { on, names: &mut names, job, target, terms, budget, gave: WorkFor::default() };
            for row in due_rows(on, target, terms)? {
                if lessor.gave.items.len() == terms.count {
                    break;
                }
                lessor.consider(row, propose)?;
            }
            Ok(lessor.gave)
        })
    }

    /// When the next piece of work at any target of `job` is due; `None` when none is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn next_due(&self, target: TargetKey) -> Result<Option<Timestamp>, StoreError> {
        self.read(|on| {
            let due: Option<i64> = on
                .prepare_cached("SELECT min(due) FROM link WHERE target = ?1 AND due IS NOT NULL")?
                .query_row([target.0], |row| row.get(0))?;
            Ok(due.map(Timestamp))
        })
    }

    fn is_due(&self, target: TargetKey, now: Timestamp) -> Result<bool, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM link WHERE target = ?1 AND class IN (0, 1) AND due <= ?2)",
                )?
                .query_row(params![target.0, now.0], |row| row.get(0))?)
        })
    }
}

fn due_rows(on: &Transaction<'_>, target: TargetKey, terms: &LeaseTerms<'_>) -> Result<Vec<LinkRow>, StoreError> {
    let mut rows = Vec::new();
    let most = terms.count.saturating_mul(ROWS_PER_ITEM_MAX);
    for class in [0, 1] {
        let left = most - rows.len().min(most);
        let mut statement = on.prepare_cached(
            "SELECT id FROM link WHERE target = ?1 AND class = ?2 AND due <= ?3 ORDER BY due, id LIMIT ?4",
        )?;
        let ids = statement.query_map(params![target.0, class, terms.now.0, left], |row| row.get::<_, i64>(0))?;
        for id in ids {
            rows.push(LinkRow::read(on, id?)?);
        }
    }
    Ok(rows)
}

/// What is left of each limit.
struct Budget {
    left: [(Damage, u64, u64); 3],
}

impl Budget {
    fn read(on: &Transaction<'_>, target: TargetKey, terms: &LeaseTerms<'_>) -> Result<Self, StoreError> {
        let people: u64 = on.query_row("SELECT people FROM target WHERE id = ?1", [target.0], |row| row.get(0))?;
        let since = terms.now.minus(DAMAGE_WINDOW);
        let mut left = Damage::ALL.map(|damage| (damage, (terms.allowed)(damage, people), 0));
        for (damage, allowed, rest) in &mut left {
            let bit = codec::damage_bit(*damage);
            let done: u64 = on
                .prepare_cached(
                    "SELECT count(*) FROM journal WHERE target = ?1 AND at > ?2 AND damage <> 0 AND (damage & ?3) <> 0",
                )?
                .query_row(params![target.0, since.0, bit], |row| row.get(0))?;
            let under_way: u64 = on
                .prepare_cached(
                    "SELECT count(*) FROM link WHERE target = ?1 AND due IS NOT NULL AND class IN (0, 1)
                     AND lease IS NOT NULL AND (damage & ?2) <> 0",
                )?
                .query_row(params![target.0, bit], |row| row.get(0))?;
            *rest = allowed.saturating_sub(done + under_way);
        }
        Ok(Self { left })
    }

    /// Takes the damages from what is left; the first that does not fit, with its limit, is given back.
    fn take(&mut self, damages: &[Damage]) -> Result<(), (Damage, u64)> {
        let short = self.left.iter().find(|(damage, _, rest)| damages.contains(damage) && *rest == 0);
        if let Some((damage, allowed, _)) = short {
            return Err((*damage, *allowed));
        }
        for (damage, _, rest) in &mut self.left {
            *rest -= u64::from(damages.contains(damage));
        }
        Ok(())
    }
}

struct Lessor<'a, 'c> {
    on: &'a Transaction<'c>,
    names: &'a mut Names,
    job: &'a JobState,
    target: TargetKey,
    terms: &'a LeaseTerms<'a>,
    budget: Budget,
    gave: WorkFor,
}

impl Lessor<'_, '_> {
    fn consider(&mut self, row: LinkRow, propose: &mut dyn FnMut(&StoredPerson) -> Proposal) -> Result<(), StoreError> {
        let stored = stored_person(self.on, self.names, self.job, row.person)?;
        let proposal = match row.part {
            Part::Account => propose(&stored),
            Part::Manager => self.propose_manager(&row, &stored)?,
        };
        match proposal {
            Proposal::End { situation, outcome, manager } => self.end(&row, &stored, situation, outcome, manager),
            Proposal::Work { task, damages, manager } => {
                // Under a lease that ran out the damage may be done already: it is counted as before.
                let waived = row.released == Some(stored.person.generation.0);
                match if waived { Ok(()) } else { self.budget.take(&damages) } {
                    Ok(()) => self.grant(&row, &stored, task, &damages, manager.as_ref()),
                    Err((damage, allowed)) => {
                        let held = Outcome::Held(self.limit_reason(damage, allowed, &stored));
                        self.end(&row, &stored, Situation::Confirmed, held, manager)
                    }
                }
            }
        }
    }

    fn limit_reason(&self, damage: Damage, allowed: u64, stored: &StoredPerson) -> Reason {
        let (word, anchor) = (damage.word(), &stored.person.anchor);
        let target = self.job.target_named(self.target.0).map_or("", |id| id.as_str());
        let code = match damage {
            Damage::Disable => "limit_disable",
            Damage::Delete => "limit_delete",
            Damage::Move => "limit_move",
        };
        Reason::new(
            code,
            format!(
                "the {word} of {anchor} would be more than {allowed} at `{target}` within 24 hours; \
                 look at it, then let it go with `muster release --job {} {anchor}`",
                self.job.id
            ),
        )
    }

    fn propose_manager(&mut self, row: &LinkRow, stored: &StoredPerson) -> Result<Proposal, StoreError> {
        let account_is_there = stored.links.iter().any(|(id, _)| self.job.target(id) == Some(self.target));
        if !account_is_there {
            let (situation, outcome) = (Situation::ReferencePending, Outcome::Unchanged);
            return Ok(Proposal::End { situation, outcome, manager: None });
        }
        let manager = match row.manager.as_deref() {
            None | Some("") => None,
            Some(anchor) => match self.manager_object(anchor)? {
                Some(object) => Some(object),
                None => {
                    let outcome = Outcome::Held(super::settle::manager_pending(anchor));
                    return Ok(Proposal::End { situation: Situation::ReferencePending, outcome, manager: None });
                }
            },
        };
        Ok(Proposal::Work { task: Task::Manager { manager }, damages: Vec::new(), manager: None })
    }

    fn manager_object(&self, anchor: &str) -> Result<Option<ObjectId>, StoreError> {
        let object: Option<String> = self
            .on
            .prepare_cached(
                "SELECT link.object FROM anchor JOIN link ON link.person = anchor.person AND link.target = ?3 AND link.part = 0
                 WHERE anchor.job = ?1 AND anchor.anchor = ?2 AND link.object IS NOT NULL",
            )?
            .query_row(params![self.job.key.0, anchor, self.target.0], |row| row.get(0))
            .optional()?;
        Ok(object.as_deref().map(ObjectId::new))
    }

    fn end(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        situation: Situation,
        outcome: Outcome,
        manager: Option<Manager>,
    ) -> Result<(), StoreError> {
        self.gave.ended += 1;
        let settlement = match outcome {
            Outcome::Held(reason) => Settlement::Held(reason),
            Outcome::Failed(reason) => Settlement::Failed(reason),
            Outcome::Skipped(reason) => Settlement::Skipped(reason),
            Outcome::Unchanged | Outcome::Applied | Outcome::Superseded { .. } => Settlement::Unchanged,
        };
        let conclusion =
            Conclusion { generation: stored.person.generation, situation, change: None, settlement, manager };
        let mut settler = Settler { on: self.on, names: self.names, job: self.job, now: self.terms.now };
        settler.conclude(row, &stored.person.anchor, conclusion)
    }

    fn grant(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        task: Task,
        damages: &[Damage],
        manager: Option<&Manager>,
    ) -> Result<(), StoreError> {
        let lease = chance::uuid().map_err(|error| StoreError::Broken(error.to_string()))?;
        let ends = self.terms.now.plus(self.terms.lasts);
        let generation = stored.person.generation;
        let sequence = self.sequence(row)?;
        let look = row.look || row.lease.is_some();
        let attempt = row.attempt + u32::from(row.lease.is_some());
        let manager = match manager {
            _ if row.part == Part::Manager => row.manager.as_deref(),
            None => None,
            Some(Manager::Nobody) => Some(""),
            Some(Manager::Is(anchor)) => Some(anchor.as_str()),
        };
        self.on
            .prepare_cached(
                "UPDATE link SET lease = ?2, holder = ?3, ends = ?4, due = ?5, leased_generation = ?6, sequence = ?7,
                   look = ?8, attempt = ?9, damage = ?10, manager = ?11, generation = max(generation, ?6) WHERE id = ?1",
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
                codec::damage_bits(damages.iter().copied()),
                manager,
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
