//! *Schedule*: what runs while muster serves: deciding what was accepted; and who wakes whom, and stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::process::{process_waiting, redecide};
use crate::clock::Clock;
use crate::decide;
use crate::store::{JobState, Store, StoreError, Tally};

/// The longest anybody sleeps before looking whether something is due: also how soon a change made by another
/// process (`muster release`) is seen.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long to wait before trying again after the store refused.
pub(super) const STORE_RETRY: Duration = Duration::from_secs(2);
/// People decided again in one transaction, after the job file has changed.
const REDECIDE_BATCH: usize = 1_000;

/// Wakes whoever waits for something new: an upload to be decided, or work to be carried.
#[derive(Debug, Clone)]
pub struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    /// Something is new.
    pub fn ring(&self) {
        self.0.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    /// An ear that hears what is rung from now on.
    pub fn listen(&self) -> Ear {
        Ear(self.0.subscribe())
    }
}

/// Hears a [`Bell`].
#[derive(Debug)]
pub struct Ear(watch::Receiver<u64>);

impl Ear {
    /// Waits until the bell rings, or `longest` has passed.
    pub async fn wait(&mut self, longest: Duration) {
        let _ = tokio::time::timeout(longest, self.0.changed()).await;
    }

    /// Waits until the bell rings; for ever, where nobody is left who could ring it.
    pub async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Tells all loops to come to an end after what they are doing.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A switch, and what it switches.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (switch, seen) = watch::channel(false);
        (switch, Self(seen))
    }

    /// Whether it has been asked for.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked for.
    pub async fn asked(&mut self) {
        // A switch that is gone will never be used: that is an end, too.
        let _ = self.0.wait_for(|asked| *asked).await;
    }
}

/// What a job needs to be decided.
#[derive(Clone)]
pub struct Decider {
    /// Where uploads wait and decisions go.
    pub store: Arc<Store>,
    /// The job.
    pub job: Arc<decide::Job>,
    /// The job in the store.
    pub state: Arc<JobState>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Rung when there is work to carry.
    pub work: Bell,
}

impl Decider {
    /// Decides the uploads that wait, and a batch of people whose job file has changed, until `stop` says so. `false`
    /// when nothing waited.
    ///
    /// # Errors
    /// [`StoreError`] when the store refuses.
    pub fn decide_waiting(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, StoreError> {
        let again = redecide(&self.store, &self.job, &self.state, self.clock.now(), REDECIDE_BATCH)?;
        let did = again > 0 || process_waiting(&self.store, &self.job, &self.state, stop)? != Tally::default();
        if did {
            self.work.ring();
        }
        Ok(did)
    }

    /// Decides whatever is accepted, until asked to stop.
    pub async fn run(self, mut accepted: Ear, mut shutdown: Shutdown) {
        while !shutdown.is_asked() {
            let (this, until) = (self.clone(), shutdown.clone());
            let did = tokio::task::spawn_blocking(move || this.decide_waiting(&|| until.is_asked())).await;
            let pause = match did {
                Ok(Ok(true)) => continue,
                Ok(Ok(false)) => LOOK_EVERY,
                Ok(Err(error)) => {
                    tracing::error!(job_id = %self.state.id, error = chain(&error), "deciding stopped; trying again");
                    STORE_RETRY
                }
                Err(error) => {
                    tracing::error!(job_id = %self.state.id, %error, "deciding broke off; trying again");
                    STORE_RETRY
                }
            };
            tokio::select! {
                () = accepted.wait(pause) => {}
                () = shutdown.asked() => {}
            }
        }
    }
}

/// An error with its causes, for a log.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
