//! How an agent reports what it carried: one lease alone, or several at once, each answered on its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CarriedWire, WIRE_VERSION, WireError, check_version};
use crate::model::{Carried, LeaseId, Timestamp};

/// An agent reports what it carried: `POST /muster/v1/agent/settle`.
///
/// Either `lease` and `carried`, as agents of before there were several said it, or `settlements`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettleRequestWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// The lease that ends, where it is reported alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<CarriedWire>,
    /// Several leases that end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settlements: Vec<LeaseReportWire>,
}

/// One of several leases that end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseReportWire {
    /// The lease.
    pub lease: String,
    /// How it went.
    pub carried: CarriedWire,
}

/// What the server answers to several: one answer each, in the order of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettleAnswerWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// What became of each.
    pub answers: Vec<SettledWire>,
}

/// What became of one settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SettledWire {
    /// It was recorded.
    Taken,
    /// The lease is somebody else's by now, or was settled before; nothing was changed.
    LeaseLost,
    /// It could not be read, for this reason; the lease stands until it ends.
    Unreadable(String),
}

/// A report that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reported {
    /// Of one lease.
    One(LeaseId, Box<Carried>),
    /// Of several; what cannot be read of one says nothing of the others.
    Several(Vec<(LeaseId, Result<Carried, WireError>)>),
}

impl SettleRequestWire {
    /// The report of what was carried under `lease`, made at `now`.
    pub fn new(lease: &LeaseId, carried: &Carried, now: Timestamp) -> Self {
        Self {
            version: WIRE_VERSION,
            lease: Some(lease.as_str().to_owned()),
            carried: Some(CarriedWire::new(carried, now)),
            settlements: Vec::new(),
        }
    }

    /// The report of several, made at `now`.
    pub fn of<'a>(carried: impl IntoIterator<Item = (&'a LeaseId, &'a Carried)>, now: Timestamp) -> Self {
        let settlements = carried.into_iter().map(|(lease, carried)| LeaseReportWire {
            lease: lease.as_str().to_owned(),
            carried: CarriedWire::new(carried, now),
        });
        Self { version: WIRE_VERSION, lease: None, carried: None, settlements: settlements.collect() }
    }

    /// The report, as it came in at `now`.
    ///
    /// # Errors
    /// [`WireError`] when it is of another version, neither of one lease nor of several, or of one and unreadable.
    pub fn read(self, now: Timestamp) -> Result<Reported, WireError> {
        check_version(self.version)?;
        match (self.lease, self.carried) {
            (Some(lease), Some(carried)) if self.settlements.is_empty() => {
                Ok(Reported::One(LeaseId::new(&lease), Box::new(carried.read(now)?)))
            }
            (None, None) if !self.settlements.is_empty() => {
                let several = self.settlements.into_iter();
                let read = several.map(|report| (LeaseId::new(&report.lease), report.carried.read(now)));
                Ok(Reported::Several(read.collect()))
            }
            _ => Err(WireError::Report),
        }
    }
}

impl SettleAnswerWire {
    /// The answer, to a report of so many.
    ///
    /// # Errors
    /// [`WireError`] when it is of another version, or does not answer each.
    pub fn read(self, count: usize) -> Result<Vec<SettledWire>, WireError> {
        check_version(self.version)?;
        if self.answers.len() == count { Ok(self.answers) } else { Err(WireError::Report) }
    }
}
