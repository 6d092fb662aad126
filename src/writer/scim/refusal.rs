//! What a refusal by a SCIM service means for us (RFC 7644 §3.12).

use std::time::Duration;

use serde_json::Value as Json;

use super::call::Answer;
use crate::writer::{Cause, WriteError};

/// Longest cause that is kept. Services say a sentence; some say a page.
const CAUSE_CHARS_MAX: usize = 400;

/// The service's word for a value that somebody else holds.
const UNIQUENESS: &str = "uniqueness";

/// The service's word for a path behind which nothing stands.
const NO_TARGET: &str = "noTarget";

/// Why a call was not done. `writes` says whether it was to write at all.
pub(super) fn refusal(answer: &Answer, writes: bool) -> WriteError {
    let words = words(answer);
    match answer.status {
        404 | 410 => WriteError::Gone { cause: Cause(words) },
        // Somebody else wrote between our look and our write.
        400 if scim_type(answer) == Some(NO_TARGET) => later(None, words),
        // 401: nothing is wrong with the person; when the token has been mended, the change must still be made.
        // 412: as above. 3xx: something in between.
        401 | 408 | 409 | 412 | 425 | 429 | 503 | 300..=399 => later(answer.after, words),
        501 => refused(scim_type(answer).unwrap_or("not_implemented"), words),
        403 => refused(scim_type(answer).unwrap_or("forbidden"), words),
        400..=499 => refused(scim_type(answer).unwrap_or("bad_request"), words),
        _ if writes => unknown(words),
        _ => later(answer.after, words),
    }
}

/// As [`refusal`], where no linked object is spoken of, so that none can be gone.
pub(super) fn refusal_without_object(answer: &Answer, writes: bool) -> WriteError {
    match refusal(answer, writes) {
        WriteError::Gone { cause } => WriteError::Refused { code: "not_found".to_owned(), cause },
        other => other,
    }
}

/// Whether somebody else holds one of the values: 409, which some services say without a word (RFC 7644 §3.3).
pub(super) fn is_conflict(answer: &Answer) -> bool {
    answer.status == 409 || (answer.status == 400 && scim_type(answer) == Some(UNIQUENESS))
}

/// Whether the service does not know this way to write.
pub(super) fn is_unsupported(answer: &Answer) -> bool {
    matches!(answer.status, 405 | 501)
}

pub(super) fn later(after: Option<Duration>, words: String) -> WriteError {
    WriteError::Later { after, cause: Cause(words) }
}

pub(super) fn unknown(words: String) -> WriteError {
    WriteError::Unknown { cause: Cause(words) }
}

pub(super) fn refused(code: &str, words: String) -> WriteError {
    WriteError::Refused { code: code.to_owned(), cause: Cause(words) }
}

fn scim_type(answer: &Answer) -> Option<&str> {
    answer.body.get("scimType").and_then(Json::as_str).filter(|word| !word.is_empty())
}

/// Status and sentence, in one line.
pub(super) fn words(answer: &Answer) -> String {
    let mut words = answer.status.to_string();
    if let Some(code) = scim_type(answer) {
        words.push_str(&format!(" {code}"));
    }
    let said = ["detail", "message", "error_description"];
    if let Some(detail) = said.iter().find_map(|name| answer.body.get(*name).and_then(Json::as_str)) {
        words.push_str(&format!(": {detail}"));
    }
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CAUSE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, expected: &str) {
        let body = serde_json::from_str(body).unwrap_or_default();
        let answer = Answer { status, after: Some(Duration::from_secs(3)), body, etag: None, location: None };
        let said = match refusal(&answer, true) {
            WriteError::Later { after, .. } => format!("later {after:?}"),
            WriteError::Unknown { .. } => "unknown".to_owned(),
            WriteError::Refused { code, cause } => format!("refused {code}: {cause}"),
            WriteError::Taken { attribute, .. } => format!("taken {attribute}"),
            WriteError::Gone { .. } | WriteError::Withheld { .. } => "gone".to_owned(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn each_status_says_what_to_do_next() {
        for status in [302, 401, 408, 412, 429, 503] {
            check(status, "{}", "later Some(3s)");
        }
        for status in [500, 502, 504] {
            check(status, "<html>", "unknown");
        }
        check(404, "{}", "gone");
        check(501, "[]", "refused not_implemented: 501");
        check(400, r#"{"scimType": "noTarget"}"#, "later None");
        let body = r#"{"scimType": "invalidValue", "detail": "title\nis too long"}"#;
        check(400, body, "refused invalidValue: 400 invalidValue: title is too long");
        check(403, r#"{"detail": "no licence is left"}"#, "refused forbidden: 403: no licence is left");
    }
}
