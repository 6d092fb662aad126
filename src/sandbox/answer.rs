//! Answers in the shape of Microsoft Graph: bodies, and its catalogue of errors (`facts/graph_users.md` §7).

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Json>,
    pub(super) location: Option<String>,
}

impl Reply {
    pub(super) fn with(status: u16, body: Json) -> Self {
        Self { status, body: Some(body), location: None }
    }

    pub(super) fn empty() -> Self {
        Self { status: 204, body: None, location: None }
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// Code and target of each detail.
    pub(super) details: Vec<(&'static str, String)>,
    pub(super) retry_after: Option<Duration>,
    /// What else stands in the head.
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: Vec::new(), retry_after: None, headers: Vec::new() }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    fn detail(mut self, code: &'static str, target: impl Into<String>) -> Self {
        self.details.push((code, target.into()));
        self
    }

    pub(super) fn invalid(property: &str) -> Self {
        Self::bad_request(format!("Invalid value specified for property '{property}' of resource 'User'."))
            .detail("InvalidValue", property)
    }

    /// The same of something else than a user.
    pub(super) fn invalid_of(resource: &str, property: &str) -> Self {
        let words = format!("Invalid value specified for property '{property}' of resource '{resource}'.");
        Self::bad_request(words).detail("InvalidValue", property)
    }

    pub(super) fn already_a_member() -> Self {
        Self::bad_request(
            "One or more added object references already exist for the following modified properties: 'members'.",
        )
    }

    pub(super) fn page(size: &str) -> Self {
        Self::bad_request(format!("Invalid page size specified: '{size}'. Must be between 1 and 999 inclusive."))
    }

    pub(super) fn length(property: &str) -> Self {
        Self::bad_request(format!("Invalid value specified for property '{property}' of resource 'User'."))
            .detail("InvalidLength", property)
    }

    pub(super) fn malformed(property: &str) -> Self {
        Self::bad_request(format!("Property {property} is invalid.")).detail("InvalidValue", property)
    }

    pub(super) fn required(property: &str) -> Self {
        Self::bad_request(format!("Property {property} value is required but is empty or missing."))
            .detail("MissingValue", property)
    }

    pub(super) fn read_only(property: &str) -> Self {
        Self::bad_request(format!("Property '{property}' is read-only and cannot be set."))
            .detail("InvalidValue", property)
    }

    /// Graph refuses unknown names, and so do we; its exact words are not known.
    pub(super) fn unknown_property(name: &str) -> Self {
        if name.starts_with("extension_") {
            Self::bad_request(format!("The following extension properties are not available: {name}."))
        } else {
            Self::bad_request(format!("Property '{name}' does not exist on resource 'User'."))
        }
    }

    /// For names only the property is told; for addresses and immutable ids, who has it, too.
    pub(super) fn conflict(property: &str, other: &str) -> Self {
        let words = format!("Another object with the same value for property {property} already exists.");
        let refusal = Self::bad_request(words).detail("ObjectConflict", property);
        if property == "userPrincipalName" {
            return refusal;
        }
        refusal.detail("ConflictingObjects", format!("User_{other}"))
    }

    pub(super) fn unverified_domain() -> Self {
        Self::bad_request(
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified \
             domain names in your organization.",
        )
        .detail("InvalidValue", "userPrincipalName")
    }

    pub(super) fn weak_password() -> Self {
        Self::bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a \
             different password.",
        )
        .detail("InvalidValue", "password")
    }

    pub(super) fn synced() -> Self {
        Self::bad_request(
            "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects \
             currently undergoing migration.",
        )
    }

    pub(super) fn not_found(what: &str) -> Self {
        let message = format!(
            "Resource '{what}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(404, "Request_ResourceNotFound", message)
    }

    pub(super) fn bad_identifier(id: &str) -> Self {
        Self::bad_request(format!("Invalid object identifier '{id}'."))
    }

    pub(super) fn segment(segment: &str) -> Self {
        Self::new(400, "BadRequest", format!("Resource not found for the segment '{segment}'."))
    }

    pub(super) fn method() -> Self {
        Self::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    }

    pub(super) fn payload() -> Self {
        Self::new(
            400,
            "BadRequest",
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid \
             JSON format.",
        )
    }

    pub(super) fn too_large() -> Self {
        Self::new(413, "RequestEntityTooLarge", "The request body is too large.")
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// A batch is refused whole.
    pub(super) fn batch(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(super) fn failed_dependency() -> Self {
        Self::new(424, "FailedDependency", "A request that this one depends on has failed.")
    }

    pub(super) fn address_too_long() -> Self {
        Self::new(414, "UriTooLong", "The request URI is too long.")
    }

    pub(super) fn internal() -> Self {
        Self::new(500, "InternalServerError", "An internal server error occurred.")
    }

    pub(super) fn concurrency() -> Self {
        let words = "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.";
        Self::new(409, "Directory_ConcurrencyViolation", words)
    }

    pub(super) fn token(message: &str) -> Self {
        Self::new(401, "InvalidAuthenticationToken", message)
    }

    pub(super) fn denied() -> Self {
        Self::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
    }

    pub(super) fn throttled(application: &str, retry_after: Duration) -> Self {
        let message = format!(
            "Too many requests from Identifier:{application} under category:aadgraph.app.tenant. Please try again later."
        );
        Self { retry_after: Some(retry_after), ..Self::new(429, "TooManyRequests", message) }
    }

    /// The body Graph would send.
    pub(super) fn body(&self, date: &str, request_id: &str, client_request_id: &str) -> Json {
        let mut error = Map::new();
        error.insert("code".to_owned(), json!(self.code));
        error.insert("message".to_owned(), json!(self.message));
        if !self.details.is_empty() {
            let detail = |(code, target): &(&str, String)| json!({ "code": code, "target": target });
            error.insert("details".to_owned(), self.details.iter().map(detail).collect());
        }
        error.insert(
            "innerError".to_owned(),
            json!({ "date": date, "request-id": request_id, "client-request-id": client_request_id }),
        );
        json!({ "error": error })
    }
}
