//! Work: the difference of one person at one target, held by one worker for a while.

use super::{
    Anchor, Change, Generation, JobId, Known, LeaseId, MatchKeys, Name, ObjectId, Reason, Situation, TargetId,
    Timestamp, Wanted,
};

/// Which piece of a person's work at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The account itself.
    Account,
    /// The reference to the manager, once the manager's account is there.
    Manager,
    /// The account's membership of a group.
    Member,
}

impl Part {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Manager => "manager",
            Self::Member => "member",
        }
    }
}

/// A (person, target) whose difference one worker may carry until `ends`.
///
/// Everything a worker needs is in it, so an agent needs no access to the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkItem {
    /// The job it belongs to.
    pub job: JobId,
    /// Of whom.
    pub anchor: Anchor,
    /// At which target.
    pub target: TargetId,
    /// Which state of the person it brings there.
    pub generation: Generation,
    /// Its place in the order in which work was first leased at this target; the same when it is leased again.
    pub sequence: i64,
    /// The lease to settle.
    pub lease: LeaseId,
    /// When the lease ends. No write may start whose timeout does not fit before it.
    pub ends: Timestamp,
    /// How often it was tried before: 0 the first time.
    pub attempt: u32,
    /// What the target shall hold: the account, or the manager reference.
    pub task: Task,
    /// The account, as far as known; `None` when none is linked.
    pub known: Option<Known>,
    /// An earlier try may have written without telling: look before writing.
    pub look: bool,
}

/// What a work item asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Bring the account to this.
    Account(Wanted),
    /// Write nothing: look what an earlier try, which did not tell, has left of an account that is not asked for now.
    Look {
        /// How to find the account where none is linked.
        keys: MatchKeys,
        /// What to read of it.
        attributes: Vec<Name>,
    },
    /// Point the account's manager at this object; `None` clears it.
    Manager {
        /// The manager's object at the same target.
        manager: Option<ObjectId>,
    },
    /// Point the account's manager at the account of somebody of whom nothing but the source's identifier is known.
    SeekManager {
        /// Who it is, at the source.
        manager: Anchor,
        /// How their account is recognised at the target.
        keys: MatchKeys,
    },
    /// Make the account a member of this group, or end that.
    Member {
        /// The group, as the job file names it.
        group: String,
        /// Whether it is made where it does not exist.
        create: bool,
        /// Whether the account shall be a member of it.
        is_member: bool,
    },
}

/// What a worker reports of a work item it carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// How person, link and target stood to each other.
    pub situation: Situation,
    /// The change that was written, with before and after, if one was.
    pub change: Option<Change>,
    /// How it ended.
    pub settlement: Settlement,
}

/// What the store records, in one transaction, when a lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Written: the target now holds this.
    Applied {
        /// `None` when the account was deleted.
        known: Option<Known>,
    },
    /// Nothing had to be written.
    Unchanged,
    /// An account was found there; it is the person's from now on, and is compared in the next piece of work.
    Linked {
        /// What is there.
        known: Known,
    },
    /// Not now: come back at `due`.
    Again {
        /// When.
        due: Timestamp,
        /// This try may have written without telling: the next one looks first ([`WorkItem::look`]).
        look: bool,
        /// Why not now.
        why: Reason,
    },
    /// Not until somebody has looked.
    Held(Reason),
    /// Rightly not written.
    Skipped(Reason),
    /// It could not be written.
    Failed(Reason),
}

impl Settlement {
    /// The word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied { .. } => "applied",
            Self::Unchanged => "unchanged",
            Self::Linked { .. } => "linked",
            Self::Again { .. } => "again",
            Self::Held(_) => "held",
            Self::Skipped(_) => "skipped",
            Self::Failed(_) => "failed",
        }
    }
}
