//! What was done within the last hour.

use crate::model::{Damage, Timestamp};

use super::{HOUR, HourLimits};

/// One account that was damaged, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    /// When, by the agent's patient clock.
    pub(super) at: Timestamp,
    /// How.
    pub(super) damage: Damage,
    /// Which account.
    pub(super) object: String,
}

/// The accounts of the last hour.
#[derive(Debug, Default)]
pub(super) struct Count(Vec<Counted>);

impl Count {
    /// One more.
    pub(super) fn add(&mut self, counted: Counted) {
        self.0.push(counted);
    }

    /// The newest such is none after all.
    pub(super) fn take_out(&mut self, damage: Damage, object: &str) {
        let newest = self.0.iter().rposition(|counted| counted.damage == damage && counted.object == object);
        if let Some(newest) = newest {
            self.0.remove(newest);
        }
    }

    /// Forgets what is older than an hour.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        self.0.retain(|counted| now.since(counted.at) < HOUR);
    }

    /// Whether the account counts so already: an account counts once within the hour, however often it is tried.
    pub(super) fn has(&self, damage: Damage, object: &str) -> bool {
        self.0.iter().any(|counted| counted.damage == damage && counted.object == object)
    }

    /// How many there are of a damage.
    pub(super) fn of(&self, damage: Damage) -> u32 {
        let count = self.0.iter().filter(|counted| counted.damage == damage).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// When there is room for one more of a damage; `None` where there never is, or already.
    pub(super) fn room_at(&self, damage: Damage, limits: &HourLimits) -> Option<Timestamp> {
        let mut times: Vec<Timestamp> =
            self.0.iter().filter(|counted| counted.damage == damage).map(|counted| counted.at).collect();
        times.sort_unstable();
        let limit = limits.of(damage) as usize;
        let goes_first = times.len().checked_sub(limit)?;
        times.get(goes_first).map(|at| at.plus(HOUR))
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Counted> {
        self.0.iter()
    }
}
