//! *Offer*: work that lies in a queue which only transports. It is leased to the queue, and bound to the agent that
//! claims it; what nobody claims falls due again, and nobody need look what was written: nobody wrote.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::link::{Conclusion, LinkRow, OFFERED, Unsure};
use super::names::Names;
use super::settle::Settler;
use super::{JobState, Store, StoreError, TargetKey, codec, reserve};
use crate::model::{Anchor, Generation, LeaseId, Reason, Settlement, Situation, Timestamp, WorkerId};

/// An offer that an agent takes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The lease it was offered under.
    pub offer: LeaseId,
    /// The lease it shall be from now on, of the agent's own making. Whoever asks again under it, because the answer
    /// was lost, is given the same; a second worker that has the same message asks under another, and has come too late.
    pub lease: LeaseId,
}

/// What became of a [`Claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is the agent's until then.
    Until(Timestamp),
    /// It is offered no more: taken by another, settled, or overtaken by something newer.
    Gone,
}

impl Store {
    /// Binds offers at these targets to the agent, each only if it is still offered, or its own already. The answers
    /// are in the order of the claims.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing is bound.
    pub fn claim(
        &self,
        job: &JobState,
        targets: &[TargetKey],
        (holder, claims): (&WorkerId, &[Claim]),
        (now, lasts, grace): (Timestamp, Duration, Duration),
    ) -> Result<Vec<Claimed>, StoreError> {
        let ends = now.plus(lasts);
        self.write(|on| {
            let mut answers = Vec::with_capacity(claims.len());
            for claim in claims {
                answers.push(match own(on, holder, claim, now)? {
                    Some(until) => Claimed::Until(until),
                    None if bind(on, (job, targets), (holder, claim), (now, ends, ends.plus(grace)))? => {
                        Claimed::Until(ends)
                    }
                    None => Claimed::Gone,
                });
            }
            Ok(answers)
        })
    }

    /// How much is offered at a target and not claimed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn offered(&self, target: TargetKey) -> Result<usize, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached("SELECT count(*) FROM link WHERE target = ?1 AND holder = 'queue'")?
                .query_row([target.0], |row| row.get(0))?)
        })
    }

    /// Takes offers back that did not reach the queue; they are due again at `due`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then they fall due when the offer ends.
    pub fn take_back(&self, offers: &[LeaseId], due: Timestamp) -> Result<(), StoreError> {
        self.write(|on| {
            for offer in offers {
                if let Some(row) = offered_row(on, offer)? {
                    give_up(on, &row, due)?;
                }
            }
            Ok(())
        })
    }

    /// Takes back all that is offered at a target: nobody knows what became of the queue. Gives how much that was.
    ///
    /// # Errors
    /// As [`Store::take_back`].
    pub fn take_back_all(&self, target: TargetKey, due: Timestamp) -> Result<usize, StoreError> {
        self.write(|on| {
            let mut statement = on.prepare_cached("SELECT id FROM link WHERE target = ?1 AND holder = 'queue'")?;
            let ids: Vec<i64> = statement.query_map([target.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for id in &ids {
                give_up(on, &LinkRow::read(on, *id)?, due)?;
            }
            Ok(ids.len())
        })
    }

    /// Whether something of this job is offered so, and nobody has claimed it.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn is_offered(&self, job: &JobState, offer: &LeaseId) -> Result<bool, StoreError> {
        self.read(|on| {
            let row = offered_row(on, offer)?;
            Ok(row.is_some_and(|row| job.target_named(row.target).is_some()))
        })
    }

    /// Holds an offer that cannot be brought to anybody; whether it still was one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn hold_offer(&self, job: &JobState, offer: &LeaseId, why: Reason, now: Timestamp) -> Result<bool, StoreError> {
        self.write(|on| {
            let Some((row, anchor)) = offer_of(on, job, offer)? else { return Ok(false) };
            hold(on, &mut self.names_mut(), (job, now), (&row, &anchor, why)).map(|()| true)
        })
    }
}

/// What is offered so, and to whom it belongs, where it is of this job.
fn offer_of(on: &Transaction<'_>, job: &JobState, offer: &LeaseId) -> Result<Option<(LinkRow, Anchor)>, StoreError> {
    let row = offered_row(on, offer)?.filter(|row| job.target_named(row.target).is_some());
    let Some(row) = row else { return Ok(None) };
    let anchor: String =
        on.prepare_cached("SELECT anchor FROM person WHERE id = ?1")?.query_row([row.person], |row| row.get(0))?;
    let anchor = Anchor::parse(&anchor).map_err(|error| StoreError::Broken(error.to_string()))?;
    Ok(Some((row, anchor)))
}

fn hold(
    on: &Transaction<'_>,
    names: &mut Names,
    (job, now): (&JobState, Timestamp),
    (row, anchor, why): (&LinkRow, &Anchor, Reason),
) -> Result<(), StoreError> {
    let generation = row.leased_generation.ok_or_else(|| codec::broken("an offer without a generation"))?;
    let conclusion = Conclusion {
        generation: Generation(generation),
        situation: if row.object.is_some() { Situation::Confirmed } else { Situation::Absent },
        change: None,
        settlement: Settlement::Held(why),
        manager: None,
        unsure: row.is_unsure().then_some(Unsure { has_looked: false }),
    };
    Settler { on, names, job, now }.conclude(row, anchor, conclusion)
}

/// Until when the agent has it already, under the lease it asks for.
fn own(
    on: &Transaction<'_>,
    holder: &WorkerId,
    claim: &Claim,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let ends: Option<i64> = on
        .prepare_cached("SELECT ends FROM link WHERE lease = ?1 AND holder = ?2 AND ends > ?3")?
        .query_row(params![claim.lease.as_str(), holder.as_str(), now.0], |row| row.get(0))
        .optional()?;
    Ok(ends.map(Timestamp))
}

/// Whether it was still offered, and is the agent's now.
fn bind(
    on: &Transaction<'_>,
    (job, targets): (&JobState, &[TargetKey]),
    (holder, claim): (&WorkerId, &Claim),
    (now, ends, due): (Timestamp, Timestamp, Timestamp),
) -> Result<bool, StoreError> {
    let row = offered_row(on, &claim.offer)?;
    let Some(row) = row.filter(|row| targets.iter().any(|target| target.0 == row.target)) else { return Ok(false) };
    let is_overtaken = row.outdated || Some(row.generation) != row.leased_generation;
    if is_overtaken || job.target_named(row.target).is_none() {
        give_up(on, &row, now)?;
        return Ok(false);
    }
    // A lease has one name and a name one lease, whoever makes it up.
    let done = on
        .prepare_cached(
            "UPDATE link SET lease = ?2, holder = ?3, ends = ?4, due = ?5 WHERE id = ?1
             AND NOT EXISTS (SELECT 1 FROM link WHERE lease = ?2)",
        )?
        .execute(params![row.id, claim.lease.as_str(), holder.as_str(), ends.0, due.0])?;
    Ok(done == 1)
}

fn offered_row(on: &Transaction<'_>, offer: &LeaseId) -> Result<Option<LinkRow>, StoreError> {
    let id: Option<i64> = on
        .prepare_cached("SELECT id FROM link WHERE lease = ?1 AND holder = ?2 AND due IS NOT NULL")?
        .query_row(params![offer.as_str(), OFFERED], |row| row.get(0))
        .optional()?;
    Ok(id.map(|id| LinkRow::read(on, id)).transpose()?)
}

/// It is nobody's again. What an earlier try may have done stays as unsure as it was.
fn give_up(on: &Transaction<'_>, row: &LinkRow, due: Timestamp) -> Result<(), StoreError> {
    on.prepare_cached(
        "UPDATE link SET lease = NULL, holder = NULL, ends = NULL, outdated = 0, due = ?2, damage = iif(look, damage, 0)
         WHERE id = ?1",
    )?
    .execute(params![row.id, due.0])?;
    if row.look {
        return Ok(());
    }
    reserve::withdraw_offer(on, row.id)?;
    reserve::lead_on(on, row, due)
}
