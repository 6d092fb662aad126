//! The agent's loop: lease, carry, settle, until told to stop.
//!
//! Each target is served by itself, so that one that does not answer keeps no other waiting; what was carried is
//! reported together.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::model::{Carried, Reason, Settlement, Situation, TargetId, WorkItem};
use crate::queue::Queue;
use crate::queue::remote::{LEASE_ITEMS_MAX, QueueError};
use crate::writer::{Room, Writer};

use super::backoff::backoff;
use super::carry::carry;
use super::schedule::{Shutdown, chain};
use hands::Hands;
use report::{Reporter, report_all};

mod hands;
mod names;
mod report;
#[cfg(test)]
mod tests;

/// How often a question is asked in vain before an agent that runs once leaves. About a minute.
const ONCE_TRIES_MAX: u32 = 7;
/// The pause after an answer without work: a server that does not keep questions open is not asked without end.
const IDLE_PAUSE: Duration = Duration::from_millis(200);
/// Work items held for each that can be carried at once: enough that none waits for the server while some are carried,
/// and few enough that other agents find work too.
const HELD_PER_HAND: u32 = 8;
/// The pause after the server gave no token. Until somebody has corrected something, every further try is one more wrong
/// secret in its log; and a server that has lost its clients for a moment is found again soon enough.
const NOT_LET_IN_PAUSE: Duration = Duration::from_secs(60);
/// How long an agent that was told to stop waits for its last question to end. A claim is answered within milliseconds;
/// where the server does not answer, whoever stops the agent has waited long enough.
const LAST_QUESTION_MAX: Duration = Duration::from_secs(5);
/// The longest pause where a target asks for patience, before it is looked at again.
const CLOSED_PAUSE_MAX: Duration = Duration::from_secs(5);

/// The agent was told to stop before this was begun: somebody else may carry it at once.
const GIVEN_BACK: &str = "given_back";

/// How an agent works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSettings {
    /// How long a question for work is kept open while nothing is due.
    pub wait: Duration,
    /// Leave when nothing is due, in place of waiting for more.
    pub once: bool,
}

/// What an agent did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Work items whose settlement the server took, by how they ended ([`Settlement::word`]).
    pub settled: BTreeMap<&'static str, u64>,
    /// Work items whose settlement could not be reported; the server leases them again.
    pub unreported: u64,
}

impl Tally {
    /// All work items whose settlement the server took.
    pub fn settled_in_all(&self) -> u64 {
        self.settled.values().sum()
    }

    fn add(&mut self, other: Self) {
        for (word, count) in other.settled {
            *self.settled.entry(word).or_default() += count;
        }
        self.unreported += other.unreported;
    }
}

/// Who carries work to a target.
#[derive(Clone)]
pub struct Carrier {
    /// The hands.
    pub writer: Arc<dyn Writer>,
    /// How many work items it carries at once: at least as many as the writer has connections.
    pub concurrency_max: u32,
}

/// One agent: the queue it asks, and the targets it writes to.
pub struct Agent {
    /// Where work comes from.
    pub queue: Arc<dyn Queue>,
    /// One for each target it serves.
    pub carriers: BTreeMap<TargetId, Carrier>,
    /// By which leases are counted. It must not go slower than the time does, or a lease would be believed too long.
    pub clock: Arc<dyn Clock>,
    /// How it works.
    pub settings: AgentSettings,
}

impl Agent {
    /// Works until `shutdown` resolves, or, where it runs once, until nothing is due. What has been begun by then is
    /// carried to its end; what has only been leased is given back.
    ///
    /// A target that the server refuses to give work of is left, and said so; the others are served on.
    ///
    /// # Errors
    /// [`QueueError`] of the first target for which the server refuses to give work, or, where it runs once, cannot be
    /// reached for too long or gives no token; once none is left.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()>) -> Result<Tally, QueueError> {
        let (switch, stop) = Shutdown::new();
        let (reporter, reports) = Reporter::new();
        let reporting = tokio::spawn(report_all(Arc::clone(&self.queue), reports));
        let mut serving = JoinSet::new();
        for (target, carrier) in &self.carriers {
            let desk = Desk {
                agent: Arc::clone(&self),
                target: target.clone(),
                carrier: carrier.clone(),
                reporter: reporter.clone(),
                stop: stop.clone(),
            };
            serving.spawn(desk.serve());
        }
        drop(reporter);
        let ended = until_all_ended(serving, &switch, &*self.queue, shutdown).await;
        let _ = reporting.await;
        ended
    }
}

/// Waits for all targets; tells them to stop when `shutdown` resolves.
async fn until_all_ended(
    mut serving: JoinSet<(Tally, Result<(), QueueError>)>,
    switch: &watch::Sender<bool>,
    queue: &dyn Queue,
    shutdown: impl Future<Output = ()>,
) -> Result<Tally, QueueError> {
    let mut shutdown = std::pin::pin!(shutdown);
    let mut is_told = false;
    let mut all = Tally::default();
    let mut first_error = None;
    loop {
        let ended = tokio::select! {
            biased;
            () = &mut shutdown, if !is_told => {
                is_told = true;
                queue.stop();
                switch.send_replace(true);
                continue;
            }
            ended = serving.join_next() => ended,
        };
        match ended {
            Some(Ok((tally, ended))) => {
                all.add(tally);
                first_error = first_error.or(ended.err());
            }
            Some(Err(error)) => tracing::error!(cause = %error, "serving a target broke off"),
            None => return first_error.map_or(Ok(all), Err),
        }
    }
}

/// Where one target is served.
struct Desk {
    agent: Arc<Agent>,
    target: TargetId,
    carrier: Carrier,
    reporter: Reporter,
    stop: Shutdown,
}

impl Desk {
    async fn serve(self) -> (Tally, Result<(), QueueError>) {
        let desk = Arc::new(self);
        let mut hands = Hands::new(desk.carrier.concurrency_max);
        let looking = tokio::spawn(names::tell_of_missing(Arc::clone(&desk)));
        let ended = desk.serve_with(&mut hands).await;
        if let Err(error) = &ended {
            tracing::error!(target_id = %desk.target, cause = %chain(error), "this target is served no longer");
        }
        let tally = hands.finish().await;
        if !desk.agent.settings.once {
            looking.abort();
        }
        let _ = looking.await;
        (tally, ended)
    }

    async fn serve_with(self: &Arc<Self>, hands: &mut Hands) -> Result<(), QueueError> {
        let once = self.agent.settings.once;
        let mut stop = self.stop.clone();
        let mut in_vain = 0;
        while !stop.is_asked() {
            let max = tokio::select! {
                biased;
                () = stop.asked() => break,
                max = self.room_for_more(hands) => max,
            };
            let asked = self.ask(max).await;
            hands.were_idle = asked.as_ref().map_or(hands.were_idle, Vec::is_empty);
            let pause = match asked {
                Ok(items) if items.is_empty() && once && hands.are_empty() => break,
                Ok(items) => {
                    in_vain = 0;
                    let pause = if items.is_empty() { IDLE_PAUSE } else { Duration::ZERO };
                    hands.begin(self, items);
                    pause
                }
                Err(error) => {
                    let pause = self.pause_after(error, in_vain)?;
                    in_vain = in_vain.saturating_add(1);
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.asked() => {}
            }
        }
        if stop.is_asked() {
            // What the queue has claimed and nobody asked for yet. Where it cannot say, the leases end.
            hands.begin(self, self.ask(1).await.unwrap_or_default());
        }
        Ok(())
    }

    /// How long to wait after a question in vain.
    ///
    /// # Errors
    /// The same, where it is not to be asked again.
    fn pause_after(&self, error: QueueError, in_vain: u32) -> Result<Duration, QueueError> {
        let once = self.agent.settings.once;
        match error {
            QueueError::Later { after, cause } if !(once && in_vain >= ONCE_TRIES_MAX) => {
                tracing::warn!(target_id = %self.target, cause = %chain(&*cause), "the server cannot answer now");
                Ok(after.unwrap_or_default().max(backoff(in_vain, "lease")))
            }
            QueueError::NotLetIn { cause } if !once => {
                tracing::error!(target_id = %self.target, cause = %chain(&*cause), again_seconds = NOT_LET_IN_PAUSE.as_secs(),
                    "the server does not let the agent in: correct `client_id` and `client_secret` and start it again, \
                     or add a client with `muster client add`; until then it asks slowly");
                Ok(NOT_LET_IN_PAUSE)
            }
            error => Err(error),
        }
    }

    /// Waits until half of what may be held is free; gives as much as is free and the target has room for.
    async fn room_for_more(&self, hands: &mut Hands) -> u32 {
        let most = (self.carrier.concurrency_max.max(1) * HELD_PER_HAND).min(LEASE_ITEMS_MAX);
        hands.take_stock();
        // With nothing due, the work in hand may make more work: one that runs once waits for it first.
        let wait_for_all = self.agent.settings.once && hands.were_idle;
        while hands.held() > most / 2 || (wait_for_all && !hands.are_empty()) {
            hands.wait_for_one().await;
        }
        let room = self.wait_for_room().await;
        u32::try_from(room.min((most - hands.held()) as usize)).unwrap_or(LEASE_ITEMS_MAX)
    }

    /// Asks for work. Told to stop it still waits a little for what the queue may have claimed: that is given back, and
    /// whom it is about waits for no lease to end.
    async fn ask(&self, max: u32) -> Result<Vec<WorkItem>, QueueError> {
        let wait = if self.agent.settings.once { Duration::ZERO } else { self.agent.settings.wait };
        let mut stop = self.stop.clone();
        let too_late = async {
            stop.asked().await;
            tokio::time::sleep(LAST_QUESTION_MAX).await;
        };
        tokio::select! {
            biased;
            asked = self.agent.queue.lease(std::slice::from_ref(&self.target), max, wait) => asked,
            () = too_late => Ok(Vec::new()),
        }
    }

    /// How much more the target takes now: at least one piece of work.
    async fn wait_for_room(&self) -> usize {
        loop {
            match self.carrier.writer.room() {
                Room::Open(0) => tokio::time::sleep(IDLE_PAUSE).await,
                Room::Open(count) => return count,
                Room::ClosedFor(pause) => tokio::time::sleep(pause.clamp(IDLE_PAUSE, CLOSED_PAUSE_MAX)).await,
            }
        }
    }

    /// Carries a work item once a hand is free; gives it back where the agent was told to stop before that.
    async fn carry(&self, item: &WorkItem, hand: &tokio::sync::Semaphore) -> Carried {
        if item.target != self.target {
            let why = Reason::new("no_writer", format!("this agent was not asked to write to {}", item.target));
            return Carried { situation: Situation::Absent, change: None, settlement: Settlement::Failed(why) };
        }
        let mut stop = self.stop.clone();
        let free = tokio::select! {
            biased;
            () = stop.asked() => None,
            free = hand.acquire() => free.ok(),
        };
        match free {
            Some(_free) => carry(&*self.carrier.writer, item, &*self.agent.clock).await,
            None => given_back(item, &*self.agent.clock),
        }
    }
}

fn given_back(item: &WorkItem, clock: &dyn Clock) -> Carried {
    let situation = if item.known.is_some() { Situation::Confirmed } else { Situation::Absent };
    let why = Reason::new(GIVEN_BACK, "the agent that had it was stopped before it began");
    let settlement = Settlement::Again { due: clock.now(), look: item.look, why };
    Carried { situation, change: None, settlement }
}
