//! How a directory is reached, and what may be done there whatever a server asks for.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::model::{Dn, Name};

/// Which kind of directory it is: they differ in what an account is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LdapKind {
    /// Active Directory: class `user`, `objectGUID`, `userAccountControl`, `unicodePwd`.
    ActiveDirectory,
    /// Any other (OpenLDAP): class `inetOrgPerson`, `entryUUID`.
    Ldap,
}

impl LdapKind {
    /// The word for it in files and questions.
    pub fn word(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "active-directory",
            Self::Ldap => "ldap",
        }
    }

    /// The class of a person's account.
    pub(super) fn person_class(self) -> &'static str {
        match self {
            Self::ActiveDirectory => "user",
            Self::Ldap => "inetOrgPerson",
        }
    }
}

/// How a directory is reached, and what may be done there. It comes from the agent's own file, never from a server.
#[derive(Debug, Clone)]
pub struct LdapSettings {
    /// Which kind of directory it is.
    pub kind: LdapKind,
    /// Its servers, each by its own name, the first that answers is used: `ldaps://dc1.contoso.example`, or `ldap://…` with
    /// StartTLS. The others are asked before anybody is made, or said to be gone.
    pub servers: Vec<Url>,
    /// PEM certificates that vouch for the servers, besides the machine's own.
    pub extra_ca: Option<Vec<u8>>,
    /// Who we are there: a distinguished name, or in Active Directory a user principal name.
    pub bind: String,
    /// The password of that account.
    pub password: SecretString,
    /// Everything is looked for below this: the domain's own name.
    pub base: Dn,
    /// Global catalogue servers, asked whether a name is free in the whole forest; none: only the domain is asked.
    pub global_catalogue: Vec<Url>,
    /// The attribute that names entries: `CN` in Active Directory, `uid` or `cn` elsewhere.
    pub naming: Name,
    /// Containers in which, and below which, accounts may be written. Nothing is written elsewhere.
    pub containers: Vec<Dn>,
    /// Accounts that are never written: distinguished names, `sAMAccountName`s or `uid`s.
    pub protected_accounts: Vec<String>,
    /// Groups whose members, direct and nested, are never written, and that are never written themselves. Whom
    /// AdminSDHolder protects (`adminCount` 1) is never written either.
    pub protected_groups: Vec<String>,
    /// Characters of a new account's random password.
    pub password_chars: usize,
    /// How long one verb may take in all.
    pub timeout: Duration,
    /// Connections that are open at once.
    pub connections: usize,
}
