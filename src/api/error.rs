//! The one place where anything that goes wrong becomes an HTTP answer: Graph error objects, and Entra's for tokens.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::ids::Ids;
use super::role::Role;
use crate::model::Timestamp;
use crate::pipeline::ingest::{BACKLOG_RETRY_SECONDS, IngestError};
use crate::pipeline::schedule::chain;
use crate::scim::EnvelopeError;
use crate::store::StoreError;

/// How long to wait when the disk refuses: long enough for somebody to make room, short enough to be told soon.
const DISK_RETRY: Duration = Duration::from_secs(10);

/// Why a request is not done: one for each answer that can be given.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    NotAuthenticated(&'static str),
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    NotFound(String),
    #[error("this address is for {allow} only")]
    MethodNotAllowed { allow: &'static str },
    #[error("{0}")]
    TimedOut(String),
    #[error("the lease has ended, or was settled before; nothing was changed, and who holds the work now looks first")]
    LeaseLost,
    #[error("{0}")]
    OtherKind(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("{0}")]
    MediaType(String),
    #[error("{0}")]
    TooMany(String, Duration),
    #[error("{0}")]
    Unavailable(String),
    #[error("something is wrong at the server; its log says what, under this request-id")]
    Broken,
    #[error("{0}")]
    Token(TokenFault),
}

/// Why no token is given; in Entra's words, because its clients read them (`facts/graph_users.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("The request body must contain the following parameter: '{0}'.")]
    Missing(&'static str),
    #[error("The request body cannot be read as a form: send application/x-www-form-urlencoded.")]
    NoForm,
    #[error("The grant type is not supported: only client_credentials is.")]
    GrantType,
    #[error(
        "Invalid client secret provided, or no such client, or it is disabled. `muster client list` shows clients."
    )]
    Client,
}

impl TokenFault {
    fn parts(self) -> (StatusCode, &'static str, u32) {
        match self {
            Self::Missing(_) => (StatusCode::BAD_REQUEST, "invalid_request", 900_144),
            Self::NoForm => (StatusCode::BAD_REQUEST, "invalid_request", 900_561),
            Self::GrantType => (StatusCode::BAD_REQUEST, "unsupported_grant_type", 70_003),
            Self::Client => (StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215),
        }
    }
}

impl ApiError {
    /// The client lacks all of these roles.
    pub(super) fn role_missing(client: &str, needed: &[Role]) -> Self {
        let names: Vec<_> = needed.iter().map(|role| format!("`{role}`")).collect();
        Self::Forbidden(format!(
            "client `{client}` needs the role {}; add a client that has it with `muster client add`",
            names.join(" or ")
        ))
    }

    /// The store did not do as asked. What must be known to mend it goes to the log, not to the sender.
    pub(super) fn store(error: &StoreError) -> Self {
        tracing::error!(error = chain(error), "the store refused");
        match error {
            StoreError::Unavailable(_) | StoreError::Folder { .. } => {
                Self::Unavailable("the server's disk refuses now; send the request again later".to_owned())
            }
            _ => Self::Broken,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "BadRequest",
            Self::NotAuthenticated(_) => "InvalidAuthenticationToken",
            Self::Forbidden(_) => "Authorization_RequestDenied",
            Self::NotFound(_) => "ResourceNotFound",
            Self::MethodNotAllowed { .. } => "MethodNotAllowed",
            Self::TimedOut(_) => "RequestTimeout",
            Self::LeaseLost => "leaseLost",
            Self::OtherKind(_) => "otherKind",
            Self::TooLarge(_) => "RequestEntityTooLarge",
            Self::MediaType(_) => "UnsupportedMediaType",
            Self::TooMany(..) => "TooManyRequests",
            Self::Unavailable(_) => "ServiceUnavailable",
            Self::Broken => "InternalServerError",
            Self::Token(fault) => fault.parts().1,
        }
    }

    fn header(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::NotAuthenticated(_) => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Token(TokenFault::Client) => Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic"))),
            Self::MethodNotAllowed { allow } => Some((header::ALLOW, HeaderValue::from_static(allow))),
            Self::MediaType(_) => Some((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"))),
            Self::TooMany(_, after) => Some((header::RETRY_AFTER, whole_seconds(*after))),
            Self::Unavailable(_) => Some((header::RETRY_AFTER, whole_seconds(DISK_RETRY))),
            _ => None,
        }
    }

    /// The answer for the request with these ids.
    pub(super) fn answer(&self, ids: &Ids, now: Timestamp) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(header) = self.header() {
            response.insert_header(header);
        }
        match self {
            Self::Token(fault) => {
                response.insert_header((header::CACHE_CONTROL, "no-store"));
                response.json(token_body(*fault, ids, now))
            }
            _ => response.json(graph_body(self.code(), &self.to_string(), ids, now)),
        }
    }

    /// What actix itself refused, as one of ours.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound("there is nothing at this address".to_owned()),
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed { allow: "GET, POST" },
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge("the request is too large".to_owned()),
            status if status.is_client_error() => Self::BadRequest("the request cannot be read".to_owned()),
            _ => Self::Broken,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::NotAuthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut(_) => StatusCode::REQUEST_TIMEOUT,
            Self::LeaseLost | Self::OtherKind(_) => StatusCode::CONFLICT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooMany(..) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Token(fault) => fault.parts().0,
        }
    }

    /// Bare: the body is made where the request's ids are known ([`ApiError::answer`]).
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<IngestError> for ApiError {
    fn from(error: IngestError) -> Self {
        let words = error.to_string();
        match error {
            IngestError::Envelope(EnvelopeError::TooMany { .. }) => Self::TooLarge(words),
            IngestError::Envelope(_) => Self::BadRequest(words),
            IngestError::Backlog { .. } => Self::TooMany(words, Duration::from_secs(BACKLOG_RETRY_SECONDS)),
            IngestError::Store(source @ (StoreError::Unavailable(_) | StoreError::Folder { .. })) => {
                tracing::error!(error = chain(&source), "an upload was not accepted");
                Self::Unavailable(words)
            }
            IngestError::Store(source) => Self::store(&source),
        }
    }
}

/// Rounded up: whoever waits so long is let in.
fn whole_seconds(after: Duration) -> HeaderValue {
    HeaderValue::from(after.as_secs() + u64::from(after.subsec_nanos() > 0))
}

fn graph_body(code: &str, message: &str, ids: &Ids, now: Timestamp) -> serde_json::Value {
    let mut inner = json!({ "date": now.to_string(), "request-id": ids.request });
    if let Some(client) = &ids.client {
        inner["client-request-id"] = json!(client);
    }
    json!({ "error": { "code": code, "message": message, "innerError": inner } })
}

fn token_body(fault: TokenFault, ids: &Ids, now: Timestamp) -> serde_json::Value {
    let (_, error, number) = fault.parts();
    let correlation = ids.client.as_deref().unwrap_or(&ids.request);
    let description =
        format!("AADSTS{number}: {fault} Trace ID: {} Correlation ID: {correlation} Timestamp: {now}", ids.request);
    json!({
        "error": error,
        "error_description": description,
        "error_codes": [number],
        "timestamp": now.to_string(),
        "trace_id": ids.request,
        "correlation_id": correlation,
    })
}
