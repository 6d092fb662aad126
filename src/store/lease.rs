//! *Lease*: due work goes to one worker for a while. Limits of damage are kept here (promise 6).

use std::collections::VecDeque;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::budget::Budget;
use super::due::due_rows;
use super::link::{Conclusion, LinkRow, Unsure};
use super::manager::{self, Standing};
use super::member;
use super::names::Names;
use super::record::{Recorder, stored_person};
use super::reserve::{self, Offered};
use super::settle::Settler;
use super::{JobState, Store, StoreError, StoredPerson, TargetKey, end, manager_pending, words};
use crate::decide::{Decision, Joining};
use crate::model::{
    Anchor, Damage, JobId, Manager, MatchKeys, Outcome, Part, Reason, Settlement, Situation, Task, Timestamp, UploadId,
    Wanted, WorkItem, WorkerId,
};

mod grant;

/// How soon it is asked again whether a person has another home in the making: the look there takes a second or two.
const OTHER_HOME_PAUSE: Duration = Duration::from_secs(2);
/// Why a person waits who may have another home in the making.
const OTHER_HOME: (&str, &str) =
    ("other_home", "an account may be in the making at another target; that is seen to first");
/// Why a person waits whose name somebody else may be given.
const NAME_IS_OFFERED: (&str, &str) =
    ("name_is_offered", "somebody else may be given one of the same names; that is seen to first");

/// Whose work is leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's, leavers first.
    Everybody,
    /// Leavers'.
    Leavers,
    /// That of all but leavers.
    Others,
}

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
    /// How many leases may be lost one after another before somebody must look; `None`: any number.
    pub lost_max: Option<u32>,
    /// Whose work.
    pub whose: Whose,
    /// How much of each damage a target with so many people may see in a day.
    pub allowed: &'a dyn Fn(Damage, u64) -> u64,
    /// How somebody is recognised at the target of whom nothing but the anchor is known.
    pub keys_of: &'a dyn Fn(&Anchor) -> MatchKeys,
    /// Takes out of a reason what is never shown of a person, before it is kept.
    pub conceal: &'a dyn Fn(&StoredPerson, &mut Reason),
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
        /// The groups it shall be in; `None` where memberships stay as they are.
        groups: Option<Vec<Joining>>,
    },
    /// Nothing needs to be carried; it ends so.
    End {
        /// How things stand.
        situation: Situation,
        /// How it ends: never *applied* or *superseded*.
        outcome: Outcome,
        /// Whom the account shall report to.
        manager: Option<Manager>,
        /// The groups it shall be in; `None` where memberships stay as they are.
        groups: Option<Vec<Joining>>,
    },
    /// Nothing at this target: the decision on the person speaks of others, or of none.
    Elsewhere(Box<Decision>),
}

/// What leasing gave.
#[derive(Debug, Default)]
pub struct WorkFor {
    /// To be carried.
    pub items: Vec<WorkItem>,
    /// How many ended on the way, because nothing needed to be carried.
    pub ended: usize,
    /// Work at another target may be due now that was not.
    pub others_woken: bool,
}

impl Store {
    /// Leases due work at a target: leavers first, then by how long it has been due. `propose` says what is to
    /// be done about a person as they are now; it is told whether an earlier try may have written without telling,
    /// and then nothing may end before the target was looked at.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing is leased.
    pub fn lease(
        &self,
        job: &JobState,
        target: TargetKey,
        terms: &LeaseTerms<'_>,
        propose: &mut dyn FnMut(&StoredPerson, bool) -> Proposal,
    ) -> Result<WorkFor, StoreError> {
        if !self.is_due(target, terms.now)? {
            return Ok(WorkFor::default());
        }
        self.write(|on| {
            let mut names = self.names_mut();
            let (budget, gave) = (Budget::new(target), WorkFor::default());
            let woken = VecDeque::new();
            let mut lessor = Lessor { on, names: &mut names, job, target, terms, budget, gave, woken };
            for id in due_rows(on, target, terms)? {
                lessor.look_at(id, propose)?;
            }
            // Each leads a line that was waiting, so there are no more of them than were in it.
            while let Some(id) = lessor.woken.pop_front() {
                lessor.look_at(id, propose)?;
            }
            Ok(lessor.gave)
        })
    }
}

pub(super) struct Lessor<'a, 'c> {
    pub(super) on: &'a Transaction<'c>,
    pub(super) names: &'a mut Names,
    pub(super) job: &'a JobState,
    pub(super) target: TargetKey,
    pub(super) terms: &'a LeaseTerms<'a>,
    pub(super) budget: Budget,
    pub(super) gave: WorkFor,
    /// Whoever waited for a name and may not have to any more.
    pub(super) woken: VecDeque<i64>,
}

impl Lessor<'_, '_> {
    fn look_at(&mut self, id: i64, propose: &mut dyn FnMut(&StoredPerson, bool) -> Proposal) -> Result<(), StoreError> {
        if self.gave.items.len() == self.terms.count {
            return Ok(());
        }
        // What was seen to just now may have seen to this row as well; and who waits may wait at another target.
        let row = LinkRow::read(self.on, id).optional()?;
        let row = row.filter(|row| row.due.is_some_and(|due| due <= self.terms.now.0));
        self.gave.others_woken |= row.as_ref().is_some_and(|row| row.target != self.target.0);
        match row.filter(|row| row.target == self.target.0) {
            Some(row) => self.consider(row, propose),
            None => Ok(()),
        }
    }

    fn consider(
        &mut self,
        row: LinkRow,
        propose: &mut dyn FnMut(&StoredPerson, bool) -> Proposal,
    ) -> Result<(), StoreError> {
        let stored = stored_person(self.on, self.names, self.job, row.person)?;
        if self.terms.lost_max.is_some_and(|max| row.is_lost() && row.lost + 1 >= max) {
            let held = Outcome::Held(dead_letter(row.lost + 1, &self.job.id, &stored.person.anchor));
            return self.end(&row, &stored, Situation::Confirmed, held, None);
        }
        match row.part {
            Part::Account => match propose(&stored, row.is_unsure()) {
                Proposal::End { situation, outcome, manager, groups } => {
                    self.plan_members(&row, stored.person.generation, groups.as_deref())?;
                    self.end(&row, &stored, situation, outcome, manager)
                }
                Proposal::Work { task, damages, manager, groups } => {
                    self.plan_members(&row, stored.person.generation, groups.as_deref())?;
                    self.grant_within_limits(&row, &stored, task, &damages, manager)
                }
                Proposal::Elsewhere(decision) => self.see_to_others(&row, &stored, &decision),
            },
            Part::Manager => {
                let proposal = propose(&stored, false);
                self.consider_manager(&row, &stored, proposal)
            }
            Part::Member => {
                let proposal = propose(&stored, false);
                self.consider_member(&row, &stored, proposal)
            }
        }
    }

    /// What is known here may be what the person's home was decided by, so the others are seen to once more.
    fn see_to_others(&mut self, row: &LinkRow, stored: &StoredPerson, decision: &Decision) -> Result<(), StoreError> {
        let (on, names, job, at) = (self.on, &mut *self.names, self.job, self.terms.now);
        let mut recorder = Recorder { on, names, job, upload: UploadId(0), at, are_reports_waiting: None };
        recorder.make_work(row.person, stored.person.generation, decision)?;
        let outcome = decision.outcome.clone().unwrap_or(Outcome::Unchanged);
        if let Some(target) = self.job.target_named(self.target.0) {
            self.plan_members(row, stored.person.generation, member::groups_at(&decision.groups, target))?;
        }
        self.end(row, stored, Situation::SourceIgnored, outcome, None)
    }

    fn grant_within_limits(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        mut task: Task,
        damages: &[Damage],
        manager: Option<Manager>,
    ) -> Result<(), StoreError> {
        if self.must_wait_for_another_home(row, stored, &task)? {
            return Ok(());
        }
        if let Task::Account(Wanted::Present(desired)) = &mut task
            && !desired.unique.is_empty()
        {
            match reserve::offer(self.on, row, &mut desired.unique, self.terms.now)? {
                Offered::Granted => {}
                Offered::NotBefore { due, behind } => {
                    self.wait(row, due, NAME_IS_OFFERED)?;
                    return reserve::queue_up(self.on, row, behind, self.terms.now);
                }
                Offered::NoneLeft(mut why) => {
                    (self.terms.conceal)(stored, &mut why);
                    return self.end(row, stored, Situation::Absent, Outcome::Failed(why), None);
                }
            }
        }
        // What an earlier try may have done counts from then on; it is not counted twice.
        let unsure = if row.is_unsure() { row.damage } else { 0 };
        // Nor is what was counted for an offer that nobody took up.
        let counted = if row.is_offered() { row.damage } else { unsure };
        let is_counted = |damage: &Damage| words::damage_bit(*damage) & counted != 0;
        let new: Vec<Damage> = damages.iter().copied().filter(|damage| !is_counted(damage)).collect();
        let waived = row.released == Some(stored.person.generation.0);
        match if waived { Ok(()) } else { self.budget.take(self.on, self.terms, &new)? } {
            Ok(()) => {
                let bits = words::damage_bits(damages.iter().copied()) | unsure;
                self.grant(row, stored, task, bits, manager.as_ref())?;
                self.woken.extend(reserve::wake_next(self.on, row, self.terms.now)?);
                Ok(())
            }
            Err((damage, allowed)) => {
                let held = Outcome::Held(self.limit_reason(damage, allowed, stored));
                self.end(row, stored, Situation::Confirmed, held, manager)
            }
        }
    }

    /// Whether a try that was not reported may have made the person an account at another target. Until that is
    /// known none is made here: nobody shall have two homes.
    fn must_wait_for_another_home(
        &self,
        row: &LinkRow,
        stored: &StoredPerson,
        task: &Task,
    ) -> Result<bool, StoreError> {
        let is_linked = stored.links.iter().any(|(id, _)| self.job.target(id) == Some(self.target));
        let is_sure = is_linked || row.is_unsure() || !matches!(task, Task::Account(Wanted::Present(_)));
        if is_sure || self.is_beside_home(row)? {
            return Ok(false);
        }
        let mut in_the_making = self.on.prepare_cached(
            "SELECT target, due FROM link WHERE person = ?1 AND target <> ?2 AND part = 0 AND object IS NULL
             AND due IS NOT NULL AND (look OR lease IS NOT NULL)",
        )?;
        let mut until: Option<i64> = None;
        let rows = in_the_making.query_map([row.person, row.target], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for made in rows {
            let (target, due): (i64, i64) = made?;
            // An app is nobody's home.
            until = until.max((!self.job.is_app(target)).then_some(due));
        }
        let Some(until) = until else { return Ok(false) };
        let due = Timestamp(until).max(self.terms.now.plus(OTHER_HOME_PAUSE));
        self.wait(row, due, OTHER_HOME)?;
        Ok(true)
    }

    /// Whether the account is one at an app, beside the person's home.
    fn is_beside_home(&self, row: &LinkRow) -> Result<bool, StoreError> {
        if !self.job.is_app(row.target) {
            return Ok(false);
        }
        let placed: i64 = self
            .on
            .prepare_cached("SELECT placed FROM person WHERE id = ?1")?
            .query_row([row.person], |found| found.get(0))?;
        Ok(placed != row.target)
    }

    /// It is not its turn yet, and says why.
    fn wait(&self, row: &LinkRow, due: Timestamp, (code, why): (&str, &str)) -> Result<(), StoreError> {
        self.on
            .prepare_cached("UPDATE link SET due = ?2, code = ?3, detail = ?4 WHERE id = ?1")?
            .execute(params![row.id, due.0, code, why])?;
        Ok(())
    }

    pub(super) fn limit_reason(&self, damage: Damage, allowed: u64, stored: &StoredPerson) -> Reason {
        let anchor = &stored.person.anchor;
        let word = if damage == Damage::Leave { "removal from a group" } else { damage.word() };
        let target = self.job.target_named(self.target.0).map_or("", |id| id.as_str());
        let code = match damage {
            Damage::Disable => "limit_disable",
            Damage::Delete => "limit_delete",
            Damage::Move => "limit_move",
            Damage::Leave => "limit_leave",
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

    /// A manager reference is written as the person's decision has it now. Where that does not ask for it, or the
    /// account that shall carry it is not there, it is seen to again together with the account.
    fn consider_manager(&mut self, row: &LinkRow, stored: &StoredPerson, proposal: Proposal) -> Result<(), StoreError> {
        let (wanted, outcome) = match proposal {
            Proposal::Work { manager, .. } => (manager, None),
            Proposal::End { manager, outcome, .. } => (manager, Some(outcome)),
            Proposal::Elsewhere(decision) => (None, decision.outcome),
        };
        let account_is_there = stored.links.iter().any(|(id, _)| self.job.target(id) == Some(self.target));
        let wanted = wanted.filter(|wanted| account_is_there && Some(manager::text(wanted)) == row.manager.as_deref());
        let Some(wanted) = wanted else {
            self.gave.ended += 1;
            self.on.prepare_cached("DELETE FROM link WHERE id = ?1")?.execute([row.id])?;
            return end::end_last(self.on, row.person, outcome.as_ref(), self.terms.now);
        };
        let anchor = &stored.person.anchor;
        let pending = Situation::ReferencePending;
        match manager::standing(self.on, self.job, row.target, anchor, manager::text(&wanted))? {
            Standing::Ready(manager) => self.grant(row, stored, Task::Manager { manager }, 0, None),
            Standing::Sought(manager) => match (self.terms.keys_of)(&manager) {
                keys if keys.0.is_empty() => {
                    self.end(row, stored, pending, Outcome::Held(manager_pending(manager.as_str())), None)
                }
                keys => self.grant(row, stored, Task::SeekManager { manager, keys }, 0, None),
            },
            Standing::Waits(reason) => self.end(row, stored, pending, Outcome::Held(reason), None),
            Standing::Never(reason) => self.end(row, stored, pending, Outcome::Skipped(reason), None),
        }
    }

    pub(super) fn end(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        situation: Situation,
        outcome: Outcome,
        manager: Option<Manager>,
    ) -> Result<(), StoreError> {
        self.gave.ended += 1;
        let settlement = match outcome.clone() {
            Outcome::Held(reason) => Settlement::Held(reason),
            Outcome::Failed(reason) => Settlement::Failed(reason),
            Outcome::Skipped(reason) => Settlement::Skipped(reason),
            Outcome::Unchanged | Outcome::Applied | Outcome::Superseded { .. } => Settlement::Unchanged,
        };
        let unsure = row.is_unsure().then_some(Unsure { has_looked: false });
        let generation = stored.person.generation;
        let conclusion = Conclusion { generation, situation, change: None, settlement, manager, unsure };
        let mut settler = Settler { on: self.on, names: self.names, job: self.job, now: self.terms.now };
        settler.conclude(row, &stored.person.anchor, conclusion)?;
        end::end_last(self.on, row.person, Some(&outcome), self.terms.now)
    }
}

/// Whoever had this piece of work was never heard of again, time after time. It may be what ends them.
fn dead_letter(lost: u32, job: &JobId, anchor: &Anchor) -> Reason {
    Reason::new(
        "dead_letter",
        format!(
            "{lost} agents one after another took this and were not heard of again; look into their logs, then let it \
             go with `muster release --job {job} {anchor}`"
        ),
    )
}
