//! A job file as it is written: which settings there are, and of what type. What they mean is checked later.

mod either;
mod membership;
mod scope;
mod test;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::spot::Spot;
pub(super) use scope::{ClauseWritten, GroupWritten, ScopeWritten};

pub(super) use membership::MembershipWritten;

pub(super) use test::{ExpectedPlaceWritten, SampleWritten, TestWritten};

/// A synchronization job: whom it is about, where their accounts live, and what those hold.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Job")]
pub(super) struct JobWritten {
    /// The job's name. It stands in the address of its `bulkUpload`: letters, digits, `-`, `_`, `.`.
    pub(super) name: Spot<String>,
    /// Where people come from.
    pub(super) source: SourceWritten,
    /// Whom the job is about; without it, everybody.
    pub(super) scope: Option<Spot<ScopeWritten>>,
    /// What becomes of accounts their person no longer has a claim to.
    #[serde(default)]
    pub(super) policy: PolicyWritten,
    /// The rules that decide where people live; the first that holds decides.
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<Spot<RuleWritten>>,
    /// The directories, by name.
    #[serde(default, rename = "target")]
    pub(super) targets: BTreeMap<Spot<String>, Spot<TargetWritten>>,
    /// The groups that accounts are members of.
    #[serde(default, rename = "membership")]
    pub(super) memberships: Vec<Spot<MembershipWritten>>,
    /// What one upload may bring, and how much may wait.
    #[serde(default)]
    pub(super) limits: LimitsWritten,
    /// People, and what shall become of them: `muster test` says whether it does. A job that fails is not run.
    #[serde(default, rename = "test")]
    pub(super) tests: Vec<Spot<TestWritten>>,
}

/// Where people come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Source")]
pub(super) struct SourceWritten {
    /// What kind of source it is.
    pub(super) kind: Spot<SourceKindWritten>,
    /// What stands between the cells of a CSV file: `auto` (the default), `,`, `;`, `|` or `tab`.
    pub(super) delimiter: Option<Spot<String>>,
    /// How many of the rows of the last import may be gone, in percent, before an export is taken to be broken;
    /// 20 where nothing is said, and 100 where any loss is right.
    pub(super) rows_lost_percent_max: Option<Spot<f64>>,
    /// Attributes whose "empty" is taken at its word; of all others it says nothing.
    #[serde(default)]
    pub(super) flow_null: Vec<Spot<String>>,
    /// The attributes that columns fill, by the columns' headers. One of them fills `externalId`.
    #[serde(default)]
    pub(super) columns: BTreeMap<Spot<String>, Spot<ColumnWritten>>,
    /// Attributes that are not SCIM's own, by their URN and name. A column that fills one declares it too.
    #[serde(default)]
    pub(super) attributes: BTreeMap<Spot<String>, Spot<AttributeWritten>>,
}

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "SourceKind")]
pub(super) enum SourceKindWritten {
    /// A CSV file.
    Csv,
    /// Bulk uploads over HTTP, in SCIM's own words: there are no columns.
    Api,
}

/// What a column fills: a path, a table with more to say, or a list of these.
#[derive(Debug)]
pub(super) enum ColumnWritten {
    /// The path alone.
    Path(String),
    /// With more to say.
    Table(Box<ColumnTable>),
    /// Several attributes from one column.
    Several(Vec<Spot<ColumnWritten>>),
}

/// What a column fills, and how its texts are read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Column")]
pub(super) struct ColumnTable {
    /// The attribute it fills.
    pub(super) to: Spot<String>,
    /// What its texts mean; one that is not listed is a fault of the row.
    #[serde(default)]
    pub(super) values: BTreeMap<Spot<String>, Spot<ConstantWritten>>,
    /// What its texts are read as; without it, what the attribute holds.
    pub(super) kind: Option<Spot<CellKindWritten>>,
    /// What an empty cell says.
    pub(super) empty: Option<Spot<EmptyWritten>>,
    /// The character between several values in one cell.
    pub(super) split: Option<Spot<String>>,
}

/// What a text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CellKind")]
pub(super) enum CellKindWritten {
    /// As it stands.
    Text,
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
}

/// What an attribute of the job's own holds: one value of a kind, or a table with more to say.
#[derive(Debug)]
pub(super) enum AttributeWritten {
    /// One value of this kind.
    Kind(CellKindWritten),
    /// With more to say.
    Table(AttributeTable),
}

/// What an attribute of the job's own holds, and how its texts compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Attribute")]
pub(super) struct AttributeTable {
    /// What one value is: `text`, `boolean` or `integer`.
    pub(super) r#type: CellKindWritten,
    /// Whether texts that differ in case differ, in filters.
    #[serde(default)]
    pub(super) case_exact: bool,
    /// Whether there may be several values.
    #[serde(default)]
    pub(super) multi_valued: bool,
}

/// What an empty cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "EmptyCell")]
pub(super) enum EmptyWritten {
    /// Nothing: what is known is left alone.
    Absent,
    /// That the attribute is empty.
    Clear,
}

/// What becomes of accounts their person no longer has a claim to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Policy")]
pub(super) struct PolicyWritten {
    /// Of people the scope no longer admits; `hold` where nothing is said.
    pub(super) out_of_scope: Option<LeaverWritten>,
    /// Of people a rule places nowhere; `hold` where nothing is said.
    pub(super) nowhere: Option<LeaverWritten>,
    /// Of people whose home is another target now; `hold` where nothing is said.
    pub(super) placement_change: Option<PlacementChangeWritten>,
}

/// What becomes of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Leaver")]
pub(super) enum LeaverWritten {
    /// Its owner is locked out.
    Disable,
    /// It is taken away.
    Delete,
    /// Nothing, until somebody has looked.
    Hold,
}

/// What is done when a person's home is another target now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "PlacementChange")]
pub(super) enum PlacementChangeWritten {
    /// Nothing, until somebody has looked.
    Hold,
    /// A new account is made there; once it stands, the old one is disabled.
    Migrate,
    /// The old account stays.
    Keep,
}

/// A rule that decides where people live.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Rule")]
pub(super) struct RuleWritten {
    /// Its name, in every answer to "why is this person there?".
    pub(super) id: Spot<String>,
    /// A SCIM filter: for whom it speaks. Without it, for everybody.
    pub(super) when: Option<Spot<String>>,
    /// Where they live.
    pub(super) place: Spot<PlaceWritten>,
    /// Which target, where there is more than one of the kind.
    pub(super) target: Option<Spot<String>>,
    /// A distinguished name, or an expression that gives one. Without it, the target's own.
    pub(super) container: Option<Spot<String>>,
    /// Apps (targets of kind `scim`) where they have an account besides their home.
    #[serde(default)]
    pub(super) also: Vec<Spot<String>>,
}

/// Where people live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Place")]
pub(super) enum PlaceWritten {
    /// In the cloud tenant.
    Cloud,
    /// In a directory on the premises.
    OnPremises,
    /// Nowhere, on purpose.
    Nowhere,
    /// Nowhere yet: somebody must look.
    Hold,
}

/// A directory. Which settings it takes depends on its kind.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Target")]
pub(super) struct TargetWritten {
    /// What kind of directory it is.
    pub(super) kind: Spot<TargetKindWritten>,
    /// graph: the address of Microsoft Graph with its version; `https://graph.microsoft.com/v1.0` where nothing is said.
    /// scim: the address below which the app has its `/Users`.
    pub(super) base_url: Option<Spot<String>>,
    /// graph: who gives tokens; `https://login.microsoftonline.com` where nothing is said.
    pub(super) authority: Option<Spot<String>>,
    /// graph: the tenant's id, or one of its domains.
    pub(super) tenant: Option<Spot<String>>,
    /// graph: the id of the application that muster is there. scim: the same, where the app's tokens are fetched.
    pub(super) client_id: Option<Spot<String>>,
    /// graph, scim: where its secret is read. The secret itself never stands in a job file.
    pub(super) client_secret: Option<Spot<SecretWritten>>,
    /// graph: how many writes the tenant takes of this application within `writes_seconds`; 3000 where nothing is said.
    pub(super) writes_max: Option<Spot<u32>>,
    /// graph: the window of `writes_max`, in seconds; 150 where nothing is said.
    pub(super) writes_seconds: Option<Spot<u32>>,
    /// scim: where the app's bearer token is read, if it gives one that lasts.
    pub(super) token: Option<Spot<SecretWritten>>,
    /// scim: who gives tokens otherwise (OAuth 2.0 client credentials).
    pub(super) token_url: Option<Spot<String>>,
    /// scim: what the token shall be good for, where its giver asks for that.
    pub(super) scope: Option<Spot<String>>,
    /// What `DefaultDomain()` gives; graph: the tenant, where it is named by a domain, if nothing is said.
    pub(super) default_domain: Option<Spot<String>>,
    /// ldif: the folder the change files are put into. It must exist.
    pub(super) folder: Option<Spot<String>>,
    /// active-directory, ldap: the directory's own name, the same in every job that writes there: `contoso.example`. How it
    /// is reached stands in the agent's file.
    pub(super) domain: Option<Spot<String>>,
    /// ldif, ldap: the attribute that names entries; `CN` where nothing is said (ldap: `uid`).
    pub(super) naming: Option<Spot<String>>,
    /// ldif, active-directory, ldap: the container of people whose rule names none: a distinguished name, or an expression that gives one.
    pub(super) container: Option<Spot<String>>,
    /// What becomes of the account when the source deletes the person; `disable` where nothing is said.
    pub(super) on_delete: Option<LeaverWritten>,
    /// How much may be damaged there in a rolling day.
    #[serde(default)]
    pub(super) limits: DamageLimitsWritten,
    /// What accounts there hold, attribute by attribute.
    #[serde(default)]
    pub(super) map: Vec<Spot<MapWritten>>,
}

/// What kind of directory it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "TargetKind")]
pub(super) enum TargetKindWritten {
    /// Microsoft Entra ID, through Microsoft Graph: in the cloud.
    Graph,
    /// A folder of LDIF change files for an Active Directory: on the premises.
    Ldif,
    /// An Active Directory, written to by agents inside its network: on the premises.
    ActiveDirectory,
    /// Another directory that speaks LDAP (OpenLDAP), written to by agents: on the premises.
    Ldap,
    /// An app that speaks SCIM 2.0: people have accounts there besides their home.
    Scim,
}

/// Where a secret is read when it is needed: exactly one of the two.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Secret", extend("writeOnly" = true))]
pub(super) struct SecretWritten {
    /// The name of an environment variable.
    pub(super) env: Option<Spot<String>>,
    /// The path of a file that holds it alone.
    pub(super) file: Option<Spot<String>>,
}

/// How much may be damaged at a target in a rolling day; more is held.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "DamageLimits")]
pub(super) struct DamageLimitsWritten {
    /// Accounts locked.
    pub(super) disable: DamageLimitWritten,
    /// Accounts taken away.
    pub(super) delete: DamageLimitWritten,
    /// Accounts brought into another container.
    pub(super) r#move: DamageLimitWritten,
    /// Memberships ended.
    pub(super) leave: DamageLimitWritten,
}

/// So many, or this share of the accounts there: whichever is greater.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "DamageLimit")]
pub(super) struct DamageLimitWritten {
    /// Accounts; 10 where nothing is said.
    pub(super) count: Option<u32>,
    /// Percent of the accounts there; 2 where nothing is said.
    pub(super) percent: Option<Spot<f64>>,
}

/// What one attribute of the accounts holds: exactly one of `direct`, `constant` and `expression`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Map")]
pub(super) struct MapWritten {
    /// The target's name for it.
    pub(super) to: Spot<String>,
    /// The person's attribute it is taken from as it is.
    pub(super) direct: Option<Spot<String>>,
    /// The same value for everybody.
    pub(super) constant: Option<Spot<ConstantWritten>>,
    /// An expression that gives it.
    pub(super) expression: Option<Spot<String>>,
    /// When it is written; `always` where nothing is said.
    pub(super) apply: Option<ApplyWritten>,
    /// Its value in a new account, where the source gives none.
    pub(super) default: Option<Spot<ConstantWritten>>,
    /// Its place among the attributes by which an account is recognised, from 1.
    pub(super) r#match: Option<Spot<u32>>,
    /// The namespace in which the candidates of `SelectUniqueValue` are unique; targets and jobs that name the same
    /// share it. Without it, the directory's own for this attribute.
    pub(super) unique_in: Option<Spot<String>>,
    /// Whether "empty" is written as empty, where the source says it (`source.flow_null`).
    pub(super) flow_null: Option<Spot<bool>>,
}

/// When an attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "Apply")]
pub(super) enum ApplyWritten {
    /// When the account is made, and whenever it differs.
    Always,
    /// When the account is made, and never again.
    Create,
}

/// A value for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConstantWritten {
    /// A text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Several texts.
    List(Vec<String>),
}

/// What one upload may bring, and how much may wait.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Limits")]
pub(super) struct LimitsWritten {
    /// Operations in one upload; 10000 where nothing is said.
    pub(super) operations_max: Option<Spot<u32>>,
    /// Mebibytes of one upload, unpacked; 32 where nothing is said.
    pub(super) body_mib_max: Option<Spot<u32>>,
    /// Operations that may wait to be decided, before uploads are sent away; 1000000 where nothing is said.
    pub(super) waiting_operations_max: Option<Spot<u32>>,
}
