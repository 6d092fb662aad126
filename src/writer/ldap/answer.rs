//! What an answer of a directory means for us (`facts/services.md`, RFC 4511 appendix A).

use ldap3::LdapResult;

use crate::writer::{Cause, WriteError};

/// Longest cause that is kept: a directory's own text is a sentence or two.
const CAUSE_CHARS_MAX: usize = 400;

/// Result codes by their numbers (RFC 4511 §4.1.9).
const OPERATIONS_ERROR: u32 = 1;
pub(super) const REFERRAL: u32 = 10;
pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(super) const CONSTRAINT_VIOLATION: u32 = 19;
pub(super) const VALUE_EXISTS: u32 = 20;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const INVALID_NAME: u32 = 34;
pub(super) const UNWILLING: u32 = 53;
pub(super) const CLASS_VIOLATION: u32 = 65;
pub(super) const NON_LEAF: u32 = 66;
pub(super) const ENTRY_EXISTS: u32 = 68;

/// Time limits, busy, unavailable, a server that is going down: codes that pass.
pub(super) const PASSES: [u32; 5] = [3, 11, 51, 52, 85];
/// The bind was refused, or is not strong enough: nothing is wrong with the person.
const NOT_BOUND: [u32; 4] = [7, 8, 48, 49];

/// How Active Directory says, among its operations errors, that nobody is bound (ERROR_NOT_AUTHENTICATED).
const NOT_AUTHENTICATED: &str = "000004DC";

/// Whether the connection is not bound, or not strongly enough: it is good for nothing more.
pub(super) fn is_unbound(result: &LdapResult) -> bool {
    NOT_BOUND.contains(&result.rc) || (result.rc == OPERATIONS_ERROR && result.text.contains(NOT_AUTHENTICATED))
}

/// What an operation met.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// Nothing was sent, or nothing that could change anything.
    NotSent(String),
    /// Something was sent, and no answer came.
    Lost(String),
    /// An attribute has more values than are read.
    TooMany(String),
    /// The directory's own no.
    Answered(LdapResult),
}

impl Trouble {
    /// The result code, where there was an answer.
    pub(super) fn code(&self) -> Option<u32> {
        match self {
            Self::Answered(result) => Some(result.rc),
            Self::NotSent(_) | Self::Lost(_) | Self::TooMany(_) => None,
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
            Self::TooMany(why) => WriteError::Refused { code: "too_many_values".to_owned(), cause: Cause(why) },
            Self::Answered(result) if PASSES.contains(&result.rc) || is_unbound(&result) => {
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
        OPERATIONS_ERROR => "operations error",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u32, text: &str) -> LdapResult {
        LdapResult { rc: code, matched: String::new(), text: text.to_owned(), refs: Vec::new(), ctrls: Vec::new() }
    }

    fn told(code: u32) -> String {
        match Trouble::Answered(answer(code, "said")).told() {
            WriteError::Later { after: None, cause } => format!("later: {cause}"),
            WriteError::Refused { code, cause } => format!("{code}: {cause}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_answer_is_told_apart_by_what_is_to_be_done_about_it() {
        let table = [
            (1, "ldap_operations_error: the directory answers 1 (operations error): said"),
            (2, "ldap_protocol_error: the directory answers 2 (protocol error): said"),
            (3, "later: the directory answers 3 (time limit exceeded): said"),
            (7, "later: the directory answers 7 (auth method not supported): said"),
            (8, "later: the directory answers 8 (strong auth required): said"),
            (10, "ldap_referral: the directory answers 10 (referral): said"),
            (11, "later: the directory answers 11 (admin limit exceeded): said"),
            (16, "ldap_no_such_attribute: the directory answers 16 (no such attribute): said"),
            (17, "ldap_undefined_attribute: the directory answers 17 (undefined attribute): said"),
            (19, "ldap_constraint_violation: the directory answers 19 (constraint violation): said"),
            (20, "ldap_value_exists: the directory answers 20 (value exists): said"),
            (21, "ldap_invalid_syntax: the directory answers 21 (invalid syntax): said"),
            (32, "ldap_no_such_object: the directory answers 32 (no such object): said"),
            (34, "ldap_invalid_name: the directory answers 34 (invalid name): said"),
            (48, "later: the directory answers 48 (inappropriate authentication): said"),
            (49, "later: the directory answers 49 (invalid credentials): said"),
            (50, "ldap_insufficient_rights: the directory answers 50 (insufficient rights): said"),
            (51, "later: the directory answers 51 (busy): said"),
            (52, "later: the directory answers 52 (unavailable): said"),
            (53, "ldap_unwilling_to_perform: the directory answers 53 (unwilling to perform): said"),
            (64, "ldap_naming_violation: the directory answers 64 (naming violation): said"),
            (65, "ldap_object_class_violation: the directory answers 65 (object class violation): said"),
            (66, "ldap_not_a_leaf: the directory answers 66 (not a leaf): said"),
            (68, "ldap_entry_exists: the directory answers 68 (entry exists): said"),
            (71, "ldap_affects_several_servers: the directory answers 71 (affects several servers): said"),
            (80, "ldap_other: the directory answers 80 (other): said"),
            (85, "later: the directory answers 85 (time limit exceeded): said"),
            (4096, "ldap_other: the directory answers 4096 (other): said"),
        ];
        for (code, expected) in table {
            assert_eq!(told(code), expected);
        }
    }

    #[test]
    fn a_connection_that_nobody_is_bound_on_is_the_agents_trouble_and_not_the_persons() {
        let unbound = answer(1, "000004DC: LdapErr: DSID-0C090A5C, comment: a successful bind must be completed");
        assert!(is_unbound(&unbound) && is_unbound(&answer(49, "")));
        assert!(!is_unbound(&answer(1, "00002020: another")) && !is_unbound(&answer(53, "000004DC")));
        assert!(matches!(Trouble::Answered(unbound).told(), WriteError::Later { .. }));
    }

    #[test]
    fn what_was_not_sent_comes_again_and_what_had_no_answer_is_looked_at() {
        let not_sent = Trouble::NotSent("x".to_owned());
        assert!(not_sent.code().is_none() && matches!(not_sent.told(), WriteError::Later { after: None, .. }));
        let lost = Trouble::Lost("x".to_owned());
        assert!(lost.code().is_none() && matches!(lost.told(), WriteError::Unknown { .. }));
    }

    #[test]
    fn a_bind_that_is_refused_says_why_in_plain_words() {
        let active_directory = |data: &str| {
            format!("80090308: LdapErr: DSID-0C09050F, comment: AcceptSecurityContext error, data {data}, v4f7c")
        };
        for (data, expected) in [
            ("52e", "the name or the password is wrong"),
            ("525", "there is no such account"),
            ("530", "the account may not sign in at this hour"),
            ("531", "the account may not sign in from this machine"),
            ("532", "its password has expired"),
            ("533", "the account is disabled"),
            ("701", "the account has expired"),
            ("773", "its password must be changed first"),
            ("775", "the account is locked after too many tries"),
        ] {
            let said = bind_words(&answer(49, &active_directory(data)));
            assert_eq!(said, format!("the bind is refused: {expected}"));
        }
        assert_eq!(bind_words(&answer(8, "")), "the bind is refused: the server asks for TLS");
        let other = "the bind is refused: the directory answers 49 (invalid credentials)";
        assert_eq!(bind_words(&answer(49, "")), other);
    }

    #[test]
    fn the_directorys_own_words_are_kept_short_and_on_one_line() {
        let long = format!("a\n\0{}", "b".repeat(CAUSE_CHARS_MAX * 2));
        let said = words(&answer(53, &long));
        assert!(said.starts_with("the directory answers 53 (unwilling to perform): ab"), "{said}");
        assert_eq!(said.chars().filter(|c| *c == 'b').count(), CAUSE_CHARS_MAX - 1);
        assert!(!said.contains(char::is_control));
    }
}
