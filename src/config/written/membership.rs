//! `[[membership]]` as it is written: a group of a target, and whose accounts are its members.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::spot::Spot;

/// A group whose members muster keeps: it adds people, and takes out again whom it has added, nobody else.
/// Exactly one of `group` and `expression`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Membership")]
pub(in crate::config) struct MembershipWritten {
    /// Its name, in answers; the group's own where nothing is said.
    pub(in crate::config) id: Option<Spot<String>>,
    /// A SCIM filter: whose accounts are members. Without it, everybody's who has one at the target.
    pub(in crate::config) when: Option<Spot<String>>,
    /// The target the group is at.
    pub(in crate::config) target: Spot<String>,
    /// The group. Entra: its display name or object id; Active Directory: its distinguished name, `sAMAccountName` or
    /// `cn`; an app: its display name or id; LDIF: its distinguished name.
    pub(in crate::config) group: Option<Spot<String>>,
    /// An expression that gives the group by person; several texts are several groups, nothing is none.
    pub(in crate::config) expression: Option<Spot<String>>,
    /// Whether the group is made where it does not exist; otherwise that fails, and says so.
    #[serde(default)]
    pub(in crate::config) create: bool,
}
