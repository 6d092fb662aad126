//! Brings work to agents and settlements back.
//!
//! An agent sees a [`Queue`]: *bring me work*, and *it is settled*. Two things stand behind that:
//!
//! - **embedded** ([`remote`]): the agent asks the server over HTTPS, which keeps the question open until there is work.
//! - **NATS** ([`nats`]): JetStream brings the work; the server is asked only whether it may be had.
//!
//! NATS *only transports*, and the table of the server stays the truth:
//!
//! 1. The server leases what is due to the queue itself (*offered*), signs each work item (Ed25519, [`envelope`]) and
//!    puts it into a work-queue stream, one subject for each target, leavers apart from the others.
//! 2. An agent pulls a message, leavers first, and looks at its size and its signature before it reads anything in it. Then
//!    it *claims* the offer from the server over HTTPS, under a lease of its own making. The server binds what is still
//!    offered, and only to an agent of that target. A message that is doubled, late, replayed, forged or meant for
//!    another gives no claim, so whoever can put messages into NATS can create nothing.
//! 3. Once claimed (or gone) the message has done its work and is acknowledged, twice where it was claimed: whatever
//!    happens to the agent from now on, the lease runs out in the table and the work is offered anew. While the server cannot
//!    be reached for the claim, the message's time is prolonged, and in the end it is given back to the stream.
//! 4. What was carried is settled over HTTPS, as ever.
//!
//! An offer that nobody claims falls due again, and without a look: nobody wrote. Messages live as long as offers do
//! (`max_age`), so what is stale vanishes. How much is offered at once is bounded, and with it the stream. Where so many
//! agents lost the lease one after another (counted in the table), the work is a *dead letter*: held until somebody lets it
//! go. That NATS has brought a message so many times and nobody claimed it (`max_deliver`) is said, and holds nothing:
//! whoever may publish there can make such word up.
//!
//! Order: leavers have a subject of their own, and every pull begins there, so they wait for no backlog; within a
//! subject, order is that of offering, which is how long work has been due.
//!
//! Without NATS nothing is lost and little is late: the server goes on accepting and deciding, and takes back what it
//! offered; an agent whose NATS does not answer asks the server itself, as an embedded one does, and so does one that has
//! found nothing for a while. Agents of both kinds may serve one target.

pub mod envelope;
pub mod nats;
pub mod remote;
pub mod wire;

use std::time::Duration;

use async_trait::async_trait;

use crate::model::{Carried, LeaseId, TargetId, WorkItem};
use remote::{QueueError, RemoteQueue};
use wire::SettledWire;

pub use nats::publish::{Offer, OfferSettings, Transport, TransportError};

/// Where an agent's work comes from.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Leases up to `max` work items of `targets`; waits up to `wait` while nothing is there. Empty when nothing is.
    /// Leases are counted by this machine's clock and never too long.
    ///
    /// # Errors
    /// [`QueueError::Later`] when neither the queue nor the server can be reached; [`QueueError::NotLetIn`] when the server
    /// gives no token; [`QueueError::Refused`] when asking again would change nothing.
    async fn lease(&self, targets: &[TargetId], max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError>;

    /// No more work is wanted. A question that is open ends soon, and any further one at once, with what was claimed by
    /// then: whoever asks gives that back, and nobody waits for the leases to end.
    fn stop(&self);

    /// Reports what was carried under these leases, and says what became of each, in their order: as many of them as
    /// one report holds, and at least the first.
    ///
    /// # Errors
    /// As [`Queue::lease`], for all of them together.
    async fn settle(&self, carried: &[(LeaseId, Carried)]) -> Result<Vec<SettledWire>, QueueError>;
}

#[async_trait]
impl Queue for RemoteQueue {
    async fn lease(&self, targets: &[TargetId], max: u32, wait: Duration) -> Result<Vec<WorkItem>, QueueError> {
        RemoteQueue::lease(self, targets, max, wait).await
    }

    fn stop(&self) {
        RemoteQueue::stop(self);
    }

    async fn settle(&self, carried: &[(LeaseId, Carried)]) -> Result<Vec<SettledWire>, QueueError> {
        RemoteQueue::settle(self, carried).await
    }
}
