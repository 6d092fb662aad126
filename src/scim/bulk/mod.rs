//! Bulk requests: many statements about people in one body (RFC 7644 §3.7; `facts/entra.md` §1.2).
//!
//! Read in two steps. [`check_envelope`] looks at the whole once, fast, before an upload is
//! accepted; [`operations`] understands each entry later, and one that makes no sense ends alone.

mod envelope;
mod operation;
mod request;
mod schema;

use crate::model::{Anchor, Reason, Statement};

pub use envelope::{Envelope, EnvelopeError, check_envelope};
pub use operation::{Operations, operations};
pub use request::bulk_request;
pub use schema::BulkRequestSchema;

/// One entry of a bulk request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// The client's own name for it, if it gave one. Not unique (`facts/entra.md` §1.2).
    pub bulk_id: Option<String>,
    /// What it says, or why that cannot be told.
    pub said: Result<Statement, OperationFault>,
}

/// Why one operation cannot be understood; the others are not touched by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFault {
    /// A stable word: `method`, `path`, `data`, `anchor`, `attribute` or `type`.
    pub code: &'static str,
    /// The attribute or field, where one is to blame: `data.name.givenName` is `name.givenName`.
    pub path: Option<String>,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
    /// Of whom it spoke, as far as that can be told.
    pub anchor: Option<Anchor>,
}

impl OperationFault {
    /// The fault as the reason an operation failed for.
    pub fn reason(&self) -> Reason {
        let detail = match &self.path {
            None => self.message.clone(),
            Some(path) => format!("{path}: {}", self.message),
        };
        Reason::new(self.code, detail)
    }
}

#[cfg(test)]
mod tests;
