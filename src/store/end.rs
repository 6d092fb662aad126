//! *End*: operations end when the work they made has ended, each in exactly one outcome (promise 2).

use rusqlite::{Transaction, params};

use super::StoreError;
use super::words;
use crate::model::{Outcome, Timestamp};

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
        .execute(params![older_upload, older_idx, words::SUPERSEDED, upload, idx, now.0])?;
    }
    Ok(())
}

/// The same, where the last work that was left has ended. What no row speaks of any more ends as the decision has it,
/// in `outcome`.
pub(super) fn end_last(
    on: &Transaction<'_>,
    person: i64,
    outcome: Option<&Outcome>,
    now: Timestamp,
) -> Result<(), StoreError> {
    end_operations(on, person, None, now)?;
    let waits: bool = on
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM operation WHERE person = ?1 AND outcome = 0)")?
        .query_row([person], |row| row.get(0))?;
    if waits && !is_work_left(on, person)? {
        end_operations(on, person, outcome, now)?;
    }
    Ok(())
}

/// Whether anything is due or under way for the person at any target.
pub(super) fn is_work_left(on: &Transaction<'_>, person: i64) -> Result<bool, StoreError> {
    Ok(on
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM link WHERE person = ?1 AND due IS NOT NULL)")?
        .query_row([person], |row| row.get(0))?)
}

/// A generation, and how the operations up to it ended.
type Overall = (i64, i64, Option<String>, Option<String>);

/// What a row of the person says of that.
struct Said {
    is_pending: bool,
    settled: i64,
    outcome: Option<i64>,
    code: Option<String>,
    detail: Option<String>,
    part: i64,
}

/// Up to which generation the person's links are settled, and how that ended, all of them together.
fn overall(on: &Transaction<'_>, person: i64, immediate: Option<&Outcome>) -> Result<Option<Overall>, StoreError> {
    let current: i64 =
        on.prepare_cached("SELECT generation FROM person WHERE id = ?1")?.query_row([person], |row| row.get(0))?;
    if let Some(outcome) = immediate {
        let reason = outcome.reason();
        let (code, detail) = (reason.map(|reason| reason.code.to_string()), reason.map(|reason| reason.detail.clone()));
        return Ok(Some((current, words::outcome_number(outcome), code, detail)));
    }
    let rows = said(on, person)?;
    let ended = rows.iter().filter(|row| row.is_pending).map(|row| row.settled).min().unwrap_or(current);
    if ended == 0 {
        return Ok(None);
    }
    // Where one has gone on since, what it did for this state is not told by the others: they end together. So does a
    // reference that was not written, which does not say how its account ended.
    let has_one_gone_on = rows.iter().any(|row| row.settled > ended);
    let says_enough = |row: &Said| {
        let of = row.outcome.filter(|_| row.settled == ended);
        of.is_some_and(|of| of == words::APPLIED || (row.part == 0 && !has_one_gone_on))
    };
    if ended < current && !rows.iter().any(says_enough) {
        return Ok(None);
    }
    let speaking = rows.into_iter().filter(|row| row.settled == ended);
    let speaking = speaking.filter_map(|row| Some((row.outcome?, row.code, row.detail, row.part)));
    let gravest = speaking.max_by_key(|(outcome, _, _, part)| gravity(*outcome, *part));
    Ok(gravest.map(|(outcome, code, detail, _)| (ended, outcome, code, detail)))
}

fn said(on: &Transaction<'_>, person: i64) -> Result<Vec<Said>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT due IS NOT NULL AND settled < generation, settled, outcome, code, detail, part FROM link WHERE person = ?1",
    )?;
    let rows = statement.query_map([person], |row| {
        Ok(Said {
            is_pending: row.get(0)?,
            settled: row.get(1)?,
            outcome: row.get(2)?,
            code: row.get(3)?,
            detail: row.get(4)?,
            part: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Which of several endings speaks for the operation: what needs a person's eye first, then what was written.
fn gravity(outcome: i64, part: i64) -> i64 {
    match (outcome, part) {
        (words::FAILED, _) => 6,
        (words::HELD, _) => 5,
        (words::APPLIED, _) => 4,
        // The account's own word goes before that of a manager who lives elsewhere.
        (words::SKIPPED, 0) => 3,
        (_, 0) => 2,
        _ => 1,
    }
}
