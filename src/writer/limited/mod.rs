//! How much damage an agent does in an hour, whatever it is asked for: counted here before it is done.
//!
//! The server has limits of its own. These are the agent's, from its own file and its own log, and hold although the
//! server, or who speaks in its name, asks for more. What exceeds them waits; it is not failed.

mod count;
mod damage;
mod file;
mod line;
mod log;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use self::damage::damages_of;
use self::log::Taken;
use super::{Cause, Errand, Group, Membership, Missing, Pace, Room, Search, WriteError, Writer};
use crate::clock::Clock;
use crate::model::{Change, Damage, Found, Known, ObjectId};

pub use log::{Begun, LimitLog, LogError, LogWords};

/// The span in which damage is counted.
pub const HOUR: Duration = Duration::from_secs(60 * 60);

/// How many accounts may be damaged within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourLimits {
    /// Owners locked out.
    pub disable: u32,
    /// Accounts taken away.
    pub delete: u32,
    /// Accounts brought into another container.
    pub r#move: u32,
}

impl HourLimits {
    /// The limit of one damage.
    pub fn of(&self, damage: Damage) -> u32 {
        match damage {
            Damage::Disable => self.disable,
            Damage::Delete => self.delete,
            Damage::Move => self.r#move,
            // The server's limits keep memberships; the agent's keep accounts.
            Damage::Leave => u32::MAX,
        }
    }
}

/// A day's leavers of a company of some thousands, in an hour; whoever has more says so.
impl Default for HourLimits {
    fn default() -> Self {
        Self { disable: 20, delete: 5, r#move: 20 }
    }
}

/// A writer that does no more damage in an hour than its limits allow.
pub struct Limited {
    inner: Arc<dyn Writer>,
    log: Arc<Mutex<LimitLog>>,
    limits: HourLimits,
    /// What time it is: only values that are set to end at a moment are compared with it.
    clock: Arc<dyn Clock>,
}

impl Limited {
    /// `inner`, within these limits, counted in this log.
    pub fn new(inner: Arc<dyn Writer>, log: LimitLog, limits: HourLimits, clock: Arc<dyn Clock>) -> Self {
        Self { inner, log: Arc::new(Mutex::new(log)), limits, clock }
    }

    /// Counts what is about to be done, and has it on the disk; then it may be.
    async fn count(
        &self,
        errand: &Errand<'_>,
        change: &Change,
        damages: Vec<Damage>,
    ) -> Result<Vec<Taken>, WriteError> {
        let (log, limits) = (Arc::clone(&self.log), self.limits);
        let (anchor, target) = (errand.anchor.to_string(), errand.target.to_string());
        let object = change.object.as_ref().map_or_else(|| anchor.clone(), ToString::to_string);
        let counted = tokio::task::spawn_blocking(move || {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.take(&damages, &object, &anchor, &target, &limits)
        });
        counted.await.unwrap_or_else(|error| {
            let cause = Cause(format!("the agent's log of damage could not be written: {error}"));
            Err(WriteError::Withheld { code: log::UNLOGGED, after: HOUR, cause })
        })
    }

    /// Nothing was done after all.
    async fn give_back(&self, taken: Vec<Taken>) {
        let log = Arc::clone(&self.log);
        let given = tokio::task::spawn_blocking(move || {
            log.lock().unwrap_or_else(PoisonError::into_inner).give_back(taken);
        });
        // Not given back, it counts for an hour: that errs on the right side.
        let _ = given.await;
    }
}

#[async_trait]
impl Writer for Limited {
    async fn find(&self, search: &Search) -> Result<Found, WriteError> {
        self.inner.find(search).await
    }

    async fn write(&self, errand: &Errand<'_>, change: &Change) -> Result<Option<Known>, WriteError> {
        let damages = damages_of(change, self.clock.now());
        if damages.is_empty() {
            return self.inner.write(errand, change).await;
        }
        let taken = self.count(errand, change, damages).await?;
        let written = match errand.still_fits() {
            Ok(()) => self.inner.write(errand, change).await,
            Err(too_late) => Err(too_late),
        };
        if matches!(written, Err(WriteError::Later { .. })) {
            self.give_back(taken).await;
        }
        written
    }

    async fn set_manager(
        &self,
        errand: &Errand<'_>,
        object: &ObjectId,
        manager: Option<&ObjectId>,
    ) -> Result<(), WriteError> {
        self.inner.set_manager(errand, object, manager).await
    }

    async fn set_member(
        &self,
        errand: &Errand<'_>,
        group: &Group,
        object: &ObjectId,
        is_member: bool,
    ) -> Result<Membership, WriteError> {
        self.inner.set_member(errand, group, object, is_member).await
    }

    async fn missing(&self) -> Result<Vec<Missing>, WriteError> {
        self.inner.missing().await
    }

    fn room(&self) -> Room {
        self.inner.room()
    }

    fn pace(&self) -> Option<Pace> {
        self.inner.pace()
    }

    fn timeout(&self) -> Duration {
        self.inner.timeout()
    }
}
