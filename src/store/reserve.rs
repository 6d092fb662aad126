//! *Reserve*: which name is whose, so that no two people are called the same.
//!
//! A name is *offered* to a piece of work while it may take it, and *taken* once an account has it. Nobody is offered
//! what is taken by, or offered to, somebody else: of people who want the same name, one at a time is seen to.
//! What a person has taken stays theirs while they have an account anywhere.
//!
//! Those who wait for a name stand in a *line*. When the work it is offered to ends, the first in line is due at once
//! and leads it from then on. Once that one is under way, the next is asked whether it has to wait for it at all; the
//! others are left alone. Should a leader be lost, everybody in line is due when the lease they wait for is surely over.

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::link::LinkRow;
use super::{OwnName, StoreError};
use crate::model::{Known, Part, Reason, Settlement, Timestamp, UniqueName};
use crate::reconcile::names_taken;

/// How soon a name is asked for again, at the least, that is offered to somebody else.
const NAME_PAUSE: Duration = Duration::from_millis(500);

/// What became of the names a piece of work asks for.
pub(super) enum Offered {
    /// They are its own until it ends; only what may be taken is left among the candidates.
    Granted,
    /// One is offered to somebody else.
    NotBefore {
        /// That work is surely over then; mostly it ends long before, and wakes who waits.
        due: Timestamp,
        /// That work.
        behind: i64,
    },
    /// All are somebody else's.
    NoneLeft(Reason),
}

/// Offers a piece of work the names it asks for, all or none.
pub(super) fn offer(
    on: &Transaction<'_>,
    row: &LinkRow,
    unique: &mut [UniqueName],
    now: Timestamp,
) -> Result<Offered, StoreError> {
    let mut offers = Vec::new();
    for name in unique {
        let namespace = namespace(on, row, name)?;
        let wanted = own_first(on, row, &namespace, &name.candidates)?;
        let mut left = Vec::new();
        for candidate in wanted {
            match standing(on, row, &namespace, &candidate)? {
                Standing::Free | Standing::Own => left.push(candidate),
                Standing::Others => {}
                // Two who may each have what the other asks for would wait for each other.
                Standing::Offered { .. } if row.is_unsure() => {}
                Standing::Offered { behind, until } => {
                    return Ok(Offered::NotBefore { due: until.max(now.plus(NAME_PAUSE)), behind });
                }
            }
        }
        // Where an earlier try may have written, the account is looked for first: it may have its name. If there is
        // none, it comes back, and is no longer unsure.
        if left.is_empty() && !row.is_unsure() {
            return Ok(Offered::NoneLeft(names_taken(&name.attribute, &name.candidates)));
        }
        name.candidates = left;
        offers.push((namespace, name));
    }
    for (namespace, name) in offers {
        write(on, row, &namespace, name)?;
    }
    Ok(Offered::Granted)
}

fn write(on: &Transaction<'_>, row: &LinkRow, namespace: &str, name: &UniqueName) -> Result<(), StoreError> {
    let mut statement = on.prepare_cached(
        "INSERT INTO reservation (namespace, folded, value, person, link, attribute) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )?;
    for value in &name.candidates {
        let folded = UniqueName::folded(value);
        statement.execute(params![namespace, folded, value, row.person, row.id, name.attribute.as_str()])?;
    }
    Ok(())
}

/// A namespace that nobody has named is the directory's for that attribute, whichever job writes to it.
fn namespace(on: &Transaction<'_>, row: &LinkRow, name: &UniqueName) -> Result<String, StoreError> {
    if let Some(namespace) = &name.namespace {
        return Ok(namespace.to_string());
    }
    let directory: String = on
        .prepare_cached("SELECT name FROM directory WHERE id = ?1")?
        .query_row([row.directory], |found| found.get(0))?;
    Ok(format!("{directory}/{}", name.attribute))
}

/// The candidates, those before all others that are the person's own already. What a try may have taken that was not
/// reported is not asked for beside anything else: a second try shall not take another.
fn own_first(
    on: &Transaction<'_>,
    row: &LinkRow,
    namespace: &str,
    candidates: &[String],
) -> Result<Vec<String>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT folded, value, link IS NULL FROM reservation WHERE person = ?1 AND namespace = ?2 AND (link IS NULL OR link = ?3)
         ORDER BY folded",
    )?;
    let rows = statement.query_map(params![row.person, namespace, row.id], |found| {
        Ok((found.get::<_, String>(0)?, found.get::<_, String>(1)?, found.get::<_, bool>(2)?))
    })?;
    let held: Vec<(String, String, bool)> = rows.collect::<Result<_, _>>()?;
    let is_held = |candidate: &String| held.iter().any(|(folded, ..)| *folded == UniqueName::folded(candidate));
    let is_offered = held.iter().any(|(.., is_taken)| !is_taken);
    if row.is_unsure() && is_offered && candidates.iter().any(is_held) {
        return Ok(candidates.iter().filter(|candidate| is_held(candidate)).cloned().collect());
    }
    let taken = held.iter().filter(|(.., is_taken)| *is_taken);
    let mut all: Vec<String> = taken.map(|(_, value, _)| value.clone()).collect();
    let others = candidates.iter().filter(|candidate| {
        !held.iter().any(|(folded, _, is_taken)| *is_taken && *folded == UniqueName::folded(candidate))
    });
    all.extend(others.cloned());
    Ok(all)
}

/// Whose a name is, to a piece of work that asks for it.
enum Standing {
    Free,
    Own,
    Others,
    /// Offered to another piece of work, until then at the latest.
    Offered {
        behind: i64,
        until: Timestamp,
    },
}

fn standing(on: &Transaction<'_>, row: &LinkRow, namespace: &str, value: &str) -> Result<Standing, StoreError> {
    let held: Option<(i64, Option<i64>, Option<i64>)> = on
        .prepare_cached(
            "SELECT reservation.person, reservation.link, link.due FROM reservation
             LEFT JOIN link ON link.id = reservation.link WHERE namespace = ?1 AND folded = ?2",
        )?
        .query_row(params![namespace, UniqueName::folded(value)], |found| {
            Ok((found.get(0)?, found.get(1)?, found.get(2)?))
        })
        .optional()?;
    Ok(match held {
        None => Standing::Free,
        Some((_, Some(link), _)) if link == row.id => Standing::Own,
        Some((person, None, _)) if person == row.person => Standing::Own,
        Some((_, Some(behind), Some(due))) => Standing::Offered { behind, until: Timestamp(due) },
        // Taken; or its work has ended, and it is not known whether it took it.
        Some((_, None, _) | (_, Some(_), None)) => Standing::Others,
    })
}

/// Ends what was offered to a piece of work: what the account has is the person's, the rest is free again, unless the
/// work `stays_unsure` and may have taken it.
pub(super) fn end_offer(
    on: &Transaction<'_>,
    row: &LinkRow,
    settlement: &Settlement,
    stays_unsure: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    if row.part != Part::Account {
        return Ok(());
    }
    if let Settlement::Applied { known: Some(known) } | Settlement::Linked { known } = settlement {
        take(on, row, known)?;
    }
    if stays_unsure {
        return Ok(());
    }
    withdraw_offer(on, row.id)?;
    lead_on(on, row, now)
}

/// Puts a piece of work into the line of those who wait for what is offered to the work `behind` which it stands.
pub(super) fn queue_up(on: &Transaction<'_>, row: &LinkRow, behind: i64, now: Timestamp) -> Result<(), StoreError> {
    let line: i64 = on
        .prepare_cached("UPDATE link SET leads = coalesce(leads, id) WHERE id = ?1 RETURNING leads")?
        .query_row([behind], |found| found.get(0))?;
    if row.leads != Some(line) {
        // Whoever waits for this one may have nothing to do with what it waits for now.
        lead_on(on, row, now)?;
    }
    on.prepare_cached("UPDATE link SET line = ?2, leads = NULL WHERE id = ?1")?.execute([row.id, line])?;
    Ok(())
}

/// The first of those who wait behind a piece of work is seen to, and the others wait behind it.
pub(super) fn lead_on(on: &Transaction<'_>, row: &LinkRow, now: Timestamp) -> Result<(), StoreError> {
    if row.leads.is_some() {
        on.prepare_cached("UPDATE link SET leads = NULL WHERE id = ?1")?.execute([row.id])?;
        wake_next(on, row, now)?;
    }
    Ok(())
}

/// The first of those who stand in the line that a piece of work leads is due from now on, and leads it too.
pub(super) fn wake_next(on: &Transaction<'_>, row: &LinkRow, now: Timestamp) -> Result<Option<i64>, StoreError> {
    let Some(line) = row.leads else { return Ok(None) };
    Ok(on
        .prepare_cached(
            "UPDATE link SET due = ?2, line = NULL, leads = ?1 WHERE id =
               (SELECT id FROM link WHERE line = ?1 AND lease IS NULL AND due IS NOT NULL ORDER BY id LIMIT 1)
             RETURNING id",
        )?
        .query_row([line, now.0], |found| found.get(0))
        .optional()?)
}

/// Frees what is offered to a piece of work.
pub(super) fn withdraw_offer(on: &Transaction<'_>, link: i64) -> Result<(), StoreError> {
    on.prepare_cached("DELETE FROM reservation WHERE link = ?1")?.execute([link])?;
    Ok(())
}

/// The names an account has, of those attributes a name was offered for, are the person's: also one that was given
/// by hand. One that is somebody else's already stays theirs.
fn take(on: &Transaction<'_>, row: &LinkRow, known: &Known) -> Result<(), StoreError> {
    let mut statement = on.prepare_cached("SELECT DISTINCT namespace, attribute FROM reservation WHERE link = ?1")?;
    let offered = statement.query_map([row.id], |found| Ok((found.get(0)?, found.get(1)?)))?;
    let offered: Vec<(String, String)> = offered.collect::<Result<_, _>>()?;
    for (namespace, attribute) in offered {
        let held = known.attributes.get(&attribute).and_then(|value| value.as_text());
        let Some(value) = held.filter(|value| !value.is_empty()) else { continue };
        on.prepare_cached(
            "INSERT INTO reservation (namespace, folded, value, person, link, attribute) VALUES (?1, ?2, ?3, ?4, NULL, ?5)
             ON CONFLICT (namespace, folded) DO UPDATE SET link = NULL, value = excluded.value, attribute = excluded.attribute
             WHERE person = excluded.person",
        )?
        .execute(params![namespace, UniqueName::folded(value), value, row.person, attribute])?;
    }
    Ok(())
}

/// Whoever has no account any more has no name any more.
pub(super) fn free_names(on: &Transaction<'_>, person: i64) -> Result<(), StoreError> {
    on.prepare_cached(
        "DELETE FROM reservation WHERE person = ?1 AND link IS NULL
         AND NOT EXISTS (SELECT 1 FROM link WHERE person = ?1 AND part = 0 AND object IS NOT NULL)",
    )?
    .execute([person])?;
    Ok(())
}

/// The names that are a person's.
pub(super) fn taken_by(on: &Transaction<'_>, person: i64) -> Result<Vec<OwnName>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT namespace, attribute, value FROM reservation WHERE person = ?1 AND link IS NULL ORDER BY namespace, folded",
    )?;
    let rows = statement.query_map([person], |found| {
        Ok(OwnName { namespace: found.get(0)?, attribute: found.get(1)?, value: found.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
