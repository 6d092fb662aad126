//! What goes wrong at the practice tenant on request: every fault is a word here, and says whom it strikes and how often.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asked::Asked;
use super::dice::Dice;

/// Most orders at a time: enough for a bad day, and few enough to be asked for every request.
const ORDERS_MAX: usize = 32;

/// The longest time an order may speak of.
const SECONDS_MAX: f64 = 3600.0;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// 429 with `Retry-After` of so many seconds (1 if not given; a fraction is said as one). Nothing is done.
    Throttled,
    /// 500. Nothing is done.
    FailedBefore,
    /// It is done, and then answered 500.
    FailedAfter,
    /// It is done, and the connection is closed without an answer. Where it strikes one request of a batch, those that
    /// came before it are done, those after it are not, and the whole batch has no answer.
    ResetAfter,
    /// It is done, and the answer comes so many seconds later (1 if not given); a batch waits for its slowest request.
    Slow,
    /// The user that is made cannot be seen for so many seconds (10 if not given): 404, and absent from `$filter`. Its
    /// name is taken all the same. Strikes nothing but `POST /users`.
    Late,
    /// 401, as if the token were worth nothing. Nothing is done.
    Unauthorized,
    /// 409 `Directory_ConcurrencyViolation`. Nothing is done.
    Concurrency,
}

/// Whom a fault strikes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Struck {
    /// Every request to Graph, alone or in a batch; batches as such are not.
    #[default]
    Requests,
    /// Of these, those that change something.
    Writes,
    /// Of these, those that change nothing.
    Reads,
    /// Of these, `POST /users`.
    Creates,
    /// Batches as such: one answer for all that is in it.
    Batches,
    /// Requests for tokens: of the kinds, `throttled`, `unauthorized` and `slow` have a meaning, all others are 503.
    Tokens,
}

/// An order for something to go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub fault: FaultKind,
    /// Whom it strikes.
    #[serde(default)]
    pub of: Struck,
    /// How many more times, until the order is done; without end, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u32>,
    /// Which share of those it could strike (0 to 1); all of them, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Where the chance for the share begins: the same seed, the same faults for the same requests in the same order.
    #[serde(default)]
    pub seed: u64,
    /// How long, where the kind has a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// Why an order is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No share of anything.
    #[error("`share` is from 0 to 1")]
    Share,
    /// No time to wait.
    #[error("`seconds` is from 0 to {SECONDS_MAX}")]
    Seconds,
    /// More than one bad day.
    #[error("there are {ORDERS_MAX} orders already; clear them first")]
    TooMany,
}

impl Fault {
    /// A fault that strikes every request, until it is called off.
    pub fn new(fault: FaultKind) -> Self {
        Self { fault, of: Struck::Requests, next: None, share: None, seed: 0, seconds: None }
    }

    /// The same, of those.
    #[must_use]
    pub fn of(self, of: Struck) -> Self {
        Self { of, ..self }
    }

    /// The same, so many times.
    #[must_use]
    pub fn next(self, times: u32) -> Self {
        Self { next: Some(times), ..self }
    }

    /// The same, for a share (0 to 1) of them, by a seed.
    #[must_use]
    pub fn share(self, share: f64, seed: u64) -> Self {
        Self { share: Some(share), seed, ..self }
    }

    /// The same, with a time in seconds.
    #[must_use]
    pub fn seconds(self, seconds: f64) -> Self {
        Self { seconds: Some(seconds), ..self }
    }

    fn check(&self) -> Result<(), FaultError> {
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(FaultError::Share);
        }
        if self.seconds.is_some_and(|seconds| !(0.0..=SECONDS_MAX).contains(&seconds)) {
            return Err(FaultError::Seconds);
        }
        Ok(())
    }
}

/// What strikes one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) kind: FaultKind,
    pub(super) time: Duration,
}

/// All orders, and their chance.
#[derive(Debug, Default)]
pub(super) struct Faults {
    orders: Vec<(Fault, Dice)>,
}

impl Faults {
    /// Takes all these orders, or none.
    pub(super) fn order(&mut self, faults: Vec<Fault>) -> Result<(), FaultError> {
        faults.iter().try_for_each(Fault::check)?;
        self.orders.retain(|(fault, _)| fault.next != Some(0));
        if self.orders.len() + faults.len() > ORDERS_MAX {
            return Err(FaultError::TooMany);
        }
        self.orders.extend(faults.into_iter().map(|fault| {
            let dice = Dice::new(fault.seed);
            (fault, dice)
        }));
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.orders.clear();
    }

    pub(super) fn orders(&self) -> Vec<Fault> {
        self.orders.iter().map(|(fault, _)| fault.clone()).collect()
    }

    /// What strikes a request.
    pub(super) fn strike(&mut self, asked: &Asked<'_>) -> Option<Strike> {
        self.first(|fault| match fault.of {
            _ if fault.fault == FaultKind::Late && !asked.creates() => false,
            Struck::Requests => true,
            Struck::Writes => asked.writes(),
            Struck::Reads => !asked.writes(),
            Struck::Creates => asked.creates(),
            Struck::Batches | Struck::Tokens => false,
        })
    }

    /// What strikes a batch as such.
    pub(super) fn strike_batch(&mut self) -> Option<Strike> {
        self.first(|fault| fault.of == Struck::Batches && fault.fault != FaultKind::Late)
    }

    /// What strikes a request for a token.
    pub(super) fn strike_token(&mut self) -> Option<Strike> {
        self.first(|fault| fault.of == Struck::Tokens)
    }

    fn first(&mut self, could: impl Fn(&Fault) -> bool) -> Option<Strike> {
        for (fault, dice) in &mut self.orders {
            if fault.next == Some(0) || !could(fault) || fault.share.is_some_and(|share| !dice.falls(share)) {
                continue;
            }
            if let Some(next) = &mut fault.next {
                *next -= 1;
            }
            let usual = if fault.fault == FaultKind::Late { 10.0 } else { 1.0 };
            let time = Duration::from_secs_f64(fault.seconds.unwrap_or(usual));
            return Some(Strike { kind: fault.fault, time });
        }
        None
    }
}
