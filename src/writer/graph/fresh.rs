//! Accounts made a moment ago, which Graph may not find yet: replicas lag (`facts/graph_users.md` §9).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::model::{ObjectId, Timestamp};

/// How long a new account may stay unseen. Two minutes have been observed, five with other kinds of objects.
pub(super) const REPLICATION: Duration = Duration::from_secs(300);

/// How many new accounts are remembered: as many as the write quota allows within [`REPLICATION`] (6,000).
const FRESH_MAX: usize = 6_000;

/// Remembers new accounts while they may be invisible, so that "not found" is not taken for "gone".
pub(super) struct Fresh {
    clock: Arc<dyn Clock>,
    made: Mutex<VecDeque<(Timestamp, ObjectId)>>,
}

impl Fresh {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, made: Mutex::new(VecDeque::new()) }
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

    fn made(&self) -> MutexGuard<'_, VecDeque<(Timestamp, ObjectId)>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
