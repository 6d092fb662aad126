//! How fast a tenant may be asked: the gate that a 429 closes, the budget of writes, and how much is asked at once.
//!
//! One pace for all that write to one tenant as one application in this process: Graph counts them together.

mod budget;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

pub use budget::WriteBudget;

use super::batch::BATCH_MAX;
use crate::chance;
use crate::writer::{Pace, Room};

use budget::Budget;
pub(super) use budget::Ready;

/// Requests under way at once to begin with. Graph answers a batch within a second; four of them are eighty calls.
const CONCURRENCY_BASE: f64 = 4.0;

/// Most requests under way at once: as many as a browser's worth of connections to a few hosts, and 320 calls.
const CONCURRENCY_MAX: f64 = 16.0;

/// The requests under way at once are halved once in this time, however many bad answers come: they are of one cause.
const HALVED_EVERY: Duration = Duration::from_secs(1);

/// The first pause where a tenant does not say how long.
const BACKOFF_BASE: Duration = Duration::from_millis(500);

/// The longest pause where a tenant does not say how long: somebody who has repaired it shall see work move.
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// From which share of its limit on the tenant is taken to be nearly full (`x-ms-throttle-limit-percentage`, sent from
/// 0.8 on: `facts/graph_users.md` §10).
const NEAR_LIMIT: f64 = 0.8;

/// How far ahead work is taken on: it waits no longer than this in here.
const AHEAD: Duration = Duration::from_secs(2);

/// The tenants that are written to, so that jobs share what Graph counts together.
#[derive(Debug, Default)]
pub struct Tenants(Mutex<HashMap<String, Weak<Pacer>>>);

impl Tenants {
    /// The pace of the tenant called so; the least budget of all that ask for it counts.
    pub(super) fn pacer(&self, name: &str, budget: WriteBudget) -> Arc<Pacer> {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.retain(|_, pacer| pacer.strong_count() > 0);
        if let Some(pacer) = tenants.get(name).and_then(Weak::upgrade) {
            pacer.state().budget.narrow(budget);
            return pacer;
        }
        let pacer = Arc::new(Pacer::new(budget));
        tenants.insert(name.to_owned(), Arc::downgrade(&pacer));
        pacer
    }
}

/// What an answer says about how the tenant bears what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearing {
    /// Well.
    Well,
    /// It asks for patience: for so long, or without saying how long.
    Patience(Option<Duration>),
    /// It failed at one request, and says nothing of others.
    Poorly,
    /// It gave no answer at all.
    Silent,
}

impl Bearing {
    /// The worse of the two; of two that ask for patience, the longest that is said.
    pub(super) fn or_worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Patience(one), Self::Patience(other)) => Self::Patience(one.max(other)),
            (patience @ Self::Patience(_), _) | (_, patience @ Self::Patience(_)) => patience,
            (Self::Silent, _) | (_, Self::Silent) => Self::Silent,
            (Self::Poorly, _) | (_, Self::Poorly) => Self::Poorly,
            (Self::Well, Self::Well) => Self::Well,
        }
    }
}

/// The pace of one tenant.
#[derive(Debug)]
pub(super) struct Pacer {
    state: Mutex<State>,
    /// Rung whenever more may be begun than before, or less.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    budget: Budget,
    closed_until: Option<Instant>,
    concurrency: f64,
    under_way: usize,
    halved_at: Option<Instant>,
    /// Bad answers one after another.
    failures: u32,
}

impl Pacer {
    pub(super) fn new(budget: WriteBudget) -> Self {
        let state = State {
            budget: Budget::new(budget),
            closed_until: None,
            concurrency: CONCURRENCY_BASE,
            under_way: 0,
            halved_at: None,
            failures: 0,
        };
        Self { state: Mutex::new(state), changed: watch::Sender::new(0) }
    }

    /// Hears when more may be begun, or less.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Until when nothing may be begun.
    pub(super) fn closed_until(&self, now: Instant) -> Option<Instant> {
        self.state().closed_until.filter(|until| *until > now)
    }

    /// Whether one more request may be under way.
    pub(super) fn has_place(&self) -> bool {
        let state = self.state();
        state.under_way < state.concurrency as usize
    }

    /// How many writes that cannot wait may be begun, and how many of `waiting` others.
    pub(super) fn ready(&self, urgent: u32, waiting: u32, now: Instant) -> (u32, Ready) {
        let budget = &mut self.state().budget;
        let urgent = urgent.min(budget.left_at(now));
        (urgent, budget.ready(waiting, now))
    }

    /// Writes a second that the budget bears in the long run, however little is left of it at this moment.
    pub(super) fn steady_rate(&self) -> f64 {
        let size = self.state().budget.size;
        f64::from(size.writes) / size.per.as_secs_f64()
    }

    /// Takes a place for a request with so many writes in it.
    pub(super) fn begin(self: &Arc<Self>, writes: u32, now: Instant) -> Going {
        let mut state = self.state();
        state.under_way += 1;
        state.budget.begin(writes, now);
        Going { pacer: Arc::clone(self), writes, is_sent: false }
    }

    /// Heeds what an answer says.
    pub(super) fn heed(&self, bearing: Bearing, now: Instant) {
        let mut state = self.state();
        match bearing {
            Bearing::Well => state.went_well(),
            Bearing::Patience(after) => state.be_patient(after, now),
            Bearing::Poorly => state.halve(now),
            Bearing::Silent => state.fell_silent(now),
        }
        drop(state);
        self.ring();
    }

    /// The tenant says which share of its limit is in use.
    pub(super) fn heed_share(&self, share: f64, now: Instant) {
        if share >= NEAR_LIMIT {
            self.state().budget.warned(now);
        }
    }

    /// How many more pieces of work may be begun, beside `inside` that were.
    pub(super) fn room(&self, inside: usize, now: Instant) -> Room {
        let mut state = self.state();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            return Room::ClosedFor(until - now);
        }
        let at_once = 2 * BATCH_MAX * state.concurrency as usize;
        let writes = state.budget.soon(AHEAD, now) as usize;
        Room::Open(at_once.min(writes).saturating_sub(inside))
    }

    pub(super) fn pace(&self, now: Instant) -> Pace {
        let mut state = self.state();
        let closed = state.closed_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        Pace {
            writes: state.budget.size.writes,
            per: state.budget.size.per,
            left: state.budget.left_at(now),
            closed_for: closed,
            concurrency: state.concurrency as usize,
        }
    }

    fn end(&self, writes: u32, is_sent: bool) {
        let mut state = self.state();
        state.under_way = state.under_way.saturating_sub(1);
        if is_sent {
            state.budget.end(writes, Instant::now());
        } else {
            state.budget.give_back(writes);
        }
        drop(state);
        self.ring();
    }

    fn ring(&self) {
        self.changed.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One more request at once for as many good answers as there are requests at once.
    fn went_well(&mut self) {
        self.failures = 0;
        self.concurrency = (self.concurrency + 1.0 / self.concurrency).min(CONCURRENCY_MAX);
    }

    /// Nothing is begun before the pause has passed; of several, the longest counts.
    fn be_patient(&mut self, after: Option<Duration>, now: Instant) {
        self.failures += u32::from(after.is_none());
        let pause = after.unwrap_or_else(|| backoff(self.failures));
        self.closed_until = self.closed_until.max(Some(now + pause));
        self.budget.refused(now);
        self.halve(now);
    }

    /// One lost answer is bad luck; several in a row are a tenant that is better left alone for a moment.
    fn fell_silent(&mut self, now: Instant) {
        self.halve(now);
        if self.failures > 0 {
            self.closed_until = self.closed_until.max(Some(now + backoff(self.failures)));
        }
        self.failures += 1;
    }

    fn halve(&mut self, now: Instant) {
        if self.halved_at.is_none_or(|at| at + HALVED_EVERY <= now) {
            self.halved_at = Some(now);
            self.concurrency = (self.concurrency / 2.0).max(1.0);
        }
    }
}

/// A pause that doubles with each failure in a row, and of which the second half is chance, so that those who failed
/// together do not return together.
fn backoff(failures: u32) -> Duration {
    let doubled = BACKOFF_BASE.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let longest = doubled.min(BACKOFF_MAX);
    let share = chance::bytes::<1>().map_or(u8::MAX, |[byte]| byte);
    longest / 2 + (longest / 2).mul_f64(f64::from(share) / f64::from(u8::MAX))
}

/// A request under way. Its place and its share of the budget are given back when this is dropped.
#[derive(Debug)]
pub(super) struct Going {
    pacer: Arc<Pacer>,
    writes: u32,
    is_sent: bool,
}

impl Going {
    /// From now on the tenant may have counted its writes.
    pub(super) fn sent(&mut self) {
        self.is_sent = true;
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.pacer.end(self.writes, self.is_sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pacer() -> Arc<Pacer> {
        Arc::new(Pacer::new(WriteBudget { writes: 100, per: Duration::from_secs(10) }))
    }

    #[test]
    fn the_longest_patience_counts_and_a_shorter_one_does_not_end_it() {
        let pacer = pacer();
        let now = Instant::now();
        pacer.heed(Bearing::Patience(Some(Duration::from_secs(7))), now);
        pacer.heed(Bearing::Patience(Some(Duration::from_secs(2))), now);
        pacer.heed(Bearing::Well, now);
        assert_eq!(pacer.room(0, now), Room::ClosedFor(Duration::from_secs(7)));
        assert_eq!(pacer.pace(now).closed_for, Duration::from_secs(7));
        assert!(pacer.closed_until(now + Duration::from_millis(6_999)).is_some());
        assert_eq!(pacer.closed_until(now + Duration::from_secs(7)), None);
    }

    #[test]
    fn without_a_word_how_long_the_pauses_double_up_to_a_minute() {
        let pacer = pacer();
        let mut now = Instant::now();
        for longest in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000] {
            pacer.heed(Bearing::Patience(None), now);
            let closed = pacer.pace(now).closed_for.as_millis();
            assert!(closed <= longest && closed >= longest / 2, "{closed} of {longest}");
            now += Duration::from_secs(60);
        }
        pacer.heed(Bearing::Well, now);
        pacer.heed(Bearing::Patience(None), now);
        assert!(pacer.pace(now).closed_for <= BACKOFF_BASE);
    }

    #[test]
    fn one_lost_answer_closes_nothing_and_several_do() {
        let pacer = pacer();
        let now = Instant::now();
        pacer.heed(Bearing::Silent, now);
        assert_eq!(pacer.closed_until(now), None);
        pacer.heed(Bearing::Silent, now);
        assert!(pacer.closed_until(now).is_some());
    }

    #[test]
    fn more_is_asked_at_once_while_all_goes_well_and_half_as_much_when_not() {
        let pacer = pacer();
        let mut now = Instant::now();
        assert_eq!(pacer.pace(now).concurrency, 4);
        (0..5).for_each(|_| pacer.heed(Bearing::Well, now));
        assert_eq!(pacer.pace(now).concurrency, 5);
        (0..3).for_each(|_| pacer.heed(Bearing::Poorly, now));
        assert_eq!(pacer.pace(now).concurrency, 2);
        (0..1_000).for_each(|_| pacer.heed(Bearing::Well, now));
        assert_eq!(pacer.pace(now).concurrency, CONCURRENCY_MAX as usize);
        for _ in 0..9 {
            now += HALVED_EVERY;
            pacer.heed(Bearing::Poorly, now);
        }
        assert_eq!(pacer.pace(now).concurrency, 1);
    }

    #[test]
    fn room_is_what_the_budget_and_the_requests_at_once_allow() {
        let pacer = pacer();
        let now = Instant::now();
        // All of the budget, and two seconds of the ten a second that refill.
        assert_eq!(pacer.room(0, now), Room::Open(120));
        assert_eq!(pacer.room(30, now), Room::Open(90));
        let mut going = pacer.begin(50, now);
        going.sent();
        drop(going);
        let now = Instant::now();
        assert_eq!(pacer.pace(now).left, 50);
        // Two seconds of what refills, and of what is left as it is spread.
        assert!(matches!(pacer.room(0, now), Room::Open(60..=62)), "{:?}", pacer.room(0, now));
        let all = pacer.begin(50, now);
        assert_eq!(pacer.pace(now).left, 0);
        // Who waits is not turned away because nothing is left at this very moment.
        assert!((pacer.steady_rate() - 10.0).abs() < 1e-9);
        drop(all);
        assert_eq!(pacer.pace(now).left, 50);
    }

    #[test]
    fn jobs_of_one_tenant_have_one_pace_and_the_least_budget_counts() {
        let tenants = Tenants::default();
        let budget = |writes| WriteBudget { writes, per: Duration::from_secs(150) };
        let one = tenants.pacer("a", budget(3_000));
        let other = tenants.pacer("a", budget(1_000));
        assert!(Arc::ptr_eq(&one, &other));
        assert_eq!(one.state().budget.size, budget(1_000));
        assert!(!Arc::ptr_eq(&one, &tenants.pacer("b", budget(1_000))));
    }
}
