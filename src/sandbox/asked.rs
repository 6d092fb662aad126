//! A request to the practice tenant, alone or in a batch, read as far as every kind of request needs.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};
use url::form_urlencoded;

use super::answer::Refusal;
use crate::model::Timestamp;

/// Most parts of a path that are read. The longest path the tenant knows has five.
const SEGMENTS_MAX: usize = 16;

/// A request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// The path behind the version, decoded: `users`, `{id}`.
    pub(super) segments: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    /// Whether `ConsistencyLevel: eventual` was sent.
    pub(super) eventual: bool,
    /// The body, where it was JSON by its content type.
    pub(super) body: Option<&'a [u8]>,
    /// The address with its version, as the caller wrote it: `http://127.0.0.1:8080/v1.0`.
    pub(super) base: &'a str,
    pub(super) now: Timestamp,
    /// How long a user this makes stays invisible.
    pub(super) lag: Option<Duration>,
}

impl Asked<'_> {
    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Json>, Refusal> {
        self.body.and_then(|body| serde_json::from_slice(body).ok()).ok_or_else(Refusal::payload)
    }

    /// The body as a JSON object, an empty one where there is none.
    pub(super) fn object_if_any(&self) -> Result<Map<String, Json>, Refusal> {
        match self.body {
            None | Some([]) => Ok(Map::new()),
            Some(_) => self.object(),
        }
    }

    /// A query option.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn writes(&self) -> bool {
        self.method != "GET"
    }

    pub(super) fn creates(&self) -> bool {
        self.method == "POST" && self.segments.len() == 1 && self.segments.iter().any(|segment| segment == "users")
    }
}

/// The parts of a path, decoded; `users('…')` is `users/…`.
pub(super) fn segments(path: &str) -> Result<Vec<String>, Refusal> {
    let mut segments = Vec::new();
    for raw in path.split('/').filter(|segment| !segment.is_empty()).take(SEGMENTS_MAX) {
        let text = percent_decode_str(raw).decode_utf8().map_err(|_| Refusal::segment(raw))?;
        match text.strip_prefix("users('").and_then(|rest| rest.strip_suffix("')")) {
            Some(name) => segments.extend(["users".to_owned(), name.replace("''", "'")]),
            None => segments.push(text.into_owned()),
        }
    }
    Ok(segments)
}

/// The options of a query, decoded.
pub(super) fn query(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Whether a content type is JSON's.
pub(super) fn is_json(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
