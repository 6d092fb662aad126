//! *Accept*: an upload is on the disk before anybody is told so (promise 1).

use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::Undecided;
use super::codec::broken;
use super::{JobKey, Store, StoreError, unpoisoned};
use crate::model::{Timestamp, UploadId};

/// How long a repeat is recognised as one.
const REPEAT_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// A bulk request whose envelope is good.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// The job it is for.
    pub job: JobKey,
    /// Who sent it.
    pub origin: String,
    /// The sender's own id of it (`client-request-id`).
    pub request_id: Option<String>,
    /// Of the body as it was parsed.
    pub body_hash: [u8; 32],
    /// How many operations are in it.
    pub operations: u32,
    /// The length of the body before compression.
    pub bytes: u64,
    /// The body, compressed.
    pub body: Vec<u8>,
    /// When it came.
    pub accepted_at: Timestamp,
}

/// An upload that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Its sequence number.
    pub upload: UploadId,
    /// It had been accepted before; nothing was added.
    pub repeat: bool,
}

/// What has been accepted and is not decided yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Uploads.
    pub uploads: u64,
    /// Operations in them.
    pub operations: u64,
    /// Bytes of their bodies, before compression.
    pub bytes: u64,
}

/// An upload that waits for the next commit, and where to say that it is done.
pub(super) struct Waiting {
    upload: NewUpload,
    answer: SyncSender<Result<Accepted, StoreError>>,
}

impl Store {
    /// Puts an upload on the disk. Uploads that arrive while another commit is under way share the next one.
    ///
    /// The same origin, job, request id and body within 24 hours is a repeat: it is answered as the first was.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing was accepted.
    pub fn accept(&self, upload: NewUpload) -> Result<Accepted, StoreError> {
        let (answer, told) = sync_channel(1);
        unpoisoned(self.waiting.lock()).push(Waiting { upload, answer });
        {
            let mut connection = self.writer();
            let together = std::mem::take(&mut *unpoisoned(self.waiting.lock()));
            // Empty when whoever held the connection before us took ours along.
            if !together.is_empty() {
                self.commit_together(&mut connection, together);
            }
        }
        told.recv().map_err(|_| broken("an upload was not answered"))?
    }

    fn commit_together(&self, connection: &mut Connection, together: Vec<Waiting>) {
        let done = self.write_on(connection, |on| {
            together.iter().map(|waiting| insert(on, &waiting.upload)).collect::<Result<Vec<_>, _>>()
        });
        for (at, waiting) in together.into_iter().enumerate() {
            let answer = match &done {
                Ok(accepted) => Ok(accepted[at]),
                Err(error) => Err(error.again()),
            };
            // Who asked may have gone; the upload is kept all the same.
            let _ = waiting.answer.send(answer);
        }
    }

    /// What waits to be decided.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn backlog(&self) -> Result<Backlog, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(upload.operations - upload.decided), 0), coalesce(sum(staged.bytes), 0)
                     FROM staged JOIN upload ON upload.id = staged.upload",
                )?
                .query_row([], |row| Ok(Backlog { uploads: row.get(0)?, operations: row.get(1)?, bytes: row.get(2)? }))?)
        })
    }

    /// The oldest upload of `job` behind `after` that is not wholly decided, with its compressed body and how far it is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn next_to_decide(&self, job: JobKey, after: UploadId) -> Result<Option<Undecided>, StoreError> {
        self.read(|on| {
            Ok(on
                .prepare_cached(
                    "SELECT upload.id, upload.decided, upload.accepted_at, staged.body FROM upload
                     JOIN staged ON staged.upload = upload.id
                     WHERE upload.decided < upload.operations AND upload.job = ?1 AND upload.id > ?2 ORDER BY upload.id LIMIT 1",
                )?
                .query_row(params![job.0, after.0], |row| {
                    Ok(Undecided {
                        upload: UploadId(row.get(0)?),
                        decided: row.get(1)?,
                        accepted_at: Timestamp(row.get(2)?),
                        body: row.get(3)?,
                    })
                })
                .optional()?)
        })
    }
}

fn insert(on: &Transaction<'_>, new: &NewUpload) -> Result<Accepted, StoreError> {
    if let Some(upload) = repeat_of(on, new)? {
        return Ok(Accepted { upload, repeat: true });
    }
    on.prepare_cached(
        "INSERT INTO upload (job, origin, request_id, body_hash, accepted_at, operations, complete)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1)",
    )?
    .execute(params![
        new.job.0,
        new.origin,
        new.request_id,
        &new.body_hash[..],
        new.accepted_at.0,
        new.operations
    ])?;
    let upload = UploadId(on.last_insert_rowid());
    if new.operations > 0 {
        on.prepare_cached("INSERT INTO staged (upload, bytes, body) VALUES (?1, ?2, ?3)")?
            .execute(params![upload.0, new.bytes, new.body])?;
    }
    Ok(Accepted { upload, repeat: false })
}

fn repeat_of(on: &Transaction<'_>, new: &NewUpload) -> Result<Option<UploadId>, StoreError> {
    let Some(request_id) = &new.request_id else { return Ok(None) };
    let since = new.accepted_at.minus(REPEAT_WITHIN);
    Ok(on
        .prepare_cached(
            "SELECT id FROM upload WHERE job = ?1 AND origin = ?2 AND request_id = ?3 AND body_hash = ?4
             AND accepted_at > ?5 ORDER BY id LIMIT 1",
        )?
        .query_row(params![new.job.0, new.origin, request_id, &new.body_hash[..], since.0], |row| row.get(0))
        .optional()?
        .map(UploadId))
}

#[cfg(test)]
mod tests;
