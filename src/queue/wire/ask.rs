//! How an agent asks for work, and who it says it is.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{WIRE_VERSION, WireError, check_version, milliseconds};
use crate::model::TargetId;

/// An agent asks for work: `POST /muster/v1/agent/lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseRequestWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// The targets it writes to.
    pub targets: Vec<String>,
    /// How many work items it can carry now.
    pub max: u32,
    /// How long the server may keep the question open while nothing is due, in seconds.
    pub wait_seconds: u32,
    /// Who asks; agents of before this was told do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentWire>,
}

/// Who asks for work. It is shown to people, and believed in nothing but the time its writes take, and that it is no
/// agent for a target of another kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentWire {
    /// What it calls itself: its machine's name, or what its file says.
    pub name: String,
    /// The version of muster it is.
    pub version: String,
    /// The longest a single write of it takes, in milliseconds: its leases are made to fit.
    pub timeout_milliseconds: u64,
    /// Of which kind its targets are by its own file, by their names; agents of before this was told do not say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, String>,
}

impl LeaseRequestWire {
    /// A question for up to `max` work items of these targets.
    pub fn new<'a>(targets: impl IntoIterator<Item = &'a TargetId>, max: u32, wait: Duration) -> Self {
        Self {
            version: WIRE_VERSION,
            targets: targets.into_iter().map(|target| target.as_str().to_owned()).collect(),
            max,
            wait_seconds: u32::try_from(wait.as_secs()).unwrap_or(u32::MAX),
            agent: None,
        }
    }

    /// The same, saying who asks.
    pub fn by(self, agent: AgentWire) -> Self {
        Self { agent: Some(agent), ..self }
    }

    /// The targets it asks for.
    ///
    /// # Errors
    /// [`WireError::Version`].
    pub fn targets(&self) -> Result<Vec<TargetId>, WireError> {
        check_version(self.version)?;
        Ok(self.targets.iter().map(|target| TargetId::new(target)).collect())
    }
}

impl AgentWire {
    /// This version of muster, called `name`, whose writes take up to `timeout`.
    pub fn new(name: &str, timeout: Duration) -> Self {
        Self {
            name: name.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            timeout_milliseconds: milliseconds(timeout),
            kinds: BTreeMap::new(),
        }
    }

    /// The same, saying of which kind its targets are.
    pub fn with_kinds<'a>(self, kinds: impl IntoIterator<Item = (&'a TargetId, &'a str)>) -> Self {
        let kinds = kinds.into_iter().map(|(target, kind)| (target.as_str().to_owned(), kind.to_owned())).collect();
        Self { kinds, ..self }
    }

    /// Of which kind a target is by its file; `None` where it does not say.
    pub fn kind_of(&self, target: &TargetId) -> Option<&str> {
        self.kinds.get(target.as_str()).map(String::as_str)
    }

    /// How much it says of itself.
    pub fn bytes(&self) -> usize {
        let kinds = self.kinds.iter().map(|(target, kind)| target.len() + kind.len());
        self.name.len() + self.version.len() + kinds.sum::<usize>()
    }

    /// The longest a single write of it takes.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds)
    }
}
