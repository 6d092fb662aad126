//! *Work*: what a decision leaves to do at each target, and what it takes back.

use rusqlite::params;

use super::record::Recorder;
use super::{StoreError, codec, end, member, reserve, words};
use crate::decide::{Ask, AtTarget, Decision};
use crate::model::{ACCOUNT_ENABLED, Anchor, Generation, Reason, TargetId, Value, Wanted};

/// A row of a person that a decision may have made pointless.
struct Standing {
    id: i64,
    target: i64,
    part: i64,
    is_account: bool,
    is_leased: bool,
    /// An earlier try may have written without telling.
    is_unsure: bool,
    is_due: bool,
    outcome: Option<i64>,
}

/// The part of a row that holds a manager reference.
const MANAGER_PART: i64 = 1;

impl Recorder<'_, '_> {
    pub(super) fn make_work(
        &mut self,
        person: i64,
        generation: Generation,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        for at in &decision.targets {
            self.work_at(person, generation, at)?;
        }
        // Where an account is asked for, its memberships are seen to together with it.
        let is_asked = |target: &TargetId| decision.targets.iter().any(|at| at.target == *target);
        for at in decision.groups.iter().filter(|at| !is_asked(&at.target)) {
            if let Some(key) = self.job.target(&at.target) {
                member::leave_all(self.on, (person, key.0), generation, self.at)?;
            }
        }
        Ok(())
    }

    fn work_at(&mut self, person: i64, generation: Generation, at: &AtTarget) -> Result<(), StoreError> {
        let key = self.job.target(&at.target).ok_or_else(|| codec::broken("a decision names an unknown target"))?;
        let directory = self.job.directory(key).ok_or_else(|| codec::broken("a target without a directory"))?;
        let (due, class, ending) = match &at.ask {
            Ask::Bring(wanted) => (Some(self.at.0), class(wanted), None),
            Ask::Hold(reason) => (None, 1, Some((words::HELD, reason))),
            Ask::Skip(reason) => (None, 1, Some((words::SKIPPED, reason))),
            Ask::Fail(reason) => (None, 1, Some((words::FAILED, reason))),
        };
        // A lease under way keeps its due time, and a target that asked for patience gets it. Where a try was not
        // reported, the target is looked at before anything ends. How older states of the person ended is no concern
        // of a row that is new, and forgotten where the row had ended. What was written for this very state, while its
        // operation goes on, stays written.
        self.on
            .prepare_cached(
                "INSERT INTO link (person, target, part, directory, generation, situation, due, class, outcome, code, detail, settled)
                 VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?6 IS NULL, ?4, ?4 - 1))
                 ON CONFLICT (person, target, part) DO UPDATE SET
                   generation = excluded.generation, situation = excluded.situation, class = excluded.class,
                   outdated = lease IS NOT NULL,
                   due = CASE WHEN lease IS NOT NULL THEN due WHEN look THEN coalesce(due, ?11)
                     WHEN attempt > 0 AND due > excluded.due THEN due ELSE excluded.due END,
                   attempt = iif(due IS NULL, 0, attempt),
                   written = CASE WHEN outcome = 1 AND settled = excluded.generation THEN EXISTS (SELECT 1 FROM operation
                       WHERE operation.person = excluded.person AND operation.outcome IN (0, 4, 5)
                         AND operation.generation = excluded.generation) ELSE written END,
                   outcome = iif(lease IS NULL AND NOT look, excluded.outcome, NULL),
                   code = excluded.code, detail = excluded.detail,
                   settled = CASE WHEN excluded.due IS NULL AND lease IS NULL AND NOT look THEN excluded.generation
                     WHEN outcome IS NULL THEN min(settled, excluded.generation - 1) ELSE 0 END",
            )?
            .execute(params![
                person,
                key.0,
                directory,
                generation.0,
                words::situation_number(at.situation),
                due,
                class,
                ending.map(|(outcome, _)| outcome),
                ending.map(|(_, reason): (i64, &Reason)| reason.code.as_ref()),
                ending.map(|(_, reason)| reason.detail.as_str()),
                self.at.0,
            ])?;
        Ok(())
    }

    /// A target that the decision no longer speaks of has no work left for the person, and nothing waits there. Where
    /// the account is left as it is, no manager waits, and no membership has failed.
    pub(super) fn withdraw_others(
        &mut self,
        person: i64,
        generation: Generation,
        decision: &Decision,
    ) -> Result<(), StoreError> {
        for row in self.standings(person)? {
            let is_here = |target| self.job.target(target).is_some_and(|key| key.0 == row.target);
            let has_failed = !row.is_due && matches!(row.outcome, Some(words::HELD | words::FAILED));
            let is_left = row.part == MANAGER_PART || (row.part >= member::FIRST && has_failed);
            let speaks = |at: &AtTarget| !is_left || matches!(at.ask, Ask::Bring(_));
            let is_spoken_of = decision.targets.iter().any(|at| is_here(&at.target) && speaks(at))
                || (row.part >= member::FIRST && decision.groups.iter().any(|at| is_here(&at.target)));
            if !is_spoken_of {
                self.withdraw(&row, generation)?;
            }
        }
        Ok(())
    }

    fn withdraw(&mut self, row: &Standing, generation: Generation) -> Result<(), StoreError> {
        let has_left_the_job = self.job.target_named(row.target).is_none();
        if row.part >= member::FIRST && (has_left_the_job || !row.is_leased) {
            return member::withdraw(self.on, row.id, generation);
        }
        let waits = row.is_due || matches!(row.outcome, Some(words::HELD | words::FAILED));
        let statement = match row {
            // Nobody will ever carry it.
            _ if has_left_the_job && row.is_account => {
                "UPDATE link SET due = NULL, lease = NULL, holder = NULL, ends = NULL, look = 0, damage = 0, outdated = 0,
                   generation = ?2, settled = ?2, outcome = 2, code = NULL, detail = NULL WHERE id = ?1"
            }
            Standing { is_leased: true, .. } if !has_left_the_job => {
                "UPDATE link SET outdated = 1, generation = ?2 WHERE id = ?1"
            }
            Standing { is_account: false, .. } if waits || row.outcome == Some(words::SKIPPED) => {
                "DELETE FROM link WHERE id = ?1 AND ?2 IS NOT NULL"
            }
            Standing { is_unsure: true, is_account: true, .. } => {
                "UPDATE link SET due = coalesce(due, ?3), generation = ?2, settled = iif(outcome IS NULL, settled, 0),
                   outcome = NULL WHERE id = ?1"
            }
            _ if waits => {
                "UPDATE link SET due = NULL, attempt = 0, generation = ?2, settled = ?2, outcome = 2, code = NULL,
                   detail = NULL WHERE id = ?1"
            }
            _ => return Ok(()),
        };
        if has_left_the_job {
            reserve::withdraw_offer(self.on, row.id)?;
        }
        let mut statement = self.on.prepare_cached(statement)?;
        if statement.parameter_count() == 3 {
            statement.execute(params![row.id, generation.0, self.at.0])?;
        } else {
            statement.execute(params![row.id, generation.0])?;
        }
        Ok(())
    }

    fn standings(&self, person: i64) -> Result<Vec<Standing>, StoreError> {
        let mut statement = self.on.prepare_cached(
            "SELECT id, target, part, lease IS NOT NULL, look, due IS NOT NULL, outcome FROM link WHERE person = ?1",
        )?;
        let rows = statement.query_map([person], |row| {
            Ok(Standing {
                id: row.get(0)?,
                target: row.get(1)?,
                part: row.get(2)?,
                is_account: row.get::<_, i64>(2)? == 0,
                is_leased: row.get(3)?,
                is_unsure: row.get(4)?,
                is_due: row.get(5)?,
                outcome: row.get(6)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Ends the person's operations where the decision left nothing to do. While something is still under way for an
    /// older one it is not known how that ends: then they end with it.
    pub(super) fn end_at_once(&mut self, person: i64, decision: &Decision) -> Result<(), StoreError> {
        match &decision.outcome {
            Some(outcome) if !end::is_work_left(self.on, person)? => {
                end::end_operations(self.on, person, Some(outcome), self.at)
            }
            _ => Ok(()),
        }
    }

    /// Makes what had failed of the person due again. Gives their generation, where anything had.
    pub(super) fn try_failed_again(&mut self, person: i64) -> Result<Option<Generation>, StoreError> {
        let again = self
            .on
            .prepare_cached(
                "UPDATE link SET due = ?2, outcome = NULL, settled = 0
                 WHERE person = ?1 AND outcome = 5 AND due IS NULL",
            )?
            .execute(params![person, self.at.0])?;
        if again == 0 {
            return Ok(None);
        }
        let generation = self
            .on
            .prepare_cached("SELECT generation FROM person WHERE id = ?1")?
            .query_row([person], |row| row.get(0))?;
        Ok(Some(Generation(generation)))
    }

    /// People whose manager has no account yet are looked at again when the manager's home becomes another target:
    /// the reference cannot exist where they are. For whom the manager is being sought at this moment, that is soon:
    /// the answer will say nobody is there, and nothing else would come to say why.
    pub(super) fn wake_reports(&mut self, manager: &Anchor, placed: i64) -> Result<(), StoreError> {
        if placed <= 0 || !self.are_reports_waiting()? {
            return Ok(());
        }
        for (_, target) in &self.job.targets {
            if target.0 != placed {
                self.on
                    .prepare_cached(
                        "UPDATE link SET due = iif(lease IS NULL, ?3, due), outdated = lease IS NOT NULL, settled = 0
                         WHERE target = ?1 AND manager = ?2 AND part = 1
                           AND (lease IS NOT NULL OR outcome = 4 AND due IS NULL)",
                    )?
                    .execute(params![target.0, manager.as_str(), self.at.0])?;
            }
        }
        Ok(())
    }
}

impl Recorder<'_, '_> {
    /// A batch makes nobody wait, so one answer holds for all of it; a first import has nobody to wake.
    fn are_reports_waiting(&mut self) -> Result<bool, StoreError> {
        if let Some(known) = self.are_reports_waiting {
            return Ok(known);
        }
        let mut waiting = false;
        for (_, target) in &self.job.targets {
            waiting = waiting
                || self
                    .on
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM link WHERE target = ?1 AND part = 1)")?
                    .query_row([target.0], |row| row.get::<_, bool>(0))?;
        }
        self.are_reports_waiting = Some(waiting);
        Ok(waiting)
    }
}

/// Leavers go before everybody else.
fn class(wanted: &Wanted) -> i64 {
    match wanted {
        Wanted::Disabled | Wanted::Deleted => 0,
        Wanted::Present(desired) => i64::from(desired.attributes.get(ACCOUNT_ENABLED) != Some(&Value::Boolean(false))),
    }
}
