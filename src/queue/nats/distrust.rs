//! Messages that no work is made of: counted, and told of once in a while.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::TargetId;
use crate::queue::envelope::EnvelopeError;

/// How often it is said that messages are not believed; they are counted meanwhile.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Why a message is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Distrusted {
    #[error(transparent)]
    Envelope(EnvelopeError),
    #[error("it is of another target than its subject says")]
    Target,
}

/// Counts messages that are not believed, and says so once in a while.
#[derive(Default)]
pub(super) struct Distrust {
    count: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Distrust {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn tell(&self, target: &TargetId, why: &Distrusted) {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(target_id = %target, count, %why,
                "a message from NATS was thrown away; who may publish there, or was the server's key changed?");
        }
    }
}
