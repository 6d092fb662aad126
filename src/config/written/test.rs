//! A test of a job as it is written: a person, and what shall become of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;

use super::ConstantWritten;
use crate::config::spot::Spot;

/// A person, and what shall become of them. Of what a test does not name, anything is right.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Test")]
pub(in crate::config) struct TestWritten {
    /// What it is called: a sentence about the job.
    pub(in crate::config) name: Spot<String>,
    /// What the source says of the person: attribute paths and their values, or a SCIM user. Without an `externalId`
    /// the person is called `test`.
    pub(in crate::config) person: Spot<BTreeMap<Spot<String>, Spot<SampleWritten>>>,
    /// Whether the source has deleted the person.
    pub(in crate::config) deleted: Option<Spot<bool>>,
    /// Targets where the person has an account already, with its owner let in.
    #[serde(default)]
    pub(in crate::config) linked: Vec<Spot<String>>,
    /// What `Now` gives (RFC 3339); the first moment of 2026 where nothing is said.
    pub(in crate::config) now: Option<Spot<String>>,
    /// Where the person lives.
    pub(in crate::config) placement: Option<Spot<ExpectedPlaceWritten>>,
    /// Which target that is.
    pub(in crate::config) target: Option<Spot<String>>,
    /// The apps where they have an account besides: these, and no others.
    pub(in crate::config) also: Option<Vec<Spot<String>>>,
    /// The rule that says so.
    pub(in crate::config) rule: Option<Spot<String>>,
    /// Where in the directory: a distinguished name.
    pub(in crate::config) container: Option<Spot<String>>,
    /// Why the person is held, skipped or failed: the word before the colon, as in `no_rule_spoke`. Where nothing is
    /// said, a person who has a home must get their account there.
    pub(in crate::config) reason: Option<Spot<String>>,
    /// What the account is given, by the target's names; an empty text for what is cleared on purpose. Where an app maps
    /// what the home does not, the app's.
    #[serde(default)]
    pub(in crate::config) attributes: BTreeMap<Spot<String>, Spot<ConstantWritten>>,
    /// Attributes that are left alone.
    #[serde(default)]
    pub(in crate::config) absent: Vec<Spot<String>>,
}

/// Where a person of a test lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "ExpectedPlace")]
pub(in crate::config) enum ExpectedPlaceWritten {
    /// In the cloud tenant.
    Cloud,
    /// In a directory on the premises.
    OnPremises,
    /// Nowhere, on purpose.
    Nowhere,
    /// Nowhere yet: somebody must look.
    Held,
    /// The job is not about them.
    OutOfScope,
    /// Nowhere: the source has deleted them.
    Deleted,
}

impl ExpectedPlaceWritten {
    /// The word a decision has for it.
    pub(in crate::config) fn word(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::OnPremises => "on-premises",
            Self::Nowhere => "nowhere",
            Self::Held => "held",
            Self::OutOfScope => "out-of-scope",
            Self::Deleted => "deleted",
        }
    }
}

/// What the source says of an attribute, as deep as SCIM has it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct SampleWritten(pub(in crate::config) Json);

impl JsonSchema for SampleWritten {
    fn schema_name() -> Cow<'static, str> {
        "Sample".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" }, { "type": "boolean" }, { "type": "number" }, { "type": "array" }, { "type": "object" },
        ] })
    }
}
