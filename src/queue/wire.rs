//! The embedded queue's wire: leases, work items and settlements as JSON (version 1).
//!
//! Times travel as "so many milliseconds from now", because the clocks of server and agent differ.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{
    Anchor, AnchorError, Carried, DnError, Generation, JobId, LeaseId, Name, Settlement, TargetId, Task, Timestamp,
    Wanted, WorkItem,
};

mod account;
mod ask;
mod claim;
mod json;
mod report;
#[cfg(test)]
mod tests;

pub use account::{
    ChangeKindWire, ChangeWire, DesiredWire, KeyWire, KnownWire, ManagerWire, ReasonWire, SituationWire, UniqueNameWire,
};
pub use ask::{AgentWire, LeaseRequestWire};
pub use claim::{ClaimAnswerWire, ClaimRequestWire, ClaimedWire, OfferClaimWire};
pub use report::{LeaseReportWire, Reported, SettleAnswerWire, SettleRequestWire, SettledWire};

/// The version of everything here. One that is not known is refused, never guessed at.
pub const WIRE_VERSION: u32 = 1;

/// Why something that came over the wire has no meaning here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The other side speaks another version: one of the two must be updated.
    #[error("version {0} of the queue's wire is not known here; this side speaks version {WIRE_VERSION}")]
    Version(u32),
    /// The anchor is none.
    #[error("the work item's anchor cannot be read")]
    Anchor(#[source] AnchorError),
    /// A container is no distinguished name.
    #[error("`{field}` cannot be read")]
    Container {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: DnError,
    },
    /// A report is neither of one lease nor of several.
    #[error("a report names one `lease` and what was `carried`, or several `settlements`")]
    Report,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeaseAnswerWire {
    /// [`WIRE_VERSION`].
    pub version: u32,
    /// How long the server kept the question open, in milliseconds.
    pub waited_milliseconds: u64,
    /// The work, in the order of its sequence; nothing where nothing is due.
    pub items: Vec<WorkItemWire>,
}

/// A [`WorkItem`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkItemWire {
    /// [`WIRE_VERSION`]: an item may be kept and read on its own.
    pub version: u32,
    /// The job it belongs to.
    pub job: String,
    /// Of whom.
    pub anchor: String,
    /// At which target.
    pub target: String,
    /// Which state of the person it brings there.
    pub generation: i64,
    /// Its place in the order in which work was first leased at this target.
    pub sequence: i64,
    /// The lease to settle.
    pub lease: String,
    /// When the lease ends, in milliseconds after the answer was given; 0 where it has ended.
    pub ends_in_milliseconds: u64,
    /// How often it was tried before.
    pub attempt: u32,
    /// What the target shall hold.
    pub task: TaskWire,
    /// The account, as far as known.
    pub known: Option<KnownWire>,
    /// Look before writing.
    pub look: bool,
}

/// A [`Task`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum TaskWire {
    /// Bring the account to this.
    Account(WantedWire),
    /// Write nothing: look what an earlier try has left.
    Look {
        /// How to find the account where none is linked.
        keys: Vec<KeyWire>,
        /// What to read of it.
        attributes: Vec<String>,
    },
    /// Point the account's manager at this object; nobody where there is none.
    Manager {
        /// The manager's object.
        manager: Option<String>,
    },
    /// Point the account's manager at the account that is found so.
    SeekManager {
        /// The manager, by the source's identifier.
        manager: String,
        /// How the manager's account is recognised.
        keys: Vec<KeyWire>,
    },
    /// Make the account a member of this group, or end that.
    Member {
        /// The group.
        group: String,
        /// Whether it is made where it does not exist.
        create: bool,
        /// Whether the account shall be a member of it.
        #[serde(rename = "isMember")]
        is_member: bool,
    },
}

/// A [`Wanted`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum WantedWire {
    /// An account like this.
    Present(Box<DesiredWire>),
    /// Whatever is there shall be disabled.
    Disabled,
    /// Whatever is there shall be deleted.
    Deleted,
}

/// A [`Carried`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CarriedWire {
    /// How person, link and target stood to each other.
    pub situation: SituationWire,
    /// What was written, if anything was.
    pub change: Option<ChangeWire>,
    /// How it ended.
    pub settlement: SettlementWire,
}

/// A [`Settlement`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum SettlementWire {
    /// Written.
    Applied {
        /// What the target holds now; `null` when the account was deleted.
        known: Option<KnownWire>,
    },
    /// Nothing had to be written.
    Unchanged,
    /// An account was found there.
    Linked {
        /// What is there.
        known: KnownWire,
    },
    /// Not now.
    Again {
        /// In how many milliseconds to come back.
        due_in_milliseconds: u64,
        /// Look first.
        look: bool,
        /// Why not now.
        why: ReasonWire,
    },
    /// Not until somebody has looked.
    Held(ReasonWire),
    /// Rightly not written.
    Skipped(ReasonWire),
    /// It could not be written.
    Failed(ReasonWire),
}

impl LeaseAnswerWire {
    /// The answer given at `now`, after the question was kept open for `waited`.
    pub fn new(items: &[WorkItem], waited: Duration, now: Timestamp) -> Self {
        Self {
            version: WIRE_VERSION,
            waited_milliseconds: milliseconds(waited),
            items: items.iter().map(|item| WorkItemWire::new(item, now)).collect(),
        }
    }

    /// The work in it, for one who asked at `asked` by his own clock.
    ///
    /// The answer was given no earlier than `asked` and the time it was kept open; counting from there a lease is
    /// never believed to be longer than it is.
    ///
    /// # Errors
    /// [`WireError`] when any of it cannot be read.
    pub fn read(self, asked: Timestamp) -> Result<Vec<WorkItem>, WireError> {
        check_version(self.version)?;
        let given = asked.plus(Duration::from_millis(self.waited_milliseconds));
        self.items.into_iter().map(|item| item.read(given)).collect()
    }
}

impl WorkItemWire {
    /// The item as it is given away at `now`.
    pub fn new(item: &WorkItem, now: Timestamp) -> Self {
        Self {
            version: WIRE_VERSION,
            job: item.job.as_str().to_owned(),
            anchor: item.anchor.as_str().to_owned(),
            target: item.target.as_str().to_owned(),
            generation: item.generation.0,
            sequence: item.sequence,
            lease: item.lease.as_str().to_owned(),
            ends_in_milliseconds: milliseconds(item.ends.since(now)),
            attempt: item.attempt,
            task: TaskWire::from(&item.task),
            known: item.known.as_ref().map(KnownWire::from),
            look: item.look,
        }
    }

    /// The item, given away at `given`.
    ///
    /// # Errors
    /// [`WireError`] when any of it cannot be read.
    pub fn read(self, given: Timestamp) -> Result<WorkItem, WireError> {
        check_version(self.version)?;
        Ok(WorkItem {
            job: JobId::new(&self.job),
            anchor: Anchor::parse(&self.anchor).map_err(WireError::Anchor)?,
            target: TargetId::new(&self.target),
            generation: Generation(self.generation),
            sequence: self.sequence,
            lease: LeaseId::new(&self.lease),
            ends: given.plus(Duration::from_millis(self.ends_in_milliseconds)),
            attempt: self.attempt,
            task: self.task.read()?,
            known: self.known.map(KnownWire::read).transpose()?,
            look: self.look,
        })
    }
}

impl From<&Task> for TaskWire {
    fn from(task: &Task) -> Self {
        match task {
            Task::Account(Wanted::Present(desired)) => Self::Account(WantedWire::Present(Box::new(desired.into()))),
            Task::Account(Wanted::Disabled) => Self::Account(WantedWire::Disabled),
            Task::Account(Wanted::Deleted) => Self::Account(WantedWire::Deleted),
            Task::Look { keys, attributes } => Self::Look {
                keys: KeyWire::list(keys),
                attributes: attributes.iter().map(|name| name.as_str().to_owned()).collect(),
            },
            Task::Manager { manager } => Self::Manager { manager: account::object_text(manager.as_ref()) },
            Task::SeekManager { manager, keys } => {
                Self::SeekManager { manager: manager.as_str().to_owned(), keys: KeyWire::list(keys) }
            }
            Task::Member { group, create, is_member } => {
                Self::Member { group: group.clone(), create: *create, is_member: *is_member }
            }
        }
    }
}

impl TaskWire {
    fn read(self) -> Result<Task, WireError> {
        Ok(match self {
            Self::Account(WantedWire::Present(desired)) => Task::Account(Wanted::Present(desired.read()?)),
            Self::Account(WantedWire::Disabled) => Task::Account(Wanted::Disabled),
            Self::Account(WantedWire::Deleted) => Task::Account(Wanted::Deleted),
            Self::Look { keys, attributes } => Task::Look {
                keys: KeyWire::read(keys),
                attributes: attributes.iter().map(|name| Name::new(name)).collect(),
            },
            Self::Manager { manager } => Task::Manager { manager: account::object_id(manager.as_deref()) },
            Self::SeekManager { manager, keys } => Task::SeekManager {
                manager: Anchor::parse(&manager).map_err(WireError::Anchor)?,
                keys: KeyWire::read(keys),
            },
            Self::Member { group, create, is_member } => Task::Member { group, create, is_member },
        })
    }
}

impl CarriedWire {
    fn new(carried: &Carried, now: Timestamp) -> Self {
        Self {
            situation: carried.situation.into(),
            change: carried.change.as_ref().map(ChangeWire::from),
            settlement: SettlementWire::new(&carried.settlement, now),
        }
    }

    fn read(self, now: Timestamp) -> Result<Carried, WireError> {
        Ok(Carried {
            situation: self.situation.into(),
            change: self.change.map(ChangeWire::read).transpose()?,
            settlement: self.settlement.read(now)?,
        })
    }
}

impl SettlementWire {
    fn new(settlement: &Settlement, now: Timestamp) -> Self {
        match settlement {
            Settlement::Applied { known } => Self::Applied { known: known.as_ref().map(KnownWire::from) },
            Settlement::Unchanged => Self::Unchanged,
            Settlement::Linked { known } => Self::Linked { known: known.into() },
            Settlement::Again { due, look, why } => {
                Self::Again { due_in_milliseconds: milliseconds(due.since(now)), look: *look, why: why.into() }
            }
            Settlement::Held(why) => Self::Held(why.into()),
            Settlement::Skipped(why) => Self::Skipped(why.into()),
            Settlement::Failed(why) => Self::Failed(why.into()),
        }
    }

    fn read(self, now: Timestamp) -> Result<Settlement, WireError> {
        Ok(match self {
            Self::Applied { known } => Settlement::Applied { known: known.map(KnownWire::read).transpose()? },
            Self::Unchanged => Settlement::Unchanged,
            Self::Linked { known } => Settlement::Linked { known: known.read()? },
            Self::Again { due_in_milliseconds, look, why } => {
                let due = now.plus(Duration::from_millis(due_in_milliseconds));
                Settlement::Again { due, look, why: why.into() }
            }
            Self::Held(why) => Settlement::Held(why.into()),
            Self::Skipped(why) => Settlement::Skipped(why.into()),
            Self::Failed(why) => Settlement::Failed(why.into()),
        })
    }
}

fn check_version(version: u32) -> Result<(), WireError> {
    if version == WIRE_VERSION { Ok(()) } else { Err(WireError::Version(version)) }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
