//! The agent's side of the embedded queue: asks the server for work over HTTPS, and reports what was carried.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;
use crate::http_client;
use crate::model::{Carried, LeaseId, TargetId, Timestamp, WorkItem};
use crate::plain::plain;
use crate::token::TokenError;

use super::wire::{
    AgentWire, ClaimAnswerWire, ClaimRequestWire, LeaseAnswerWire, LeaseRequestWire, OfferClaimWire, SettleAnswerWire,
    SettleRequestWire, SettledWire,
};

#[cfg(test)]
mod tests;

/// The longest the server may keep a question open. Proxies commonly close what is silent for 60 seconds.
pub const WAIT_SECONDS_MAX: u64 = 50;
/// How long an answer may take beyond that. A few kilobytes take well under a second; a slow line takes some.
pub const ANSWER_SECONDS_MAX: u64 = 30;
/// How long after it was asked a question is not given up although no more work is wanted: the server may have leased what
/// its answer brings. It answers within milliseconds where something is due, and notices who hangs up later.
pub const LAST_ANSWER_MAX: Duration = Duration::from_secs(1);
/// Largest answer. A hundred people with everything that is known of them are under a megabyte.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The most work items in one lease: more would wait here while others could carry them.
pub const LEASE_ITEMS_MAX: u32 = 100;
/// The most settlements in one report, and the longest report in bytes that is sent while it could be made of two: the
/// server takes no longer one than four times this.
pub const SETTLE_ITEMS_MAX: usize = 100;
/// See [`SETTLE_ITEMS_MAX`].
pub const SETTLE_BYTES_MAX: usize = 1024 * 1024;
/// How much of what the server says of an error is kept.
const COMPLAINT_CHARACTERS_MAX: usize = 300;

/// Gives a bearer token for the server, from a cache or anew. One that is handed in was refused: it is not given again.
pub type BearerSource = Arc<
    dyn Fn(Option<SecretString>) -> Pin<Box<dyn Future<Output = Result<SecretString, TokenError>> + Send>>
        + Send
        + Sync,
>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why the server did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Try again: it cannot be reached, or has too much to do.
    #[error("the server cannot answer now")]
    Later {
        /// Not before this has passed, where the server said so.
        after: Option<Duration>,
        /// What happened.
        #[source]
        cause: Source,
    },
    /// It gives this agent no token: somebody must correct what the agent is called there, or its secret.
    #[error("the server does not let the agent in")]
    NotLetIn {
        /// What it said.
        #[source]
        cause: Source,
    },
    /// Asking again would change nothing.
    #[error("the server refused")]
    Refused {
        /// Its status, where it gave one.
        status: Option<u16>,
        /// What it said, or what cannot be read.
        #[source]
        cause: Source,
    },
}

/// Why there can be no queue at such a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// Work carries personal data and tokens: in the clear it may go no further than this machine.
    #[error("the server's address must begin with https")]
    NotEncrypted,
    /// Not something that has paths below it.
    #[error("the server's address cannot be extended by a path")]
    NoBase,
}

/// The server's queue, as an agent sees it.
#[derive(Clone)]
pub struct RemoteQueue {
    client: reqwest::Client,
    lease_url: Url,
    claim_url: Url,
    settle_url: Url,
    bearer: BearerSource,
    clock: Arc<dyn Clock>,
    agent: Option<AgentWire>,
    stopped: Arc<watch::Sender<bool>>,
}

impl RemoteQueue {
    /// The queue of the server at `server`. `client` must not follow redirects.
    ///
    /// # Errors
    /// [`ServerUrlError`] when the address is not encrypted and not this machine's own, or is no address.
    pub fn new(
        client: reqwest::Client,
        server: &Url,
        bearer: BearerSource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ServerUrlError> {
        if server.scheme() != "https" && !(server.scheme() == "http" && is_this_machine(server)) {
            return Err(ServerUrlError::NotEncrypted);
        }
        let (lease_url, settle_url) = (below(server, "lease")?, below(server, "settle")?);
        let claim_url = below(server, "claim")?;
        Ok(Self { client, lease_url, claim_url, settle_url, bearer, clock, agent: None, stopped: Arc::default() })
    }

    /// The same, for an agent that says who it is when it asks.
    pub fn introduced(self, agent: AgentWire) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// No more work is wanted: a question that the server has kept open for a while is answered with nothing, and one
    /// that it may be answering just now a little later.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// Whether no more work is wanted.
    pub fn is_stopped(&self) -> bool {
        *self.stopped.borrow()
    }

    /// Waits until no more work is wanted.
    pub async fn stopped(&self) {
        // The sender is here, so it cannot be gone.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Leases up to `max` work items of `targets`; waits up to `wait` (at most [`WAIT_SECONDS_MAX`]) while nothing is
    /// due. Empty when nothing is. Leases are counted by this machine's clock and never too long.
    ///
    /// # Errors
    /// [`QueueError::Later`] when the server cannot be reached, is busy or does not know the token;
    /// [`QueueError::NotLetIn`] when it gives none;
    /// [`QueueError::Refused`] otherwise, and for an answer that cannot be read.
    pub async fn lease(&self, targets: &[TargetId], max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        if self.is_stopped() {
            return Ok(Vec::new());
        }
        let began = Instant::now();
        tokio::select! {
            biased;
            answer = self.ask(targets, max, wait) => answer,
            () = async { self.stopped().await; sleep_until(began + LAST_ANSWER_MAX).await } => Ok(Vec::new()),
        }
    }

    async fn ask(&self, targets: &[TargetId], max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        let wait = wait.min(Duration::from_secs(WAIT_SECONDS_MAX));
        let request = LeaseRequestWire::new(targets, max.min(LEASE_ITEMS_MAX), wait);
        let request = LeaseRequestWire { agent: self.agent.clone(), ..request };
        let asked = self.clock.now();
        let timeout = wait + Duration::from_secs(ANSWER_SECONDS_MAX);
        let body = serde_json::to_vec(&request).map_err(unreadable)?;
        let response = self.post(&self.lease_url, body, timeout).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Vec::new());
        }
        let body = read(response).await?;
        let answer: LeaseAnswerWire = serde_json::from_slice(&body).map_err(unreadable)?;
        answer.read(asked).map_err(unreadable)
    }

    /// Claims offers of a target that came by another way, at most [`LEASE_ITEMS_MAX`]; gives when each lease ends, and
    /// `None` for what is gone.
    ///
    /// # Errors
    /// As [`RemoteQueue::lease`].
    pub async fn claim(
        &self,
        target: &TargetId,
        claims: Vec<OfferClaimWire>,
    ) -> Result<Vec<Option<Timestamp>>, QueueError> {
        let count = claims.len();
        let request = ClaimRequestWire::new(target, claims, self.agent.clone());
        let asked = self.clock.now();
        let body = serde_json::to_vec(&request).map_err(unreadable)?;
        let response = self.post(&self.claim_url, body, Duration::from_secs(ANSWER_SECONDS_MAX)).await?;
        let answer: ClaimAnswerWire = serde_json::from_slice(&read(response).await?).map_err(unreadable)?;
        answer.read(count, asked).map_err(unreadable)
    }

    /// Reports what was carried under these leases, and says what became of each, in their order: as many of them as
    /// one report holds ([`SETTLE_ITEMS_MAX`]), and at least the first.
    ///
    /// # Errors
    /// As [`RemoteQueue::lease`], for all of them together. A lease that had ended is no error but an answer: then
    /// somebody else has the work, and the report changes nothing.
    pub async fn settle(&self, carried: &[(LeaseId, Carried)]) -> Result<Vec<SettledWire>, QueueError> {
        let mut count = carried.len().min(SETTLE_ITEMS_MAX);
        let body = loop {
            let some = carried.iter().take(count).map(|(lease, carried)| (lease, carried));
            let body = serde_json::to_vec(&SettleRequestWire::of(some, self.clock.now())).map_err(unreadable)?;
            if body.len() <= SETTLE_BYTES_MAX || count <= 1 {
                break body;
            }
            count = count.div_ceil(2);
        };
        let response = self.post(&self.settle_url, body, Duration::from_secs(ANSWER_SECONDS_MAX)).await?;
        let answer: SettleAnswerWire = serde_json::from_slice(&read(response).await?).map_err(unreadable)?;
        answer.read(count).map_err(unreadable)
    }

    async fn post(&self, url: &Url, body: Vec<u8>, timeout: Duration) -> Result<Response, QueueError> {
        let bearer = (self.bearer)(None).await.map_err(no_token)?;
        let mut response = self.post_with(&bearer, url, body.clone(), timeout).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // The server may have forgotten a token that was still good: a new one, once.
            let bearer = (self.bearer)(Some(bearer)).await.map_err(no_token)?;
            response = self.post_with(&bearer, url, body, timeout).await?;
        }
        if response.status().is_success() { Ok(response) } else { Err(complaint(response).await) }
    }

    async fn post_with(
        &self,
        bearer: &SecretString,
        url: &Url,
        body: Vec<u8>,
        timeout: Duration,
    ) -> Result<Response, QueueError> {
        let request = self.client.post(url.clone()).bearer_auth(bearer.expose_secret()).timeout(timeout);
        request.header(CONTENT_TYPE, "application/json").body(body).send().await.map_err(unreachable)
    }
}

fn no_token(error: TokenError) -> QueueError {
    match &error {
        TokenError::Later { after, .. } => QueueError::Later { after: *after, cause: error.into() },
        TokenError::Refused { .. } => QueueError::NotLetIn { cause: error.into() },
    }
}

fn is_this_machine(server: &Url) -> bool {
    match server.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn below(server: &Url, verb: &str) -> Result<Url, ServerUrlError> {
    let mut url = server.clone();
    let mut segments = url.path_segments_mut().map_err(|()| ServerUrlError::NoBase)?;
    segments.pop_if_empty().extend(["muster", "v1", "agent", verb]);
    drop(segments);
    Ok(url)
}

/// The body, as far as [`ANSWER_BYTES_MAX`].
async fn read(mut response: Response) -> Result<Vec<u8>, QueueError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(unreadable(format!("the answer is larger than {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What a status other than success asks of us, in the server's sentence where it gives one. A new token that is refused as well is a matter of time, too.
async fn complaint(response: Response) -> QueueError {
    let status = response.status();
    let after = http_client::retry_after(response.headers());
    let passes = status.is_server_error()
        || [StatusCode::UNAUTHORIZED, StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let body = read(response).await.unwrap_or_default();
    let told = serde_json::from_slice::<serde_json::Value>(&body).ok();
    let told = told.as_ref().and_then(|told| told["error"]["message"].as_str());
    let told = told.map_or_else(|| String::from_utf8_lossy(&body), std::borrow::Cow::Borrowed);
    let said: String = told.chars().take(COMPLAINT_CHARACTERS_MAX).collect();
    let cause = format!("{status}: {}", plain(&said)).into();
    if passes {
        QueueError::Later { after, cause }
    } else {
        QueueError::Refused { status: Some(status.as_u16()), cause }
    }
}

/// Without the address, in which people leave passwords.
fn unreachable(error: reqwest::Error) -> QueueError {
    QueueError::Later { after: None, cause: http_client::why(error).into() }
}

fn unreadable(error: impl Into<Source>) -> QueueError {
    QueueError::Refused { status: None, cause: error.into() }
}
