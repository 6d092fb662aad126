//! What people ask: how an upload ended, where a person stands and why.

use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::codec;
use super::record::{person_row, stored_person};
use super::{JobState, Store, StoreError, StoredPerson, TargetKey};
use crate::model::{
    Change, Generation, Known, OperationId, Outcome, Part, Reason, Situation, TargetId, Timestamp, UploadId,
};

/// Operations and journal entries of a person that are shown, the newest.
const HISTORY_MAX: usize = 200;

/// An upload and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadState {
    /// Its sequence number.
    pub id: UploadId,
    /// Who sent it, or from which file it came.
    pub origin: String,
    /// The sender's id of it.
    pub request_id: Option<String>,
    /// When.
    pub accepted_at: Timestamp,
    /// How many operations it has.
    pub operations: u64,
    /// How many of them are decided.
    pub decided: u64,
    /// Rows of an import that had not changed.
    pub unchanged: u64,
    /// Whether all of it was read; an import that died was not.
    pub complete: bool,
}

/// An operation and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationState {
    /// Which.
    pub id: OperationId,
    /// The sender's name for it.
    pub bulk_id: Option<String>,
    /// Of whom, as far as known.
    pub anchor: Option<String>,
    /// The state of the person it made.
    pub generation: Option<Generation>,
    /// How it ended; `None` when it has not yet.
    pub outcome: Option<Outcome>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Where a person stands, by the last decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// At home at this target.
    At(TargetId),
    /// Nowhere, on purpose.
    Nowhere,
    /// Nowhere yet.
    Held,
    /// The job is not about them.
    OutOfScope,
    /// The source has deleted them.
    Deleted,
}

/// All there is to say about a person.
#[derive(Debug, Clone)]
pub struct PersonState {
    /// The person, and their accounts.
    pub stored: StoredPerson,
    /// Where they stand.
    pub standing: Standing,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What is left to do, and what was done last, at each target.
    pub links: Vec<LinkState>,
    /// What was said of them, newest first.
    pub operations: Vec<OperationState>,
    /// What was done, newest first.
    pub history: Vec<HistoryEntry>,
    /// The newest import that saw them unchanged.
    pub last_seen: Option<(UploadId, Timestamp)>,
}

/// A person at a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// Which target.
    pub target: TargetId,
    /// The account, or its manager.
    pub part: Part,
    /// How things stood when last looked at.
    pub situation: Option<Situation>,
    /// The state to be brought there.
    pub generation: Generation,
    /// The last one that ended.
    pub settled: Generation,
    /// How it ended; or, while it is not ended, why it waits.
    pub outcome: Option<Outcome>,
    /// Why it waits, when it has been tried.
    pub waits: Option<Reason>,
    /// When it is due; `None` when there is nothing to do.
    pub due: Option<Timestamp>,
    /// Who carries it now.
    pub holder: Option<String>,
    /// The manager it is about.
    pub manager: Option<String>,
}

/// One thing that was done, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub target: TargetId,
    /// The account, or its manager.
    pub part: Part,
    /// Which state of the person.
    pub generation: Generation,
    /// How things stood.
    pub situation: Option<Situation>,
    /// How it ended; `None` where it is tried again.
    pub outcome: Option<Outcome>,
    /// Why it was tried again.
    pub why: Option<Reason>,
    /// What was written.
    pub change: Option<Change>,
}

/// A target in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    /// Which.
    pub id: TargetId,
    /// Linked accounts.
    pub people: u64,
    /// Pieces of work that are due or leased.
    pub waiting: u64,
    /// Pieces of work that are held.
    pub held: u64,
}

impl Store {
    /// An upload of the job; `None` when there is none of that number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn upload(&self, id: UploadId) -> Result<Option<(String, UploadState)>, StoreError> {
        self.read(|on| {
            on.query_row(
                "SELECT job.name, upload.id, origin, request_id, accepted_at, operations, decided, unchanged, complete
                 FROM upload JOIN job ON job.id = upload.job WHERE upload.id = ?1",
                [id.0],
                |row| Ok((row.get(0)?, row.get::<_, Option<Vec<u8>>>(7)?, upload_state(row)?)),
            )
            .optional()?
            .map(|(job, runs, state)| {
                let unchanged = runs.as_deref().map_or(Ok(0), codec::runs_count)?;
                Ok((job, UploadState { unchanged, ..state }))
            })
            .transpose()
        })
    }

    /// Operations of an upload from `first` on, in order, `count` at most; those that are decided.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn operations(&self, upload: UploadId, first: u32, count: usize) -> Result<Vec<OperationState>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(&format!(
                "{OPERATION} WHERE operation.upload = ?1 AND operation.idx >= ?2 ORDER BY operation.idx LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![upload.0, first, count])?;
            let mut operations = Vec::new();
            while let Some(row) = rows.next()? {
                operations.push(operation(row)?);
            }
            Ok(operations)
        })
    }

    /// How the operations of an upload ended, counted by the outcome's word; those not ended under `pending`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn outcomes(&self, upload: UploadId) -> Result<Vec<(&'static str, u64)>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(
                "SELECT outcome, count(*) FROM operation WHERE upload = ?1 GROUP BY outcome ORDER BY outcome",
            )?;
            let rows = statement.query_map([upload.0], |row| Ok((outcome_word(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// All there is to say about a person; `None` when the job has never heard of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn person(&self, job: &JobState, anchor: &str) -> Result<Option<PersonState>, StoreError> {
        self.read(|on| {
            let Some(row) = person_row(on, job, anchor)? else { return Ok(None) };
            // Another process may have numbered names since this one read them.
            let fresh = codec::Names::read(on)?;
            let stored = stored_person(on, &fresh, job, row)?;
            let (placed, rule): (i64, Option<u32>) =
                on.query_row("SELECT placed, rule FROM person WHERE id = ?1", [row], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            let rule = rule.map(|number| fresh.name(number).map(ToString::to_string)).transpose()?;
            Ok(Some(PersonState {
                stored,
                standing: standing(job, placed),
                rule,
                links: links(on, job, row)?,
                operations: person_operations(on, row)?,
                history: history(on, &fresh, job, row)?,
                last_seen: last_seen(on, job, row)?,
            }))
        })
    }

    /// What is stored of a person; `None` when the job has never heard of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn stored(&self, job: &JobState, anchor: &str) -> Result<Option<StoredPerson>, StoreError> {
        self.read(|on| match person_row(on, job, anchor)? {
            Some(row) => Ok(Some(stored_person(on, &self.names(), job, row)?)),
            None => Ok(None),
        })
    }

    /// Operations about an anchor of whom there is no person: what was said could not be understood.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn operations_about(&self, job: &JobState, anchor: &str) -> Result<Vec<OperationState>, StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached(&format!(
                "{OPERATION} JOIN upload ON upload.id = operation.upload
                 WHERE operation.anchor = ?1 AND upload.job = ?2 ORDER BY operation.upload DESC, operation.idx DESC LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![anchor, job.key.0, HISTORY_MAX])?;
            let mut operations = Vec::new();
            while let Some(row) = rows.next()? {
                operations.push(operation(row)?);
            }
            Ok(operations)
        })
    }

    /// People by where they stand and the rule that placed them, counted.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn standings(&self, job: &JobState) -> Result<Vec<(Standing, Option<String>, u64)>, StoreError> {
        self.read(|on| {
            let fresh = codec::Names::read(on)?;
            let mut statement = on.prepare_cached(
                "SELECT placed, rule, count(*) FROM person WHERE job = ?1 GROUP BY placed, rule ORDER BY placed DESC, rule",
            )?;
            let rows = statement.query_map([job.key.0], |row| Ok((row.get(0)?, row.get::<_, Option<u32>>(1)?, row.get(2)?)))?;
            rows.map(|row| {
                let (placed, rule, count) = row?;
                let rule = rule.map(|number| fresh.name(number).map(ToString::to_string)).transpose()?;
                Ok((standing(job, placed), rule, count))
            })
            .collect()
        })
    }

    /// A target in numbers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn target_state(&self, id: &TargetId, key: TargetKey) -> Result<TargetState, StoreError> {
        self.read(|on| {
            Ok(on.query_row(
                "SELECT people, (SELECT count(*) FROM link WHERE target = ?1 AND due IS NOT NULL AND class IN (0, 1)),
                   (SELECT count(*) FROM link WHERE target = ?1 AND outcome = 4) FROM target WHERE id = ?1",
                [key.0],
                |row| Ok(TargetState { id: id.clone(), people: row.get(0)?, waiting: row.get(1)?, held: row.get(2)? }),
            )?)
        })
    }
}

fn upload_state(row: &Row<'_>) -> rusqlite::Result<UploadState> {
    Ok(UploadState {
        id: UploadId(row.get(1)?),
        origin: row.get(2)?,
        request_id: row.get(3)?,
        accepted_at: Timestamp(row.get(4)?),
        operations: row.get(5)?,
        decided: row.get(6)?,
        unchanged: 0,
        complete: row.get(8)?,
    })
}

const OPERATION: &str =
    "SELECT operation.upload, operation.idx, operation.bulk_id, coalesce(person.anchor, operation.anchor),
  operation.generation, operation.outcome, operation.code, operation.detail, operation.by_upload, operation.by_idx,
  operation.ended_at FROM operation LEFT JOIN person ON person.id = operation.person";

fn operation(row: &Row<'_>) -> Result<OperationState, StoreError> {
    let by = match (row.get::<_, Option<i64>>(8)?, row.get::<_, Option<u32>>(9)?) {
        (Some(upload), Some(index)) => Some(OperationId { upload: UploadId(upload), index }),
        _ => None,
    };
    Ok(OperationState {
        id: OperationId { upload: UploadId(row.get(0)?), index: row.get(1)? },
        bulk_id: row.get(2)?,
        anchor: row.get(3)?,
        generation: row.get::<_, Option<i64>>(4)?.map(Generation),
        outcome: codec::outcome(row.get(5)?, row.get(6)?, row.get(7)?, by)?,
        ended_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
    })
}

fn outcome_word(number: i64) -> &'static str {
    match number {
        codec::APPLIED => "applied",
        codec::UNCHANGED => "unchanged",
        codec::SKIPPED => "skipped",
        codec::HELD => "held",
        codec::FAILED => "failed",
        codec::SUPERSEDED => "superseded",
        _ => "pending",
    }
}

fn standing(job: &JobState, placed: i64) -> Standing {
    match placed {
        super::record::NOWHERE => Standing::Nowhere,
        super::record::OUT_OF_SCOPE => Standing::OutOfScope,
        super::record::DELETED => Standing::Deleted,
        target => job.target_named(target).map_or(Standing::Held, |id| Standing::At(id.clone())),
    }
}

fn links(on: &Transaction<'_>, job: &JobState, person: i64) -> Result<Vec<LinkState>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT target, part, situation, generation, settled, outcome, code, detail, due, holder, manager
         FROM link WHERE person = ?1 ORDER BY target, part",
    )?;
    let mut rows = statement.query([person])?;
    let mut links = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(target) = job.target_named(row.get(0)?) else { continue };
        let ended: Option<i64> = row.get(5)?;
        let (code, detail): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
        let waits = ended.is_none().then(|| reason(code.clone(), detail.clone())).flatten();
        links.push(LinkState {
            target: target.clone(),
            part: part(row.get(1)?),
            situation: codec::situation(row.get(2)?),
            generation: Generation(row.get(3)?),
            settled: Generation(row.get(4)?),
            outcome: codec::outcome(ended.unwrap_or(codec::PENDING), code, detail, None)?,
            waits,
            due: row.get::<_, Option<i64>>(8)?.map(Timestamp),
            holder: row.get(9)?,
            manager: row.get(10)?,
        });
    }
    Ok(links)
}

fn part(number: i64) -> Part {
    if number == 0 { Part::Account } else { Part::Manager }
}

fn reason(code: Option<String>, detail: Option<String>) -> Option<Reason> {
    Some(Reason { code: code?.into(), detail: detail.unwrap_or_default() })
}

fn person_operations(on: &Transaction<'_>, person: i64) -> Result<Vec<OperationState>, StoreError> {
    let mut statement = on.prepare_cached(&format!(
        "{OPERATION} WHERE operation.person = ?1 ORDER BY operation.upload DESC, operation.idx DESC LIMIT ?2"
    ))?;
    let mut rows = statement.query(params![person, HISTORY_MAX])?;
    let mut operations = Vec::new();
    while let Some(row) = rows.next()? {
        operations.push(operation(row)?);
    }
    Ok(operations)
}

fn history(
    on: &Transaction<'_>,
    names: &codec::Names,
    job: &JobState,
    person: i64,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT at, target, part, generation, situation, outcome, code, detail, change FROM journal
         WHERE person = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![person, HISTORY_MAX])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(target) = job.target_named(row.get(1)?) else { continue };
        let change: Option<Vec<u8>> = row.get(8)?;
        let (code, detail): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
        let number: i64 = row.get(5)?;
        let why = (number == codec::PENDING).then(|| reason(code.clone(), detail.clone())).flatten();
        entries.push(HistoryEntry {
            at: Timestamp(row.get(0)?),
            target: target.clone(),
            part: part(row.get(2)?),
            generation: Generation(row.get(3)?),
            situation: codec::situation(row.get(4)?),
            outcome: codec::outcome(number, code, detail, None)?,
            why,
            change: change.map(|bytes| codec::decode_change(&bytes, names)).transpose()?,
        });
    }
    Ok(entries)
}

fn last_seen(on: &Transaction<'_>, job: &JobState, person: i64) -> Result<Option<(UploadId, Timestamp)>, StoreError> {
    let mut statement = on.prepare_cached(
        "SELECT id, accepted_at, unchanged FROM upload WHERE job = ?1 AND unchanged IS NOT NULL ORDER BY id DESC LIMIT 1",
    )?;
    let newest = statement
        .query_row([job.key.0], |row| Ok((UploadId(row.get(0)?), Timestamp(row.get(1)?), row.get::<_, Vec<u8>>(2)?)))
        .optional()?;
    match newest {
        Some((upload, at, runs)) if codec::runs_hold(&runs, person)? => Ok(Some((upload, at))),
        _ => Ok(None),
    }
}

/// What is known of accounts by anchor, for a plan.
impl StoredPerson {
    /// The account at a target, if one is linked.
    pub fn known_at(&self, target: &TargetId) -> Option<&Known> {
        self.links.iter().find(|(id, _)| id == target).map(|(_, known)| known)
    }
}
