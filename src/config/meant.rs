//! A job as it is meant: checked, with nothing left that could be wrong when it runs.

use std::path::PathBuf;

use url::Url;

use super::report::Report;
use super::secret::SecretSource;
use crate::decide::Job;
use crate::graph_schema::Declared;
use crate::model::{Name, TargetId};
use crate::proof::Test;
use crate::source::CsvSettings;
use crate::writer::graph::WriteBudget;
use crate::writer::ldap::LdapKind;

/// Operations in one upload, where nothing is said. Microsoft's service takes 50; a whole small company fits in these.
const OPERATIONS_MAX: u32 = 10_000;

/// Mebibytes of one upload, where nothing is said: 10000 people at 3 KiB.
const BODY_MIB_MAX: u32 = 32;

/// Operations that may wait, where nothing is said: the largest job this is built for, once.
const WAITING_OPERATIONS_MAX: u32 = 1_000_000;

/// The word for the kind of a target that is written to by change files.
pub(crate) const LDIF: &str = "ldif";

/// A job file, understood.
#[derive(Debug, Clone)]
pub struct JobMeant {
    /// What the core decides by.
    pub job: Job,
    /// Where people come from.
    pub source: SourceMeant,
    /// How each target is reached, in the order of `job.targets`.
    pub connections: Vec<(TargetId, Connection)>,
    /// The attributes it declares itself.
    pub declared: Vec<Declared>,
    /// What one upload may bring, and how much may wait.
    pub limits: Limits,
    /// What its tests expect.
    pub tests: Vec<Test>,
    /// The file, as it is written.
    pub text: String,
    /// Of the file as it is meant: comments, layout and tests do not count.
    pub hash: [u8; 32],
    /// What has no effect in the file, or probably not the one that was meant.
    pub warnings: Report,
}

/// Where people come from.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceMeant {
    /// A CSV export, read so.
    Csv(CsvSettings),
    /// Bulk uploads, in SCIM's own words.
    Api,
}

/// How a target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// Microsoft Graph.
    Graph(Box<GraphConnection>),
    /// An app that speaks SCIM.
    Scim(Box<ScimConnection>),
    /// A folder of LDIF change files.
    Ldif {
        /// Where it is; what is relative in the file is relative to the file.
        folder: PathBuf,
        /// The attribute that names entries.
        naming: Name,
    },
    /// A directory that agents write to; how it is reached stands in their own files.
    Directory {
        /// Which kind of directory it is.
        kind: LdapKind,
        /// Its name: in lower case, the same in every job that writes there.
        domain: String,
        /// The attribute that names entries.
        naming: Name,
    },
}

/// How an Entra tenant is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphConnection {
    /// The address of Microsoft Graph, with the version.
    pub base_url: Url,
    /// Who gives tokens.
    pub authority: Url,
    /// The tenant's id, or one of its domains.
    pub tenant: String,
    /// The application that muster is there.
    pub client_id: String,
    /// Where its secret is read.
    pub client_secret: SecretSource,
    /// How many writes the tenant takes.
    pub budget: WriteBudget,
}

/// How an app that speaks SCIM is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimConnection {
    /// The address below which it has its `/Users`.
    pub base_url: Url,
    /// How muster proves who it is.
    pub login: ScimLogin,
}

/// How muster proves to an app who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScimLogin {
    /// By a token that lasts.
    Token(SecretSource),
    /// By tokens that are fetched (OAuth 2.0 client credentials).
    Client {
        /// Who gives them.
        token_url: Url,
        /// The application that muster is, there.
        client_id: String,
        /// Where its secret is read.
        client_secret: SecretSource,
        /// What they shall be good for; empty where nobody asks.
        scope: String,
    },
}

impl Connection {
    /// Whether work there is carried by agents, and not by the server itself.
    pub fn is_left_to_agents(&self) -> bool {
        self.kind_at_agents().is_some()
    }

    /// The kind that the target must be of in the file of an agent that writes there; `None` where none does.
    pub fn kind_at_agents(&self) -> Option<&'static str> {
        match self {
            Self::Graph(_) | Self::Scim(_) => None,
            Self::Ldif { .. } => Some(LDIF),
            Self::Directory { kind, .. } => Some(kind.word()),
        }
    }

    /// One name for one directory, whichever job writes to it: two jobs must not take one account for two people.
    pub fn directory(&self) -> String {
        match self {
            Self::Graph(graph) => {
                format!("graph:{}/{}", graph.base_url.host_str().unwrap_or_default(), graph.tenant.to_ascii_lowercase())
            }
            Self::Scim(scim) => format!("scim:{}", scim.base_url.as_str().trim_end_matches('/')),
            Self::Ldif { folder, .. } => format!("ldif:{}", folder.display()),
            Self::Directory { domain, .. } => format!("directory:{domain}"),
        }
    }
}

/// What one upload may bring, and how much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Operations in one upload.
    pub operations_max: u32,
    /// Mebibytes of one upload, unpacked.
    pub body_mib_max: u32,
    /// Operations that may wait to be decided.
    pub waiting_operations_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            operations_max: OPERATIONS_MAX,
            body_mib_max: BODY_MIB_MAX,
            waiting_operations_max: WAITING_OPERATIONS_MAX,
        }
    }
}
