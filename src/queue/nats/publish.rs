//! The server's side: a stream that holds what is offered, and word of what was never acknowledged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context, ContextBuilder};
use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use serde::Deserialize;

use super::connect::{ConnectError, connect};
use super::{ANSWER_MAX, Class, NatsSettings, consumer, subject};
use crate::model::{LeaseId, TargetId};
use crate::queue::envelope::ENVELOPE_BYTES_MAX;

/// Bytes the stream may hold. What is offered at once is some megabytes; more is not muster's.
const STREAM_BYTES_MAX: i64 = 1024 * 1024 * 1024;
/// Messages the stream may hold for each that may be offered: a server that is started again and again takes back what it
/// offered each time, and what lies there goes only with its time.
const STALE_FACTOR: i64 = 16;
/// Messages sent before the first acknowledgement must come: a whole batch of offers.
const UNACKNOWLEDGED_MAX: usize = 1_024;

/// How work is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSettings {
    /// The targets whose work is.
    pub targets: Vec<TargetId>,
    /// Nodes that keep each message: 1 or 3.
    pub replicas: usize,
    /// How long an offer, and its message, lives. Long enough that a message given back after a lost server is not
    /// counted out of its deliveries, short enough that what NATS loses is offered anew soon.
    pub offer_life: Duration,
    /// Pieces of work offered at a target at once: some seconds' work for its agents.
    pub offers_max: usize,
    /// How long an agent may have a message and say nothing before another gets it.
    pub ack_wait: Duration,
    /// How often a message is brought before it is a dead letter.
    pub deliveries_max: u32,
}

impl Default for OfferSettings {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            replicas: 1,
            offer_life: Duration::from_secs(300),
            offers_max: 1_000,
            ack_wait: Duration::from_secs(30),
            deliveries_max: 5,
        }
    }
}

/// Something that is offered.
pub struct Offer {
    /// Under which lease.
    pub lease: LeaseId,
    /// The signed item.
    pub envelope: Vec<u8>,
}

/// Why nothing is transported now. All of it may pass.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct TransportError {
    doing: &'static str,
    #[source]
    cause: async_nats::Error,
}

fn failed<E: Into<async_nats::Error>>(doing: &'static str) -> impl FnOnce(E) -> TransportError {
    move |cause| TransportError { doing, cause: cause.into() }
}

/// What carries offers to agents, and only carries.
pub struct Transport {
    client: Client,
    context: Context,
    stream: String,
    settings: OfferSettings,
    dead_letters: AtomicU64,
}

impl Transport {
    /// Connects in the background.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(nats: &NatsSettings, settings: OfferSettings) -> Result<Self, ConnectError> {
        let client = connect(nats, "muster serve").await?;
        let context = ContextBuilder::new()
            .timeout(ANSWER_MAX)
            .ack_timeout(ANSWER_MAX)
            .max_ack_inflight(UNACKNOWLEDGED_MAX)
            .backpressure_on_inflight(true)
            .build(client.clone());
        Ok(Self { client, context, stream: nats.stream.clone(), settings, dead_letters: AtomicU64::new(0) })
    }

    /// How work is offered.
    pub fn settings(&self) -> &OfferSettings {
        &self.settings
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Of how many dead letters word has come, true or not.
    pub fn dead_letters(&self) -> u64 {
        self.dead_letters.load(Ordering::Relaxed)
    }

    /// Word of one more has come, and was looked into; of how many by now.
    pub fn count_dead_letter(&self) -> u64 {
        self.dead_letters.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Makes the stream and a target's consumers, or brings them to how they are set. What lies there of before is left:
    /// whoever claims it hears that it is gone, and in the end it is too old.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn prepare(&self, target: &TargetId) -> Result<(), TransportError> {
        let made = self.context.create_or_update_stream(self.config()).await;
        made.map_err(failed("the stream cannot be made"))?;
        let stream = self.context.get_stream_no_info(&self.stream).await.map_err(failed("the stream is not there"))?;
        for class in Class::ALL {
            let made = stream.create_consumer(self.consumer_config(target, class)).await;
            made.map_err(failed("the consumer cannot be made"))?;
        }
        Ok(())
    }

    fn config(&self) -> Config {
        let targets = i64::try_from(self.settings.targets.len()).unwrap_or(i64::MAX).max(1);
        let offers = i64::try_from(self.settings.offers_max).unwrap_or(i64::MAX);
        Config {
            name: self.stream.clone(),
            description: Some("muster: work offered to agents".to_owned()),
            subjects: vec![format!("{}.work.>", self.stream)],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            discard: DiscardPolicy::New,
            num_replicas: self.settings.replicas,
            max_age: self.settings.offer_life,
            duplicate_window: self.settings.offer_life,
            // Several times what is offered: what was taken back may still lie there for a while.
            max_messages: offers.saturating_mul(targets).saturating_mul(STALE_FACTOR),
            max_bytes: STREAM_BYTES_MAX,
            max_message_size: i32::try_from(ENVELOPE_BYTES_MAX).unwrap_or(i32::MAX),
            ..Config::default()
        }
    }

    fn consumer_config(&self, target: &TargetId, class: Class) -> pull::Config {
        pull::Config {
            durable_name: Some(consumer(target, class)),
            filter_subject: subject(&self.stream, target, class),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.ack_wait,
            max_deliver: i64::from(self.settings.deliveries_max),
            max_ack_pending: i64::try_from(self.settings.offers_max).unwrap_or(i64::MAX),
            ..pull::Config::default()
        }
    }

    /// Puts offers into a target's subject; gives those that did not surely arrive.
    pub async fn offer(&self, target: &TargetId, class: Class, offers: Vec<Offer>) -> Vec<LeaseId> {
        let subject = subject(&self.stream, target, class);
        let mut lost = Vec::new();
        let mut under_way = Vec::with_capacity(offers.len());
        for offer in offers {
            let message = PublishMessage::build()
                .payload(offer.envelope.into())
                .message_id(offer.lease.as_str())
                .outbound_message(subject.clone());
            let headers = message.headers.unwrap_or_default();
            match self.context.publish_with_headers(subject.clone(), headers, message.payload).await {
                Ok(acknowledged) => under_way.push((offer.lease, acknowledged)),
                Err(error) => {
                    tell_of(target, &error);
                    lost.push(offer.lease);
                }
            }
        }
        for (lease, acknowledged) in under_way {
            if let Err(error) = acknowledged.await {
                tell_of(target, &error);
                lost.push(lease);
            }
        }
        lost
    }

    /// Hears of messages that were brought as often as they may be, and never acknowledged.
    ///
    /// # Errors
    /// [`TransportError`].
    pub async fn listen(&self) -> Result<DeadLetters, TransportError> {
        let subject = format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{}.*", self.stream);
        let heard = self.client.subscribe(subject).await.map_err(failed("dead letters cannot be heard of"))?;
        Ok(DeadLetters { heard, context: self.context.clone(), stream: self.stream.clone() })
    }
}

fn tell_of(target: &TargetId, error: &jetstream::context::PublishError) {
    // One word for a batch would do, but which one failed may matter.
    let is_known = matches!(error.kind(), PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe);
    tracing::debug!(target_id = %target, is_known, %error, "an offer did not reach the stream");
}

/// Word of dead letters.
pub struct DeadLetters {
    heard: Subscriber,
    context: Context,
    stream: String,
}

/// What JetStream says of one; the rest is not needed.
#[derive(Deserialize)]
struct Advisory {
    stream_seq: u64,
    deliveries: u32,
}

impl DeadLetters {
    /// The next: the lease it was offered under, and how often it was brought. `None` when none will come any more.
    ///
    /// Whoever may publish in NATS can make such words up, so nothing is done on them, and the message stays where it is:
    /// a true one is brought no more, and goes when its time is over.
    pub async fn next(&mut self) -> Option<(LeaseId, u32)> {
        while let Some(message) = self.heard.next().await {
            let Ok(advisory) = serde_json::from_slice::<Advisory>(&message.payload) else { continue };
            if let Some(lease) = self.lease_of(advisory.stream_seq).await {
                return Some((lease, advisory.deliveries));
            }
        }
        None
    }

    async fn lease_of(&self, sequence: u64) -> Option<LeaseId> {
        let stream = self.context.get_stream_no_info(&self.stream).await.ok()?;
        let message = stream.get_raw_message(sequence).await.ok()?;
        message.headers.get(NATS_MESSAGE_ID).map(|id| LeaseId::new(id.as_str()))
    }
}
