//! How much the practice tenant takes: token buckets of writes and resource units (`facts/graph_users.md` §10).

use std::time::Duration;

use super::asked::Asked;
use crate::model::Timestamp;

/// The time in which resource units are counted.
const UNITS_PER: Duration = Duration::from_secs(10);

/// From this share of what may be used, Graph says how much is (`x-ms-throttle-limit-percentage`).
const TOLD_FROM: f64 = 0.8;

/// How far rejected requests can use more than there is, where they count.
const OVERUSE_MAX: f64 = 0.8;

/// A bucket refills a drop at a time, and drops are fractions: so much less than one write still is one.
const ROUNDING: f64 = 1e-6;

/// How many writes are taken, before the answer is 429: a bucket of so many, which refills evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// So many writes at once …
    pub writes: u32,
    /// … and so many more within this time.
    pub per: Duration,
}

/// What the one application may use in this tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Budget {
    /// Writes (Microsoft: 3,000 in 150 seconds); any number, if not given.
    pub writes: Option<Throttle>,
    /// Resource units in ten seconds (Microsoft: 3,500 to 8,000); any number, if not given.
    pub units: Option<u32>,
    /// Whether `Retry-After` is said with its fraction of a second, as Microsoft's example has it; otherwise rounded up.
    pub fraction: bool,
    /// Whether what is answered 429 is counted, too.
    pub rejected_count: bool,
}

/// What a request that was let through has used.
#[derive(Debug, PartialEq)]
pub(super) struct Charge {
    pub(super) units: u32,
    /// Of the fuller bucket, where it is above 0.8.
    pub(super) share_used: Option<f64>,
}

/// A request there is no room for.
#[derive(Debug, PartialEq)]
pub(super) struct Overdrawn {
    pub(super) after: Duration,
    /// The word for `x-ms-throttle-information`.
    pub(super) what: &'static str,
    pub(super) share_used: f64,
}

#[derive(Debug)]
struct Bucket {
    capacity: f64,
    per_millis: f64,
    level: f64,
    at: Timestamp,
}

impl Bucket {
    fn new(capacity: u32, per: Duration) -> Self {
        let capacity = f64::from(capacity);
        Self { capacity, per_millis: per.as_secs_f64() * 1000.0, level: capacity, at: Timestamp(i64::MIN) }
    }

    fn refill(&mut self, now: Timestamp) {
        let passed = if self.at.0 == i64::MIN { Duration::ZERO } else { now.since(self.at) };
        self.at = now;
        let refilled = passed.as_secs_f64() * 1000.0 * self.capacity / self.per_millis;
        self.level = (self.level + refilled).min(self.capacity);
    }

    fn has(&self, amount: u32) -> bool {
        self.level + ROUNDING >= f64::from(amount)
    }

    fn take(&mut self, amount: u32) {
        self.level = (self.level - f64::from(amount)).max(-OVERUSE_MAX * self.capacity);
    }

    /// Until so much is there.
    fn wait(&self, amount: u32) -> Duration {
        let missing = f64::from(amount) - self.level;
        Duration::from_secs_f64((missing * self.per_millis / self.capacity).max(1.0).ceil() / 1000.0)
    }

    fn share_used(&self) -> f64 {
        1.0 - self.level / self.capacity
    }
}

/// The buckets.
#[derive(Debug, Default)]
pub(super) struct Meter {
    budget: Budget,
    writes: Option<Bucket>,
    units: Option<Bucket>,
}

impl Meter {
    /// Full buckets. A budget of nothing could never refill, and is one.
    pub(super) fn new(budget: Budget) -> Self {
        let bucket = |count: u32, per: Duration| Bucket::new(count.max(1), per.max(Duration::from_millis(1)));
        Self {
            budget,
            writes: budget.writes.map(|throttle| bucket(throttle.writes, throttle.per)),
            units: budget.units.map(|units| bucket(units, UNITS_PER)),
        }
    }

    /// Charges a request, or says how long to wait.
    pub(super) fn charge(&mut self, asked: &Asked<'_>) -> Result<Charge, Overdrawn> {
        let units = cost(asked);
        let uses = [
            (self.writes.as_mut(), u32::from(asked.writes()), "WriteLimitExceeded"),
            (self.units.as_mut(), units, "ResourceUnitLimitExceeded"),
        ];
        let mut uses: Vec<(&mut Bucket, u32, &'static str)> =
            uses.into_iter().filter_map(|(bucket, amount, what)| Some((bucket?, amount, what))).collect();
        uses.iter_mut().for_each(|(bucket, ..)| bucket.refill(asked.now));
        let lacking = uses.iter().find(|(bucket, amount, _)| *amount > 0 && !bucket.has(*amount));
        let overdrawn = lacking.map(|(bucket, amount, what)| Overdrawn {
            after: told(bucket.wait(*amount), self.budget.fraction),
            what,
            share_used: bucket.share_used(),
        });
        if overdrawn.is_none() || self.budget.rejected_count {
            uses.iter_mut().for_each(|(bucket, amount, _)| bucket.take(*amount));
        }
        match overdrawn {
            Some(overdrawn) => Err(overdrawn),
            None => {
                let used = uses.iter().map(|(bucket, ..)| bucket.share_used()).fold(0.0, f64::max);
                Ok(Charge { units, share_used: (used > TOLD_FROM).then_some(used) })
            }
        }
    }
}

fn told(wait: Duration, fraction: bool) -> Duration {
    if fraction { wait } else { Duration::from_secs(wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)) }
}

/// Resource units: users 2, other questions 1, writes 1; `$select` and a small `$top` one less each, `$expand` one more.
fn cost(asked: &Asked<'_>) -> u32 {
    if asked.writes() {
        return 1;
    }
    let base = if asked.segments.first().is_some_and(|first| first == "users") { 2 } else { 1 };
    let is_small = asked.option("$top").and_then(|top| top.parse::<u32>().ok()).is_some_and(|top| top < 20);
    let less = u32::from(asked.option("$select").is_some()) + u32::from(is_small);
    (base + u32::from(asked.option("$expand").is_some())).saturating_sub(less).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &'static str, at: i64, query: &[(&str, &str)]) -> Asked<'static> {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let segments = vec!["users".to_owned()];
        Asked { method, segments, query, eventual: false, body: None, base: "", now: Timestamp(at), lag: None }
    }

    fn writes(fraction: bool, rejected_count: bool) -> Meter {
        let throttle = Throttle { writes: 2, per: Duration::from_secs(10) };
        Meter::new(Budget { writes: Some(throttle), units: None, fraction, rejected_count })
    }

    fn wait(meter: &mut Meter, at: i64) -> Option<u128> {
        meter.charge(&asked("POST", at, &[])).err().map(|over| over.after.as_millis())
    }

    #[test]
    fn the_budget_refills_evenly() {
        let mut meter = writes(true, false);
        let waits = [1_000, 1_000, 1_000, 3_500, 6_000, 6_000].map(|at| wait(&mut meter, at));
        assert_eq!(waits, [None, None, Some(5_000), Some(2_500), None, Some(5_000)]);
        assert_eq!(wait(&mut writes(false, false), 0), None);
    }

    #[test]
    fn a_wait_is_whole_seconds_unless_fractions_are_asked_for() {
        let mut meter = writes(false, false);
        let waits = [0, 0, 1_300].map(|at| wait(&mut meter, at));
        assert_eq!(waits, [None, None, Some(4_000)]);
    }

    #[test]
    fn where_rejected_requests_count_they_put_off_the_end() {
        let mut meter = writes(true, true);
        let waits = [0, 0, 0, 0].map(|at| wait(&mut meter, at));
        assert_eq!(waits, [None, None, Some(5_000), Some(10_000)]);
    }

    #[test]
    fn questions_cost_units_and_small_ones_less() {
        let mut meter = Meter::new(Budget { units: Some(4), ..Budget::default() });
        let whole = meter.charge(&asked("GET", 0, &[])).unwrap();
        assert_eq!((whole.units, whole.share_used), (2, None));
        assert_eq!(meter.charge(&asked("GET", 0, &[("$select", "id"), ("$top", "1")])).unwrap().units, 1);
        let refused = meter.charge(&asked("GET", 0, &[])).unwrap_err();
        assert_eq!((refused.what, refused.after), ("ResourceUnitLimitExceeded", Duration::from_secs(3)));
        assert_eq!(meter.charge(&asked("PATCH", 0, &[])).unwrap().share_used, Some(1.0));
    }
}
