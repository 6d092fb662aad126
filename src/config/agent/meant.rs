//! An agent's file as it is meant: checked, with nothing left that could be wrong but secrets and servers.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::config::meant::LDIF;
use crate::config::report::Report;
use crate::config::secret::SecretSource;
use crate::model::{Dn, Name, TargetId};
use crate::writer::ldap::LdapKind;
use crate::writer::limited::HourLimits;

/// An agent's file, understood.
#[derive(Debug, Clone)]
pub struct AgentMeant {
    /// The server it gets work from.
    pub server: Url,
    /// Its client id there.
    pub client_id: String,
    /// Where its secret is read.
    pub client_secret: SecretSource,
    /// A file of certificates that vouch for the server.
    pub ca: Option<PathBuf>,
    /// What it calls itself; `None` for the machine's name.
    pub name: Option<String>,
    /// The directories it writes to, in the order of the file.
    pub targets: Vec<AgentTarget>,
    /// What has no effect in the file, or probably not the one that was meant.
    pub warnings: Report,
}

/// A directory an agent writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTarget {
    /// Its name in job files.
    pub id: TargetId,
    /// How it is reached.
    pub reached: Reached,
    /// How many accounts may be damaged there within an hour.
    pub limits: HourLimits,
    /// Where that is counted.
    pub log: PathBuf,
}

/// How a directory is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// Over LDAP.
    Ldap(Box<DirectoryMeant>),
    /// By change files.
    Ldif {
        /// Where they are put.
        folder: PathBuf,
        /// How long putting one may take.
        timeout: Duration,
    },
}

impl Reached {
    /// The word for the kind, as job files have it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ldap(directory) => directory.kind.word(),
            Self::Ldif { .. } => LDIF,
        }
    }
}

/// A directory that speaks LDAP; as [`crate::writer::ldap::LdapSettings`], its password and certificates not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is described at the settings of the writer that it becomes")]
pub struct DirectoryMeant {
    pub kind: LdapKind,
    pub servers: Vec<Url>,
    pub ca: Option<PathBuf>,
    pub bind: String,
    pub password: SecretSource,
    pub base: Dn,
    pub global_catalogue: Vec<Url>,
    pub naming: Name,
    pub containers: Vec<Dn>,
    pub protected_accounts: Vec<String>,
    pub protected_groups: Vec<String>,
    pub password_chars: usize,
    pub timeout: Duration,
    pub connections: usize,
}
