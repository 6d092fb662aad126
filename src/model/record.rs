//! What a source said in one operation, and what we hold of a person after all of them.

use std::collections::BTreeMap;

use super::{Anchor, Attributes, Generation, Name, Timestamp};

/// What a source said of one person in one operation.
///
/// An attribute that is absent says nothing; one that is [`Null`](super::Value::Null) or an
/// empty text says "empty".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Of whom.
    pub anchor: Anchor,
    /// What.
    pub attributes: Attributes,
}

/// One operation's statement, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `POST /Users`: this is what is known of the person.
    Upsert(Record),
    /// `DELETE /Users/{externalId}`: the source no longer has the person.
    Delete(Anchor),
}

impl Statement {
    /// Of whom it speaks.
    pub fn anchor(&self) -> &Anchor {
        match self {
            Self::Upsert(record) => &record.anchor,
            Self::Delete(anchor) => anchor,
        }
    }
}

/// What is held of a person: the stored record, overlaid by each operation in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who, to the source.
    pub anchor: Anchor,
    /// Which state of the person this is.
    pub generation: Generation,
    /// Everything said so far.
    pub attributes: Attributes,
    /// Whether the source has deleted the person.
    pub deleted: bool,
    /// When the newest statement that changed anything was accepted.
    pub accepted_at: Timestamp,
    /// Since when the inputs have stood of expressions that tell the time, where that is not since `accepted_at`; by
    /// the names of the inputs.
    pub moments: BTreeMap<Name, Timestamp>,
}

impl Person {
    /// Since when the inputs of this name have stood: the `Now` of expressions that are computed from them.
    pub fn moment(&self, inputs: &Name) -> Timestamp {
        self.moments.get(inputs).copied().unwrap_or(self.accepted_at)
    }
}
