//! What people ask of uploads and targets: how far, how ended, how many.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Store, StoreError, TargetKey, words};
use crate::model::{Generation, OperationId, Outcome, TargetId, Timestamp, UploadId};

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
                let unchanged = runs.as_deref().map_or(Ok(0), words::runs_count)?;
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

pub(super) const OPERATION: &str =
    "SELECT operation.upload, operation.idx, operation.bulk_id, coalesce(person.anchor, operation.anchor),
  operation.generation, operation.outcome, operation.code, operation.detail, operation.by_upload, operation.by_idx,
  operation.ended_at FROM operation LEFT JOIN person ON person.id = operation.person";

pub(super) fn operation(row: &Row<'_>) -> Result<OperationState, StoreError> {
    let by = match (row.get::<_, Option<i64>>(8)?, row.get::<_, Option<u32>>(9)?) {
        (Some(upload), Some(index)) => Some(OperationId { upload: UploadId(upload), index }),
        _ => None,
    };
    Ok(OperationState {
        id: OperationId { upload: UploadId(row.get(0)?), index: row.get(1)? },
        bulk_id: row.get(2)?,
        anchor: row.get(3)?,
        generation: row.get::<_, Option<i64>>(4)?.map(Generation),
        outcome: words::outcome(row.get(5)?, row.get(6)?, row.get(7)?, by)?,
        ended_at: row.get::<_, Option<i64>>(10)?.map(Timestamp),
    })
}

fn outcome_word(number: i64) -> &'static str {
    match number {
        words::APPLIED => "applied",
        words::UNCHANGED => "unchanged",
        words::SKIPPED => "skipped",
        words::HELD => "held",
        words::FAILED => "failed",
        words::SUPERSEDED => "superseded",
        _ => "pending",
    }
}
