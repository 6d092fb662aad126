//! One call to Microsoft Graph: token, time limit, one more try after a refused token, a line in the log.
//!
//! It does not know what is asked for, and never logs a body, a query or a secret.

use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json};
use tokio::time::Instant;
use url::Url;

use super::query::Query;
use super::refusal::{later, unknown};
use crate::chance;
use crate::http_client;
use crate::token::TokenSource;
use crate::writer::WriteError;

/// What is asked of Graph.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: String,
    /// Reads a separate, slower index (`facts/graph_users.md` §5).
    pub(super) advanced: bool,
    pub(super) body: Option<Map<String, Json>>,
}

impl Call {
    pub(super) fn get(query: Query) -> Self {
        Self { method: Method::GET, url: query.url, advanced: query.advanced, body: None }
    }

    pub(super) fn write(method: Method, url: String, body: Option<Map<String, Json>>) -> Self {
        Self { method, url, advanced: false, body }
    }

    /// Whether it may change something, so that no answer is not the same as no effect.
    pub(super) fn writes(&self) -> bool {
        self.method != Method::GET
    }
}

/// What Graph answered, whatever it was.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) after: Option<Duration>,
    /// The JSON object in it, if it was one.
    pub(super) body: Map<String, Json>,
}

/// The way to one tenant.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) tokens: TokenSource,
}

impl Line {
    /// Makes the call and reads the answer, all before `deadline`.
    pub(super) async fn call(&self, call: &Call, deadline: Instant) -> Result<Answer, WriteError> {
        let token = self.token(deadline).await?;
        let answer = self.once(call, &token, deadline).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        // Refused tokens that were still valid have been seen (`facts/graph_users.md` §1): a new one, once.
        self.tokens.forget(&token);
        let token = self.token(deadline).await?;
        self.once(call, &token, deadline).await
    }

    async fn token(&self, deadline: Instant) -> Result<SecretString, WriteError> {
        use crate::token::TokenError;
        match tokio::time::timeout_at(deadline, self.tokens.bearer()).await {
            Ok(Ok(token)) => Ok(token),
            Ok(Err(TokenError::Later { after, why })) => Err(later(after, format!("no token: {why}"))),
            // Nothing is wrong with the person: when the secret has been mended, the change must still be made.
            Ok(Err(refused @ TokenError::Refused { .. })) => Err(later(None, refused.to_string())),
            Err(_) => Err(later(None, "no token: the token service did not answer in time".to_owned())),
        }
    }

    async fn once(&self, call: &Call, token: &SecretString, deadline: Instant) -> Result<Answer, WriteError> {
        let id = chance::uuid().map_err(|error| later(None, error.to_string()))?;
        let left = deadline.saturating_duration_since(Instant::now());
        let mut request = self
            .http
            .request(call.method.clone(), &call.url)
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
            Ok(response) => read(call, &id, response).await,
            // Without a connection nothing was sent.
            Err(error) if error.is_connect() || error.is_builder() => Err(later(None, http_client::why(error))),
            Err(error) => Err(lost(call, http_client::why(error))),
        };
        if let Err(error) = &answer {
            tracing::debug!(method = %call.method, path = path(&call.url), client_request_id = id, %error, "no answer from Graph");
        }
        answer
    }
}

async fn read(call: &Call, id: &str, response: reqwest::Response) -> Result<Answer, WriteError> {
    let status = response.status().as_u16();
    let after = http_client::retry_after(response.headers());
    let request_id = response.headers().get("request-id").and_then(|value| value.to_str().ok()).unwrap_or("-");
    tracing::debug!(
        method = %call.method,
        path = path(&call.url),
        status,
        request_id,
        client_request_id = id,
        "Graph answered"
    );
    let text = http_client::read_answer(response).await.map_err(|error| lost(call, error.to_string()))?;
    // What is no JSON object (a proxy's page, an empty 204) says nothing more than its status.
    let body = serde_json::from_slice(&text).unwrap_or_default();
    Ok(Answer { status, after, body })
}

/// No answer: a question can be asked again, a change may have been made.
fn lost(call: &Call, why: String) -> WriteError {
    if call.writes() { unknown(why) } else { later(None, why) }
}

fn path(url: &str) -> String {
    Url::parse(url).map(|url| url.path().to_owned()).unwrap_or_default()
}
