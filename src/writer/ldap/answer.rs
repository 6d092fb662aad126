//! What an answer of a directory means for us (`facts/services.md`, RFC 4511 appendix A).

use ldap3::LdapResult;

use crate::writer::{Cause, WriteError};

/// Longest cause that is kept: a directory's own text is a sentence or two.
const CAUSE_CHARS_MAX: usize = 400;

/// Result codes by their numbers (RFC 4511 §4.1.9).
pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(super) const CONSTRAINT_VIOLATION: u32 = 19;
pub(super) const VALUE_EXISTS: u32 = 20;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const UNWILLING: u32 = 53;
pub(super) const CLASS_VIOLATION: u32 = 65;
pub(super) const NON_LEAF: u32 = 66;
pub(super) const ENTRY_EXISTS: u32 = 68;

/// Time limits, busy, unavailable, a server that is going down: codes that pass.
pub(super) const PASSES: [u32; 5] = [3, 11, 51, 52, 85];
/// The bind was refused, or is not strong enough: nothing is wrong with the person.
const NOT_BOUND: [u32; 4] = [7, 8, 48, 49];

/// What an operation met.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// Nothing was sent, or nothing that could change anything.
    NotSent(String),
    /// Something was sent, and no answer came.
    Lost(String),
    /// The directory's own no.
    Answered(LdapResult),
}

impl Trouble {
    /// The result code, where there was an answer.
    pub(super) fn code(&self) -> Option<u32> {
        match self {
            Self::Answered(result) => Some(result.rc),
            Self::NotSent(_) | Self::Lost(_) => None,
        }
    }

    /// Whether the directory's own words name this attribute.
    pub(super) fn speaks_of(&self, attribute: &str) -> bool {
        matches!(self, Self::Answered(result) if result.text.contains(attribute))
    }

    /// What it means for the caller, where the entry it was about is known to be there.
    pub(super) fn told(self) -> WriteError {
        match self {
            Self::NotSent(why) => WriteError::Later { after: None, cause: Cause(why) },
            Self::Lost(why) => WriteError::Unknown { cause: Cause(why) },
            Self::Answered(result) if PASSES.contains(&result.rc) || NOT_BOUND.contains(&result.rc) => {
                WriteError::Later { after: None, cause: Cause(words(&result)) }
            }
            Self::Answered(result) => WriteError::Refused { code: code_word(result.rc), cause: Cause(words(&result)) },
        }
    }
}

/// The server's own sentence, with its number.
pub(super) fn words(result: &LdapResult) -> String {
    let name = name(result.rc);
    let said: String = result.text.chars().filter(|c| !c.is_control()).take(CAUSE_CHARS_MAX).collect();
    match said.trim() {
        "" => format!("the directory answers {} ({name})", result.rc),
        said => format!("the directory answers {} ({name}): {said}", result.rc),
    }
}

/// Why a bind was refused. Active Directory has one code for all of it, and says which in its text.
pub(super) fn bind_words(result: &LdapResult) -> String {
    let why = [
        ("data 52e", "the name or the password is wrong"),
        ("data 525", "there is no such account"),
        ("data 530", "the account may not sign in at this hour"),
        ("data 531", "the account may not sign in from this machine"),
        ("data 532", "its password has expired"),
        ("data 533", "the account is disabled"),
        ("data 701", "the account has expired"),
        ("data 773", "its password must be changed first"),
        ("data 775", "the account is locked after too many tries"),
    ];
    match why.iter().find(|(mark, _)| result.text.contains(mark)) {
        Some((_, why)) => format!("the bind is refused: {why}"),
        None if result.rc == 8 => "the bind is refused: the server asks for TLS".to_owned(),
        None => format!("the bind is refused: {}", words(result)),
    }
}

fn name(code: u32) -> &'static str {
    match code {
        1 => "operations error",
        2 => "protocol error",
        3 | 85 => "time limit exceeded",
        7 => "auth method not supported",
        8 => "strong auth required",
        10 => "referral",
        11 => "admin limit exceeded",
        NO_SUCH_ATTRIBUTE => "no such attribute",
        17 => "undefined attribute",
        CONSTRAINT_VIOLATION => "constraint violation",
        VALUE_EXISTS => "value exists",
        21 => "invalid syntax",
        NO_SUCH_OBJECT => "no such object",
        34 => "invalid name",
        48 => "inappropriate authentication",
        49 => "invalid credentials",
        50 => "insufficient rights",
        51 => "busy",
        52 => "unavailable",
        UNWILLING => "unwilling to perform",
        64 => "naming violation",
        CLASS_VIOLATION => "object class violation",
        NON_LEAF => "not a leaf",
        ENTRY_EXISTS => "entry exists",
        71 => "affects several servers",
        _ => "other",
    }
}

/// A stable word for a refusal.
fn code_word(code: u32) -> String {
    format!("ldap_{}", name(code).replace(' ', "_"))
}
