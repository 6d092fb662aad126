//! An agent's file as it is written: which settings there are, and of what type. What they mean is checked later.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::spot::Spot;
use crate::config::written::SecretWritten;

/// An agent: where it gets work, and the directories it writes to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Agent")]
pub(super) struct AgentWritten {
    /// The server's address, `https://…`.
    pub(super) server: Spot<String>,
    /// The agent's client id there, from `muster client add NAME --role Muster.Agent --target T`.
    pub(super) client_id: Spot<String>,
    /// Where that client's secret is read.
    pub(super) client_secret: Spot<SecretWritten>,
    /// A file of PEM certificates that vouch for the server, besides the machine's own.
    pub(super) ca: Option<Spot<String>>,
    /// What the agent calls itself, for people to see; the machine's name where nothing is said.
    pub(super) name: Option<Spot<String>>,
    /// The directories, by the names that the job files give them.
    #[serde(rename = "target")]
    pub(super) targets: BTreeMap<Spot<String>, Spot<TargetWritten>>,
}

/// A directory, how it is reached, and what the agent may do there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "AgentTarget")]
pub(super) struct TargetWritten {
    /// What kind of directory it is.
    pub(super) kind: Spot<KindWritten>,
    /// The file in which is counted what is disabled, deleted and moved. Each target has its own.
    pub(super) log: Spot<String>,
    /// How many accounts may be disabled, deleted and moved within an hour; more waits.
    #[serde(default)]
    pub(super) limits: HourLimitsWritten,
    /// Its servers, `ldaps://…`, or `ldap://…` with StartTLS; the first that answers is used.
    pub(super) servers: Option<Spot<Vec<Spot<String>>>>,
    /// A file of PEM certificates that vouch for the servers, besides the machine's own.
    pub(super) ca: Option<Spot<String>>,
    /// Who the agent is there: a distinguished name, or in Active Directory a user principal name.
    pub(super) bind: Option<Spot<String>>,
    /// Where that account's password is read.
    pub(super) password: Option<Spot<SecretWritten>>,
    /// Everything is looked for below this: the domain's own name, `DC=contoso,DC=example`.
    pub(super) base: Option<Spot<String>>,
    /// Global catalogue servers, asked whether a name is free in the whole forest; without them, only the domain is.
    pub(super) global_catalogue: Option<Spot<Vec<Spot<String>>>>,
    /// The attribute that names entries: `CN` where nothing is said, and `uid` in others than Active Directory.
    pub(super) naming: Option<Spot<String>>,
    /// The containers in which, and below which, accounts may be written. Nothing is written elsewhere.
    pub(super) containers: Option<Spot<Vec<Spot<String>>>>,
    /// Accounts that are never written: distinguished names, `sAMAccountName`s or `uid`s.
    pub(super) protected_accounts: Option<Spot<Vec<Spot<String>>>>,
    /// Groups whose members are never written.
    pub(super) protected_groups: Option<Spot<Vec<Spot<String>>>>,
    /// Characters of a new account's random password; 32 where nothing is said.
    pub(super) password_chars: Option<Spot<u32>>,
    /// Seconds one write may take in all; 10 where nothing is said. Work is leased for three times as long.
    pub(super) timeout_seconds: Option<Spot<u32>>,
    /// Connections that are open at once; 4 where nothing is said.
    pub(super) connections: Option<Spot<u32>>,
    /// The folder in which change files are put, of a target of kind `ldif`.
    pub(super) folder: Option<Spot<String>>,
}

/// What kind of directory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "AgentTargetKind")]
pub(super) enum KindWritten {
    /// Active Directory.
    ActiveDirectory,
    /// Another directory that speaks LDAP: OpenLDAP.
    Ldap,
    /// A folder of change files, which others apply.
    Ldif,
}

/// How many accounts may be damaged within an hour.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "HourLimits")]
pub(super) struct HourLimitsWritten {
    /// Accounts whose owner is locked out; 20 where nothing is said.
    pub(super) disable: Option<u32>,
    /// Accounts that are taken away; 5 where nothing is said.
    pub(super) delete: Option<u32>,
    /// Accounts that are brought into another container; 20 where nothing is said.
    pub(super) r#move: Option<u32>,
}
