//! The hands that change directories. A writer decides nothing.

pub mod graph;
pub mod ldap;
pub mod ldif;
pub mod limited;
pub mod scim;
pub mod simulated;
mod until;

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Deadline;
use crate::model::{
    Anchor, Change, Found, Generation, JobId, Known, MatchKeys, Name, ObjectId, Part, TargetId, Task, WorkItem,
};

/// Looks for people at a target, and carries decided changes to it.
///
/// Carrying the same change twice must leave the target as carrying it once would, because
/// delivery is at least once (promise 4).
#[async_trait]
pub trait Writer: Send + Sync {
    /// Whom `search` reaches at the target: nobody, one, or several.
    ///
    /// # Errors
    /// [`WriteError::Later`] when the target cannot be asked now, [`WriteError::Refused`] when it refuses to be.
    async fn find(&self, search: &Search) -> Result<Found, WriteError>;

    /// Carries one change; the receipt says what the target holds now. `None` when the account is gone.
    ///
    /// # Errors
    /// See [`WriteError`]: what each tells the caller to do next.
    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError>;

    /// Points the manager of `object` at `manager`; `None` clears it.
    ///
    /// # Errors
    /// As [`Writer::write`].
    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError>;

    /// Makes `object` a member of `group`, or ends that; the answer says whether it was so already.
    ///
    /// # Errors
    /// As [`Writer::write`]; [`WriteError::Refused`] with [`NO_GROUP`] where there is no such group and none may be made.
    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError>;

    /// What the writer's own settings name, and the target does not have.
    ///
    /// # Errors
    /// As [`Writer::find`].
    async fn missing(&self) -> Result<Vec<Missing>, WriteError> {
        Ok(Vec::new())
    }

    /// How much more the target can be asked to begin now. Work beyond it had better not be leased: it would only wait.
    fn room(&self) -> Room {
        Room::Open(usize::MAX)
    }

    /// How fast the target may be written to and what is left of that; `None` where nobody set a pace.
    fn pace(&self) -> Option<Pace> {
        None
    }

    /// The longest a single call may take. A write starts only while this still fits in the lease.
    fn timeout(&self) -> Duration;
}

/// Something that a writer's settings name, and its target does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// A container in which accounts may be written.
    #[error("`containers` names {0}, which is not found in the directory: nobody can be brought there")]
    Container(String),
    /// An account that is never written.
    #[error("`protected_accounts` names {0}, who is not found in the directory: nobody is protected by it")]
    ProtectedAccount(String),
    /// A group whose members are never written.
    #[error(
        "`protected_groups` names {0}, which is not found in the directory: nobody is protected by it, and nothing is \
         written until it is corrected"
    )]
    ProtectedGroup(String),
}

impl Missing {
    /// The setting, and what it names.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Container(name) => ("containers", name),
            Self::ProtectedAccount(name) => ("protected_accounts", name),
            Self::ProtectedGroup(name) => ("protected_groups", name),
        }
    }
}

/// There is no group of that name, and none may be made.
pub const NO_GROUP: &str = "no_group";

/// A group at a target, as a job file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Entra: display name or object id; Active Directory: distinguished name, `sAMAccountName` or `cn`; SCIM: display
    /// name or id.
    pub name: String,
    /// Whether it is made where it does not exist.
    pub create: bool,
}

/// What became of a membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// It was written.
    Changed,
    /// It was so already: somebody else's doing, or an earlier try's.
    WasSo,
}

/// How much more can be begun at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// So many pieces of work.
    Open(usize),
    /// Nothing before this has passed: the target asked for patience.
    ClosedFor(Duration),
}

/// How fast a target may be written to, and what is left of that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Writes the target takes within `per`.
    pub writes: u32,
    /// The window of the budget.
    pub per: Duration,
    /// Writes that are left of it now.
    pub left: u32,
    /// How long the target still asks for patience; zero where it does not.
    pub closed_for: Duration,
    /// Requests that may be under way at once, as the target's answers have it now.
    pub concurrency: usize,
}

/// On whose behalf a write is made: the piece of work, without what it asks for.
///
/// A target that can be asked has no use for it. One that is only told (a folder of change files) names what it
/// writes by it, so that the same work always leaves the same trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errand<'a> {
    /// The job it belongs to.
    pub job: &'a JobId,
    /// Of whom.
    pub anchor: &'a Anchor,
    /// At which target.
    pub target: &'a TargetId,
    /// Which state of the person it brings there.
    pub generation: Generation,
    /// Its place in the order of the target's work ([`WorkItem::sequence`]).
    pub sequence: i64,
    /// The account, the reference to the manager, or a membership.
    pub part: Part,
    /// An earlier try may have written without telling ([`WorkItem::look`]).
    pub again: bool,
    /// After this no write may be begun: it might not end within the lease. To be asked again right before the bytes go
    /// out ([`Errand::still_fits`]), for a process may have been stopped in between. `None`: nobody waits behind it.
    pub begin_before: Option<Deadline>,
}

impl<'a> Errand<'a> {
    /// The errand of a work item.
    pub fn of(item: &'a WorkItem) -> Self {
        let part = match item.task {
            Task::Account(_) | Task::Look { .. } => Part::Account,
            Task::Manager { .. } | Task::SeekManager { .. } => Part::Manager,
            Task::Member { .. } => Part::Member,
        };
        Self {
            job: &item.job,
            anchor: &item.anchor,
            target: &item.target,
            generation: item.generation,
            sequence: item.sequence,
            part,
            again: item.look,
            begin_before: None,
        }
    }

    /// The same, to be begun before `deadline`.
    pub fn before(self, deadline: Deadline) -> Self {
        Self { begin_before: Some(deadline), ..self }
    }

    /// Whether a write may still be begun.
    ///
    /// # Errors
    /// [`WriteError::Later`] when it may not: the lease would end before it had to.
    pub fn still_fits(&self) -> Result<(), WriteError> {
        match self.begin_before {
            Some(deadline) if deadline.has_passed() => {
                Err(WriteError::Later { after: None, cause: Cause(until::TOO_LATE.to_owned()) })
            }
            _ => Ok(()),
        }
    }
}

/// Whom to look for, and what to read of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The object itself, when it is linked; then the keys are not used.
    pub object: Option<ObjectId>,
    /// How to recognise it otherwise.
    pub keys: MatchKeys,
    /// The attributes we own there, to be read.
    pub attributes: Vec<Name>,
    /// An earlier try may have written without telling ([`WorkItem::look`]): "nobody" is answered only where that is
    /// certain.
    pub again: bool,
}

/// Why something was not carried: only what the caller must tell apart.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Try again; nothing was written.
    #[error("the target asks us to come back later")]
    Later {
        /// Not before this has passed, where the target said so.
        after: Option<Duration>,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Try again; nothing was written. It is not the target that says so, but whoever watches over what is done there.
    #[error("more of this is not allowed here for now")]
    Withheld {
        /// A stable word for the limit.
        code: &'static str,
        /// Not before this has passed.
        after: Duration,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// It may have been written, or not: look before trying again.
    #[error("the target gave no answer that can be trusted")]
    Unknown {
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// Trying again would change nothing.
    #[error("the target refused the change")]
    Refused {
        /// A stable word, e.g. the target's own error code.
        code: String,
        /// What happened, in the target's words; no secret in it.
        #[source]
        cause: Cause,
    },
    /// Somebody else holds the value.
    #[error("somebody else holds the value of {attribute}")]
    Taken {
        /// Of which attribute.
        attribute: Name,
        /// Who holds it, where the target tells: it may be the person's own account after all.
        holder: Option<ObjectId>,
        /// What happened.
        #[source]
        cause: Cause,
    },
    /// The linked object is not there any more.
    #[error("the account is not there any more")]
    Gone {
        /// What happened.
        #[source]
        cause: Cause,
    },
}

/// What went wrong inside, as words for a person. Never carries a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub String);
