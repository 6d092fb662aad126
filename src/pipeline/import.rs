//! *Import*: a file of people, compared with what is known, and what is new in it recorded.
//!
//! Two passes over the file. The first marks every row by what it says; rows that say what was said last time
//! end there. The second reads the others, on a thread of its own, while this one decides and records.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::conceal::conceal_faults;
use super::process::{judge, process_waiting};
use crate::decide::{self, Concealment};
use crate::model::{Anchor, Outcome, PersonId, Reason, Record, Statement, Timestamp, UploadId};
use crate::source::{self, CsvSettings, Rows, Scan, SourceError, anchor_mark};
use crate::store::{Arriving, JobState, Refusal, Said, Store, StoreError, Tally};

/// Rows that are handed from the reading thread to the deciding one together. Two such batches are in memory.
const BATCH_ROWS: usize = 500;
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
    let mut scan = source::scan(path, settings, &mut |bytes| progress(ImportProgress::Looking(bytes)))?;
    conceal_faults(&Concealment::of(job), settings, &mut scan);
    scan.check_loss(store.rows_last(state)?)?;
    // What was accepted before is older than the file, and must not come after it.
    while process_waiting(store, job, state, &|| false)? != Tally::default() {}
    let upload = store.begin_import(state, &path.display().to_string(), now)?;
    let compared = compare(store, state, &scan)?;
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let (hand_over, batches) = sync_channel(1);
        let reader = Reading { path, scan: &scan, compared: &compared, job, now };
        let reading = scope.spawn(move || reader.read_all(&hand_over));
        let recorder = Recording { store, job, state, upload, now };
        let recorded = recorder.record_all(&batches, &scan, progress, &mut tally);
        // A reader that is blocked on a full channel must see that nobody listens any more.
        drop(batches);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        recorded.map_err(ImportError::from).and(read.map_err(ImportError::from))
    })?;
    let unchanged = compared.unchanged.len() as u64;
    store.end_import(state, upload, compared.unchanged, scan.total_rows)?;
    Ok(Imported { upload, unchanged, scan, tally })
}

/// What comparing a file with the store found. Rows are numbered as in [`Scan::rows`].
#[derive(Debug, Default)]
pub struct Compared {
    /// People whose row says what it said last time.
    pub unchanged: Vec<PersonId>,
    /// The other rows, in the order of the file.
    pub left: Vec<u32>,
    /// Of every row, whether the store knows its person.
    pub known: Vec<bool>,
}

/// Tells rows that say what was said last time from those that do not.
///
/// # Errors
/// [`StoreError`] when the store cannot be read.
pub fn compare(store: &Store, state: &JobState, scan: &Scan) -> Result<Compared, StoreError> {
    let rows = &scan.rows;
    let half = |mark: u128| (mark >> 64) as u64;
    // Half a mark finds almost always one row; the whole one is compared when it is found.
    let mut by_anchor: Vec<(u64, u32)> = rows.iter().zip(0..).map(|(row, at)| (half(row.anchor), at)).collect();
    by_anchor.sort_unstable();
    let mut compared = Compared { known: vec![false; rows.len()], ..Compared::default() };
    let mut same = vec![false; rows.len()];
    store.visit_anchors(state, &mut |stored| {
        let mark = anchor_mark(stored.anchor);
        let first = by_anchor.partition_point(|(held, _)| *held < half(mark));
        let alike = by_anchor[first..].iter().take_while(|(held, _)| *held == half(mark));
        let Some(at) = alike.map(|(_, at)| *at as usize).find(|at| rows[*at].anchor == mark) else { return };
        compared.known[at] = true;
        if stored.fingerprint == Some(&rows[at].content.to_le_bytes()[..]) {
            same[at] = true;
            compared.unchanged.push(stored.person);
        }
    })?;
    compared.left = same.iter().zip(0..).filter(|(same, _)| !**same).map(|(_, at)| at).collect();
    Ok(compared)
}

/// Reads rows, and decides on people who are new: they need nothing from the store.
struct Reading<'a> {
    path: &'a Path,
    scan: &'a Scan,
    compared: &'a Compared,
    job: &'a decide::Job,
    now: Timestamp,
}

impl Reading<'_> {
    fn read_all(&self, hand_over: &SyncSender<Vec<Read>>) -> Result<(), SourceError> {
        let mut rows = Rows::open(self.path, self.scan)?;
        for wanted in self.compared.left.chunks(BATCH_ROWS) {
            let mut batch = Vec::with_capacity(wanted.len());
            for at in wanted {
                let mark = self.scan.rows[*at as usize];
                let record = rows.read(&mark)?;
                let anchor = record.anchor.clone();
                let said = self.said(record, self.compared.known[*at as usize]);
                batch.push(Read { line: mark.line, fingerprint: mark.content.to_le_bytes(), anchor, said });
            }
            // Neighbours in the store's index are touched together. One file says one thing of a person, so the
            // order of its people among themselves means nothing.
            batch.sort_unstable_by(|left, right| left.anchor.cmp(&right.anchor));
            if hand_over.send(batch).is_err() {
                break;
            }
        }
        Ok(())
    }

    fn said(&self, record: Record, is_known: bool) -> Said {
        if is_known {
            return Said::Statement(Statement::Upsert(record));
        }
        Said::new(self.job, record, self.now)
    }
}

/// A row that was read.
struct Read {
    line: u32,
    fingerprint: [u8; 16],
    anchor: Anchor,
    said: Said,
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
        batches: &Receiver<Vec<Read>>,
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

fn arriving(batch: Vec<Read>, next_index: &mut u32) -> Vec<Arriving> {
    let numbered = batch.into_iter().zip(*next_index..);
    let arriving: Vec<_> = numbered
        .map(|(read, index)| Arriving {
            index,
            bulk_id: Some(format!("line {}", read.line)),
            said: read.said,
            fingerprint: Some(read.fingerprint),
        })
        .collect();
    *next_index += arriving.len() as u32;
    arriving
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
        Arriving { index, bulk_id: Some(format!("line {line}")), said: Said::Refused(refusal), fingerprint: None }
    });
    Some(arriving.collect())
}
