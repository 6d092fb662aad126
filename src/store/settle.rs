//! *Settle*: what a worker reports becomes what is known, and operations end.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::codec::{self, Names};
use super::{JobState, Store, StoreError};
use crate::model::{
    Anchor, Carried, Change, ChangeKind, Damage, Generation, Known, LeaseId, Manager, Outcome, Part, Reason,
    Settlement, Situation, Timestamp, WorkerId,
};

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
        carried: Vec<(LeaseId, Carried)>,
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        self.write(|on| {
            let mut names = self.names_mut();
            carried
                .into_iter()
                .map(|(lease, carried)| settle_one(on, &mut names, job, holder, &lease, carried, now))
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
    if job.target_named(row.target).is_none() {
        return Ok(Settled::LeaseLost);
    }
    let anchor: String =
        on.prepare_cached("SELECT anchor FROM person WHERE id = ?1")?.query_row([row.person], |row| row.get(0))?;
    let anchor = Anchor::parse(&anchor).map_err(|error| StoreError::Broken(error.to_string()))?;
    let generation = Generation(row.leased_generation.ok_or_else(|| codec::broken("a lease without a generation"))?);
    let manager = row.manager.as_deref().filter(|_| row.part == Part::Account).map(wanted_manager).transpose()?;
    let Carried { situation, change, settlement } = carried;
    let conclusion = Conclusion { generation, situation, change, settlement, manager };
    Settler { on, names, job, now }.conclude(&row, &anchor, conclusion)?;
    Ok(Settled::Taken)
}

fn wanted_manager(text: &str) -> Result<Manager, StoreError> {
    match text {
        "" => Ok(Manager::Nobody),
        anchor => Anchor::parse(anchor).map(Manager::Is).map_err(|error| StoreError::Broken(error.to_string())),
    }
}

/// Why a manager is not written yet.
pub(super) fn manager_pending(anchor: &str) -> Reason {
    Reason::new("manager_pending", format!("the account waits for its manager {anchor}, who has no account there yet"))
}

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
    pub(super) object: Option<String>,
    pub(super) look: bool,
    pub(super) attempt: u32,
    pub(super) sequence: Option<i64>,
    pub(super) lease: Option<String>,
    pub(super) leased_generation: Option<i64>,
    pub(super) released: Option<i64>,
    pub(super) manager: Option<String>,
    pub(super) written: bool,
}

impl LinkRow {
    pub(super) fn read(on: &Transaction<'_>, id: i64) -> Result<Self, StoreError> {
        Ok(on
            .prepare_cached(
                "SELECT id, person, target, part, directory, generation, settled, object, look, attempt, sequence,
                   lease, leased_generation, released, manager, written FROM link WHERE id = ?1",
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
                })
            })?)
    }
}

/// How a piece of work ended, whoever ended it.
pub(super) struct Conclusion {
    pub(super) generation: Generation,
    pub(super) situation: Situation,
    pub(super) change: Option<Change>,
    pub(super) settlement: Settlement,
    pub(super) manager: Option<Manager>,
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
        if let Settlement::Linked { known } = &end.settlement
            && let Some(other) = self.linked_to_other(row, known)?
        {
            end.situation = Situation::FoundAlreadyLinked;
            end.settlement = Settlement::Failed(other);
        }
        self.keep_known(row, anchor, &end)?;
        let ending = self.ending(row, &end.settlement);
        self.write_row(row, &end, &ending)?;
        self.write_journal(row, &end, &ending)?;
        let is_there = matches!(end.settlement, Settlement::Applied { known: Some(_) } | Settlement::Unchanged);
        if row.part == Part::Account && is_there {
            self.keep_manager(row, anchor, &end)?;
        }
        end_operations(self.on, row.person, None, self.now)
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
        self.on
            .prepare_cached(
                "UPDATE link SET due = iif(lease IS NULL, ?3, due), settled = 0 WHERE target = ?1 AND manager = ?2 AND part = 1",
            )?
            .execute(params![row.target, anchor.as_str(), self.now.0])?;
        // A migration goes on where the person lived before.
        self.on
            .prepare_cached(
                "UPDATE link SET due = iif(lease IS NULL, ?4, due), settled = 0, generation = ?3
                 WHERE person = ?1 AND target <> ?2 AND part = 0 AND object IS NOT NULL",
            )?
            .execute(params![row.person, row.target, end.generation.0, self.now.0])?;
        Ok(())
    }

    fn forget_known(&mut self, row: &LinkRow) -> Result<(), StoreError> {
        self.on.prepare_cached("UPDATE link SET object = NULL, known = NULL WHERE id = ?1")?.execute([row.id])?;
        self.on
            .prepare_cached("DELETE FROM link WHERE person = ?1 AND target = ?2 AND part = 1")?
            .execute([row.person, row.target])?;
        if row.object.is_some() { self.count_people(row.target, -1) } else { Ok(()) }
    }

    fn count_people(&self, target: i64, by: i64) -> Result<(), StoreError> {
        self.on.prepare_cached("UPDATE target SET people = people + ?2 WHERE id = ?1")?.execute([target, by])?;
        Ok(())
    }

    fn ending<'e>(&self, row: &LinkRow, settlement: &'e Settlement) -> Ending<'e> {
        match settlement {
            Settlement::Applied { .. } => Ending { written: true, ..Ending::of(codec::APPLIED, None) },
            Settlement::Unchanged if row.written => Ending::of(codec::APPLIED, None),
            Settlement::Unchanged => Ending::of(codec::UNCHANGED, None),
            Settlement::Held(reason) => Ending::of(codec::HELD, Some(reason)),
            Settlement::Skipped(reason) => Ending::of(codec::SKIPPED, Some(reason)),
            Settlement::Failed(reason) => Ending::of(codec::FAILED, Some(reason)),
            Settlement::Linked { .. } => {
                Ending { outcome: None, reason: None, due: Some(self.now), attempt: 0, look: false, written: true }
            }
            Settlement::Again { due, look, why } => Ending {
                outcome: None,
                reason: Some(why),
                due: Some(*due),
                attempt: row.attempt + 1,
                look: *look,
                written: row.written,
            },
        }
    }

    fn write_row(&mut self, row: &LinkRow, end: &Conclusion, ending: &Ending<'_>) -> Result<(), StoreError> {
        // A newer state came while this one was carried: it is due at once.
        let newer = row.generation > end.generation.0;
        let due = if newer { Some(ending.due.map_or(self.now, |due| due.max(self.now))) } else { ending.due };
        // What may have left a trace under its number keeps it until it has surely ended.
        let is_tried_again = matches!(end.settlement, Settlement::Again { .. });
        let settled = if ending.outcome.is_some() { end.generation.0 } else { row.settled };
        self.on
            .prepare_cached(
                "UPDATE link SET outcome = ?2, code = ?3, detail = ?4, due = ?5, attempt = ?6, look = ?7, written = ?8,
                   settled = ?9, situation = ?10, generation = max(generation, ?11),
                   lease = NULL, holder = NULL, ends = NULL, damage = 0, sequence = iif(?12, sequence, NULL) WHERE id = ?1",
            )?
            .execute(params![
                row.id,
                ending.outcome,
                ending.reason.map(|reason| reason.code.as_ref()),
                ending.reason.map(|reason| reason.detail.as_str()),
                due.map(|due| due.0),
                ending.attempt,
                ending.look,
                ending.written && !newer,
                settled,
                codec::situation_number(end.situation),
                end.generation.0,
                is_tried_again,
            ])?;
        Ok(())
    }

    fn write_journal(&mut self, row: &LinkRow, end: &Conclusion, ending: &Ending<'_>) -> Result<(), StoreError> {
        let nothing_happened = matches!(end.settlement, Settlement::Unchanged);
        if nothing_happened {
            return Ok(());
        }
        let damages = end.change.as_ref().filter(|_| ending.outcome == Some(codec::APPLIED)).map_or(0, change_damage);
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
                i64::from(row.part == Part::Manager),
                end.generation.0,
                codec::situation_number(end.situation),
                end.change.as_ref().map(|change| codec::kind_number(change.kind)),
                ending.outcome.unwrap_or(codec::PENDING),
                ending.reason.map(|reason| reason.code.as_ref()),
                ending.reason.map(|reason| reason.detail.as_str()),
                change,
                damages,
            ])?;
        Ok(())
    }

    /// Makes the manager reference a piece of work of its own, once the account is there.
    fn keep_manager(&mut self, row: &LinkRow, anchor: &Anchor, end: &Conclusion) -> Result<(), StoreError> {
        let wanted = match &end.manager {
            None => return Ok(()),
            Some(Manager::Nobody) => "",
            Some(Manager::Is(manager)) => manager.as_str(),
        };
        let held: Option<(String, i64)> = self
            .on
            .prepare_cached("SELECT manager, settled FROM link WHERE person = ?1 AND target = ?2 AND part = 1")?
            .query_row([row.person, row.target], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let is_settled_already = held.as_ref().is_some_and(|(manager, settled)| manager == wanted && *settled > 0);
        let none_ever = held.is_none() && wanted.is_empty();
        if none_ever {
            return Ok(());
        }
        if is_settled_already {
            self.on
                .prepare_cached(
                    "UPDATE link SET generation = ?3, settled = ?3 WHERE person = ?1 AND target = ?2 AND part = 1",
                )?
                .execute(params![row.person, row.target, end.generation.0])?;
            return Ok(());
        }
        let standing = self.manager_standing(row, anchor, wanted)?;
        self.write_manager_row(row, end.generation, wanted, &standing)
    }

    fn write_manager_row(
        &mut self,
        row: &LinkRow,
        generation: Generation,
        wanted: &str,
        standing: &ManagerStanding,
    ) -> Result<(), StoreError> {
        let (due, outcome, reason) = match standing {
            ManagerStanding::Ready => (Some(self.now.0), None, None),
            ManagerStanding::Waits(reason) => (None, Some(codec::HELD), Some(reason)),
            ManagerStanding::Never(reason) => (None, Some(codec::SKIPPED), Some(reason)),
        };
        self.on
            .prepare_cached(
                "INSERT INTO link (person, target, part, directory, generation, manager, due, outcome, code, detail, situation, settled)
                 VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, iif(?6 IS NULL, ?4, 0))
                 ON CONFLICT (person, target, part) DO UPDATE SET
                   generation = excluded.generation, manager = excluded.manager, outcome = excluded.outcome,
                   code = excluded.code, detail = excluded.detail, situation = excluded.situation, attempt = 0, written = 0,
                   due = iif(lease IS NULL, excluded.due, due), settled = excluded.settled",
            )?
            .execute(params![
                row.person,
                row.target,
                row.directory,
                generation.0,
                wanted,
                due,
                outcome,
                reason.map(|reason| reason.code.as_ref()),
                reason.map(|reason| reason.detail.as_str()),
                codec::situation_number(Situation::ReferencePending),
            ])?;
        Ok(())
    }

    fn manager_standing(&self, row: &LinkRow, anchor: &Anchor, wanted: &str) -> Result<ManagerStanding, StoreError> {
        if wanted.is_empty() {
            return Ok(ManagerStanding::Ready);
        }
        if wanted == anchor.as_str() {
            let reason =
                Reason::new("manager_is_self", format!("{anchor} is named as their own manager; nothing is written"));
            return Ok(ManagerStanding::Never(reason));
        }
        let manager: Option<(i64, Option<String>)> = self
            .on
            .prepare_cached(
                "SELECT person.placed, link.object FROM anchor JOIN person ON person.id = anchor.person
                 LEFT JOIN link ON link.person = anchor.person AND link.target = ?3 AND link.part = 0
                 WHERE anchor.job = ?1 AND anchor.anchor = ?2",
            )?
            .query_row(params![self.job.key.0, wanted, row.target], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(match manager {
            Some((_, Some(_))) => ManagerStanding::Ready,
            Some((placed, None)) if placed > 0 && placed != row.target => {
                let home = self.job.target_named(placed).map_or("another target", |id| id.as_str());
                ManagerStanding::Never(Reason::new(
                    "manager_elsewhere",
                    format!("the manager {wanted} of {anchor} lives at `{home}`, so the reference cannot exist here"),
                ))
            }
            _ => ManagerStanding::Waits(manager_pending(wanted)),
        })
    }
}

enum ManagerStanding {
    Ready,
    Waits(Reason),
    Never(Reason),
}

fn change_damage(change: &Change) -> i64 {
    let gravest = match change.kind {
        ChangeKind::Disable => Some(Damage::Disable),
        ChangeKind::Delete => Some(Damage::Delete),
        ChangeKind::Create | ChangeKind::Update | ChangeKind::Enable | ChangeKind::Move => None,
    };
    let moves = change.container.is_some() && change.kind != ChangeKind::Create;
    codec::damage_bits(gravest.into_iter().chain(moves.then_some(Damage::Move)))
}

/// Ends the person's open operations as far as their links have been settled.
///
/// The newest that is covered gets the outcome; those before it were absorbed by it, and say so. `immediate`
/// is the outcome where the decision left nothing to do at any target.
pub(super) fn end_operations(
    on: &Transaction<'_>,
    person: i64,
    immediate: Option<&Outcome>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some((ended, outcome, code, detail)) = overall(on, person, immediate)? else { return Ok(()) };
    let mut statement = on.prepare_cached(
        "SELECT upload, idx, outcome, code FROM operation
         WHERE person = ?1 AND outcome IN (0, 4, 5) AND generation <= ?2 ORDER BY upload DESC, idx DESC",
    )?;
    let open = statement.query_map([person, ended], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let open: Vec<(i64, i64, i64, Option<String>)> = open.collect::<Result<_, _>>()?;
    let Some(((upload, idx, was, was_code), absorbed)) = open.split_first() else { return Ok(()) };
    if *was != outcome || *was_code != code {
        on.prepare_cached(
            "UPDATE operation SET outcome = ?3, code = ?4, detail = ?5, ended_at = ?6 WHERE upload = ?1 AND idx = ?2",
        )?
        .execute(params![upload, idx, outcome, code, detail, now.0])?;
    }
    for (older_upload, older_idx, ..) in absorbed {
        on.prepare_cached(
            "UPDATE operation SET outcome = ?3, by_upload = ?4, by_idx = ?5, code = NULL, detail = NULL, ended_at = ?6
             WHERE upload = ?1 AND idx = ?2",
        )?
        .execute(params![older_upload, older_idx, codec::SUPERSEDED, upload, idx, now.0])?;
    }
    Ok(())
}

type Overall = (i64, i64, Option<String>, Option<String>);

/// Up to which generation the person's links are settled, and how that ended, all of them together.
fn overall(on: &Transaction<'_>, person: i64, immediate: Option<&Outcome>) -> Result<Option<Overall>, StoreError> {
    let current: i64 =
        on.prepare_cached("SELECT generation FROM person WHERE id = ?1")?.query_row([person], |row| row.get(0))?;
    if let Some(outcome) = immediate {
        let reason = outcome.reason();
        return Ok(Some((
            current,
            codec::outcome_number(outcome),
            reason.map(|reason| reason.code.to_string()),
            reason.map(|reason| reason.detail.clone()),
        )));
    }
    let mut statement = on.prepare_cached(
        "SELECT due IS NOT NULL AND settled < generation, settled, outcome, code, detail, part FROM link WHERE person = ?1",
    )?;
    let rows = statement.query_map([person], |row| {
        Ok((
            row.get::<_, bool>(0)?,
            row.get::<_, i64>(1)?,
            row.get::<_, Option<i64>>(2)?,
            row.get::<_, Option<String>>(3)?,
            row.get::<_, Option<String>>(4)?,
            row.get::<_, i64>(5)?,
        ))
    })?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let ended = rows.iter().filter(|row| row.0).map(|row| row.1).min().unwrap_or(current);
    let gravest = rows
        .into_iter()
        .filter(|(_, settled, outcome, ..)| *settled == ended && outcome.is_some())
        .map(|(_, _, outcome, code, detail, part)| (outcome.unwrap_or_default(), code, detail, part))
        .max_by_key(|(outcome, _, _, part)| gravity(*outcome, *part));
    Ok(gravest.filter(|_| ended > 0).map(|(outcome, code, detail, _)| (ended, outcome, code, detail)))
}

/// Which of several endings speaks for the operation: what needs a person's eye first, then what was written.
fn gravity(outcome: i64, part: i64) -> i64 {
    match (outcome, part) {
        (codec::FAILED, _) => 5,
        (codec::HELD, _) => 4,
        (codec::APPLIED, _) => 3,
        // The account's own word goes before that of a manager who lives elsewhere.
        (_, 0) => 2,
        _ => 1,
    }
}

/// Who holds a lease may be told apart from who does not, nothing more.
impl Settled {
    /// Whether it was taken.
    pub fn is_taken(self) -> bool {
        self == Self::Taken
    }
}
