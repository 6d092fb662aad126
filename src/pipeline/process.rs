//! *Process*: staged operations, in order and batch by batch: overlay the person, decide, record.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use foldhash::fast::RandomState;
use lz4_flex::block::decompress_size_prepended;

use crate::decide::{self, decide};
use crate::model::{Anchor, Outcome, Reason, Record, Statement, Timestamp, UploadId};
use crate::overlay::{Overlaid, introduce, overlay};
use crate::scim::{self, OperationFault, Understood};
use crate::store::{
    Arriving, Batch, Decided, JobState, Refusal, Said, Store, StoreError, StoredPerson, Tally, Undecided,
};

/// Operations that are read together.
pub const BATCH_OPERATIONS: usize = 1_000;
/// Operations in one transaction: enough to pay for its sync, and for the pages of the anchors' index, which come in
/// random order; few enough that an accept waits less than a tenth of a second for it.
const TRANSACTION_OPERATIONS: usize = 8_000;
/// Batches that are read while others are recorded.
const BATCHES_AHEAD: usize = 8;
/// Uploads that are decided before anything else is looked at again.
const UPLOADS_MAX: usize = 256;

/// Decides the uploads that wait, in their order, until none is left or `stop` says so. Gives how many operations
/// were recorded.
///
/// One thread reads ahead, and decides on people who are new, for that needs nothing from the store; this one records.
///
/// # Errors
/// [`StoreError`] when the store refuses; what was recorded by then stays, and the rest is decided later.
pub fn process_waiting(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Tally, StoreError> {
    thread::scope(|scope| {
        let (hand_over, batches) = sync_channel(BATCHES_AHEAD);
        let reader = ReadingAhead { store, job, state, introduced: HashSet::default() };
        let reading = scope.spawn(move || reader.read_all(&hand_over, stop));
        let recorded = record_all(store, job, state, &batches);
        // A reader that is blocked on a full channel must see that nobody listens any more.
        drop(batches);
        let read = reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        recorded.and_then(|tally| read.map(|()| tally))
    })
}

fn record_all(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    batches: &Receiver<Batch>,
) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    while let Ok(first) = batches.recv() {
        // What has been read meanwhile shares the transaction.
        let mut count = first.operations.len();
        let mut together = vec![first];
        while count < TRANSACTION_OPERATIONS
            && let Ok(next) = batches.try_recv()
        {
            count += next.operations.len();
            together.push(next);
        }
        tally += store.record(state, together, &mut |stored, statement, at| judge(job, stored, statement, at))?;
    }
    Ok(tally)
}

struct ReadingAhead<'a> {
    store: &'a Store,
    job: &'a decide::Job,
    state: &'a JobState,
    /// People who were handed over as new, and may not be in the store yet.
    introduced: HashSet<Anchor, RandomState>,
}

impl ReadingAhead<'_> {
    fn read_all(mut self, hand_over: &SyncSender<Batch>, stop: &(dyn Fn() -> bool + Sync)) -> Result<(), StoreError> {
        let mut last = UploadId(0);
        for _ in 0..UPLOADS_MAX {
            let next = if stop() { None } else { self.store.next_to_decide(self.state.key, last)? };
            let Some(undecided) = next else { break };
            last = undecided.upload;
            if !self.read(&undecided, hand_over)? {
                break;
            }
        }
        Ok(())
    }

    /// Reads one upload; `false` when nobody listens any more.
    fn read(&mut self, undecided: &Undecided, hand_over: &SyncSender<Batch>) -> Result<bool, StoreError> {
        let broken = |why: String| StoreError::Broken(format!("the body of upload {}: {why}", undecided.upload));
        let body = decompress_size_prepended(&undecided.body).map_err(|error| broken(error.to_string()))?;
        let operations = scim::operations(&body).map_err(|error| broken(error.to_string()))?;
        let mut entries = operations.skip(undecided.decided as usize).peekable();
        while entries.peek().is_some() {
            let some: Vec<_> = entries.by_ref().take(BATCH_OPERATIONS).collect();
            let operations = self.understand(some, undecided.accepted_at)?;
            let batch = Batch { upload: undecided.upload, accepted_at: undecided.accepted_at, operations };
            if hand_over.send(batch).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn understand(&mut self, some: Vec<(u32, Understood)>, at: Timestamp) -> Result<Vec<Arriving>, StoreError> {
        let anchors: Vec<&str> = some.iter().filter_map(|(_, entry)| introduced_by(entry)).collect();
        let mut known = self.store.known(self.state, &anchors)?.into_iter();
        let mut arriving = Vec::with_capacity(some.len());
        for (index, entry) in some {
            let asked = introduced_by(&entry).is_some();
            let is_known = asked && known.next().unwrap_or(true);
            let said = match entry.said {
                Ok(Statement::Upsert(record)) if !is_known && self.introduced.insert(record.anchor.clone()) => {
                    Said::new(self.job, record, at)
                }
                Ok(statement) => {
                    // A deletion makes its person known, too.
                    self.introduced.insert(statement.anchor().clone());
                    Said::Statement(statement)
                }
                Err(fault) => Said::Refused(refusal(index, &fault)),
            };
            arriving.push(Arriving { index, bulk_id: entry.bulk_id, said, fingerprint: None });
        }
        Ok(arriving)
    }
}

/// Whom an operation could introduce.
fn introduced_by(entry: &Understood) -> Option<&str> {
    match &entry.said {
        Ok(Statement::Upsert(record)) => Some(record.anchor.as_str()),
        Ok(Statement::Delete(_)) | Err(_) => None,
    }
}

impl Said {
    /// Decides on somebody of whom nothing is stored.
    pub(super) fn new(job: &decide::Job, record: Record, at: Timestamp) -> Self {
        let person = introduce(record, &job.null_flow, at);
        let decision = decide(job, &person, &[]);
        Self::New(Box::new((person, decision)))
    }
}

/// What becomes of a person by one statement: the one way from a statement to a decision, for uploads, imports
/// and plans alike.
pub fn judge(job: &decide::Job, stored: Option<&StoredPerson>, statement: Statement, at: Timestamp) -> Decided {
    match overlay(stored.map(|stored| &stored.person), statement, &job.null_flow, at) {
        Overlaid::Unchanged => Decided::Unchanged,
        Overlaid::Changed(mut person) => {
            if let Some(stored) = stored {
                job.date(&stored.person, &mut person);
            }
            let links = stored.map_or(&[][..], |stored| &stored.links);
            let decision = decide(job, &person, links);
            Decided::Changed { person, decision }
        }
    }
}

/// Decides again up to `count` people whose job file has changed. Gives how many there were.
///
/// # Errors
/// [`StoreError`] when the store refuses.
pub fn redecide(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    now: Timestamp,
    count: usize,
) -> Result<usize, StoreError> {
    store.redecide(state, now, count, &mut |stored| decide(job, &stored.person, &stored.links))
}

fn refusal(index: u32, fault: &OperationFault) -> Refusal {
    let reason = fault.reason();
    let detail = format!("operation {index}: {}", reason.detail);
    let anchor = fault.anchor.as_ref().map(ToString::to_string);
    Refusal { anchor, outcome: Outcome::Failed(Reason { detail, ..reason }) }
}
