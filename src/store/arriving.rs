//! What arrives at the store to be recorded, and what it gives in return.

use super::KnownMember;
use crate::decide::Decision;
use crate::model::{Known, Outcome, Person, Statement, TargetId, Timestamp, UploadId};

/// An upload whose operations are yet to be decided.
#[derive(Debug)]
pub struct Undecided {
    /// Which.
    pub upload: UploadId,
    /// How many of its operations are decided.
    pub decided: u32,
    /// When it was accepted: the `Now` of its statements.
    pub accepted_at: Timestamp,
    /// Its body, compressed.
    pub body: Vec<u8>,
}

/// Operations of one upload, in their order.
#[derive(Debug)]
pub struct Batch {
    /// Which upload.
    pub upload: UploadId,
    /// When it was accepted: the `Now` of its statements.
    pub accepted_at: Timestamp,
    /// The operations.
    pub operations: Vec<Arriving>,
}

/// One operation on its way to be decided.
#[derive(Debug)]
pub struct Arriving {
    /// Its place in the upload.
    pub index: u32,
    /// The sender's name for it.
    pub bulk_id: Option<String>,
    /// What it says.
    pub said: Said,
    /// Of the row it came in, so that the same row need not be looked at again.
    pub fingerprint: Option<[u8; 16]>,
}

/// What an operation says, as far as that is known when it arrives.
#[derive(Debug)]
pub enum Said {
    /// This, to be decided against what is stored of the person.
    Statement(Statement),
    /// It introduces somebody of whom nothing is stored, and is decided already. That the person is new must be
    /// sure: whoever decides for a job works alone, and has looked.
    New(Box<(Person, Decision)>),
    /// Nothing that can be understood.
    Refused(Refusal),
}

/// An operation that ends before it is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Of whom, as far as that can be told.
    pub anchor: Option<String>,
    /// *Failed* or *held*.
    pub outcome: Outcome,
}

/// What is stored of a person.
#[derive(Debug, Clone)]
pub struct StoredPerson {
    /// The person.
    pub person: Person,
    /// Their accounts.
    pub links: Vec<(TargetId, Known)>,
    /// The groups that those are known to be in.
    pub members: Vec<KnownMember>,
}

/// What is to be recorded of one statement.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time; a box would cost an allocation a person")]
pub enum Decided {
    /// It says what is known already.
    Unchanged,
    /// The person is different now, and this was decided.
    Changed {
        /// The person's new state.
        person: Person,
        /// The decision on it.
        decision: Decision,
    },
}

/// How many operations were recorded, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// People who are new.
    pub new: u64,
    /// People who are different.
    pub changed: u64,
    /// Operations that said nothing new.
    pub unchanged: u64,
    /// Operations that could not be understood.
    pub refused: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.new += other.new;
        self.changed += other.changed;
        self.unchanged += other.unchanged;
        self.refused += other.refused;
    }
}
