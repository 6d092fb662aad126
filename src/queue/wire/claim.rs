//! How an agent claims work that was offered to it through a queue which only transports.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AgentWire, WIRE_VERSION, WireError, check_version, milliseconds};
use crate::model::{TargetId, Timestamp};

/// An agent claims offers: `POST /muster/v1/agent/claim`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimRequestWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// The targets the offers are of.
    pub targets: Vec<String>,
    /// What is claimed.
    pub claims: Vec<OfferClaimWire>,
    /// Who claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentWire>,
}

/// One offer that is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OfferClaimWire {
    /// The lease in the work item that was offered.
    pub offer: String,
    /// The lease it shall be: a new UUID of the agent's. Who asks again under it is given the same answer.
    pub lease: String,
}

/// What the server answers: one answer for each, in the order of the claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClaimAnswerWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// What became of each.
    pub answers: Vec<ClaimedWire>,
}

/// What became of one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum ClaimedWire {
    /// It is the agent's.
    Held {
        /// When the lease ends, in milliseconds after the answer was given.
        ends_in_milliseconds: u64,
    },
    /// It is offered no more.
    Gone,
}

impl ClaimRequestWire {
    /// A claim of these offers of a target, each under a new lease.
    pub fn new(target: &TargetId, claims: Vec<OfferClaimWire>, agent: Option<AgentWire>) -> Self {
        Self { version: WIRE_VERSION, targets: vec![target.as_str().to_owned()], claims, agent }
    }

    /// The targets the offers are of.
    ///
    /// # Errors
    /// [`WireError::Version`].
    pub fn targets(&self) -> Result<Vec<TargetId>, WireError> {
        check_version(self.version)?;
        Ok(self.targets.iter().map(|target| TargetId::new(target)).collect())
    }
}

impl ClaimedWire {
    /// The lease ends at `ends`; the answer is given at `now`.
    pub fn held(ends: Timestamp, now: Timestamp) -> Self {
        Self::Held { ends_in_milliseconds: milliseconds(ends.since(now)) }
    }
}

impl ClaimAnswerWire {
    /// When each lease ends, for one who asked for `count` at `asked` by his own clock; `None` for what is gone. A lease
    /// is never believed to be longer than it is.
    ///
    /// # Errors
    /// [`WireError`] when it is of another version, or does not answer each.
    pub fn read(self, count: usize, asked: Timestamp) -> Result<Vec<Option<Timestamp>>, WireError> {
        check_version(self.version)?;
        if self.answers.len() != count {
            return Err(WireError::Report);
        }
        let until = |answer| match answer {
            ClaimedWire::Held { ends_in_milliseconds } => Some(asked.plus(Duration::from_millis(ends_in_milliseconds))),
            ClaimedWire::Gone => None,
        };
        Ok(self.answers.into_iter().map(until).collect())
    }
}
