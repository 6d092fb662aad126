//! The SCIM wire: what a source may say of a user, and how muster reads it (RFC 7643, RFC 7644).
//!
//! Pure: text in, values out, refusals with a reason. No clock, no chance, no IO.

pub mod bulk;
pub mod filter;
pub mod json;
pub mod loose;
pub(crate) mod nearest;
pub mod path;
pub mod schema;
pub mod target;
mod text;
pub mod user;

pub use bulk::{
    Envelope, EnvelopeError, OperationFault, Operations, Understood, bulk_request, check_envelope, operations,
};
pub use filter::Filter;
pub use path::{check_path, parse_path};
pub use schema::{Kind, Type};
pub use user::{Fault, FaultKind, User, read_user, user_to_json};

#[cfg(test)]
pub(crate) mod samples;
