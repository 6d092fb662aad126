//! What the practice tenant was asked so far, and whether it was left alone when it said so.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::Serialize;

use crate::model::Timestamp;

/// A request that begins so soon after an answer with `Retry-After` may have been on the way when it came.
const ON_THE_WAY: Duration = Duration::from_millis(250);

/// Most waits that run at a time and are remembered: each 429 begins one, and none runs for long.
const WAITS_MAX: usize = 256;

/// What a tenant was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requests {
    /// Requests by their method, alone or in a batch, the refused ones included; batches as such are not among them.
    pub by_method: BTreeMap<String, u64>,
    /// Of these, how many were answered 429; and batches that were, as such.
    pub throttled: u64,
    /// Tokens that were given.
    pub tokens: u64,
    /// HTTP requests to Graph: each that came alone, and each batch.
    pub http: u64,
    /// Of these, batches.
    pub batches: u64,
    /// Requests that stood in batches.
    pub in_batches: u64,
    /// Writes the budget let through.
    pub writes: u64,
    /// The most HTTP requests to Graph that were under way at once.
    pub under_way_max: u64,
    /// HTTP requests to Graph that began while a `Retry-After` ran, its answer long enough ago to have arrived.
    pub inside_retry_after: u64,
    /// Those that began while a `Retry-After` ran, and may have been on the way when it was said.
    pub inside_retry_after_perhaps: u64,
    /// Faults that were ordered and struck.
    pub faults: u64,
}

/// Times for which the tenant asked to be left alone.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// When it was said, and until when it holds.
    running: VecDeque<(Timestamp, Timestamp)>,
}

impl Waits {
    pub(super) fn begin(&mut self, now: Timestamp, wait: Duration) {
        self.running.push_back((now, now.plus(wait)));
        if self.running.len() > WAITS_MAX {
            self.running.pop_front();
        }
    }

    /// Notes a request that begins.
    pub(super) fn note(&mut self, now: Timestamp, requests: &mut Requests) {
        self.running.retain(|(_, until)| *until > now);
        if self.running.iter().any(|(said, _)| said.plus(ON_THE_WAY) <= now) {
            requests.inside_retry_after += 1;
        } else if !self.running.is_empty() {
            requests.inside_retry_after_perhaps += 1;
        }
    }
}
