//! By when a verb must have ended, and after when it may write no more.

use tokio::time::Instant;

use super::Errand;
use crate::clock::Deadline;

/// What is told of a write that was not begun, because the lease might have ended before it had to.
pub(super) const TOO_LATE: &str = "it was too late to begin: the lease would have ended before the write had to";

/// The time of a verb. To be asked again right before the bytes go out, for there may have been a long wait before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// The verb's time is over.
    pub(super) end: Instant,
    /// The errand's ([`Errand::begin_before`]).
    pub(super) begin_before: Option<Deadline>,
}

impl Until {
    /// The time of a verb that asks and does not write, or behind which nobody waits.
    pub(super) fn at(end: Instant) -> Self {
        Self { end, begin_before: None }
    }

    /// The time of a verb on an errand.
    pub(super) fn of(errand: &Errand<'_>, end: Instant) -> Self {
        Self { end, begin_before: errand.begin_before }
    }

    /// Whether no write may be begun any more.
    pub(super) fn is_too_late(&self) -> bool {
        self.begin_before.is_some_and(|deadline| deadline.has_passed())
    }
}
