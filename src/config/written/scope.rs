//! Whom a job is about, as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Spot;

/// Whom the job is about: exactly one of `filter`, `[[scope.group]]` and `graph`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scope")]
pub(in crate::config) struct ScopeWritten {
    /// A SCIM filter (RFC 7644) that holds for them.
    pub(in crate::config) filter: Option<Spot<String>>,
    /// A scoping filter as Entra has them: one of its groups holds for them.
    #[serde(default, rename = "group")]
    pub(in crate::config) groups: Vec<Spot<GroupWritten>>,
    /// The same as Graph's JSON: the `scope` of an object mapping, pasted.
    pub(in crate::config) graph: Option<Spot<String>>,
}

/// Clauses, all of which must hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScopeGroup")]
pub(in crate::config) struct GroupWritten {
    /// What it is called.
    pub(in crate::config) name: Option<Spot<String>>,
    /// Its clauses.
    pub(in crate::config) clauses: Vec<Spot<ClauseWritten>>,
}

/// One condition on one attribute; every value it has must satisfy it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ScopeClause")]
pub(in crate::config) struct ClauseWritten {
    /// The attribute.
    pub(in crate::config) attribute: Spot<String>,
    /// `EQUALS`, `NOT EQUALS`, `IS TRUE`, `IS FALSE`, `IS NULL`, `IS NOT NULL`, `REGEX MATCH`, `NOT REGEX MATCH`,
    /// `Greater_Than`, `Greater_Than_OR_EQUALS`, `Includes`, `ENDS_WITH`, `&` or `!&`.
    pub(in crate::config) operator: Spot<String>,
    /// What it is compared with.
    pub(in crate::config) value: Option<Spot<String>>,
    /// Several values: one of them is enough, and where the operator begins with `NOT` or `!` none may be.
    #[serde(default)]
    pub(in crate::config) values: Vec<Spot<String>>,
}
