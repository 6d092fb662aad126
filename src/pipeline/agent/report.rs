//! What was carried is gathered and reported to the server in one request, while more is being carried.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::model::{Carried, LeaseId, WorkItem};
use crate::pipeline::backoff::backoff;
use crate::pipeline::schedule::chain;
use crate::queue::Queue;
use crate::queue::remote::{QueueError, SETTLE_ITEMS_MAX};
use crate::queue::wire::SettledWire;

/// How often a report is sent before it is left to the leases to end. About half a minute with the pauses between; the
/// server then leases the work again, and looks first.
const SETTLE_TRIES_MAX: u32 = 6;
/// Reports that wait for the one under way; more than an agent with a few targets ever holds.
const WAITING_MAX: usize = 1_024;

/// Something that was carried, and who waits to hear that the server knows.
pub(super) struct Report {
    item: WorkItem,
    carried: Carried,
    heard: oneshot::Sender<bool>,
}

/// Takes what was carried, to be reported.
#[derive(Clone)]
pub(super) struct Reporter(mpsc::Sender<Report>);

impl Reporter {
    /// A reporter, and what [`report_all`] reads.
    pub(super) fn new() -> (Self, mpsc::Receiver<Report>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self(sender), receiver)
    }

    /// Reports; whether the server took it.
    pub(super) async fn report(&self, item: WorkItem, carried: Carried) -> bool {
        let (heard, answer) = oneshot::channel();
        let is_sent = self.0.send(Report { item, carried, heard }).await.is_ok();
        is_sent && answer.await.unwrap_or(false)
    }
}

/// Reports until nobody can report any more: whatever has gathered, in one request after another.
pub(super) async fn report_all(queue: Arc<dyn Queue>, mut reports: mpsc::Receiver<Report>) {
    let mut gathered = Vec::new();
    while reports.recv_many(&mut gathered, SETTLE_ITEMS_MAX).await > 0 {
        send(&*queue, std::mem::take(&mut gathered)).await;
    }
}

async fn send(queue: &dyn Queue, mut reports: Vec<Report>) {
    let mut attempt = 0;
    while !reports.is_empty() {
        let carried: Vec<(LeaseId, Carried)> =
            reports.iter().map(|report| (report.item.lease.clone(), report.carried.clone())).collect();
        match queue.settle(&carried).await {
            Ok(answers) => {
                attempt = 0;
                for (report, answer) in reports.drain(..answers.len().min(carried.len())).zip(answers) {
                    hear(report, &answer);
                }
            }
            Err(error) if attempt + 1 < SETTLE_TRIES_MAX && !matches!(error, QueueError::Refused { .. }) => {
                tracing::warn!(count = reports.len(), cause = %chain(&error), "what was carried is not reported yet");
                let after = if let QueueError::Later { after, .. } = error { after } else { None };
                let pause: Duration = after.unwrap_or_default().max(backoff(attempt, "settle"));
                attempt += 1;
                tokio::time::sleep(pause).await;
            }
            Err(error) => {
                tracing::warn!(count = reports.len(), cause = %chain(&error), "what was carried cannot be reported");
                return;
            }
        }
    }
}

fn hear(report: Report, answer: &SettledWire) {
    let item = &report.item;
    match answer {
        SettledWire::Taken => {}
        SettledWire::LeaseLost => tracing::warn!(target_id = %item.target, anchor = %item.anchor,
            "the lease had ended before the work was reported; whoever leases it next looks first"),
        SettledWire::Unreadable(why) => tracing::warn!(target_id = %item.target, anchor = %item.anchor, why,
            "the server could not read what was carried"),
    }
    // Who does not wait any more needs no answer.
    let _ = report.heard.send(*answer == SettledWire::Taken);
}
