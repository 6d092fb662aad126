//! *Send*: an export, brought to a server as bulk uploads, and followed until it is known how each of them ended.
//!
//! The server is muster's own, or Microsoft's, which speaks the same `bulkUpload` and says nothing afterwards.
//! Uploads go one after another: what is said later of a person is a later upload (promise 3).

mod follow;
mod line;
mod pace;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use url::Url;

use self::line::{Call, Line};
use self::pace::Gate;
use crate::chance::{self, NoChance};
use crate::clock::Clock;
use crate::http_client::{self, HttpClientError};
use crate::model::{Statement, UploadId};
use crate::scim::bulk_request;
use crate::source::{Rows, Scan, SourceError};
use crate::token::{TokenError, TokenSource};

pub use follow::{Followed, TOLD_MAX, Told};
pub use pace::{Pace, Wait};

/// Operations in one request, where nothing is said: a megabyte or so, which the server decides in a moment.
pub const OPERATIONS_DEFAULT: NonZeroU32 = nonzero(1_000);
/// Bytes of one body: a quarter of what the server takes where nothing is said, and a minute's worth of a slow line.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The pace where nothing is said: what Microsoft's service takes of one client (`facts/entra.md` §1.4), and muster's.
pub const PACE_DEFAULT: Pace = Pace { requests: nonzero(40), per: Duration::from_secs(5) };

/// How long a request may take, its answer read: a full body over a slow line, and then the server's disk.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// How long one upload waits in all because the server asks for it. By then a million operations have been decided;
/// a quota of the day that is used up is somebody's decision.
const WAITED_MAX: Duration = Duration::from_secs(3600);
/// The number of an upload on muster's server.
const UPLOAD_ID: &str = "muster-upload-id";
/// Longest address of where to look afterwards. Microsoft's has 150 characters.
const LOCATION_CHARS_MAX: usize = 1_000;

/// Where uploads go, and as whom.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The server, without the version: `https://muster.example`, `https://graph.microsoft.com`.
    pub server: Url,
    /// The application that has the job; any word will do for muster's own.
    pub service_principal: String,
    /// The job's id there.
    pub job: String,
    /// Who gives tokens.
    pub token_url: Url,
    /// What a token is asked for.
    pub scope: String,
    /// Who we are there,
    pub client_id: String,
    /// and the proof.
    pub client_secret: SecretString,
    /// PEM certificates trusted besides the machine's own.
    pub extra_ca: Option<Vec<u8>>,
}

/// How much goes at once, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendLimits {
    /// Operations in one request. Microsoft's service takes 50.
    pub operations_max: NonZeroU32,
    /// Bytes of one body. A single operation that is longer goes alone.
    pub bytes_max: usize,
    /// Requests of all kinds.
    pub pace: Pace,
}

impl Default for SendLimits {
    fn default() -> Self {
        Self { operations_max: OPERATIONS_DEFAULT, bytes_max: BODY_BYTES_MAX, pace: PACE_DEFAULT }
    }
}

/// A statement, and what it is called in its upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is said, and of whom.
    pub statement: Statement,
    /// Its `bulkId`.
    pub bulk_id: String,
}

/// What the server has accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// Operations.
    pub operations: u64,
    /// Requests they came in.
    pub requests: u64,
    /// The uploads they became, where the server gives them numbers: muster's does.
    pub uploads: Vec<SentUpload>,
    /// Where the server says it will tell how they ended. From outside: make it plain before it is shown.
    pub location: Option<String>,
}

/// An upload that the server has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentUpload {
    /// Its number there.
    pub id: UploadId,
    /// How many operations were in it.
    pub operations: u32,
}

/// Where sending is, for whoever watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendProgress {
    /// So many operations have been accepted.
    Accepted(u64),
    /// So many of them have ended.
    Ended(u64),
    /// Nothing goes for so long: the server has asked for that, or cannot be reached.
    Pausing(Duration),
}

/// What the server says when it says no. From outside: make it plain before it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Graph's word for it; empty when it gave none.
    pub code: String,
    /// Its sentence; empty when it gave none.
    pub message: String,
    /// What it calls the request, for whoever runs it.
    pub request_id: Option<String>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

/// Why sending, or following, stopped. What was accepted by then stays accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Mend the export; or it was written to while it was read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Come back later: it cannot be reached, or has been too busy for too long.
    #[error("the server gives no answer: {why}")]
    NoAnswer {
        /// What happened the last time.
        why: String,
    },
    /// Mend what it complains of: asking again would change nothing.
    #[error("the server refuses: {0}")]
    Refused(Refusal),
    /// Mend the client's id or secret.
    #[error("there is no token")]
    NoToken(#[source] TokenError),
    /// Something else than a muster server answers.
    #[error("the server's answer is not what a muster server says")]
    Unreadable(#[source] serde_json::Error),
    /// The machine has no random bytes to name a request.
    #[error(transparent)]
    Chance(#[from] NoChance),
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] HttpClientError),
}

/// Brings statements to one job of one server.
pub struct Sender {
    server: Url,
    upload_url: Url,
    line: Line,
    limits: SendLimits,
    clock: Arc<dyn Clock>,
}

impl Sender {
    /// The way to `destination`. Nothing is asked yet. `wait` lets time pass, as `clock` tells it.
    ///
    /// # Errors
    /// [`SendError::Address`]: an address or a certificate is wrong.
    pub fn new(
        destination: &Destination,
        limits: SendLimits,
        clock: Arc<dyn Clock>,
        wait: Wait,
    ) -> Result<Self, SendError> {
        let Destination { server, service_principal, job, token_url, scope, client_id, client_secret, extra_ca } =
            destination;
        let client = |url| http_client::build(url, REQUEST_TIMEOUT, extra_ca.as_deref());
        let job = ["v1.0", "servicePrincipals", service_principal, "synchronization", "jobs", job, "bulkUpload"];
        let tokens =
            TokenSource::new(token_url, client_id, client_secret, scope, client(token_url)?, Arc::clone(&clock));
        let gate = Gate::new(limits.pace, Arc::clone(&clock));
        Ok(Self {
            upload_url: below(server, job)?,
            line: Line { http: client(server)?, tokens, gate, wait },
            server: server.clone(),
            limits,
            clock,
        })
    }

    /// Sends everything that is said, in that order. `sent` grows with each request that is accepted, so it is right
    /// whatever comes after.
    ///
    /// # Errors
    /// [`SendError`]. The same may be sent again: statements repeat without harm.
    pub async fn send(
        &self,
        said: impl Iterator<Item = Result<Said, SourceError>>,
        sent: &mut Sent,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<(), SendError> {
        for chunk in Chunks::new(said, self.limits) {
            self.upload(&chunk?, sent, progress).await?;
            progress(SendProgress::Accepted(sent.operations));
        }
        Ok(())
    }

    async fn upload(
        &self,
        chunk: &[Said],
        sent: &mut Sent,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<(), SendError> {
        let body = bulk_request(chunk.iter().map(|said| (&said.statement, said.bulk_id.as_str())));
        let call = Call {
            method: Method::POST,
            url: self.upload_url.clone(),
            // Never made from the body: who says A, then B, then A again means it.
            id: chance::uuid()?,
            body: Some(body),
            waited_max: WAITED_MAX,
        };
        let mut pausing = |pause| progress(SendProgress::Pausing(pause));
        let answer = self.line.call(&call, StatusCode::ACCEPTED, &mut pausing).await?;
        let operations = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        sent.operations += u64::from(operations);
        sent.requests += 1;
        if let Some(id) = answer.header(UPLOAD_ID).and_then(|id| id.parse().ok()) {
            sent.uploads.push(SentUpload { id: UploadId(id), operations });
        }
        if let Some(location) = answer.header("location") {
            sent.location = Some(location.chars().take(LOCATION_CHARS_MAX).collect());
        }
        Ok(())
    }
}

/// What the rows of an export say, in their order, each called by its line.
pub fn said_by<'a>(rows: &'a mut Rows, scan: &'a Scan) -> impl Iterator<Item = Result<Said, SourceError>> + 'a {
    scan.rows.iter().map(|mark| {
        let statement = Statement::Upsert(rows.read(mark)?);
        Ok(Said { statement, bulk_id: format!("line {}", mark.line) })
    })
}

/// Statements, as many at a time as fit into one request.
struct Chunks<I> {
    said: I,
    limits: SendLimits,
    /// Did not fit into the last one.
    left: Option<(Said, usize)>,
    /// Of a request with nothing in it.
    empty_bytes: usize,
}

impl<I: Iterator<Item = Result<Said, SourceError>>> Chunks<I> {
    fn new(said: I, limits: SendLimits) -> Self {
        Self { said, limits, left: None, empty_bytes: bulk_request([]).len() }
    }

    /// The next statement, and how many bytes it adds to a request, comma and all.
    fn next_said(&mut self) -> Option<Result<(Said, usize), SourceError>> {
        if let Some(left) = self.left.take() {
            return Some(Ok(left));
        }
        let said = match self.said.next()? {
            Ok(said) => said,
            Err(error) => return Some(Err(error)),
        };
        let alone = bulk_request([(&said.statement, said.bulk_id.as_str())]).len();
        Some(Ok((said, alone - self.empty_bytes + 1)))
    }
}

impl<I: Iterator<Item = Result<Said, SourceError>>> Iterator for Chunks<I> {
    type Item = Result<Vec<Said>, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut chunk = Vec::new();
        let mut bytes = self.empty_bytes;
        while chunk.len() < self.limits.operations_max.get() as usize {
            let (said, size) = match self.next_said() {
                None => break,
                Some(Ok(next)) => next,
                Some(Err(error)) => return Some(Err(error)),
            };
            if !chunk.is_empty() && bytes + size > self.limits.bytes_max {
                self.left = Some((said, size));
                break;
            }
            bytes += size;
            chunk.push(said);
        }
        (!chunk.is_empty()).then_some(Ok(chunk))
    }
}

/// The address of something on the server, segment by segment.
fn below<const N: usize>(server: &Url, segments: [&str; N]) -> Result<Url, HttpClientError> {
    let mut url = server.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.path_segments_mut()
        .map_err(|()| HttpClientError::NoWebAddress(server.scheme().to_owned()))?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}

const fn nonzero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
