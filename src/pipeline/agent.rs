//! The agent's loop: lease, carry, settle, until told to stop.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};

use crate::clock::Clock;
use crate::model::{Carried, Reason, Settlement, Situation, TargetId, WorkItem};
use crate::queue::remote::{QueueError, RemoteQueue};
use crate::writer::Writer;

use super::backoff::backoff;
use super::carry::carry;

#[cfg(test)]
mod tests;

/// How often a settlement is sent before it is left to the lease to end. About half a minute with the pauses between;
/// the server then leases the work again, and looks first.
const SETTLE_TRIES_MAX: u32 = 6;
/// How often a question is asked in vain before an agent that runs once leaves. About a minute.
const ONCE_TRIES_MAX: u32 = 7;

/// The pause after an answer without work: a server that does not keep questions open is not asked without end.
const IDLE_PAUSE: Duration = Duration::from_millis(200);

/// How an agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// How many work items it carries at once; it leases no more than it can begin with.
    pub concurrency_max: u32,
    /// How long a question for work is kept open while nothing is due.
    pub wait: Duration,
    /// Leave when nothing is due, in place of waiting for more.
    pub once: bool,
}

/// What an agent did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Work items whose settlement the server took.
    pub settled: u64,
    /// Work items whose settlement could not be reported; the server leases them again.
    pub unreported: u64,
}

/// One agent: the queue it asks, and the writers it has.
pub struct Agent {
    /// Where work comes from.
    pub queue: RemoteQueue,
    /// One writer for each target it serves.
    pub writers: BTreeMap<TargetId, Arc<dyn Writer>>,
    /// Its own clock.
    pub clock: Arc<dyn Clock>,
    /// How it works.
    pub settings: AgentSettings,
}

impl Agent {
    /// Works until `shutdown` resolves, or, where it runs once, until nothing is due. What has been leased by then is
    /// carried to its end.
    ///
    /// # Errors
    /// [`QueueError`] when the server refuses to give work, or, where it runs once, cannot be reached for too long.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()>) -> Result<Tally, QueueError> {
        let mut shutdown = pin!(shutdown);
        let mut hands = Hands::default();
        let mut ended = Ok(());
        let mut in_vain = 0;
        loop {
            let asked = tokio::select! {
                biased;
                () = &mut shutdown => break,
                asked = self.ask(&mut hands) => asked,
            };
            let pause = match asked {
                Ok(items) if items.is_empty() && self.settings.once && hands.are_empty() => break,
                Ok(items) => {
                    in_vain = 0;
                    let pause = if items.is_empty() { IDLE_PAUSE } else { Duration::ZERO };
                    hands.begin(&self, items);
                    pause
                }
                Err(QueueError::Later { after, cause }) if !(self.settings.once && in_vain >= ONCE_TRIES_MAX) => {
                    tracing::warn!(cause = %chain(&*cause), "the server cannot answer now");
                    let pause = after.unwrap_or_default().max(backoff(in_vain, "lease"));
                    in_vain = in_vain.saturating_add(1);
                    pause
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            if stopped_within(pause, &mut shutdown).await {
                break;
            }
        }
        hands.finish().await;
        ended.map(|()| hands.tally)
    }

    /// Waits for a free hand, then asks for as much as there are free hands.
    async fn ask(&self, hands: &mut Hands) -> Result<Vec<WorkItem>, QueueError> {
        let most = self.settings.concurrency_max.max(1);
        hands.take_stock();
        // With nothing due, the work in hand may make more work: one that runs once waits for it first.
        let wait_for_all = self.settings.once && hands.were_idle;
        while hands.busy() >= most || (wait_for_all && !hands.are_empty()) {
            hands.wait_for_one().await;
        }
        let wait = if self.settings.once { Duration::ZERO } else { self.settings.wait };
        let targets: Vec<TargetId> = self.writers.keys().cloned().collect();
        let items = self.queue.lease(&targets, most - hands.busy(), wait).await?;
        hands.were_idle = items.is_empty();
        Ok(items)
    }

    async fn carry_and_settle(&self, item: WorkItem) -> bool {
        let carried = match self.writers.get(&item.target) {
            Some(writer) => carry(&**writer, &item, &*self.clock).await,
            None => no_writer(&item),
        };
        self.settle(&item, &carried).await
    }

    /// Whether the server took the settlement.
    async fn settle(&self, item: &WorkItem, carried: &Carried) -> bool {
        for attempt in 0..SETTLE_TRIES_MAX {
            let (after, cause) = match self.queue.settle(&item.lease, carried).await {
                Ok(()) => return true,
                Err(QueueError::Refused { cause, .. }) => {
                    tracing::warn!(target_id = %item.target, anchor = %item.anchor, cause = %chain(&*cause),
                        "the server refused a settlement");
                    return false;
                }
                Err(QueueError::Later { after, cause }) => (after, cause),
            };
            tracing::warn!(target_id = %item.target, anchor = %item.anchor, attempt, cause = %chain(&*cause),
                "a settlement could not be reported");
            if attempt + 1 < SETTLE_TRIES_MAX {
                tokio::time::sleep(after.unwrap_or_default().max(backoff(attempt, item.anchor.as_str()))).await;
            }
        }
        false
    }
}

/// The work in hand.
#[derive(Default)]
struct Hands {
    tasks: JoinSet<bool>,
    tally: Tally,
    /// The last question brought no work.
    were_idle: bool,
}

impl Hands {
    fn begin(&mut self, agent: &Arc<Agent>, items: Vec<WorkItem>) {
        for item in items {
            let agent = Arc::clone(agent);
            self.tasks.spawn(async move { agent.carry_and_settle(item).await });
        }
    }

    fn busy(&self) -> u32 {
        u32::try_from(self.tasks.len()).unwrap_or(u32::MAX)
    }

    fn are_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    async fn wait_for_one(&mut self) {
        if let Some(ended) = self.tasks.join_next().await {
            self.count(ended);
        }
    }

    /// Frees the hands whose work has ended meanwhile.
    fn take_stock(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            self.count(ended);
        }
    }

    fn count(&mut self, ended: Result<bool, JoinError>) {
        match ended {
            Ok(true) => self.tally.settled += 1,
            Ok(false) => self.tally.unreported += 1,
            Err(error) => {
                tracing::error!(cause = %error, "a piece of work broke off");
                self.tally.unreported += 1;
            }
        }
    }

    async fn finish(&mut self) {
        while !self.tasks.is_empty() {
            self.wait_for_one().await;
        }
    }
}

fn no_writer(item: &WorkItem) -> Carried {
    let why = Reason::new("no_writer", format!("this agent was not set up to write to {}", item.target));
    Carried { situation: Situation::Absent, change: None, settlement: Settlement::Failed(why) }
}

/// Waits for `pause`; whether it was told to stop meanwhile.
async fn stopped_within(pause: Duration, shutdown: &mut Pin<&mut impl Future<Output = ()>>) -> bool {
    tokio::select! {
        biased;
        () = shutdown => true,
        () = tokio::time::sleep(pause) => false,
    }
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        next = cause.source();
    }
    line
}
