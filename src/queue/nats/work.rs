//! The agent's side: pulls messages, believes only what its server signed, claims from the server, and acknowledges.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::{AckKind, Context, ContextBuilder, Message};
use async_trait::async_trait;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connect::connect;
use super::distrust::{Distrust, Distrusted};
use super::messages::{acknowledge, fetch_from, ring};
use super::{ANSWER_MAX, Class, NatsSettings, consumer};
use crate::chance;
use crate::clock::Clock;
use crate::model::{Carried, LeaseId, TargetId, WorkItem};
use crate::queue::Queue;
use crate::queue::envelope::PinnedKeys;
use crate::queue::remote::{LEASE_ITEMS_MAX, QueueError, RemoteQueue};
use crate::queue::wire::{OfferClaimWire, SettledWire, WorkItemWire};

/// How often it is looked what is there although a pull waits: one that was lost with its connection waits for nothing.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often a claim is sent before the messages are given back. Half a minute with the pauses between.
const CLAIM_TRIES_MAX: u32 = 6;
/// After that, the messages come again, to whichever agent. With the half minute before, a message that lives five minutes
/// is not brought so often that it is taken for a dead letter.
const COME_AGAIN_AFTER: Duration = Duration::from_secs(60);
/// While NATS does not answer, the server itself is asked, and NATS again after this.
const WITHOUT_NATS: Duration = Duration::from_secs(5);
/// How often it is looked whether the first connection is there.
const CONNECTION_LOOK_EVERY: Duration = Duration::from_millis(20);

pub(super) type Pull = Consumer<pull::Config>;

/// A queue whose work comes through NATS.
pub struct NatsQueue {
    remote: RemoteQueue,
    settings: NatsSettings,
    keys: PinnedKeys,
    clock: Arc<dyn Clock>,
    context: OnceCell<Context>,
    desks: Mutex<BTreeMap<TargetId, Arc<Mutex<Desk>>>>,
    distrust: Arc<Distrust>,
}

impl NatsQueue {
    /// The queue of a server, brought through NATS; `remote` is the server itself, `keys` are the server's.
    pub fn new(remote: RemoteQueue, settings: NatsSettings, keys: PinnedKeys, clock: Arc<dyn Clock>) -> Self {
        Self {
            remote,
            settings,
            keys,
            clock,
            context: OnceCell::new(),
            desks: Mutex::default(),
            distrust: Arc::default(),
        }
    }

    /// Connects when it is first needed, in the background.
    async fn context(&self) -> Result<&Context, QueueError> {
        let connecting = || async {
            let client = connect(&self.settings, "muster agent").await?;
            Ok(ContextBuilder::new().timeout(ANSWER_MAX).build(client))
        };
        let wrong = |error: super::ConnectError| QueueError::Refused { status: None, cause: error.into() };
        self.context.get_or_try_init(connecting).await.map_err(wrong)
    }

    async fn desk(&self, target: &TargetId) -> Result<Arc<Mutex<Desk>>, QueueError> {
        let context = self.context().await?;
        let mut desks = self.desks.lock().await;
        let desk = desks.entry(target.clone()).or_insert_with(|| {
            Arc::new(Mutex::new(Desk {
                target: target.clone(),
                stream: self.settings.stream.clone(),
                context: context.clone(),
                remote: self.remote.clone(),
                keys: self.keys.clone(),
                clock: Arc::clone(&self.clock),
                distrust: Arc::clone(&self.distrust),
                consumers: None,
                bells: JoinSet::new(),
                is_waiting: [false; 2],
                rung: Vec::new(),
                claimed: Vec::new(),
            }))
        });
        Ok(Arc::clone(desk))
    }

    /// How many messages were not believed.
    pub fn distrusted(&self) -> u64 {
        self.distrust.count()
    }
}

#[async_trait]
impl Queue for NatsQueue {
    async fn lease(&self, targets: &[TargetId], max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        let each = wait / u32::try_from(targets.len()).unwrap_or(u32::MAX).max(1);
        for target in targets {
            let desk = self.desk(target).await?;
            // Whoever stops waiting half-way breaks off no claim.
            let asking =
                tokio::spawn(async move { desk.lock().await.bring(max.clamp(1, LEASE_ITEMS_MAX), each).await });
            let items = asking.await.map_err(|error| QueueError::Later { after: None, cause: error.into() })??;
            if !items.is_empty() {
                return Ok(items);
            }
        }
        Ok(Vec::new())
    }

    fn stop(&self) {
        self.remote.stop();
    }

    async fn settle(&self, carried: &[(LeaseId, Carried)]) -> Result<Vec<SettledWire>, QueueError> {
        self.remote.settle(carried).await
    }
}

/// Where one target's messages are pulled.
struct Desk {
    target: TargetId,
    stream: String,
    context: Context,
    remote: RemoteQueue,
    keys: PinnedKeys,
    clock: Arc<dyn Clock>,
    distrust: Arc<Distrust>,
    consumers: Option<[Pull; 2]>,
    /// Pulls that wait for a single message, one of each class.
    bells: JoinSet<(usize, Vec<Message>)>,
    /// Of which class one waits.
    is_waiting: [bool; 2],
    /// Messages that came when nobody waited.
    rung: Vec<Message>,
    /// Claimed, and not yet given to the agent.
    claimed: Vec<WorkItem>,
}

impl Desk {
    async fn bring(&mut self, max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        let until = Instant::now() + wait;
        if self.claimed.is_empty() && !self.remote.is_stopped() {
            match self.pull(max as usize, until).await {
                Ok(()) if self.claimed.is_empty() && !self.remote.is_stopped() => {
                    // Nothing here for a while: the server is asked itself. It sees the agent, and whatever NATS lost.
                    return self.remote.lease(std::slice::from_ref(&self.target), max, Duration::ZERO).await;
                }
                Ok(()) => {}
                Err(PullError::Nats(cause)) => {
                    tracing::debug!(target_id = %self.target, %cause, "NATS does not answer; the server is asked itself");
                    self.consumers = None;
                    let wait = wait.min(WITHOUT_NATS);
                    return self.remote.lease(std::slice::from_ref(&self.target), max, wait).await;
                }
                Err(PullError::Server(error)) => return Err(error),
            }
        }
        if self.remote.is_stopped() {
            self.leave().await;
            return Ok(std::mem::take(&mut self.claimed));
        }
        let most = self.claimed.len().min(max as usize);
        Ok(self.claimed.drain(..most).collect())
    }

    /// Messages that nobody here claims any more are another's at once. Where that is not heard, they come again when
    /// their time is over.
    async fn leave(&mut self) {
        while let Some(Ok((_, messages))) = self.bells.try_join_next() {
            self.rung.extend(messages);
        }
        self.bells.abort_all();
        for message in std::mem::take(&mut self.rung) {
            let _ = message.ack_with(AckKind::Nak(None)).await;
        }
    }

    /// Pulls until something is claimed, or the time is up.
    async fn pull(&mut self, max: usize, until: Instant) -> Result<(), PullError> {
        self.wait_for_connection().await?;
        loop {
            let messages = self.fetch(max).await?;
            if self.remote.is_stopped() {
                self.rung = messages;
                return Ok(());
            }
            let is_empty = messages.is_empty();
            self.claim(messages).await.map_err(PullError::Server)?;
            if !self.claimed.is_empty() || Instant::now() >= until {
                return Ok(());
            }
            if is_empty && !self.wait_for_bell(until).await? {
                return Ok(());
            }
        }
    }

    /// The first connection is waited for; one that is lost is not.
    async fn wait_for_connection(&self) -> Result<(), PullError> {
        let (client, began) = (self.context.client(), Instant::now());
        while client.connection_state() == State::Pending && began.elapsed() < WITHOUT_NATS {
            tokio::time::sleep(CONNECTION_LOOK_EVERY).await;
        }
        let is_there = client.connection_state() == State::Connected;
        if is_there { Ok(()) } else { Err(PullError::Nats("there is no connection".into())) }
    }

    /// What is there now: leavers first, then what came when nobody waited, then the others.
    async fn fetch(&mut self, max: usize) -> Result<Vec<Message>, PullError> {
        while let Some(Ok((place, messages))) = self.bells.try_join_next() {
            self.is_waiting[place] = false;
            self.rung.extend(messages);
        }
        let consumers = self.consumers().await?.clone();
        let mut messages = Vec::new();
        for consumer in consumers {
            let left = max.saturating_sub(messages.len());
            let fetched = if left == 0 { Ok(()) } else { fetch_from(&consumer, left, &mut messages).await };
            messages.append(&mut self.rung);
            if let Err(error) = fetched {
                // What came is kept; what did not comes again.
                self.rung = messages;
                return Err(PullError::Nats(error));
            }
        }
        Ok(messages)
    }

    async fn consumers(&mut self) -> Result<&[Pull; 2], PullError> {
        if self.consumers.is_none() {
            let get = async |class| {
                let name = consumer(&self.target, class);
                let got = self.context.get_consumer_from_stream::<pull::Config, _, _>(name, &self.stream).await;
                got.map_err(|error| PullError::Nats(error.into()))
            };
            self.consumers = Some([get(Class::ALL[0]).await?, get(Class::ALL[1]).await?]);
        }
        self.consumers.as_ref().ok_or_else(|| PullError::Nats("there is no consumer".into()))
    }

    /// Waits until a message comes, or it is time to look; `false` when the time is up. Pulls that wait are never given
    /// up: a message that is on its way to nobody would count as brought.
    async fn wait_for_bell(&mut self, until: Instant) -> Result<bool, PullError> {
        for (place, consumer) in self.consumers().await?.clone().into_iter().enumerate() {
            if !self.is_waiting[place] {
                self.is_waiting[place] = true;
                self.bells.spawn(async move { (place, ring(&consumer).await) });
            }
        }
        let look = until.min(Instant::now() + LOOK_EVERY);
        tokio::select! {
            biased;
            Some(Ok((place, messages))) = self.bells.join_next() => {
                self.is_waiting[place] = false;
                self.rung.extend(messages);
            }
            () = self.remote.stopped() => {}
            () = sleep_until(look) => {}
        }
        if self.context.client().connection_state() != State::Connected {
            return Err(PullError::Nats("the connection was lost".into()));
        }
        Ok(!self.rung.is_empty() || self.remote.is_stopped() || Instant::now() < until)
    }

    /// Claims what is believed; what is not is thrown away.
    async fn claim(&mut self, messages: Vec<Message>) -> Result<(), QueueError> {
        let mut believed = Vec::with_capacity(messages.len());
        for message in messages {
            match self.believe(&message) {
                Ok(item) => believed.push((message, item)),
                Err(why) => {
                    self.distrust.tell(&self.target, &why);
                    let _ = message.ack_with(AckKind::Term).await;
                }
            }
        }
        while !believed.is_empty() {
            let rest = believed.split_off(believed.len().min(LEASE_ITEMS_MAX as usize));
            let some = std::mem::replace(&mut believed, rest);
            if let Err(error) = self.claim_some(some).await {
                for (message, _) in believed {
                    let _ = message.ack_with(AckKind::Nak(Some(COME_AGAIN_AFTER))).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Size and signature first; then whether it is of this target at all.
    fn believe(&self, message: &Message) -> Result<WorkItemWire, Distrusted> {
        let item = self.keys.open(&message.payload).map_err(Distrusted::Envelope)?;
        if item.target == self.target.as_str() { Ok(item) } else { Err(Distrusted::Target) }
    }

    async fn claim_some(&mut self, some: Vec<(Message, WorkItemWire)>) -> Result<(), QueueError> {
        let mut claims = Vec::with_capacity(some.len());
        for (_, item) in &some {
            let lease = chance::uuid().map_err(|error| QueueError::Later { after: None, cause: error.into() })?;
            claims.push(OfferClaimWire { offer: item.lease.clone(), lease });
        }
        let answers = match self.ask(&claims, &some).await {
            Ok(answers) => answers,
            Err(error) => {
                for (message, _) in some {
                    let _ = message.ack_with(AckKind::Nak(Some(COME_AGAIN_AFTER))).await;
                }
                return Err(error);
            }
        };
        let mut done = Vec::with_capacity(some.len());
        for (((message, item), claim), ends) in some.into_iter().zip(claims).zip(answers) {
            done.push((message, ends.is_some()));
            let Some(ends) = ends else { continue };
            match item.read(self.clock.now()) {
                Ok(item) => self.claimed.push(WorkItem { lease: LeaseId::new(&claim.lease), ends, ..item }),
                // The lease runs out, and the server looks for somebody who can read it.
                Err(error) => tracing::error!(target_id = %self.target, %error, "signed work cannot be read"),
            }
        }
        tokio::spawn(acknowledge(done));
        Ok(())
    }

    /// Asks the server, again and again for a while; the messages' time is prolonged meanwhile.
    async fn ask(
        &self,
        claims: &[OfferClaimWire],
        some: &[(Message, WorkItemWire)],
    ) -> Result<Vec<Option<crate::model::Timestamp>>, QueueError> {
        let mut tries = 0;
        loop {
            match self.remote.claim(&self.target, claims.to_vec()).await {
                Err(QueueError::Later { after, cause }) if tries + 1 < CLAIM_TRIES_MAX => {
                    tracing::warn!(target_id = %self.target, %cause, "what NATS brought cannot be claimed yet");
                    for (message, _) in some {
                        let _ = message.ack_with(AckKind::Progress).await;
                    }
                    let pause = Duration::from_secs(1 << tries).max(after.unwrap_or_default());
                    tokio::time::sleep(pause.min(super::ANSWER_MAX * 4)).await;
                    tries += 1;
                }
                answer => return answer,
            }
        }
    }
}

enum PullError {
    Nats(async_nats::Error),
    Server(QueueError),
}
