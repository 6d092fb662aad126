//! *Process*: staged operations, in order and batch by batch: overlay the person, decide, record.

use lz4_flex::block::decompress_size_prepended;

use crate::decide::{self, decide};
use crate::model::{Outcome, Reason, Statement, Timestamp};
use crate::overlay::{Overlaid, overlay};
use crate::scim::{self, OperationFault, Understood};
use crate::store::{Arriving, Decided, JobState, Refusal, Said, Store, StoreError, StoredPerson, Tally, Undecided};

/// Operations in one transaction: long enough to pay for its sync, short enough that an accept waits only some
/// hundredths of a second for it.
pub const BATCH_OPERATIONS: usize = 2_000;

/// Decides the oldest upload that waits, batch by batch; `None` when none waits.
///
/// # Errors
/// [`StoreError`] when the store refuses; what was recorded by then stays, and the rest is decided later.
pub fn process_next(store: &Store, job: &decide::Job, state: &JobState) -> Result<Option<Tally>, StoreError> {
    let Some(undecided) = store.next_to_decide(state.key)? else { return Ok(None) };
    let body = decompress_size_prepended(&undecided.body)
        .map_err(|error| StoreError::Broken(format!("the body of upload {}: {error}", undecided.upload)))?;
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(BATCH_OPERATIONS);
    let operations = scim::operations(&body)
        .map_err(|error| StoreError::Broken(format!("the body of upload {}: {error}", undecided.upload)))?;
    let mut entries = operations.skip(undecided.decided as usize).peekable();
    while let Some((index, entry)) = entries.next() {
        batch.push(arriving(index, entry));
        if batch.len() == BATCH_OPERATIONS || entries.peek().is_none() {
            tally += record(store, job, state, &undecided, std::mem::take(&mut batch))?;
        }
    }
    Ok(Some(tally))
}

fn record(
    store: &Store,
    job: &decide::Job,
    state: &JobState,
    undecided: &Undecided,
    batch: Vec<Arriving>,
) -> Result<Tally, StoreError> {
    let at = undecided.accepted_at;
    store.record(state, undecided.upload, at, batch, &mut |stored, statement| judge(job, stored, statement, at))
}

/// What becomes of a person by one statement: the one way from a statement to a decision, for uploads, imports
/// and plans alike.
pub fn judge(job: &decide::Job, stored: Option<&StoredPerson>, statement: Statement, at: Timestamp) -> Decided {
    match overlay(stored.map(|stored| &stored.person), statement, &job.null_flow, at) {
        Overlaid::Unchanged => Decided::Unchanged,
        Overlaid::Changed(person) => {
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

fn arriving(index: u32, entry: Understood) -> Arriving {
    let said = match entry.said {
        Ok(statement) => Said::Statement(statement),
        Err(fault) => Said::Refused(refusal(index, &fault)),
    };
    Arriving { index, bulk_id: entry.bulk_id, said, fingerprint: None }
}

fn refusal(index: u32, fault: &OperationFault) -> Refusal {
    let reason = fault.reason();
    let detail = format!("operation {index}: {}", reason.detail);
    let anchor = fault.anchor.as_ref().map(ToString::to_string);
    Refusal { anchor, outcome: Outcome::Failed(Reason { detail, ..reason }) }
}
