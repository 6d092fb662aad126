//! How uploads ended: muster's own server is asked, upload by upload, until nothing in them is pending.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;

use super::line::Call;
use super::{SendError, SendProgress, Sender, Sent, SentUpload, below};
use crate::chance;
use crate::model::Timestamp;

/// How often an upload is asked about while it is not done. It costs the server one row.
const POLL_EVERY: Duration = Duration::from_secs(1);
/// How long an answer may be put off once the time for waiting is over: what has been done by then is still told.
const LATE_PATIENCE: Duration = Duration::from_secs(60);
/// Operations on a page: the most the server gives.
const PAGE: u32 = 1_000;
/// Held and failed operations that are kept in full. More of them have one cause, which the first will tell.
pub const TOLD_MAX: usize = 1_000;

/// The word for what has not ended.
const PENDING: &str = "pending";
/// The words for how operations stand, in the order in which they are shown.
const WORDS: [&str; 7] = ["applied", "unchanged", "superseded", "skipped", "held", "failed", PENDING];
/// The word for those that a newer server may have.
const OTHER: &str = "other";

/// How what was sent stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Followed {
    /// Operations by how they ended, those not ended under `pending`; in the order in which they are shown.
    pub outcomes: Vec<(&'static str, u64)>,
    /// Those held and failed, in the order they were sent; [`TOLD_MAX`] at most.
    pub told: Vec<Told>,
}

/// An operation that is held or failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Of whom it spoke, as far as that could be told.
    pub anchor: Option<String>,
    /// What it was called by us.
    pub bulk_id: Option<String>,
    /// `held` or `failed`.
    pub outcome: &'static str,
    /// The stable word for why.
    pub code: String,
    /// Why, in a sentence.
    pub message: String,
}

/// An upload, as the server shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadWire {
    outcomes: BTreeMap<String, u64>,
    #[serde(default)]
    operations: Vec<OperationWire>,
    /// Only whether there is one: it may name another host, and the token is for this one.
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OperationWire {
    index: u32,
    bulk_id: Option<String>,
    external_id: Option<String>,
    outcome: String,
    reason: Option<ReasonWire>,
}

#[derive(Deserialize)]
struct ReasonWire {
    code: String,
    message: String,
}

impl Followed {
    /// How many ended so, or have not ended.
    pub fn count(&self, word: &str) -> u64 {
        self.outcomes.iter().filter(|(known, _)| *known == word).map(|(_, count)| count).sum()
    }

    /// How many have not ended.
    pub fn pending(&self) -> u64 {
        self.count(PENDING)
    }
}

impl Sender {
    /// Asks how everything in `sent` ended, until nothing is pending or `wait` has passed; then it is told as it
    /// stands. Nothing, where the server gave no numbers to ask by ([`Sent::uploads`]).
    ///
    /// # Errors
    /// [`SendError`] when the server does not say. What was sent stays accepted.
    pub async fn follow(
        &self,
        sent: &Sent,
        wait: Duration,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<Followed, SendError> {
        let until = self.clock.now().plus(wait);
        let mut counts = BTreeMap::new();
        let mut ended = 0;
        let mut to_tell = Vec::new();
        for upload in &sent.uploads {
            let stands = self.until_ended(upload, until, ended, progress).await?;
            ended += ended_of(&stands);
            if ["held", "failed"].iter().any(|word| stands.outcomes.contains_key(*word)) {
                to_tell.push(upload);
            }
            for (word, count) in stands.outcomes {
                *counts.entry(known_word(&word)).or_insert(0) += count;
            }
        }
        let mut told = Vec::new();
        for upload in to_tell {
            self.tell(upload, until, &mut told, progress).await?;
        }
        let shown = WORDS.into_iter().chain([OTHER]);
        Ok(Followed { outcomes: shown.filter_map(|word| Some((word, counts.remove(word)?))).collect(), told })
    }

    /// Asks about one upload until it has ended. Later ones end later, for the most part: each costs one question then.
    async fn until_ended(
        &self,
        upload: &SentUpload,
        until: Timestamp,
        ended_before: u64,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<UploadWire, SendError> {
        loop {
            let stands = self.ask(upload, (0, 1), until, progress).await?;
            progress(SendProgress::Ended(ended_before + ended_of(&stands)));
            let is_pending = stands.outcomes.get(PENDING).is_some_and(|count| *count > 0);
            if !is_pending || self.clock.now() >= until {
                return Ok(stands);
            }
            (self.line.wait)(POLL_EVERY).await;
        }
    }

    /// Keeps the held and failed operations of an upload.
    async fn tell(
        &self,
        upload: &SentUpload,
        until: Timestamp,
        told: &mut Vec<Told>,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<(), SendError> {
        let mut from = 0;
        while told.len() < TOLD_MAX {
            let page = self.ask(upload, (from, PAGE), until, progress).await?;
            let next = page.operations.last().map_or(from, |last| last.index.saturating_add(1));
            let room = TOLD_MAX - told.len();
            told.extend(page.operations.into_iter().filter_map(OperationWire::told).take(room));
            // A page that leads nowhere would be asked for without end.
            if page.next_link.is_none() || next <= from {
                return Ok(());
            }
            from = next;
        }
        Ok(())
    }

    async fn ask(
        &self,
        upload: &SentUpload,
        (from, top): (u32, u32),
        until: Timestamp,
        progress: &mut dyn FnMut(SendProgress),
    ) -> Result<UploadWire, SendError> {
        let mut url = below(&self.server, ["muster", "v1", "uploads", &upload.id.to_string()])?;
        url.query_pairs_mut().append_pair("from", &from.to_string()).append_pair("top", &top.to_string());
        let call = Call {
            method: Method::GET,
            url,
            id: chance::uuid()?,
            body: None,
            waited_max: until.since(self.clock.now()).max(LATE_PATIENCE),
        };
        let answer = self.line.call(&call, StatusCode::OK, &mut |pause| progress(SendProgress::Pausing(pause))).await?;
        answer.json()
    }
}

impl OperationWire {
    fn told(self) -> Option<Told> {
        let outcome = Some(known_word(&self.outcome)).filter(|word| matches!(*word, "held" | "failed"))?;
        let (code, message) = self.reason.map(|reason| (reason.code, reason.message)).unwrap_or_default();
        Some(Told { anchor: self.external_id, bulk_id: self.bulk_id, outcome, code, message })
    }
}

fn ended_of(stands: &UploadWire) -> u64 {
    stands.outcomes.iter().filter(|(word, _)| *word != PENDING).map(|(_, count)| count).sum()
}

fn known_word(word: &str) -> &'static str {
    WORDS.into_iter().find(|known| *known == word).unwrap_or(OTHER)
}
