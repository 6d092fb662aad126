//! *Dispatch*: due work of a target is offered to its agents through a queue that only transports.
//!
//! Offered is leased to the queue: the table knows what lies there, and takes back what did not arrive.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::deliver::{self, LeaseSettings};
use super::schedule::{Bell, LOOK_EVERY, STORE_RETRY, Shutdown, chain};
use crate::clock::Clock;
use crate::decide;
use crate::model::{LeaseId, Reason, TargetId, WorkItem, WorkerId};
use crate::queue::envelope::{ENVELOPE_BYTES_MAX, Signer};
use crate::queue::nats::Class;
use crate::queue::wire::WorkItemWire;
use crate::queue::{Offer, Transport};
use crate::store::{JobState, OFFERED, Store, StoreError, TargetKey, Whose};

/// Pieces of work offered in one transaction.
const BATCH_MAX: usize = 256;
/// Leavers offered beyond what may be offered at once, so that they wait for no backlog.
const LEAVERS_EXTRA: usize = 256;
/// The pause after the queue did not take offers, or is not there; they are due again meanwhile, for agents that ask.
const QUEUE_RETRY: Duration = Duration::from_secs(2);
/// How many leases may be lost one after another before a piece of work is a dead letter. An outage that takes every
/// agent away costs one for each time that they come back.
pub const LOST_MAX: u32 = 10;
/// How often it is said that nobody claims what is brought; it is counted meanwhile.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Offers the due work of one target of one job.
pub struct Dispatcher {
    /// Where work comes from.
    pub store: Arc<Store>,
    /// The job whose work it is.
    pub job: Arc<decide::Job>,
    /// The job in the store.
    pub state: Arc<JobState>,
    /// The target.
    pub target: TargetId,
    /// Its row.
    pub key: TargetKey,
    /// What carries the offers.
    pub transport: Arc<Transport>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// What became of a batch.
struct Dispatched {
    /// Pieces of work that were leased, or ended.
    count: usize,
    /// Offers that did not arrive.
    lost: usize,
}

impl Dispatcher {
    /// Offers whatever is due, until asked to stop. What an earlier process, or this one before the queue was lost, has
    /// offered is taken back first: nobody knows what became of it.
    pub async fn run(self: Arc<Self>, work: Bell, mut shutdown: Shutdown) {
        let mut ear = work.listen();
        let mut is_ready = false;
        while !shutdown.is_asked() {
            let pause = match self.step(&mut is_ready).await {
                Ok(None) => LOOK_EVERY,
                Ok(Some(pause)) if pause.is_zero() => continue,
                Ok(Some(pause)) => pause,
                Err(error) => {
                    tracing::error!(target_id = %self.target, error = chain(&error), "offering stopped; trying again");
                    STORE_RETRY
                }
            };
            // Where the queue is away, a bell changes nothing.
            tokio::select! {
                () = ear.wait(pause), if is_ready => {}
                () = tokio::time::sleep(pause), if !is_ready => {}
                () = shutdown.asked() => {}
            }
        }
    }

    /// One batch. Gives the pause after it; `None` when nothing was due.
    async fn step(self: &Arc<Self>, is_ready: &mut bool) -> Result<Option<Duration>, StoreError> {
        *is_ready &= self.transport.is_connected();
        if !*is_ready {
            self.take_back_all().await?;
            if let Err(error) = self.transport.prepare(&self.target).await {
                tracing::warn!(target_id = %self.target, error = chain(&error),
                    "work cannot be offered; agents that ask the server get it");
                return Ok(Some(QUEUE_RETRY));
            }
            *is_ready = true;
        }
        let mut count = 0;
        for class in Class::ALL {
            let done = self.dispatch(class).await?;
            count += done.count;
            if done.lost > 0 {
                *is_ready = false;
                return Ok(Some(QUEUE_RETRY));
            }
        }
        Ok((count > 0).then_some(Duration::ZERO))
    }

    async fn take_back_all(self: &Arc<Self>) -> Result<(), StoreError> {
        let count = blocking(self, |this| this.store.take_back_all(this.key, this.clock.now())).await?;
        if count > 0 {
            tracing::info!(target_id = %self.target, count, "what was offered was taken back");
        }
        Ok(())
    }

    async fn dispatch(self: &Arc<Self>, class: Class) -> Result<Dispatched, StoreError> {
        let (items, ended) = blocking(self, move |this| this.lease(class)).await?;
        let count = items.len() + ended;
        if items.is_empty() {
            return Ok(Dispatched { count, lost: 0 });
        }
        let offers = blocking(self, move |this| this.seal(items)).await?;
        let lost = self.transport.offer(&self.target, class, offers).await;
        let missing = lost.len();
        if missing > 0 {
            tracing::warn!(target_id = %self.target, count = missing, "offers did not reach the queue; they are taken back");
            blocking(self, move |this| this.store.take_back(&lost, this.clock.now())).await?;
        }
        Ok(Dispatched { count, lost: missing })
    }

    /// Leases to the queue what there is room for.
    fn lease(&self, class: Class) -> Result<(Vec<WorkItem>, usize), StoreError> {
        let settings = self.transport.settings();
        let offered = self.store.offered(self.key)?;
        let room = match class {
            Class::Leavers => (settings.offers_max + LEAVERS_EXTRA).saturating_sub(offered),
            // Half of it at least, or each claim would make a batch of its own.
            Class::Others if offered > settings.offers_max / 2 => 0,
            Class::Others => settings.offers_max - offered,
        };
        if room == 0 {
            return Ok((Vec::new(), 0));
        }
        let terms = LeaseSettings {
            lasts: settings.offer_life,
            grace: Duration::ZERO,
            count: room.min(BATCH_MAX),
            lost_max: Some(LOST_MAX),
            whose: match class {
                Class::Leavers => Whose::Leavers,
                Class::Others => Whose::Others,
            },
        };
        let (holder, now) = (WorkerId::new(OFFERED), self.clock.now());
        let work = deliver::lease(&self.store, &self.job, &self.state, &self.target, &holder, &terms, now)?;
        Ok((work.items, work.ended))
    }

    /// Signs the items. One that no message can hold is held itself: it would come back for ever.
    fn seal(&self, items: Vec<WorkItem>) -> Result<Vec<Offer>, StoreError> {
        let seeds = self.store.signing_seeds()?;
        let broken = |what: &str| StoreError::Broken(what.to_owned());
        let signer = Signer::of_seed(&seeds.current).ok_or_else(|| broken("the signing key is none"))?;
        let now = self.clock.now();
        let mut offers = Vec::with_capacity(items.len());
        for item in items {
            let envelope = signer.seal(&WorkItemWire::new(&item, now)).map_err(|error| broken(&error.to_string()))?;
            if envelope.len() > ENVELOPE_BYTES_MAX {
                self.store.hold_offer(&self.state, &item.lease, too_large(envelope.len()), now)?;
                continue;
            }
            offers.push(Offer { lease: item.lease, envelope });
        }
        Ok(offers)
    }
}

fn too_large(bytes: usize) -> Reason {
    let why = format!(
        "signed, it has {bytes} bytes, and a message may have {ENVELOPE_BYTES_MAX}; map less to the target, or serve it \
         without NATS"
    );
    Reason::new("too_large", why)
}

/// Says of what was brought to agents as often as it may be, and never claimed, until asked to stop.
///
/// It is only said. Whoever may publish in NATS can claim it of any work, and whoever may read there can make it true, so
/// nothing is held for it: what is offered falls due again when its time is over, and the table counts by itself how often
/// agents claimed something and were not heard of again ([`LOST_MAX`]).
pub async fn hear_dead_letters(
    store: Arc<Store>,
    jobs: Vec<Arc<JobState>>,
    transport: Arc<Transport>,
    mut shutdown: Shutdown,
) {
    let mut told: Option<Instant> = None;
    while !shutdown.is_asked() {
        let listening = async {
            let Ok(mut letters) = transport.listen().await else { return };
            while let Some((lease, deliveries)) = letters.next().await {
                let (store, jobs) = (Arc::clone(&store), jobs.clone());
                let waits = tokio::task::spawn_blocking(move || waits_for_a_claim(&store, &jobs, &lease)).await;
                let count = transport.count_dead_letter();
                if matches!(waits, Ok(Ok(true))) && told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                    told = Some(Instant::now());
                    tracing::warn!(
                        count,
                        deliveries,
                        "NATS says that work was brought to agents again and again, and nobody claimed it; it is offered \
                         anew when its time is over. Look into the agents' logs, and who may read and publish in NATS"
                    );
                }
            }
        };
        tokio::select! {
            () = listening => {}
            () = shutdown.asked() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(QUEUE_RETRY) => {}
            () = shutdown.asked() => {}
        }
    }
}

fn waits_for_a_claim(store: &Store, jobs: &[Arc<JobState>], lease: &LeaseId) -> Result<bool, StoreError> {
    for job in jobs {
        if store.is_offered(job, lease)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs store work where blocking is allowed.
async fn blocking<T: Send + 'static>(
    dispatcher: &Arc<Dispatcher>,
    work: impl FnOnce(&Dispatcher) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let dispatcher = Arc::clone(dispatcher);
    tokio::task::spawn_blocking(move || work(&dispatcher))
        .await
        .unwrap_or_else(|error| Err(StoreError::Broken(format!("store work broke off: {error}"))))
}
