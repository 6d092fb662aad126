//! Memberships: each a small piece of work of its own, for when the account is there; and whose doing each one is.
//!
//! A row of a membership has the part `2 + number of the group's name`. `wants` says whether the account shall be a
//! member, `added` what is known: 1 where muster made it one, 0 where it was one already, NULL where it is none.

use rusqlite::{Transaction, params};

use super::lease::{Lessor, Proposal};
use super::link::{Conclusion, LinkRow};
use super::settle::Settler;
use super::{StoreError, StoredPerson, end, words};
use crate::decide::{GroupsAt, Joining};
use crate::model::{Damage, Generation, Name, Outcome, Part, Settlement, Situation, TargetId, Task, Timestamp};

/// The lowest part that is a membership's.
pub(super) const FIRST: i64 = 2;

/// Which piece of work a row's part is.
pub(super) fn part(number: i64) -> Part {
    match number {
        0 => Part::Account,
        1 => Part::Manager,
        _ => Part::Member,
    }
}

/// A membership as its row has it.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// The group.
    pub(super) group: String,
    /// Whether the account shall be a member, or was last asked to be.
    pub(super) wants: bool,
    /// Whether muster made it one; `None` where it is none.
    pub(super) added: Option<bool>,
}

/// A membership that is known of a person's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMember {
    /// At which target.
    pub target: TargetId,
    /// Of which group.
    pub group: String,
    /// Whether muster made the account a member; otherwise it was one already, and is never taken out.
    pub is_ours: bool,
}

/// The groups a decision settles at a target; `None` where memberships stay as they are.
pub(super) fn groups_at<'d>(groups: &'d [GroupsAt], target: &TargetId) -> Option<&'d [Joining]> {
    groups.iter().find(|at| at.target == *target).map(|at| at.groups.as_slice())
}

impl Lessor<'_, '_> {
    /// Notes which memberships are wanted beside an account. They are due once it is seen to be there.
    pub(super) fn plan_members(
        &mut self,
        row: &LinkRow,
        generation: Generation,
        groups: Option<&[Joining]>,
    ) -> Result<(), StoreError> {
        let Some(groups) = groups else {
            // What was only intended is intended no longer.
            self.on
                .prepare_cached(
                    "DELETE FROM link WHERE person = ?1 AND target = ?2 AND part >= 2 AND added IS NULL AND due IS NULL
                       AND lease IS NULL AND NOT look",
                )?
                .execute([row.person, row.target])?;
            return Ok(());
        };
        let mut parts = Vec::with_capacity(groups.len());
        for joining in groups {
            let number = self.names.number(&Name::new(&Joining::folded(&joining.group)), self.on)?;
            let part = FIRST + i64::from(number);
            parts.push(part);
            self.on
                .prepare_cached(
                    "INSERT INTO link (person, target, part, directory, generation, member_of, wants, situation)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7)
                     ON CONFLICT (person, target, part) DO UPDATE SET
                       generation = max(generation, excluded.generation), member_of = excluded.member_of,
                       wants = iif(lease IS NULL, 1, wants), outdated = lease IS NOT NULL",
                )?
                .execute(params![
                    row.person,
                    row.target,
                    part,
                    row.directory,
                    generation.0,
                    joining.group,
                    words::situation_number(Situation::ReferencePending),
                ])?;
        }
        unwant_others(self.on, (row.person, row.target), generation, &parts)
    }

    /// A membership is written as the person's decision has it now. An earlier try that did not tell may have added
    /// the account: it is taken for ours.
    pub(super) fn consider_member(
        &mut self,
        row: &LinkRow,
        stored: &StoredPerson,
        proposal: Proposal,
    ) -> Result<(), StoreError> {
        let Some(member) = row.member.clone() else { return self.forget_member(row, None) };
        let target = self.job.target_named(self.target.0).cloned();
        let (groups, outcome) = match proposal {
            Proposal::Work { groups, .. } => (groups, None),
            Proposal::End { groups, outcome, .. } => (groups, Some(outcome)),
            Proposal::Elsewhere(decision) => {
                let groups = target.as_ref().and_then(|target| groups_at(&decision.groups, target));
                (groups.map(<[Joining]>::to_vec), decision.outcome)
            }
        };
        if !stored.links.iter().any(|(id, _)| Some(id) == target.as_ref()) {
            return self.forget_member(row, outcome.as_ref());
        }
        let is_ours = member.added == Some(true) || row.is_unsure();
        let group = member.group;
        match groups.map(|groups| groups.into_iter().find(|joining| joining.is(&group))) {
            None => self.rest_member(row, outcome.as_ref()),
            Some(Some(joining)) if member.added.is_none() || row.is_unsure() => {
                self.want(row, true)?;
                let task = Task::Member { group: joining.group, create: joining.create, is_member: true };
                // An earlier try may have taken the account out: that counts, although it is put in again.
                let damage = if row.is_unsure() { row.damage } else { 0 };
                self.grant(row, stored, task, damage, None)
            }
            Some(Some(_)) => self.rest_member(row, outcome.as_ref()),
            Some(None) if is_ours => self.leave_within_limits(row, stored, group),
            Some(None) => self.forget_member(row, outcome.as_ref()),
        }
    }

    fn leave_within_limits(&mut self, row: &LinkRow, stored: &StoredPerson, group: String) -> Result<(), StoreError> {
        self.want(row, false)?;
        let bit = words::damage_bit(Damage::Leave);
        let is_counted = row.is_unsure() && row.damage & bit != 0;
        let is_waived = row.released == Some(stored.person.generation.0);
        let damages: &[Damage] = if is_counted { &[] } else { &[Damage::Leave] };
        let taken = if is_waived { Ok(()) } else { self.budget.take(self.on, self.terms, damages)? };
        match taken {
            Ok(()) => {
                let task = Task::Member { group, create: false, is_member: false };
                self.grant(row, stored, task, bit, None)
            }
            Err((damage, allowed)) => {
                let mut why = self.limit_reason(damage, allowed, stored);
                why.detail = format!("{}; the group is {group}", why.detail);
                self.end(row, stored, Situation::Confirmed, Outcome::Held(why), None)
            }
        }
    }

    fn want(&self, row: &LinkRow, wants: bool) -> Result<(), StoreError> {
        self.on
            .prepare_cached("UPDATE link SET wants = ?2, class = ?2 WHERE id = ?1")?
            .execute(params![row.id, wants])?;
        Ok(())
    }

    /// Nothing is to be done about it: it stays as it is known. What may have been written without telling is looked
    /// into when it is asked for again, or shall be no longer.
    fn rest_member(&mut self, row: &LinkRow, outcome: Option<&Outcome>) -> Result<(), StoreError> {
        let is_unsure = row.is_unsure();
        let is_known = is_unsure || row.member.as_ref().is_some_and(|member| member.added.is_some());
        if !is_known {
            return self.forget_member(row, outcome);
        }
        self.gave.ended += 1;
        self.on
            .prepare_cached(
                "UPDATE link SET due = NULL, attempt = 0, look = ?2, damage = iif(?2, damage, 0), lease = NULL,
                   holder = NULL, ends = NULL, outdated = 0, sequence = iif(?2, sequence, NULL), outcome = iif(written, 1, 2), written = 0,
                   code = NULL, detail = NULL, settled = generation WHERE id = ?1",
            )?
            .execute(params![row.id, is_unsure])?;
        end::end_last(self.on, row.person, outcome, self.terms.now)
    }

    fn forget_member(&mut self, row: &LinkRow, outcome: Option<&Outcome>) -> Result<(), StoreError> {
        self.gave.ended += 1;
        self.on.prepare_cached("DELETE FROM link WHERE id = ?1")?.execute([row.id])?;
        end::end_last(self.on, row.person, outcome, self.terms.now)
    }
}

impl Settler<'_, '_> {
    /// What is known of a membership after a piece of work on it.
    pub(super) fn keep_member(&self, row: &LinkRow, end: &Conclusion) -> Result<(), StoreError> {
        let Some(member) = &row.member else { return Ok(()) };
        let added = match (&end.settlement, member.wants) {
            (Settlement::Applied { .. }, true) => Some(true),
            // It was so already: an earlier try's doing where that did not tell, somebody else's otherwise.
            (Settlement::Unchanged, true) => Some(end.unsure.is_some() || member.added == Some(true)),
            (Settlement::Applied { .. } | Settlement::Unchanged, false) => None,
            _ => return Ok(()),
        };
        self.on.prepare_cached("UPDATE link SET added = ?2 WHERE id = ?1")?.execute(params![row.id, added])?;
        Ok(())
    }

    /// Makes memberships due that differ from what is known, now that the account is there.
    pub(super) fn wake_members(&self, row: &LinkRow, generation: Generation) -> Result<(), StoreError> {
        wake(self.on, (row.person, row.target), generation, self.now)
    }

    /// Whatever is known of memberships is of an account that is gone, or is the person's no longer.
    pub(super) fn forget_members(&self, row: &LinkRow, is_replaced: bool) -> Result<(), StoreError> {
        count_untold(self.on, (row.person, row.target), self.now)?;
        let statement = match is_replaced {
            true => {
                "UPDATE link SET added = NULL, due = NULL, lease = NULL, holder = NULL, ends = NULL, look = 0, damage = 0,
                   outdated = 0, settled = 0, outcome = NULL WHERE person = ?1 AND target = ?2 AND part >= 2"
            }
            false => "DELETE FROM link WHERE person = ?1 AND target = ?2 AND part >= 2",
        };
        self.on.prepare_cached(statement)?.execute([row.person, row.target])?;
        Ok(())
    }
}

/// Takes an account out of its groups at a target where nothing is asked of the account itself: who has moved away left
/// it there, locked.
pub(super) fn leave_all(
    on: &Transaction<'_>,
    whose: (i64, i64),
    generation: Generation,
    now: Timestamp,
) -> Result<(), StoreError> {
    unwant_others(on, whose, generation, &[])?;
    wake(on, whose, generation, now)
}

/// Whether an account was taken out of its groups by tries that did not tell is never known once it is gone: it counts
/// against the day's limit as if it had been.
pub(super) fn count_untold(
    on: &Transaction<'_>,
    (person, target): (i64, i64),
    now: Timestamp,
) -> Result<(), StoreError> {
    on.prepare_cached(
        "INSERT INTO journal (at, person, target, part, generation, situation, outcome, code, detail, damage)
         SELECT ?3, person, target, part, generation, situation, ?4, 'no_answer',
           'the account may have been taken out of ' || member_of || ' before it was gone', damage
         FROM link WHERE person = ?1 AND target = ?2 AND part >= 2 AND damage <> 0",
    )?
    .execute(params![person, target, now.0, words::PENDING])?;
    Ok(())
}

fn unwant_others(
    on: &Transaction<'_>,
    (person, target): (i64, i64),
    generation: Generation,
    wanted: &[i64],
) -> Result<(), StoreError> {
    let mut statement =
        on.prepare_cached("SELECT id, part FROM link WHERE person = ?1 AND target = ?2 AND part >= 2")?;
    let rows = statement.query_map([person, target], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let rows: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    for (id, _) in rows.into_iter().filter(|(_, part)| !wanted.contains(part)) {
        on.prepare_cached(
            "UPDATE link SET generation = max(generation, ?2), wants = iif(lease IS NULL, 0, wants),
               outdated = lease IS NOT NULL WHERE id = ?1",
        )?
        .execute([id, generation.0])?;
    }
    Ok(())
}

/// Makes memberships due that differ from what is known.
fn wake(
    on: &Transaction<'_>,
    (person, target): (i64, i64),
    generation: Generation,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !has_members(on, (person, target))? {
        return Ok(());
    }
    let whose = params![person, target, generation.0, now.0];
    on.prepare_cached(
        "DELETE FROM link WHERE person = ?1 AND target = ?2 AND part >= 2 AND NOT wants AND added IS NOT 1
           AND lease IS NULL AND NOT look AND ?3 = ?3 AND ?4 = ?4",
    )?
    .execute(whose)?;
    on.prepare_cached(
        "UPDATE link SET due = CASE WHEN attempt > 0 AND due > ?4 THEN due ELSE ?4 END,
           attempt = iif(due IS NULL, 0, attempt), class = wants, settled = 0, outcome = NULL, code = NULL,
           detail = NULL, generation = max(generation, ?3)
         WHERE person = ?1 AND target = ?2 AND part >= 2 AND lease IS NULL
           AND (look OR (wants AND added IS NULL) OR (NOT wants AND added = 1))",
    )?
    .execute(whose)?;
    on.prepare_cached(
        "UPDATE link SET due = NULL, outcome = iif(outcome = 1 AND settled = ?3, 1, 2), code = NULL, detail = NULL,
           settled = max(generation, ?3), generation = max(generation, ?3)
         WHERE person = ?1 AND target = ?2 AND part >= 2 AND lease IS NULL AND NOT look AND wants
           AND added IS NOT NULL AND ?4 = ?4",
    )?
    .execute(whose)?;
    Ok(())
}

fn has_members(on: &Transaction<'_>, (person, target): (i64, i64)) -> Result<bool, StoreError> {
    Ok(on
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM link WHERE person = ?1 AND target = ?2 AND part >= 2)")?
        .query_row([person, target], |row| row.get(0))?)
}

/// Takes back the work on a membership at a target that the decision no longer speaks of. What may have been written
/// without telling is looked into when it is asked for again, or shall be no longer.
pub(super) fn withdraw(on: &Transaction<'_>, id: i64, generation: Generation) -> Result<(), StoreError> {
    let gone = on
        .prepare_cached("DELETE FROM link WHERE id = ?1 AND added IS NULL AND NOT look AND lease IS NULL")?
        .execute([id])?;
    if gone == 0 {
        on.prepare_cached(
            "UPDATE link SET look = look OR lease IS NOT NULL, due = NULL, lease = NULL, holder = NULL, ends = NULL,
               damage = iif(look OR lease IS NOT NULL, damage, 0), outdated = 0, attempt = 0, generation = ?2, settled = ?2, outcome = 2,
               code = NULL, detail = NULL WHERE id = ?1",
        )?
        .execute([id, generation.0])?;
    }
    Ok(())
}
