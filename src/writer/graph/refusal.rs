//! What a refusal by Microsoft Graph means for us (`facts/graph_users.md` §7).

use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::call::Answer;
use crate::model::{Attributes, Name, ObjectId};
use crate::writer::{Cause, WriteError};

/// Longest cause that is kept: Graph's messages are one or two sentences.
const CAUSE_CHARS_MAX: usize = 400;

/// The detail by which Graph says that a value belongs to somebody else.
const CONFLICT: &str = "ObjectConflict";

/// Two writers met, and this one did nothing: 409, and earlier 503 (`facts/graph_users.md` §7).
const CONCURRENCY: &str = "Directory_ConcurrencyViolation";

/// The detail by which Graph says whose it is.
const CONFLICTING: &str = "ConflictingObjects";

/// Where the conflicting property stands in the message, where it is not in the details.
const CONFLICT_WORDS: &str = "same value for property ";

/// Why a call was not done. `set` is what it was to write; `writes` whether it was to write at all.
pub(super) fn refusal(answer: &Answer, writes: bool, set: &Attributes) -> WriteError {
    let error = Refusal::read(&answer.body);
    let words = error.words(answer.status);
    #[expect(clippy::match_overlapping_arm, reason = "the range is what is left of 4xx")]
    match answer.status {
        404 => WriteError::Gone { cause: Cause(words) },
        // 401: the token service gives tokens that Graph refuses. 409: two writers met. 424: another request of the
        // batch failed. 3xx: something in between. 408 and 503 may come after it was done, but for two writers that met.
        408 | 503 if writes && error.code != Some(CONCURRENCY) => unknown(words),
        401 | 408 | 409 | 424 | 429 | 503 | 300..=399 => later(answer.after, words),
        400 => match error.taken(set) {
            Some(attribute) => WriteError::Taken { attribute, holder: error.holder(), cause: Cause(words) },
            None => refused(error.code_or("bad_request"), words),
        },
        501 => refused(error.code_or("not_implemented"), words),
        400..=499 => refused(error.code_or("refused"), words),
        _ if writes => unknown(words),
        _ => later(answer.after, words),
    }
}

/// As [`refusal`], where no linked object is spoken of, so that none can be gone.
///
/// A POST was once answered 404 for a missing property (`facts/graph_users.md` §7).
pub(super) fn refusal_without_object(answer: &Answer, writes: bool, set: &Attributes) -> WriteError {
    match refusal(answer, writes, set) {
        WriteError::Gone { cause } => WriteError::Refused { code: "Request_ResourceNotFound".to_owned(), cause },
        other => other,
    }
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

/// Whether a refusal may be about `property`: it names it, or names none.
pub(super) fn may_be_about(answer: &Answer, property: &str) -> bool {
    let error = Refusal::read(&answer.body);
    matches!(answer.status, 400 | 403) && (error.details.is_empty() || error.speaks_of(property))
}

/// An error body, as far as it can be read.
struct Refusal<'a> {
    code: Option<&'a str>,
    message: &'a str,
    details: Vec<(&'a str, &'a str)>,
}

impl<'a> Refusal<'a> {
    fn read(body: &'a Map<String, Json>) -> Self {
        let error = body.get("error").unwrap_or(&Json::Null);
        let text = |json: &'a Json, name: &str| json.get(name).and_then(Json::as_str);
        let details = error.get("details").and_then(Json::as_array);
        Self {
            code: text(error, "code").filter(|code| !code.is_empty()),
            message: text(error, "message").unwrap_or_default(),
            details: details
                .into_iter()
                .flatten()
                .map(|detail| (text(detail, "code").unwrap_or_default(), text(detail, "target").unwrap_or_default()))
                .collect(),
        }
    }

    fn code_or<'b>(&self, otherwise: &'b str) -> &'b str
    where
        'a: 'b,
    {
        self.code.unwrap_or(otherwise)
    }

    /// The attribute whose value somebody else holds, if that is what is wrong.
    fn taken(&self, set: &Attributes) -> Option<Name> {
        let told = self.details.iter().find(|(code, _)| *code == CONFLICT).map(|(_, target)| *target);
        let said = || self.message.split_once(CONFLICT_WORDS)?.1.split([' ', '.']).next();
        match told.filter(|target| !target.is_empty()).or_else(said) {
            // An address that we wrote as `mail`, or that follows from the name we wrote.
            Some(target) if target.eq_ignore_ascii_case("proxyAddresses") => {
                ["mail", "userPrincipalName"].into_iter().find(|name| set.get(name).is_some()).map(Name::new)
            }
            Some(target) => Some(Name::new(target)),
            // The generic text names no property; the one that is always unique is the likeliest.
            None if self.message.starts_with("A conflicting object with one or more") => {
                set.get("userPrincipalName").map(|_| Name::new("userPrincipalName"))
            }
            None => None,
        }
    }

    /// The user that holds the value, where Graph says it: `User_{id}`.
    fn holder(&self) -> Option<ObjectId> {
        let (_, target) = self.details.iter().find(|(code, _)| *code == CONFLICTING)?;
        target.strip_prefix("User_").filter(|id| !id.is_empty()).map(ObjectId::new)
    }

    /// Whether one of the details speaks of that property.
    fn speaks_of(&self, property: &str) -> bool {
        self.details.iter().any(|(_, target)| target.eq_ignore_ascii_case(property))
    }

    fn words(&self, status: u16) -> String {
        let mut words = format!("{status}");
        if let Some(code) = self.code {
            words.push_str(&format!(" {code}"));
        }
        if !self.message.is_empty() {
            words.push_str(&format!(": {}", self.message));
        }
        for (code, target) in self.details.iter().filter(|(_, target)| !target.is_empty()) {
            words.push_str(&format!(" [{target}: {code}]"));
        }
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(CAUSE_CHARS_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Value;

    fn check(status: u16, body: &str, expected: &str) {
        let answer = Answer {
            status,
            after: Some(Duration::from_secs(3)),
            share: None,
            body: serde_json::from_str(body).unwrap_or_default(),
        };
        let set = Attributes::from_iter([
            (Name::new("mail"), Value::text("a@x.example")),
            (Name::new("userPrincipalName"), Value::text("a@x.example")),
        ]);
        let said = match refusal(&answer, true, &set) {
            WriteError::Later { after, .. } => format!("later {after:?}"),
            WriteError::Withheld { code, .. } => format!("withheld {code}"),
            WriteError::Unknown { .. } => "unknown".to_owned(),
            WriteError::Refused { code, cause } => format!("refused {code}: {cause}"),
            WriteError::Taken { attribute, holder, .. } => match holder {
                Some(holder) => format!("taken {attribute} by {holder}"),
                None => format!("taken {attribute}"),
            },
            WriteError::Gone { .. } => "gone".to_owned(),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn a_name_that_is_taken_is_told_from_other_bad_requests() {
        let message = "Another object with the same value for property userPrincipalName already exists.";
        let detailed = r#"{"error": {"code": "Request_BadRequest", "message": "…",
            "details": [{"code": "ConflictingObjects", "target": "User_1"}, {"code": "ObjectConflict", "target": "proxyAddresses"}]}}"#;
        check(
            400,
            &format!(r#"{{"error": {{"code": "Request_BadRequest", "message": "{message}"}}}}"#),
            "taken userPrincipalName",
        );
        check(400, detailed, "taken mail by 1");
        let generic =
            "A conflicting object with one or more of the specified property values is present in the directory.";
        check(400, &format!(r#"{{"error": {{"message": "{generic}"}}}}"#), "taken userPrincipalName");
        let invalid = r#"{"error": {"code": "Request_BadRequest", "message": "Invalid\nvalue",
            "details": [{"code": "InvalidValue", "target": "city"}]}}"#;
        check(400, invalid, "refused Request_BadRequest: 400 Request_BadRequest: Invalid value [city: InvalidValue]");
    }

    #[test]
    fn each_status_says_what_to_do_next() {
        for status in [302, 401, 409, 424, 429] {
            check(status, "{}", "later Some(3s)");
        }
        check(503, r#"{"error": {"code": "Directory_ConcurrencyViolation"}}"#, "later Some(3s)");
        for status in [408, 500, 502, 503, 504] {
            check(status, "<html>", "unknown");
        }
        check(404, "{}", "gone");
        check(501, "{}", "refused not_implemented: 501");
        check(
            403,
            r#"{"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}}"#,
            "refused Authorization_RequestDenied: 403 Authorization_RequestDenied: Insufficient privileges to complete the operation.",
        );
        check(413, "too big", "refused refused: 413");
    }
}
