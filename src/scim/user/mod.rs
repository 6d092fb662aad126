//! A user as SCIM writes one, read into attributes and printed from them.

mod custom;
mod read;
mod trail;
mod write;

use crate::model::{Anchor, Attributes};

pub use read::{anchor_of, read_user};
pub use write::{push_user, user_to_json};

/// Deepest nesting of a custom attribute's value. The known schemas need two.
pub const VALUE_DEPTH_MAX: usize = 8;

/// What a source said of a user.
///
/// `schemas`, `id`, `meta` and `password` are dropped; `externalId` is the anchor and not among
/// the attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The source's identifier, if one was given.
    pub anchor: Option<Anchor>,
    /// Everything else. Extensions stand as complex values under their URNs.
    pub attributes: Attributes,
}

/// Why a user cannot be read: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// What sort of mistake it is.
    pub kind: FaultKind,
    /// The attribute, as far as it could be followed: `emails[0].value`.
    pub path: String,
    /// What is wrong and what to do, in one sentence. Holds no value of a known attribute.
    pub message: String,
}

/// What sort of mistake a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The anchor is missing or is none.
    Anchor,
    /// No schema has the attribute.
    Attribute,
    /// The JSON type is not the attribute's.
    Type,
}

impl FaultKind {
    /// The stable word for it in outcomes and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::Attribute => "attribute",
            Self::Type => "type",
        }
    }
}

#[cfg(test)]
mod tests;
