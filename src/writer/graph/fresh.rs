//! Accounts made a moment ago, which Graph may not find yet: replicas lag (`facts/graph_users.md` §9).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::model::{Anchor, JobId, ObjectId, Timestamp, UniqueName};
use crate::writer::Errand;

/// How long a new account may stay unseen. Two minutes have been observed, five with other kinds of objects.
pub(super) const REPLICATION: Duration = Duration::from_secs(300);

/// How many new accounts are remembered: as many as the write quota allows within [`REPLICATION`] (6,000).
const FRESH_MAX: usize = 6_000;

/// Remembers what was made, or may have been, for as long as it may be invisible: then "not found" is no proof.
pub(super) struct Fresh {
    clock: Arc<dyn Clock>,
    made: Mutex<VecDeque<(Timestamp, ObjectId)>>,
    tried: Mutex<VecDeque<Try>>,
}

/// An account was asked for, for somebody, under a name.
struct Try {
    at: Timestamp,
    job: JobId,
    anchor: Anchor,
    name: String,
}

impl Try {
    fn is_for(&self, errand: &Errand<'_>) -> bool {
        self.job == *errand.job && self.anchor == *errand.anchor
    }
}

impl Fresh {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, made: Mutex::default(), tried: Mutex::default() }
    }

    pub(super) fn remember(&self, object: &ObjectId) {
        let mut made = self.made();
        if made.len() >= FRESH_MAX {
            made.pop_front();
        }
        made.push_back((self.clock.now(), object.clone()));
    }

    pub(super) fn has(&self, object: &ObjectId) -> bool {
        let oldest = self.clock.now().minus(REPLICATION);
        let mut made = self.made();
        while made.front().is_some_and(|(at, _)| *at < oldest) {
            made.pop_front();
        }
        made.iter().any(|(_, held)| held == object)
    }

    /// Taken away again: from now on "not found" means gone.
    pub(super) fn forget(&self, object: &ObjectId) {
        self.made().retain(|(_, held)| held != object);
    }

    /// An account is about to be asked for under that name.
    pub(super) fn try_begins(&self, errand: &Errand<'_>, name: &str) {
        let mut tried = self.tried();
        if tried.len() >= FRESH_MAX {
            tried.pop_front();
        }
        let (job, anchor) = (errand.job.clone(), errand.anchor.clone());
        tried.push_back(Try { at: self.clock.now(), job, anchor, name: UniqueName::folded(name) });
    }

    /// The try that began last surely made nothing. Of those before it that is not said: that the name is taken may be
    /// their doing.
    pub(super) fn try_failed(&self, errand: &Errand<'_>, name: &str) {
        let name = UniqueName::folded(name);
        let mut tried = self.tried();
        if let Some(last) = tried.iter().rposition(|held| held.is_for(errand) && held.name == name) {
            tried.remove(last);
        }
    }

    /// How long an account may still stay unseen that an earlier try may have made for the same person under another
    /// name. Under the same name Graph itself sees to it that there is one only.
    pub(super) fn unseen_for(&self, errand: &Errand<'_>, name: &str) -> Option<Duration> {
        let (now, name) = (self.clock.now(), UniqueName::folded(name));
        let mut tried = self.tried();
        while tried.front().is_some_and(|held| held.at < now.minus(REPLICATION)) {
            tried.pop_front();
        }
        let last = tried.iter().rev().find(|held| held.is_for(errand) && held.name != name)?;
        Some(last.at.plus(REPLICATION).since(now))
    }

    fn made(&self) -> MutexGuard<'_, VecDeque<(Timestamp, ObjectId)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tried(&self) -> MutexGuard<'_, VecDeque<Try>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
