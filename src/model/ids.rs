//! What things are called by: people, jobs, targets, uploads, leases.

use std::fmt;
use std::sync::Arc;

/// Longest anchor, in bytes. An HR key is a number or a GUID; more is a mistake in the columns.
pub const ANCHOR_BYTES_MAX: usize = 256;

/// The source's identifier of a person (`externalId`), compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Anchor(Arc<str>);

/// Why a text cannot be an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// Nothing in it.
    #[error("the anchor (externalId) is empty")]
    Empty,
    /// Two anchors that differ in a blank are two people; so a blank at an edge is a mistake.
    #[error("the anchor has white space at its edges")]
    WhiteSpaceAtEdges,
    /// Longer than [`ANCHOR_BYTES_MAX`].
    #[error("the anchor is longer than {ANCHOR_BYTES_MAX} bytes")]
    TooLong,
    /// A NUL, a line break or the like.
    #[error("the anchor has a control character in it")]
    ControlCharacter,
}

impl Anchor {
    /// Reads an anchor.
    ///
    /// # Errors
    /// Whatever [`AnchorError`] names; nothing is trimmed or folded to make a text fit.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        Self::check(text).map(|()| Self(Arc::from(text)))
    }

    /// Whether a text can be an anchor, without making one of it.
    ///
    /// # Errors
    /// As [`Anchor::parse`].
    pub fn check(text: &str) -> Result<(), AnchorError> {
        if text.is_empty() {
            Err(AnchorError::Empty)
        } else if text.len() > ANCHOR_BYTES_MAX {
            Err(AnchorError::TooLong)
        } else if text.trim() != text {
            Err(AnchorError::WhiteSpaceAtEdges)
        } else if text.chars().any(char::is_control) {
            Err(AnchorError::ControlCharacter)
        } else {
            Ok(())
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an installation's chance is made from. Whoever has it can guess every `RandomString`, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct InstallationKey([u8; 32]);

impl InstallationKey {
    /// For what is nobody's installation: a dry run without a data folder, a test.
    pub const NONE: Self = Self([0; 32]);

    /// A key of these bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes, to derive from.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Default for InstallationKey {
    fn default() -> Self {
        Self::NONE
    }
}

impl fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InstallationKey(..)")
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as it was given.
            pub fn new(text: &str) -> Self {
                Self(Arc::from(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The name of a job; it stands in the URL of `bulkUpload`.
    JobId
}
text_id! {
    /// The name of a target, as the job file has it.
    TargetId
}
text_id! {
    /// What a target calls an object: a GUID in Entra, a DN in an LDIF file.
    ObjectId
}
text_id! {
    /// Who holds a lease: an agent, or the server itself.
    WorkerId
}
text_id! {
    /// One lease, so that a settlement can name it. Random: it cannot be guessed by a stranger.
    LeaseId
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

number_id! {
    /// The sequence number of an upload, given when it was committed: what is newer has a higher one.
    UploadId, i64
}
number_id! {
    /// Grows with each new state of a person; 1 is the first.
    Generation, i64
}
number_id! {
    /// A person's row in the store. Never leaves the house; outside a person is (job, anchor).
    PersonId, i64
}

/// One operation of an upload. Ordered: a later statement is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId {
    /// The upload it came in.
    pub upload: UploadId,
    /// Its place there, from 0.
    pub index: u32,
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.upload, self.index)
    }
}
