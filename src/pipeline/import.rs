//! *Import*: a file of people, compared with what is known, and what is new in it recorded.
//!
//! Two passes over the file. The first marks every row by what it says; rows that say what was said last time
//! end there. The second reads the others, on a thread of its own, while this one decides and records.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use super::process::judge;
use crate::decide;
use crate::model::{Outcome, Reason, Statement, Timestamp, UploadId};
use crate::source::{self, CsvSettings, RowMark, Rows, Scan, SourceError, anchor_mark};
use crate::store::{Arriving, Compared, JobState, Refusal, Store, StoreError, Tally};

/// Rows that are handed from the reading thread to the deciding one together. Two such batches are in memory.
const BATCH_ROWS: usize = 5_000;
/// Rows in one transaction. The fewer transactions, the fewer times the pages of the anchors' index, which come in
/// random order, are written; what is lost by a crash is read again.
const TRANSACTION_ROWS: usize = 100_000;

/// Where an import is, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportProgress {
    /// So many bytes have been looked through.
    Looking(u64),
    /// So many of so many rows are recorded.
    Recording(u64, u64),
}

/// What an import did.
#[derive(Debug)]
pub struct Imported {
    /// Its upload: the rows are its operations, counted from 0.
    pub upload: UploadId,
    /// What the file looked like, and what was wrong with it.
    pub scan: Scan,
    /// Rows that said what was said last time.
    pub unchanged: u64,
    /// What became of the others.
    pub tally: Tally,
}

/// Why an import stopped. What was recorded by then stays; the same file may be imported again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store.
    #[error("the import could not be recorded")]
    Store(#[from] StoreError),
}

/// Imports the file at `path` for a job.
///
/// # Errors
/// [`ImportError::Source`] before anything is recorded, when the file as a whole cannot be taken; or later,
/// when it changes while it is read.
pub fn import(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    file: (&Path, &CsvSettings),
    now: Timestamp,
    progress: &mut dyn FnMut(ImportProgress),
) -> Result<Imported, ImportError> {
    let (path, settings) = file;
    let scan = source::scan(path, settings, &mut |bytes| progress(ImportProgress::Looking(bytes)))?;
    scan.check_loss(store.rows_last(state)?)?;
    let upload = store.begin_import(state, &path.display().to_string(), now)?;
    let (compared, left) = compare(store, state, &scan)?;
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let (hand_over, batches) = sync_channel(1);
        let reading = scope.spawn(|| read_rows(path, &scan, left, hand_over));
        let recorder = Recording { store, job, state, upload, now };
        let recorded = recorder.record_all(&batches, &scan, progress, &mut tally);
        // A reader that is blocked on a full channel must see that nobody listens any more.
        drop(batches);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        recorded.map_err(ImportError::from).and(read.map_err(ImportError::from))
    })?;
    store.end_import(state, upload, &compared, scan.total_rows)?;
    Ok(Imported { upload, unchanged: compared.unchanged.len() as u64, scan, tally })
}

/// Tells rows that say what was said last time from those that do not: the latter, in the order of the file.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn compare(store: &Store, state: &JobState, scan: &Scan) -> Result<(Compared, Vec<RowMark>), StoreError> {
    let mut by_anchor: Vec<(u128, u32)> =
        scan.rows.iter().enumerate().map(|(at, row)| (row.anchor, u32::try_from(at).unwrap_or(u32::MAX))).collect();
    by_anchor.sort_unstable();
    let mut same = vec![false; scan.rows.len()];
    let mut compared = Compared::default();
    store.visit_anchors(state, &mut |stored| {
        let mark = anchor_mark(stored.anchor);
        let Ok(at) = by_anchor.binary_search_by_key(&mark, |(anchor, _)| *anchor) else { return };
        let row = by_anchor[at].1 as usize;
        if stored.fingerprint == Some(&scan.rows[row].content.to_le_bytes()[..]) {
            same[row] = true;
            compared.unchanged.push(stored.person);
        }
    })?;
    drop(by_anchor);
    let left = scan.rows.iter().zip(same).filter(|(_, same)| !same).map(|(row, _)| *row).collect();
    Ok((compared, left))
}

fn read_rows(
    path: &Path,
    scan: &Scan,
    left: Vec<RowMark>,
    hand_over: std::sync::mpsc::SyncSender<Vec<(RowMark, Statement)>>,
) -> Result<(), SourceError> {
    let mut rows = Rows::open(path, scan)?;
    for marks in left.chunks(BATCH_ROWS) {
        let mut batch = Vec::with_capacity(marks.len());
        for mark in marks {
            batch.push((*mark, Statement::Upsert(rows.read(mark)?)));
        }
        if hand_over.send(batch).is_err() {
            break;
        }
    }
    Ok(())
}

struct Recording<'a> {
    store: &'a Store,
    job: &'a decide::Job,
    state: &'a JobState,
    upload: UploadId,
    now: Timestamp,
}

impl Recording<'_> {
    fn record_all(
        &self,
        batches: &Receiver<Vec<(RowMark, Statement)>>,
        scan: &Scan,
        progress: &mut dyn FnMut(ImportProgress),
        tally: &mut Tally,
    ) -> Result<(), StoreError> {
        let total = scan.rows.len() as u64;
        let mut next_index = 0;
        *tally += self.record(&mut |_| next_batch_of_refusals(scan, &mut next_index))?;
        let mut recorded = 0;
        loop {
            let mut rows_left = TRANSACTION_ROWS;
            let done = self.record(&mut |_| {
                if rows_left == 0 {
                    return None;
                }
                let batch = arriving(batches.recv().ok()?, &mut next_index);
                rows_left = rows_left.saturating_sub(batch.len());
                recorded += batch.len() as u64;
                progress(ImportProgress::Recording(recorded, total));
                Some(batch)
            })?;
            *tally += done;
            if rows_left > 0 {
                return Ok(());
            }
        }
    }

    fn record(&self, next: &mut dyn FnMut(()) -> Option<Vec<Arriving>>) -> Result<Tally, StoreError> {
        let (job, now) = (self.job, self.now);
        self.store.record_import(self.state, self.upload, now, &mut || next(()), &mut |stored, statement| {
            judge(job, stored, statement, now)
        })
    }
}

/// Operations of rows that were read, in the order of their anchors: neighbours in the store's index are
/// touched together. One file says one thing of a person, so their order among themselves means nothing.
fn arriving(mut batch: Vec<(RowMark, Statement)>, next_index: &mut u32) -> Vec<Arriving> {
    batch.sort_unstable_by(|(_, left), (_, right)| left.anchor().cmp(right.anchor()));
    batch
        .into_iter()
        .map(|(mark, statement)| {
            let index = *next_index;
            *next_index += 1;
            Arriving {
                index,
                bulk_id: Some(format!("line {}", mark.line)),
                said: Ok(statement),
                fingerprint: Some(mark.content.to_le_bytes()),
            }
        })
        .collect()
}

/// Rows that could not be understood, and those that contradict each other: once, before the others.
fn next_batch_of_refusals(scan: &Scan, next_index: &mut u32) -> Option<Vec<Arriving>> {
    if *next_index > 0 || (scan.faults.is_empty() && scan.duplicates.is_empty()) {
        return None;
    }
    let faults = scan.faults.iter().map(|row| {
        let reason = Reason::new(row.fault.code(), format!("line {}: {}", row.line, row.fault));
        (row.line, Refusal { anchor: row.anchor.clone(), outcome: Outcome::Failed(reason) })
    });
    let duplicates = scan.duplicates.iter().flat_map(|duplicate| {
        let detail = format!(
            "lines {} say different things of {}; a file has no order, so none is taken: leave one of them",
            duplicate.lines_named(),
            duplicate.anchor
        );
        let outcome = Outcome::Held(Reason::new("contradicting_rows", detail));
        duplicate
            .lines
            .iter()
            .map(move |line| (*line, Refusal { anchor: Some(duplicate.anchor.clone()), outcome: outcome.clone() }))
    });
    let mut refusals: Vec<_> = faults.chain(duplicates).collect();
    refusals.sort_by_key(|(line, _)| *line);
    let arriving = refusals.into_iter().map(|(line, refusal)| {
        let index = *next_index;
        *next_index += 1;
        Arriving { index, bulk_id: Some(format!("line {line}")), said: Err(refusal), fingerprint: None }
    });
    Some(arriving.collect())
}
