//! What an import needs besides *record*: an upload that grows, and rows that need not be looked at again.

use rusqlite::{OptionalExtension as _, params};

use super::record::Recorder;
use super::{Arriving, Decided, StoredPerson, Tally, words};
use super::{JobState, Store, StoreError};
use crate::model::{PersonId, Statement, Timestamp, UploadId};

/// A person as an import compares with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// The person's anchor.
    pub anchor: &'a str,
    /// Of the row that was last overlaid; `None` when something else was.
    pub fingerprint: Option<&'a [u8]>,
    /// The person's row in the store.
    pub person: PersonId,
}

impl Store {
    /// Begins an import: an upload whose operations are recorded as they are read.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn begin_import(&self, job: &JobState, origin: &str, now: Timestamp) -> Result<UploadId, StoreError> {
        self.write(|on| {
            on.execute(
                "INSERT INTO upload (job, origin, accepted_at, operations, complete) VALUES (?1, ?2, ?3, 0, 0)",
                params![job.key.0, origin, now.0],
            )?;
            Ok(UploadId(on.last_insert_rowid()))
        })
    }

    /// Shows every person of the job to `visit`, in the order of their anchors.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn visit_anchors(&self, job: &JobState, visit: &mut dyn FnMut(Stored<'_>)) -> Result<(), StoreError> {
        self.read(|on| {
            let mut statement = on.prepare_cached("SELECT anchor, fingerprint, person FROM anchor WHERE job = ?1")?;
            let mut rows = statement.query([job.key.0])?;
            while let Some(row) = rows.next()? {
                visit(Stored {
                    anchor: row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
                    fingerprint: row.get_ref(1)?.as_blob_or_null().map_err(rusqlite::Error::from)?,
                    person: PersonId(row.get(2)?),
                });
            }
            Ok(())
        })
    }

    /// Accepts and records the batches that `next` gives until it gives none, in one transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses; then nothing of the batch was accepted.
    pub fn record_import(
        &self,
        job: &JobState,
        upload: UploadId,
        accepted_at: Timestamp,
        next: &mut dyn FnMut() -> Option<Vec<Arriving>>,
        decide: &mut dyn FnMut(Option<&StoredPerson>, Statement) -> Decided,
    ) -> Result<Tally, StoreError> {
        self.write(|on| {
            let mut names = self.names_mut();
            let mut recorder =
                Recorder { on, names: &mut names, job, upload, at: accepted_at, are_reports_waiting: None };
            let (mut tally, mut count) = (Tally::default(), 0);
            while let Some(batch) = next() {
                count += batch.len();
                tally += recorder.all(batch, decide)?;
            }
            on.prepare_cached("UPDATE upload SET operations = operations + ?2, decided = decided + ?2 WHERE id = ?1")?
                .execute(params![upload.0, count])?;
            Ok(tally)
        })
    }

    /// Ends an import: remembers who was seen and had not changed (`unchanged`), and how many rows there were.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the disk refuses.
    pub fn end_import(
        &self,
        job: &JobState,
        upload: UploadId,
        mut unchanged: Vec<PersonId>,
        rows: u64,
    ) -> Result<(), StoreError> {
        unchanged.sort_unstable();
        let runs = words::encode_runs(&unchanged);
        self.write(|on| {
            on.execute("UPDATE upload SET complete = 1, unchanged = ?2 WHERE id = ?1", params![upload.0, runs])?;
            on.execute("UPDATE job SET rows_last = ?2 WHERE id = ?1", params![job.key.0, rows])?;
            Ok(())
        })
    }

    /// How many rows the last complete import of the job had; `None` before the first.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when nothing can be read.
    pub fn rows_last(&self, job: &JobState) -> Result<Option<u64>, StoreError> {
        self.read(|on| {
            let rows =
                on.query_row("SELECT rows_last FROM job WHERE id = ?1", [job.key.0], |row| row.get(0)).optional()?;
            Ok(rows.flatten())
        })
    }
}
