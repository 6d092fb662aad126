//! What a request is called: our id of it, and the sender's.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpMessage as _, HttpRequest};

use super::error::ApiError;
use crate::chance;

/// Our id of a request, and of every answer.
pub(super) const REQUEST_ID: &str = "request-id";
/// The sender's id of a request; given back as it came.
pub(super) const CLIENT_REQUEST_ID: &str = "client-request-id";
/// Longest `client-request-id`: a GUID has 36 characters, the wordiest trace ids some 60.
const CLIENT_REQUEST_ID_MAX: usize = 128;

/// What a request is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    /// Ours.
    pub(super) request: String,
    /// The sender's.
    pub(super) client: Option<String>,
}

impl Ids {
    /// The ids this request was given.
    pub(super) fn of(request: &HttpRequest) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    /// The ids of a request with these headers; and what is wrong with the sender's, if anything is.
    pub(super) fn read(headers: &HeaderMap) -> (Self, Option<ApiError>) {
        // Without chance no token could be given either; a request without an id is still worth an answer.
        let request = chance::uuid().unwrap_or_default();
        match headers.get(CLIENT_REQUEST_ID).map(|value| value.as_bytes()) {
            None => (Self { request, client: None }, None),
            Some(id) if is_fit(id) => (Self { request, client: Some(String::from_utf8_lossy(id).into_owned()) }, None),
            Some(_) => {
                let words = format!(
                    "`{CLIENT_REQUEST_ID}` must have 1 to {CLIENT_REQUEST_ID_MAX} visible ASCII characters; send a GUID"
                );
                (Self { request, client: None }, Some(ApiError::BadRequest(words)))
            }
        }
    }
}

fn is_fit(id: &[u8]) -> bool {
    (1..=CLIENT_REQUEST_ID_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}
