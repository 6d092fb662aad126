//! One call to a SCIM service: token, time limit, patience, a line in the log.
//!
//! It does not know what is asked for, and never logs a body, a query or a secret.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json};
use tokio::time::Instant;
use url::Url;

use super::refusal::{later, unknown};
use crate::http_client;
use crate::token::{TokenError, TokenSource};
use crate::writer::WriteError;
use crate::writer::until::{TOO_LATE, Until};

/// SCIM's own type (RFC 7644 §3.1); some services answer plain JSON.
const SCIM_JSON: &str = "application/scim+json";
const ACCEPTED: &str = "application/scim+json, application/json;q=0.9";

/// What is asked of the service.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: String,
    /// Done only if the resource still has this version.
    pub(super) if_match: Option<String>,
    pub(super) body: Option<Map<String, Json>>,
}

impl Call {
    pub(super) fn get(url: String) -> Self {
        Self { method: Method::GET, url, if_match: None, body: None }
    }

    pub(super) fn write(method: Method, url: String, body: Option<Map<String, Json>>) -> Self {
        Self { method, url, if_match: None, body }
    }

    pub(super) fn only_if(self, version: Option<String>) -> Self {
        Self { if_match: version, ..self }
    }

    /// Whether it may change something, so that no answer is not the same as no effect.
    fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

/// What the service answered, whatever it was.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) after: Option<Duration>,
    /// The version of the resource, where it says so.
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
    /// The JSON in it; null if it was none.
    pub(super) body: Json,
}

impl Answer {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// How we prove who we are.
#[derive(Debug)]
pub(super) enum Credentials {
    /// By one token that lasts.
    Token(SecretString),
    /// By tokens that are fetched.
    Fetched(Box<TokenSource>),
}

/// The way to one service.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) credentials: Credentials,
    /// The service asked for patience until then.
    closed_until: Mutex<Option<Instant>>,
}

impl Line {
    pub(super) fn new(http: reqwest::Client, credentials: Credentials) -> Self {
        Self { http, credentials, closed_until: Mutex::new(None) }
    }

    /// How long the service still asks for patience.
    pub(super) fn closed_for(&self) -> Option<Duration> {
        let left = self.closed_until().map(|until| until.saturating_duration_since(Instant::now()));
        left.filter(|left| !left.is_zero())
    }

    fn closed_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.closed_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the call and reads the answer, all before its time is over. Nothing is begun while the service asks for
    /// patience, and no write for which it is too late.
    pub(super) async fn call(&self, call: &Call, until: Until) -> Result<Answer, WriteError> {
        if let Some(left) = self.closed_for() {
            return Err(later(Some(left), "the service has asked for patience".to_owned()));
        }
        let token = self.token(until.end).await?;
        let answer = self.once(call, &token, until).await?;
        let Credentials::Fetched(tokens) = &self.credentials else { return Ok(answer) };
        if answer.status != 401 {
            return Ok(answer);
        }
        tokens.forget(&token);
        let token = self.token(until.end).await?;
        self.once(call, &token, until).await
    }

    async fn token(&self, deadline: Instant) -> Result<SecretString, WriteError> {
        let tokens = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::Fetched(tokens) => tokens,
        };
        match tokio::time::timeout_at(deadline, tokens.bearer()).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(TokenError::Later { after, why })) => Err(later(after, format!("no token: {why}"))),
            // Nothing is wrong with the person: when the secret has been mended, the change must still be made.
            Ok(Err(refused @ TokenError::Refused { .. })) => Err(later(None, refused.to_string())),
            Err(_) => Err(later(None, "no token: the token service did not answer in time".to_owned())),
        }
    }

    async fn once(&self, call: &Call, token: &SecretString, until: Until) -> Result<Answer, WriteError> {
        if call.writes() && until.is_too_late() {
            return Err(later(None, TOO_LATE.to_owned()));
        }
        let left = until.end.saturating_duration_since(Instant::now());
        let mut request = self
            .http
            .request(call.method.clone(), &call.url)
            .bearer_auth(token.expose_secret())
            .header(ACCEPT, ACCEPTED)
            .timeout(left);
        if let Some(version) = &call.if_match {
            request = request.header(IF_MATCH, version);
        }
        if let Some(body) = &call.body {
            let body = serde_json::to_vec(body).map_err(|error| later(None, error.to_string()))?;
            request = request.header(CONTENT_TYPE, SCIM_JSON).body(body);
        }
        let answer = match request.send().await {
            Ok(response) => read(call, response).await,
            // Without a connection nothing was sent.
            Err(error) if error.is_connect() || error.is_builder() => Err(later(None, http_client::why(error))),
            Err(error) => Err(lost(call, http_client::why(error))),
        };
        match &answer {
            Ok(answer) => self.heed(answer),
            Err(error) => {
                tracing::debug!(method = %call.method, path = path(&call.url), %error, "no answer from the SCIM service");
            }
        }
        answer
    }

    /// Remembers that the service asked for patience.
    fn heed(&self, answer: &Answer) {
        if let (429 | 503, Some(after)) = (answer.status, answer.after) {
            let until = Instant::now() + after;
            let mut closed = self.closed_until();
            *closed = Some(closed.map_or(until, |held| held.max(until)));
        }
    }
}

async fn read(call: &Call, response: reqwest::Response) -> Result<Answer, WriteError> {
    let status = response.status().as_u16();
    let headers = response.headers();
    let (after, etag) = (http_client::retry_after(headers), header(headers, &ETAG));
    let location = header(headers, &LOCATION);
    tracing::debug!(method = %call.method, path = path(&call.url), status, "the SCIM service answered");
    let text = http_client::read_answer(response).await.map_err(|error| lost(call, error.to_string()))?;
    // What is no JSON (a proxy's page, an empty 204) says nothing more than its status.
    let body = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Answer { status, after, etag, location, body })
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// No answer: a question can be asked again, a change may have been made.
fn lost(call: &Call, why: String) -> WriteError {
    if call.writes() { unknown(why) } else { later(None, why) }
}

fn path(url: &str) -> String {
    Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}
