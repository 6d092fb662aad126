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
    /// Another write went ahead because the account counted already; so it counts, whatever became of the first.
    pub(super) is_relied_on: bool,
}

impl Counted {
    /// An account that counts from now on.
    pub(super) fn new(at: Timestamp, damage: Damage, object: &str) -> Self {
        Self { at, damage, object: object.to_owned(), is_relied_on: false }
    }
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
        if let Some(newest) = self.newest(damage, object) {
            self.0.remove(newest);
        }
    }

    /// Whether the newest such may be taken out: no other write has gone ahead on the strength of it.
    pub(super) fn may_be_taken_out(&self, damage: Damage, object: &str) -> bool {
        self.newest(damage, object).is_some_and(|newest| !self.0[newest].is_relied_on)
    }

    fn newest(&self, damage: Damage, object: &str) -> Option<usize> {
        self.0.iter().rposition(|counted| counted.damage == damage && counted.object == object)
    }

    /// Forgets what is older than an hour.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        self.0.retain(|counted| now.since(counted.at) < HOUR);
    }

    /// Whether the account counts so already, and is relied on to: an account counts once within the hour, however often
    /// it is tried.
    pub(super) fn rely_on(&mut self, damage: Damage, object: &str) -> bool {
        let newest = self.newest(damage, object);
        newest.map(|newest| self.0[newest].is_relied_on = true).is_some()
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
