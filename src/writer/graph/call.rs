//! One HTTP request to Microsoft Graph: token, time limit, a line in the log. It carries one call, or a batch of them.
//!
//! It does not know what is asked for, and never logs a body, a query or a secret.

use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::query::Query;
use super::refusal::{later, unknown};
use crate::chance;
use crate::http_client;
use crate::token::TokenSource;
use crate::writer::WriteError;

/// Says which share of its limit the application uses (`facts/graph_users.md` §10).
pub(super) const SHARE_HEADER: &str = "x-ms-throttle-limit-percentage";

/// What is asked of Graph.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Behind the version: `/users/…`, encoded, with its query.
    pub(super) path: String,
    /// Reads a separate, slower index (`facts/graph_users.md` §5).
    pub(super) advanced: bool,
    pub(super) body: Option<Map<String, Json>>,
    /// Goes before whatever else waits: somebody is to be locked out.
    pub(super) urgent: bool,
    /// Has waited for others already.
    pub(super) prompt: bool,
}

impl Call {
    pub(super) fn get(query: Query) -> Self {
        Self {
            method: Method::GET,
            path: query.path,
            advanced: query.advanced,
            body: None,
            urgent: false,
            prompt: false,
        }
    }

    pub(super) fn write(method: Method, path: String, body: Option<Map<String, Json>>) -> Self {
        Self { method, path, advanced: false, body, urgent: false, prompt: false }
    }

    pub(super) fn urgent(self, urgent: bool) -> Self {
        Self { urgent, ..self }
    }

    /// Whether it may change something, so that no answer is not the same as no effect.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET
    }

    /// Its path without the query, which has people's data in it.
    pub(super) fn shown(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }
}

/// What Graph answered, whatever it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) after: Option<Duration>,
    /// The share of its limit that the application uses, where Graph says it.
    pub(super) share: Option<f64>,
    /// The JSON object in it, if it was one.
    pub(super) body: Map<String, Json>,
}

/// No answer.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    /// Not before this has passed, where somebody said so.
    pub(super) after: Option<Duration>,
    pub(super) why: String,
    /// Whether the request may have reached Graph.
    pub(super) is_sent: bool,
}

impl Lost {
    pub(super) fn unsent(after: Option<Duration>, why: impl Into<String>) -> Self {
        Self { after, why: why.into(), is_sent: false }
    }

    pub(super) fn sent(why: impl Into<String>) -> Self {
        Self { after: None, why: why.into(), is_sent: true }
    }

    /// What it means for a call: a question can be asked again, a change may have been made.
    pub(super) fn meant_for(self, writes: bool) -> WriteError {
        if writes && self.is_sent { unknown(self.why) } else { later(self.after, self.why) }
    }
}

/// The way to one tenant.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) tokens: TokenSource,
    /// Graph's address with its version, without a slash at the end.
    pub(super) base: String,
}

impl Line {
    pub(super) async fn token(&self, deadline: Instant) -> Result<SecretString, Lost> {
        use crate::token::TokenError;
        match tokio::time::timeout_at(deadline, self.tokens.bearer()).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(TokenError::Later { after, why })) => Err(Lost::unsent(after, format!("no token: {why}"))),
            // Nothing is wrong with the person: when the secret has been mended, the change must still be made.
            Ok(Err(refused @ TokenError::Refused { .. })) => Err(Lost::unsent(None, refused.to_string())),
            Err(_) => Err(Lost::unsent(None, "no token: the token service did not answer in time")),
        }
    }

    /// Sends one request and reads its answer, all before `deadline`.
    pub(super) async fn send(&self, call: &Call, token: &SecretString, deadline: Instant) -> Result<Answer, Lost> {
        let id = chance::uuid().map_err(|error| Lost::unsent(None, error.to_string()))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .bearer_auth(token.expose_secret())
            .header("client-request-id", &id)
            .timeout(left);
        if call.advanced {
            request = request.header("ConsistencyLevel", "eventual");
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let answer = match request.send().await {
            Ok(response) => self.read(call, &id, response).await,
            // Without a connection nothing was sent.
            Err(error) if error.is_connect() || error.is_builder() => Err(Lost::unsent(None, http_client::why(error))),
            Err(error) => Err(Lost::sent(http_client::why(error))),
        };
        if let Err(Lost { why, .. }) = &answer {
            tracing::debug!(method = %call.method, path = call.shown(), client_request_id = id, why, "no answer from Graph");
        }
        answer
    }

    async fn read(&self, call: &Call, id: &str, response: reqwest::Response) -> Result<Answer, Lost> {
        let status = response.status().as_u16();
        let after = http_client::retry_after(response.headers());
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let share = header(SHARE_HEADER).and_then(|share| share.trim().parse().ok());
        let request_id = header("request-id").unwrap_or("-").to_owned();
        let path = format!("{}{}", self.version(), call.shown());
        tracing::debug!(method = %call.method, path, status, request_id, client_request_id = id, "Graph answered");
        let text = match http_client::read_answer(response).await {
            Ok(text) => text,
            // Whatever else it would have said: nothing was done, and the tenant asks for patience.
            Err(_) if status == 429 => Vec::new(),
            Err(error) => return Err(Lost::sent(error.to_string())),
        };
        // What is no JSON object (a proxy's page, an empty 204) says nothing more than its status.
        let body = serde_json::from_slice(&text).unwrap_or_default();
        Ok(Answer { status, after, share, body })
    }

    /// The machine that is asked: `graph.microsoft.com`.
    pub(super) fn host(&self) -> &str {
        let host = self.behind_scheme().split('/').next().unwrap_or_default();
        let port = |at: &usize| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit());
        host.rfind(':').filter(port).map_or(host, |at| &host[..at])
    }

    /// The path that all paths stand behind: `/v1.0`.
    fn version(&self) -> &str {
        let rest = self.behind_scheme();
        rest.find('/').map_or("", |at| &rest[at..])
    }

    fn behind_scheme(&self) -> &str {
        self.base.split_once("://").map_or(self.base.as_str(), |(_, rest)| rest)
    }
}
