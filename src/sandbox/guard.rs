//! Who may ask the practice tenant: its one application, and the tokens it was given.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::answer::Refusal;
use crate::model::Timestamp;

/// How long a token is good (`facts/graph_users.md` §1).
pub(super) const TOKEN_LIFETIME: Duration = Duration::from_secs(3599);

/// Most tokens that are remembered; a client fetches one an hour. Beyond, all are forgotten, and fetched anew.
const TOKENS_MAX: usize = 10_000;

/// The one application that may ask.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) client_id: String,
    pub(super) secret: SecretString,
}

/// A refusal of the token endpoint, in the shape of Entra.
#[derive(Debug)]
pub(super) struct TokenFault {
    pub(super) status: u16,
    error: &'static str,
    number: u32,
    words: String,
    pub(super) retry_after: Option<Duration>,
}

impl TokenFault {
    fn new(status: u16, error: &'static str, number: u32, words: impl Into<String>) -> Self {
        Self { status, error, number, words: words.into(), retry_after: None }
    }

    pub(super) fn unknown_tenant(tenant: &str) -> Self {
        let words = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.");
        Self::new(400, "invalid_request", 90002, words)
    }

    pub(super) fn too_many(after: Duration) -> Self {
        let fault = Self::new(429, "temporarily_unavailable", 90055, "Too many requests. Please try again later.");
        Self { retry_after: Some(after), ..fault }
    }

    pub(super) fn bad_secret() -> Self {
        let words = "Invalid client secret provided. Ensure the secret being sent in the request is the client \
                     secret value, not the client secret ID.";
        Self::new(401, "invalid_client", 7_000_215, words)
    }

    pub(super) fn unavailable() -> Self {
        Self::new(503, "temporarily_unavailable", 90033, "A transient error has occurred. Please try again.")
    }

    pub(super) fn body(&self, now: &str, trace: &str, correlation: &str) -> Json {
        let Self { error, number, words, .. } = self;
        json!({
            "error": error,
            "error_description":
                format!("AADSTS{number}: {words} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"),
            "error_codes": [number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
        })
    }
}

/// What a token request says.
pub(super) struct TokenRequest {
    pub(super) grant_type: String,
    pub(super) client_id: String,
    pub(super) secret: SecretString,
    pub(super) scope: String,
}

impl Application {
    /// Whether that is the secret.
    pub(super) fn knows(&self, given: &SecretString) -> bool {
        verify_slices_are_equal(given.expose_secret().as_bytes(), self.secret.expose_secret().as_bytes()).is_ok()
    }

    /// Whether a token is due.
    pub(super) fn check(&self, request: &TokenRequest) -> Result<(), TokenFault> {
        if request.grant_type != "client_credentials" {
            let words = format!("The app requested an unsupported grant type '{}'.", request.grant_type);
            return Err(TokenFault::new(400, "unsupported_grant_type", 70003, words));
        }
        if !request.client_id.eq_ignore_ascii_case(&self.client_id) {
            let words = format!("Application with identifier '{}' was not found in the directory.", request.client_id);
            return Err(TokenFault::new(400, "unauthorized_client", 700016, words));
        }
        if !self.knows(&request.secret) {
            return Err(TokenFault::bad_secret());
        }
        if !request.scope.ends_with("/.default") || request.scope.contains(' ') {
            let words = format!("The provided value for the input parameter 'scope' is not valid: {}.", request.scope);
            return Err(TokenFault::new(400, "invalid_scope", 70011, words));
        }
        Ok(())
    }
}

/// Tokens that were given.
#[derive(Default)]
pub(super) struct Guard {
    tokens: HashMap<String, Timestamp>,
}

impl Guard {
    /// Remembers a token.
    pub(super) fn admit(&mut self, token: String, now: Timestamp) {
        self.tokens.retain(|_, end| *end > now);
        if self.tokens.len() >= TOKENS_MAX {
            self.tokens.clear();
        }
        self.tokens.insert(token, now.plus(TOKEN_LIFETIME));
    }

    /// Forgets every token: the next call with one is answered 401.
    pub(super) fn revoke_all(&mut self) {
        self.tokens.clear();
    }

    pub(super) fn check_token(&self, authorization: Option<&str>, now: Timestamp) -> Result<(), Refusal> {
        let token = authorization.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
        if token.is_empty() {
            return Err(Refusal::token("Access token is empty."));
        }
        match self.tokens.get(token) {
            Some(end) if *end > now => Ok(()),
            Some(_) => Err(Refusal::token("Lifetime validation failed, the token is expired.")),
            None => Err(Refusal::token("Access token validation failure. Invalid token.")),
        }
    }
}
