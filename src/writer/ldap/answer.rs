//! What a directory answers, told apart by what the caller must do next (RFC 4511 appendix A, and Active Directory's own).

use std::error::Error as _;

use ldap3::{LdapError, LdapResult};

use crate::writer::{Cause, WriteError};

/// Why Active Directory refused credentials, by the `data` in its text ([MS-ERREF] 2.2).
const BIND_DATA: [(&str, &str); 7] = [
    ("data 525", "there is no such account"),
    ("data 52e", "the password is wrong"),
    ("data 530", "it may not log in at this time"),
    ("data 532", "its password has expired"),
    ("data 533", "it is disabled"),
    ("data 701", "it has expired"),
    ("data 773", "it must change its password first"),
];

/// The names of result codes, as they stand in RFC 4511.
const WORDS: [(u32, &str); 21] = [
    (1, "operationsError"),
    (8, "strongerAuthRequired"),
    (10, "referral"),
    (11, "adminLimitExceeded"),
    (16, "noSuchAttribute"),
    (17, "undefinedAttributeType"),
    (19, "constraintViolation"),
    (20, "attributeOrValueExists"),
    (21, "invalidAttributeSyntax"),
    (32, "noSuchObject"),
    (34, "invalidDNSyntax"),
    (50, "insufficientAccessRights"),
    (53, "unwillingToPerform"),
    (64, "namingViolation"),
    (65, "objectClassViolation"),
    (66, "notAllowedOnNonLeaf"),
    (67, "notAllowedOnRDN"),
    (68, "entryAlreadyExists"),
    (69, "objectClassModsProhibited"),
    (71, "affectsMultipleDSAs"),
    (80, "other"),
];

/// Nothing was written, and it is nobody's fault among the people.
pub(super) fn later(why: &str) -> WriteError {
    WriteError::Later { after: None, cause: Cause(why.to_owned()) }
}

/// Trying again would change nothing.
pub(super) fn refused(code: &str, why: impl Into<String>) -> WriteError {
    WriteError::Refused { code: code.to_owned(), cause: Cause(why.into()) }
}

/// It may have been written.
pub(super) fn unknown(why: &str) -> WriteError {
    WriteError::Unknown { cause: Cause(why.to_owned()) }
}

/// Something of the change has been written already, so nothing that follows may say that nothing was.
pub(super) fn after_a_write(error: WriteError) -> WriteError {
    match error {
        WriteError::Later { cause, .. } | WriteError::Withheld { cause, .. } => WriteError::Unknown { cause },
        other => other,
    }
}

/// What a result code means to a write, where the verb knows no better.
pub(super) fn refusal(answer: &LdapResult) -> WriteError {
    let said = said(answer);
    match answer.rc {
        3 | 51 | 52 | 85 => later(&format!("the directory is busy: {said}")),
        8 | 13 => later(&format!("the directory asks for a safer connection: {said}")),
        rc => refused(&word(rc), said),
    }
}

/// The server's own words.
pub(super) fn said(answer: &LdapResult) -> String {
    let text = answer.text.trim_matches(['\0', '\n', ' ']);
    format!("{} ({}){}{text}", word(answer.rc), answer.rc, if text.is_empty() { "" } else { ": " })
}

fn word(rc: u32) -> String {
    let known = WORDS.iter().find(|(code, _)| *code == rc);
    known.map_or_else(|| format!("ldap_{rc}"), |(_, word)| (*word).to_owned())
}

/// Why a bind was refused, for a person.
pub(super) fn bind_refusal(who: &str, answer: &LdapResult) -> String {
    let data = BIND_DATA.iter().chain(&[("data 775", "it is locked")]).find(|(data, _)| answer.text.contains(data));
    let why = match (answer.rc, data) {
        (49, Some((_, words))) => (*words).to_owned(),
        (49, None) => format!("the name or the password is wrong: {}", said(answer)),
        _ => said(answer),
    };
    format!("the directory does not let the agent's account {who} in: {why}")
}

/// An error and what is behind it, in one line.
pub(super) fn told(error: &LdapError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

/// What a lost connection means to a write: before the request left, nothing was written.
pub(super) fn lost_write(error: &LdapError) -> WriteError {
    match error {
        LdapError::OpSend { .. } | LdapError::AddNoValues | LdapError::FilterParsing => later(&told(error)),
        _ => unknown(&format!("the directory did not answer: {}", told(error))),
    }
}
