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

/// How a directory is reached, and what may be done there. It comes from the agent's own file, never from a server.
#[derive(Debug, Clone)]
pub struct LdapSettings {
    /// Which kind of directory it is.
    pub kind: LdapKind,
    /// Its servers, the first that answers is used: `ldaps://dc1.contoso.example`, or `ldap://…` with StartTLS.
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

impl LdapSettings {
    /// Whether these can be used.
    ///
    /// # Errors
    /// [`LdapSettingsError`] says what is wrong.
    pub(super) fn check(&self) -> Result<(), LdapSettingsError> {
        if self.servers.is_empty() {
            return Err(LdapSettingsError::NoServer);
        }
        let is_address =
            |url: &&Url| matches!(url.scheme(), "ldap" | "ldaps") && url.host_str().is_some_and(|h| !h.is_empty());
        if let Some(url) = self.servers.iter().chain(&self.global_catalogue).find(|url| !is_address(url)) {
            return Err(LdapSettingsError::Address(url.clone()));
        }
        if self.containers.is_empty() {
            return Err(LdapSettingsError::NoContainer);
        }
        let is_within = |container: &&Dn| container.stands_in(&self.base) || container.names_same_entry(&self.base);
        if let Some(container) = self.containers.iter().find(|container| !is_within(container)) {
            return Err(LdapSettingsError::Container(container.clone(), self.base.clone()));
        }
        if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&self.password_chars) {
            return Err(LdapSettingsError::Password(self.password_chars));
        }
        if self.connections == 0 {
            return Err(LdapSettingsError::NoConnection);
        }
        Ok(())
    }
}

/// Why a directory cannot be written to as the settings stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdapSettingsError {
    /// Nobody to ask.
    #[error("no server of the directory is named")]
    NoServer,
    /// An address that is none of a directory.
    #[error("`{0}` is not the address of a directory: write it as in `ldaps://dc1.contoso.example`")]
    Address(Url),
    /// Nothing may be written.
    #[error("no container is named in which accounts may be written")]
    NoContainer,
    /// A container that nobody looks into.
    #[error("the container {0} does not stand in {1}")]
    Container(Dn, Dn),
    /// Certificates.
    #[error("the certificates that vouch for the servers cannot be used: {0}")]
    Certificates(String),
    /// Passwords.
    #[error("new passwords have {0} characters, and must have from {MIN} to {MAX}", MIN = PASSWORD_CHARS_MIN, MAX = PASSWORD_CHARS_MAX)]
    Password(usize),
    /// No connections.
    #[error("no connection may be open, so nothing can be written")]
    NoConnection,
}

/// Fewest characters of a new account's password. It is random, and its owner never types it.
pub(super) const PASSWORD_CHARS_MIN: usize = 12;
/// Most of them: Active Directory takes 256, OpenLDAP's hashes no fewer.
pub(super) const PASSWORD_CHARS_MAX: usize = 256;
