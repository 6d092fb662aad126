//! *Ingest*: a bulk request is checked, put on the disk, and only then accepted. No target is spoken to.

use lz4_flex::block::compress_prepend_size;

use crate::meter::{self, Counter};
use crate::model::Timestamp;
use crate::scim::{self, EnvelopeError};
use crate::store::{Accepted, Backlog, JobKey, NewUpload, Store, StoreError};

/// How long a sender is asked to wait when too much is staged: by then a full batch or more has been decided.
pub const BACKLOG_RETRY_SECONDS: u64 = 5;

/// A bulk request as it arrived.
#[derive(Debug)]
pub struct BulkUpload<'a> {
    /// Who sent it.
    pub client: &'a str,
    /// The sender's own id of it.
    pub request_id: Option<&'a str>,
    /// The body, inflated.
    pub body: &'a [u8],
    /// When it arrived.
    pub at: Timestamp,
}

/// How much is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestLimits {
    /// Operations in one request.
    pub operations_max: usize,
    /// Operations that may wait to be decided, of all uploads together.
    pub staged_operations_max: u64,
    /// Bytes of bodies that may wait, before compression.
    pub staged_bytes_max: u64,
}

/// Why an upload was not accepted: nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The request as a whole cannot be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Too much is waiting already.
    #[error("{} operations wait to be decided; send this again in {BACKLOG_RETRY_SECONDS} seconds", backlog.operations)]
    Backlog {
        /// What waits.
        backlog: Backlog,
    },
    /// The disk refuses.
    #[error("the upload could not be put on the disk, so it was not accepted; send it again later")]
    Store(#[source] StoreError),
}

/// Accepts an upload for `job`: when this returns, it is on the disk (promise 1).
///
/// # Errors
/// [`IngestError`] says whether the sender must change the request or send it again.
pub fn ingest(
    store: &Store,
    job: JobKey,
    upload: &BulkUpload<'_>,
    limits: &IngestLimits,
) -> Result<Accepted, IngestError> {
    let envelope = scim::check_envelope(upload.body, limits.operations_max)?;
    let backlog = store.backlog().map_err(IngestError::Store)?;
    let bytes = upload.body.len() as u64;
    let too_much = backlog.operations + u64::from(envelope.operations) > limits.staged_operations_max
        || backlog.bytes + bytes > limits.staged_bytes_max;
    // Whatever is too large for the bound by itself is let in when nothing else waits.
    if too_much && backlog.operations > 0 {
        return Err(IngestError::Backlog { backlog });
    }
    let new = NewUpload {
        job,
        origin: upload.client.to_owned(),
        request_id: upload.request_id.map(str::to_owned),
        body_hash: *blake3::hash(upload.body).as_bytes(),
        operations: envelope.operations,
        bytes,
        body: compress_prepend_size(upload.body),
        accepted_at: upload.at,
    };
    let accepted = store.accept(new).map_err(IngestError::Store)?;
    if !accepted.repeat {
        meter::count(Counter::Uploads, &[], 1);
        meter::count(Counter::Operations, &[], envelope.operations.into());
    }
    Ok(accepted)
}
